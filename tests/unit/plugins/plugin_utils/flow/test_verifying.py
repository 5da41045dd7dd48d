"""Heads that are kept elsewhere, for run directories and for the store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from documents_for_tests import document

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.storing import store_runs
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.verifying import (
    read_heads,
    verify_history,
    write_heads,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.database import tables

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def scan(state: Path, day: int) -> Path:
    run = open_run(state, now=NOW + timedelta(days=day), controller_key=f"c:{day}")
    made = document("a")
    made["run"]["id"] = run.run_id
    return run.write_document("a", made)


def test_heads_of_files_and_of_the_store_are_written_and_expected(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")
    state, url = str(tmp_path), str(tmp_path / "store.db")
    scan(tmp_path, 0)
    for place in (None, url):
        store_runs(state, url, run_id="all", keep_days=None, now=NOW)
        problems, heads, sound = verify_history(state, place, heads=None)
        assert (problems, sound, set(heads)) == ([], 1, {"a"})
        kept = str(tmp_path / "audit" / f"heads-{bool(place)}.json")
        write_heads(kept, heads, "2026-11-20T12:00:00Z")
        assert read_heads(kept) == heads
    scan(tmp_path, 1)
    store_runs(state, url, run_id="all", keep_days=None, now=NOW)
    for place in (None, url):
        heads = read_heads(str(tmp_path / "audit" / f"heads-{bool(place)}.json"))
        assert verify_history(state, place, heads=heads)[0] == []
        lost = verify_history(state, place, heads={**heads, "gone": "sha256:0", "a": "sha256:1"})[0]
        assert {(each["host"], each["kind"]) for each in lost} == {("a", "lost_head"), ("gone", "lost_head")}
    store = ComplianceStore(url)
    with store.database.writing() as connection:
        connection.execute(tables().documents.update().values(verdict="unknown"))
    store.close()
    problems, _heads, sound = verify_history(state, url, heads=None)
    assert [each["kind"] for each in problems] == ["edited", "edited"]
    assert sound == 0


def test_a_file_without_heads_is_refused(tmp_path: Path) -> None:
    for content in (None, "[]", '{"heads": {"a": 1}}'):
        path = tmp_path / "heads.json"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(PatchError) as caught:
            read_heads(str(path))
        assert caught.value.kind in ("no_heads", "bad_state_file")
