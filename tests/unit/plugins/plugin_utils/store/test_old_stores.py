"""Stores that earlier versions wrote, kept as they were (tests/golden/stores), are brought up and answer."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import document

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.sightings import Sighting
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.querying import answer
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.reporting import gather_report
from ansible_collections.openfleet.patch.plugins.plugin_utils.store import database
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.database import MIGRATIONS
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.stored_ledger import StoredLedger

KEPT = Path(__file__).resolve().parents[4] / "golden" / "stores"
NOW = datetime(2026, 11, 4, tzinfo=timezone.utc)


def restored(version: int, folder: Path) -> Path:
    path = folder / "store.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((KEPT / f"version_{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def ask(store: ComplianceStore, question: str, **arguments: Any) -> Any:
    given = {name: option.get("default") for name, option in argument_spec("query_compliance").items()}
    return answer(store, {**given, "filters": [], "question": question, **arguments}, hosts=None, now=NOW)


def test_a_store_of_every_version_is_kept() -> None:
    assert sorted(path.stem for path in KEPT.glob("*.sql")) == sorted(f"version_{number}" for number in MIGRATIONS)


@pytest.mark.parametrize("version", sorted(MIGRATIONS))
def test_an_old_store_answers_every_question_and_goes_on(version: int, tmp_path: Path) -> None:
    store = ComplianceStore(str(restored(version, tmp_path)))
    assert [each["host"] for each in ask(store, "where_open", patch="CVE-2026-1234")] == ["db1"]
    over = ask(store, "where_open", patch="CVE-2026-1234", include_closed=True)
    assert [(each["host"], each["closed_by"]) for each in over] == [("db1", None), ("web1", "installed")]
    assert ask(store, "group_state")["instances_with_missing_patches"] == 1
    assert [each["host"] for each in ask(store, "hosts", patch_group="web")] == ["web1"]
    assert [len(each["resolved"]) for each in ask(store, "host_history", host="web1")] == [0, 0, 1]
    assert [each["host"] for each in ask(store, "changes")["hosts"]] == ["web1"]
    assert ask(store, "not_scanned", days=0.25)[0]["host"] == "db1"
    assert {each["status"] for each in ask(store, "effective_patches", baseline="web-prod")} == {"APPROVED"}
    assert ask(store, "patches", host="db1")[0]["id"] == "libssl3.amd64"
    made = gather_report(store, generated_at="2026-11-04T00:00:00Z", with_installs=True)
    assert {host.name: host.status for host in made.hosts} == {"db1": "non_compliant", "web1": "compliant"}
    assert len(made.trend) == 3
    assert list(store.verify()) == []
    assert store.add_document(document("web1"))
    assert list(store.verify()) == []
    key = ("DEBIAN", "Debian12", "libssl3", "amd64", "1.0-2")
    StoredLedger(store.database).keep({key: Sighting("2026-11-01T00:00:00Z", None)})
    assert store.forget("2026-11-03T00:00:00Z") > 0
    store.close()


def test_a_migration_that_breaks_off_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = restored(1, tmp_path)

    def broken(connection: Any) -> None:
        MIGRATIONS[3](connection)
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", {**MIGRATIONS, 3: broken})
        with pytest.raises(PatchError, match="no space left on device"):
            ComplianceStore(str(path))
    with sqlite3.connect(path) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert connection.execute("SELECT version FROM openfleet_version").fetchall() == [(1,)]
    connection.close()
    assert not names & {"openfleet_spans", "openfleet_first_seen"}
    store = ComplianceStore(str(path))
    assert [each["host"] for each in store.where("libssl3")] == ["db1"]
    store.close()
