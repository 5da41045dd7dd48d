"""One run per ansible-playbook, shared by all its forks; nothing is ever overwritten."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import files
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.baselines import ResolvedBaseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run, utc_text

NOW = datetime(2026, 11, 20, 12, 0, 0, 999999, tzinfo=timezone.utc)
RUN_ID = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"


def opened(state: Path, key: str = "controller:1:2", **options: Any) -> Run:
    return open_run(state, now=options.pop("now", NOW), controller_key=key, **options)


def baseline(digest: str = "sha256:1", name: str = "web-prod") -> ResolvedBaseline:
    return ResolvedBaseline({"name": name, "operating_system": "UBUNTU"}, name, digest, "default for UBUNTU")


def answer(name: str, asked: str = "UBUNTU, patch group 'web'") -> ResolvedBaseline:
    return replace(baseline(name=name), asked=asked)


def problems_of(run: Run) -> list[str]:
    problems: list[str] = []
    run.documents(problems=problems)
    run.outcomes(problems=problems)
    return problems


def modes(state: Path) -> dict[str, int]:
    return {
        str(path.relative_to(state)): stat.S_IMODE(path.lstat().st_mode)
        for path in state.rglob("*")
        if not path.is_symlink()
    }


def test_the_first_caller_makes_the_run_and_later_ones_of_the_same_process_join(tmp_path: Path) -> None:
    first = opened(tmp_path / "state")
    later = opened(tmp_path / "state", now=NOW + timedelta(hours=3))
    assert first.created
    assert not later.created
    assert later.run_id == first.run_id == str(uuid.UUID(first.run_id))
    assert later.as_of == first.as_of == first.started_at == "2026-11-20T12:00:00Z"


def test_another_process_gets_another_run(tmp_path: Path) -> None:
    assert opened(tmp_path, "controller:1:2").run_id != opened(tmp_path, "controller:1:3").run_id


def test_an_explicit_run_id_is_made_once_joined_later_and_kept_by_the_process(tmp_path: Path) -> None:
    made = opened(tmp_path, "first", run_id=RUN_ID.upper())
    joined = opened(tmp_path, "second", run_id=RUN_ID, now=NOW + timedelta(days=9))
    followed = opened(tmp_path, "second")
    assert made.run_id == joined.run_id == followed.run_id == RUN_ID
    assert joined.as_of == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize("run_id", ["1", "../../etc", "3d3c5f0e7a544c399a5d2f3f3a1a9b10", RUN_ID + "\n", "{{ x }}"])
def test_a_run_id_that_is_no_uuid_is_refused_before_anything_is_made(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(PatchError) as caught:
        opened(tmp_path / "state", run_id=run_id)
    assert caught.value.kind == "bad_run_id"
    assert not (tmp_path / "state").exists()


def test_the_time_to_judge_at_can_be_given_in_any_zone_and_is_fixed(tmp_path: Path) -> None:
    made = opened(tmp_path, as_of="2026-11-01T01:30:00+02:00")
    assert made.as_of == "2026-10-31T23:30:00Z"
    assert opened(tmp_path, as_of="2026-10-31T23:30:00").as_of == made.as_of
    with pytest.raises(PatchError) as caught:
        opened(tmp_path, as_of="2026-11-02")
    assert caught.value.kind == "run_conflict"


def test_a_later_invocation_of_a_run_gets_the_baselines_that_the_first_one_did(tmp_path: Path) -> None:
    first = opened(tmp_path, "monday", run_id=RUN_ID)
    first.record_baseline(answer("web-prod"))
    # Hosts of one ansible-playbook may differ by their variables.
    first.record_baseline(answer("web-test"))
    later = opened(tmp_path, "tuesday", run_id=RUN_ID)
    later.record_baseline(answer("web-test"))
    later.record_baseline(answer("db-prod", "UBUNTU, patch group 'db'"))
    later.record_baseline(answer("db-test", "UBUNTU, patch group 'db'"))
    with pytest.raises(PatchError, match="judged by baseline 'web-prod' for UBUNTU, patch group 'web'") as caught:
        later.record_baseline(answer("web-next"))
    assert caught.value.kind == "run_conflict"
    assert "web-next" not in later.baselines()
    opened(tmp_path, "tuesday, by itself").record_baseline(answer("web-next"))


def test_a_run_of_an_earlier_release_that_noted_no_answers_is_joined(tmp_path: Path) -> None:
    run = opened(tmp_path)
    run.record_baseline(answer("web-prod"))
    content = json.loads((run.path / "run.json").read_text())
    del content["resolutions"]
    (run.path / "run.json").write_text(json.dumps(content))
    run.record_baseline(answer("web-prod"))
    run.record_baseline(answer("web-next"))


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PatchError) as caught:
        opened(tmp_path, as_of="next tuesday")
    assert caught.value.kind == "bad_time"


def test_asking_for_a_run_that_nobody_made_does_not_make_it(tmp_path: Path) -> None:
    with pytest.raises(PatchError) as caught:
        opened(tmp_path / "state", create=False)
    assert caught.value.kind == "no_run"
    assert not (tmp_path / "state").exists()


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run = opened(tmp_path / "a" / "state")
        run.record_baseline(baseline())
        run.write_document("web1", {"host": "web1"})
        run.record_outcome("web1", {"status": "ok"})
    finally:
        os.umask(before)
    found = modes(tmp_path)
    assert {mode for name, mode in found.items() if (tmp_path / name).is_dir()} == {0o700}
    assert {mode for name, mode in found.items() if (tmp_path / name).is_file()} == {0o600}
    assert run.warnings == []


def test_a_state_directory_that_others_can_read_is_said(tmp_path: Path) -> None:
    state = tmp_path / "open"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    assert "open to other users (mode 0755)" in opened(state).warnings[0]


def _open_in_a_fork(state: str, key: str, number: int, out: Any) -> None:
    run = opened(Path(state), key)
    run.record_baseline(baseline())
    run.write_document(f"host{number}", {"host": f"host{number}", "number": number})
    run.record_outcome(f"host{number}", {"status": "ok"})
    out.put((run.run_id, run.created))


def test_forks_that_start_together_share_one_run_and_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out: Any = context.Queue()
    workers = [
        context.Process(target=_open_in_a_fork, args=(str(tmp_path / "state"), "k", number, out))
        for number in range(24)
    ]
    for worker in workers:
        worker.start()
    answers = [out.get(timeout=60) for _worker in workers]
    for worker in workers:
        worker.join(60)
    assert len({run_id for run_id, _created in answers}) == 1
    assert sum(created for _run_id, created in answers) == 1
    run = opened(tmp_path / "state", "k")
    assert sorted(run.documents()) == sorted(run.outcomes()) == sorted(f"host{number}" for number in range(24))
    assert list(run.baselines()) == ["web-prod"]
    assert problems_of(run) == []
    assert not list((tmp_path / "state").rglob(".writing-*"))


def test_a_second_document_of_a_host_is_kept_beside_the_first(tmp_path: Path) -> None:
    run = opened(tmp_path)
    paths = [run.write_document("web1", {"host": "web1", "operation": each}) for each in ("Scan", "Install", "Scan")]
    assert [path.name for path in paths] == ["web1.json", "web1~2.json", "web1~3.json"]
    assert json.loads(paths[0].read_text())["operation"] == "Scan"
    assert run.documents()["web1"]["operation"] == "Scan"
    assert run.document("web1") == run.documents()["web1"]
    assert (tmp_path / "hosts" / "web1.json").resolve() == paths[2]


def test_the_newest_of_more_than_nine_outcomes_counts(tmp_path: Path) -> None:
    run = opened(tmp_path)
    for number in range(12):
        run.record_outcome("web1", {"status": "failed", "number": number})
    assert run.outcomes()["web1"]["number"] == 11
    assert (run.outcome("web1") or {})["number"] == 11


def test_outcomes_of_another_process_in_the_same_run_can_be_told_apart(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "first", run_id=RUN_ID), opened(tmp_path, "second", run_id=RUN_ID)
    first.record_outcome("web1", {"status": "failed"})
    second.record_outcome("web2", {"status": "ok"})
    assert sorted(second.outcomes()) == ["web1", "web2"]
    assert sorted(second.outcomes(of_this_process=True)) == ["web2"]
    assert second.outcome("web1") is None


@pytest.mark.parametrize(
    "host",
    [
        "../x",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "web 1",
        "wéb",
        "主机",
        "x" * 3000,
        "\udcff",
        "a\x00b",
        ".hidden",
        "con~2",
    ],
)
def test_any_inventory_name_becomes_one_file_inside_the_run(tmp_path: Path, host: str) -> None:
    run = opened(tmp_path)
    path = run.write_document(host, {"host": host})
    assert path.resolve().parent == (run.path / "hosts").resolve()
    assert len(path.name.encode()) < 255
    assert run.documents() == {host: {"host": host}}
    assert problems_of(run) == []


def test_different_names_never_share_a_file() -> None:
    names = ["web", "web~2", "web.2", "web%7E2", "../x", "..%2Fx", "%2E.%2Fx", "x" * 400, "x" * 401, "", "%", "."]
    assert len({files.safe_name(name) for name in names}) == len(names)


def test_latest_points_at_the_newest_run(tmp_path: Path) -> None:
    opened(tmp_path, "first")
    newest = opened(tmp_path, "second")
    assert (tmp_path / "latest").resolve() == newest.path.resolve()


def test_one_name_means_one_baseline_within_a_run(tmp_path: Path) -> None:
    run = opened(tmp_path)
    run.record_baseline(baseline("sha256:1"))
    run.record_baseline(baseline("sha256:1"))
    with pytest.raises(PatchError) as caught:
        run.record_baseline(baseline("sha256:2"))
    assert caught.value.kind == "run_conflict"
    assert "'web-prod' has two definitions" in caught.value.message
    assert run.baselines()["web-prod"]["digest"] == "sha256:1"
    opened(tmp_path, "another").record_baseline(baseline("sha256:2"))


def test_broken_files_are_named_and_the_others_still_read(tmp_path: Path) -> None:
    run = opened(tmp_path)
    run.write_document("good", {"host": "good"})
    (run.path / "hosts" / "half.json").write_text('{"host": "ha')
    (run.path / "hosts" / "other.json").write_text("[1]")
    (run.path / "outcomes" / "empty.json").write_text("")
    assert run.documents() == {"good": {"host": "good"}}
    assert run.outcomes() == {}
    problems = problems_of(run)
    assert [Path(problem.split()[0]).name for problem in problems] == ["half.json", "other.json", "empty.json"]
    assert run.document("half") is None


def test_a_broken_run_file_is_a_clear_error(tmp_path: Path) -> None:
    run = opened(tmp_path)
    (run.path / "run.json").write_text('{"format": 1')
    with pytest.raises(PatchError) as caught:
        opened(tmp_path)
    assert caught.value.kind == "bad_state_file"
    assert "run.json cannot be read as JSON" in caught.value.message
    (run.path / "run.json").write_text('{"format": 99}')
    with pytest.raises(PatchError, match="not a run file of format 1"):
        opened(tmp_path)


def test_a_broken_pointer_of_the_process_costs_no_more_than_a_new_run(tmp_path: Path) -> None:
    first = opened(tmp_path)
    pointer = next((tmp_path / "controllers").iterdir())
    pointer.write_text("{")
    assert opened(tmp_path).run_id != first.run_id


def test_pointers_of_old_processes_are_forgotten_and_their_runs_kept(tmp_path: Path) -> None:
    old = opened(tmp_path, "old")
    pointer = next((tmp_path / "controllers").iterdir())
    long_ago = (NOW - timedelta(days=31)).timestamp()
    os.utime(pointer, (long_ago, long_ago))
    opened(tmp_path, "new")
    assert not pointer.exists()
    assert old.path.is_dir()


def test_a_lock_held_elsewhere_is_waited_for_and_then_named(tmp_path: Path) -> None:
    with files.locked(tmp_path / "lock"):
        with pytest.raises(PatchError) as caught, files.locked(tmp_path / "lock", timeout=0.05):
            pass
    assert caught.value.kind == "state_locked"
    with files.locked(tmp_path / "lock", timeout=0.05):
        pass


def test_a_state_directory_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PatchError) as caught:
        opened(tmp_path / "file" / "state")
    assert caught.value.kind == "state_unwritable"
    assert "patch_state_directory" in caught.value.message


def test_a_file_system_without_hard_links_still_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_arguments: Any) -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "link", no_links)
    written = [files.write_new_json(tmp_path, "web1", {"n": number}) for number in range(3)]
    assert [json.loads(path.read_text())["n"] for path in written] == [0, 1, 2]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    run = opened(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PatchError, match="No space left on device"):
        run.write_document("web1", {"host": "web1"})
    assert list((run.path / "hosts").iterdir()) == []


def test_a_time_without_a_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="zone"):
        utc_text(datetime(2026, 11, 20))
