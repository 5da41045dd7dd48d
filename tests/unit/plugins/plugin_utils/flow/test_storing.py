"""Run directories go into the store again and again; what is too old to be kept does not come back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from documents_for_tests import candidate, document, inventory

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run, utc_text
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.storing import store_runs
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore

START = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def scanned(state: Path, day: int, *hosts: str) -> None:
    """A run on that day in which all of these lacked the same patch."""
    now = START + timedelta(days=day)
    run = open_run(state, now=now, controller_key=f"day {day}")
    for host in hosts:
        made = document(host, found=inventory(candidates=[candidate("libssl3")]))
        made["run"]["id"], made["times"]["finished_at"] = run.run_id, utc_text(now)
        run.write_document(host, made)


def test_what_is_older_than_the_days_to_keep_is_not_taken_again(tmp_path: Path) -> None:
    state, url = tmp_path / "state", str(tmp_path / "store.db")
    scanned(state, 0, "web1", "gone")
    for day in (1, 4, 5):
        scanned(state, day, "web1")
    now = START + timedelta(days=6)
    first = store_runs(str(state), url, run_id="all", keep_days=3, now=now)
    assert (first.added, first.forgotten) == (5, 2)
    again = store_runs(str(state), url, run_id="all", keep_days=3, now=now)
    assert (again.added, again.known, again.forgotten) == (0, 5, 0)
    store = ComplianceStore(url)
    assert [len(list(store.host_documents(host))) for host in ("web1", "gone")] == [2, 1]
    assert {each["host"]: each["since"] for each in store.where("libssl3")} == dict.fromkeys(
        ("web1", "gone"), utc_text(START)
    )
    assert list(store.verify()) == []
    store.close()
    everything = store_runs(str(state), url, run_id="all", keep_days=None, now=now)
    assert (everything.added, everything.known) == (2, 3)
