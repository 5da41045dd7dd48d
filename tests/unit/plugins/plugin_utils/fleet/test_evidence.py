"""What was edited, removed or added by hand after it was written is noticed."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from documents_for_tests import document

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.evidence import Verified, verify
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def run(state: Path, day: int) -> Run:
    return open_run(state, now=NOW + timedelta(days=day), controller_key=f"c:{day}")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Three runs of two hosts; a is read twice in the last."""
    for day in range(3):
        opened = run(tmp_path, day)
        for host in ("a", "b/c"):
            opened.write_document(host, document(host))
    opened.write_document("a", document("a", operation="Install"))
    return tmp_path


def kinds(done: Verified) -> list[tuple[str, str]]:
    return [(each["host"], each["kind"]) for each in done.problems]


def files_of(state: Path, name: str) -> list[Path]:
    runs = [run(state, day).path for day in range(3)]
    return [path / "hosts" / f"{name}.json" for path in runs]


def test_what_nobody_touched_is_as_it_was_written(state: Path) -> None:
    done = verify(state)
    assert (done.problems, done.documents) == ([], 7)
    assert set(done.heads) == {"a", "b%2Fc"}
    assert verify(state, heads=done.heads).problems == []
    assert verify(state / "nothing") == Verified()
    assert {path.stat().st_mode & 0o777 for path in (state / "chains").iterdir()} == {0o600}


def test_spaces_and_order_are_no_edit_a_changed_value_is(state: Path) -> None:
    path = files_of(state, "a")[1]
    made = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(dict(reversed(made.items())), indent=2), encoding="utf-8")
    assert verify(state).problems == []
    path.write_text(json.dumps({**made, "verdict": "unknown"}), encoding="utf-8")
    assert kinds(verify(state)) == [("a", "edited")]
    path.write_text("{", encoding="utf-8")
    assert kinds(verify(state)) == [("a", "edited")]


def test_a_removed_document_and_a_removed_run_are_told_apart(state: Path) -> None:
    files_of(state, "a")[0].unlink()
    assert kinds(verify(state)) == [("a", "removed")]
    shutil.rmtree(run(state, 1).path)
    assert kinds(verify(state)) == [("a", "removed"), ("a", "run_removed"), ("b%2Fc", "run_removed")]


def test_a_document_that_no_task_wrote_is_told(state: Path) -> None:
    path = files_of(state, "a")[0]
    shutil.copy(path, path.with_name("forged.json"))
    shutil.copy(path, path.with_name("a~9.json"))
    assert sorted(kinds(verify(state))) == [("a", "unrecorded"), ("forged", "unrecorded")]


def without_second(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def with_another_digest(lines: list[str]) -> list[str]:
    return [lines[0], lines[1].replace("sha256:", "sha256:0", 1), *lines[2:]]


def turned_round(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def with_half_a_line(lines: list[str]) -> list[str]:
    return [*lines[:2], '{"half', *lines[2:]]


def with_a_way_out(lines: list[str]) -> list[str]:
    return [*lines, '{"run_id":"..","file":"x","digest":"","baseline":"","chain":""}']


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (without_second, {"broken_chain", "unrecorded"}),
        (with_another_digest, {"broken_chain", "edited"}),
        (turned_round, {"broken_chain"}),
        (with_half_a_line, {"broken_chain"}),
        (with_a_way_out, {"broken_chain"}),
    ],
)
def test_a_chain_that_was_edited_is_told(state: Path, edit: Callable[[list[str]], list[str]], found: set[str]) -> None:
    chain = state / "chains" / "a.jsonl"
    chain.write_text("\n".join(edit(chain.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    assert set(kinds(verify(state))) == {("a", kind) for kind in found}


def test_only_a_head_kept_elsewhere_shows_that_the_newest_was_cut_off(state: Path) -> None:
    heads = verify(state).heads
    chain = state / "chains" / "a.jsonl"
    lines = chain.read_text(encoding="utf-8").splitlines()
    chain.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    run(state, 2).path.joinpath("hosts", "a~2.json").unlink()
    assert verify(state).problems == []
    assert kinds(verify(state, heads=heads)) == [("a", "lost_head")]
    chain.unlink()
    assert ("a", "lost_head") in kinds(verify(state, heads=heads))


def test_the_chain_goes_on_behind_a_line_that_was_torn(state: Path) -> None:
    chain = state / "chains" / "a.jsonl"
    with chain.open("a", encoding="utf-8") as stream:
        stream.write('{"run_id":"torn')
    run(state, 2).write_document("a", document("a", operation="Install"))
    done = verify(state)
    assert kinds(done) == [("a", "broken_chain")]
    assert "interrupted write" in done.problems[0]["message"]
    assert done.documents == 8


def write(state: Path, number: int) -> None:
    opened = open_run(state, now=NOW, controller_key=f"p:{number}")
    for _time in range(5):
        opened.write_document("a", document("a"))


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(tmp_path, number)) for number in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(timeout=300)
    assert [each.exitcode for each in writers] == [0] * 4
    done = verify(tmp_path)
    assert (done.problems, done.documents) == ([], 20)
