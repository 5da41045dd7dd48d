"""Runs read back from a state directory: every host, in order, and what cannot be read is told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import candidate, document, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.history import FileHistory
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.checked import why_not_document

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def run(state: Path, day: int) -> Run:
    return open_run(state, now=NOW + timedelta(days=day), controller_key=f"c:{day}")


def made(host: str, finished: str = "2026-11-20T12:00:05Z") -> dict[str, Any]:
    found: dict[str, Any] = document(host, found=inventory(candidates=[candidate("libssl3")]))
    found["times"]["finished_at"] = finished
    return found


def history(state: Path) -> FileHistory:
    return FileHistory(state, why_not_document)


def test_each_host_is_answered_for_by_its_newest_document_of_any_run(tmp_path: Path) -> None:
    first, second = run(tmp_path, 0), run(tmp_path, 1)
    for host in ("a", "b/c"):
        first.write_document(host, made(host))
    second.write_document("a", made("a", "2026-11-21T12:00:05Z"))
    second.write_document("a", made("a", "2026-11-21T13:00:05Z"))
    read = history(tmp_path)
    assert [each.run_id for each in read.runs()] == [first.run_id, second.run_id]
    newest = {each["host"]: each["times"]["finished_at"] for each in read.newest()}
    assert newest == {"a": "2026-11-21T13:00:05Z", "b/c": "2026-11-20T12:00:05Z"}
    assert [each["host"] for each in read.run_documents(first.run_id)] == ["a", "b/c"]
    assert read.run_hosts(second.run_id) == {"a"}
    assert read.run_document(second.run_id, "b/c") is None
    assert read.problems == []


def test_documents_of_a_host_come_in_the_order_of_their_ends(tmp_path: Path) -> None:
    slow, quick = run(tmp_path, 0), run(tmp_path, 1)
    slow.write_document("a", made("a", "2026-11-22T00:00:00Z"))
    quick.write_document("a", made("a", "2026-11-21T00:00:00Z"))
    ends = [each["times"]["finished_at"][:10] for each in history(tmp_path).host_documents("a")]
    assert ends == ["2026-11-21", "2026-11-22"]
    many = [run(tmp_path, day) for day in range(2, 42)]
    for day, each in enumerate(many):
        each.write_document("a", made("a", f"2026-12-01T00:{day:02}:00Z"))
    (documents,) = history(tmp_path).each_host()
    ends = [each["times"]["finished_at"] for each in documents]
    assert len(ends) == 42
    assert ends == sorted(ends)


def test_what_is_broken_is_left_out_and_told(tmp_path: Path) -> None:
    first = run(tmp_path, 0)
    for host in ("a", "b", "c"):
        first.write_document(host, made(host))
    (first.path / "hosts" / "a.json").write_text('{"host": "a"', encoding="utf-8")
    (first.path / "hosts" / "b.json").write_text('{"host": "b"}', encoding="utf-8")
    (tmp_path / "runs" / "stray").mkdir()
    read = history(tmp_path)
    assert [each["host"] for each in read.newest()] == ["c"]
    told = "\n".join(read.problems)
    assert "a.json cannot be read as JSON" in told
    assert "b.json is left out: its schema_version is None" in told
    assert "stray" in told


def test_a_run_that_is_not_there_is_an_error_and_no_runs_are_an_empty_history(tmp_path: Path) -> None:
    read = history(tmp_path / "nothing")
    assert read.runs() == []
    assert list(read.newest()) == []
    with pytest.raises(PatchError) as caught:
        list(read.run_documents("3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"))
    assert caught.value.kind == "no_run"
    with pytest.raises(PatchError) as caught:
        list(read.run_documents("../../etc"))
    assert caught.value.kind == "bad_run_id"


def test_words_of_a_run_are_kept_until_it_grows(tmp_path: Path) -> None:
    first, asked = run(tmp_path, 0), []

    def status_of(found: Any, outcome: Any) -> str:
        asked.append(found)
        return "unreachable" if found is None else str(found["verdict"])

    first.write_document("a", made("a"))
    first.record_outcome("a", {"status": "ok"})
    first.record_outcome("gone", {"status": "unreachable"})
    read = history(tmp_path)
    expected = {"a": "non_compliant", "gone": "unreachable"}
    assert read.run_statuses(first.run_id, status_of) == expected
    assert asked
    asked.clear()
    assert read.run_statuses(first.run_id, status_of) == expected
    assert asked == []
    first.write_document("b", made("b"))
    assert read.run_statuses(first.run_id, status_of) == {**expected, "b": "non_compliant"}
    (first.path / "statuses.json").write_text("[]", encoding="utf-8")
    assert len(read.run_statuses(first.run_id, status_of)) == 3
    assert read.problems == []
