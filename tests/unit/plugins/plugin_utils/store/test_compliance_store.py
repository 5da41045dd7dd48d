"""The store keeps every document whole, answers as run directories do, and tells no password; SQLite and PostgreSQL."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import postgres_for_tests
import pytest
from documents_for_tests import FakeRun, candidate, document, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.outcomes import host_status
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.sightings import Sighting
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.history import FileHistory
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.checked import why_not_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.spans import where

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")

from ansible_collections.openfleet.patch.plugins.plugin_utils.store import compliance_store, database
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.stored_ledger import StoredLedger

START = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
NOTICE = [{"id": "DSA-1-1", "cves": ["CVE-2026-1234"], "bugzillas": []}]
ERROR = {"kind": "timed_out", "message": "gave up"}
RUN_ID = FakeRun.run_id
COLLECTIONS = Path(__file__).resolve().parents[5] / ".cache" / "collections"


def at(day: int) -> str:
    return (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def made(host: str, day: int = 0, *, fixed: bool = False, run_id: str = RUN_ID, **options: Any) -> dict[str, Any]:
    found = (
        inventory(installed=[installed("libssl3", "1.0-2", security=True)])
        if fixed
        else inventory(candidates=[candidate("libssl3", advisories=NOTICE)])
    )
    result = document(host, found=found, patch_group="web", **options)
    result["times"]["finished_at"] = at(day)
    result["run"]["id"] = run_id
    return result


def unread(host: str, day: int) -> dict[str, Any]:
    return build_unknown_document(FakeRun(), ERROR, host=host, started_at=at(day), finished_at=at(day))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    reason = postgres_for_tests.why_not()
    if reason:
        pytest.skip(reason)
    with postgres_for_tests.postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store/compliance.db"
        return
    address: str = request.getfixturevalue("server")
    yield address
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


@pytest.fixture
def store(url: str) -> Iterator[ComplianceStore]:
    opened = ComplianceStore(url)
    yield opened
    opened.close()


def test_a_document_is_kept_as_it_was_and_the_same_one_only_once(store: ComplianceStore) -> None:
    store.add_run(RUN_ID, at(0), at(0))
    store.add_run(RUN_ID, at(5), at(5))
    assert [run.as_of for run in store.runs()] == [at(0)]
    assert store.add_document(made("a"))
    assert not store.add_document(made("a"))
    assert list(store.run_documents(RUN_ID)) == [made("a")]
    assert store.run_document(RUN_ID, "a") == made("a")
    assert store.run_document(RUN_ID, "b") is None
    with pytest.raises(PatchError) as caught:
        store.add_document({"host": "x"})
    assert caught.value.kind == "bad_document"


def test_the_store_answers_as_run_directories_do(store: ComplianceStore, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for day in range(3):
        run = open_run(state, now=START + timedelta(days=day), controller_key=f"c:{day}")
        store.add_run(run.run_id, run.as_of, run.started_at)
        for each in (
            made("a", day, fixed=day == 2, run_id=run.run_id, operation="Install", reboot_option="NoReboot"),
            made("b/../Ü", day, run_id=run.run_id),
            {**unread("c", day), "run": {**unread("c", day)["run"], "id": run.run_id}},
        ):
            outcome = {"status": "failed" if each["error"] else "ok", "at": at(day)}
            run.write_document(each["host"], each)
            path = run.record_outcome(each["host"], outcome)
            store.add_document(each)
            store.add_outcome(run.run_id, each["host"], json.loads(path.read_text(encoding="utf-8")))
    files = FileHistory(state, why_not_document)
    assert [vars(run) for run in store.runs()] == [vars(run) for run in files.runs()]
    assert list(store.newest()) == list(files.newest())
    for run in files.runs():
        assert list(store.run_documents(run.run_id)) == list(files.run_documents(run.run_id))
        assert store.run_hosts(run.run_id) == files.run_hosts(run.run_id)
        assert store.outcomes(run.run_id) == files.outcomes(run.run_id)
        assert store.run_statuses(run.run_id, host_status) == files.run_statuses(run.run_id, host_status)
    for host in ("a", "b/../Ü", "c", "nobody"):
        assert list(store.host_documents(host)) == list(files.host_documents(host))
    for wanted in ("CVE-2026-1234", "libssl3", "LIBSSL3.amd64:1.0-2", "dsa-1-1", "nothing"):
        for closed_too in (False, True):
            expected = sorted(where(files.each_host(), wanted, closed_too=closed_too), key=lambda each: each["host"])
            assert list(store.where(wanted, closed_too=closed_too)) == expected
    assert store.no_reboot_installs() == {"a": at(2)}
    assert store.last_readings() == {"a": at(2), "b/../Ü": at(2)}
    with pytest.raises(PatchError) as caught:
        list(store.run_documents("nothing"))
    assert caught.value.kind == "no_run"


def test_documents_that_come_late_are_put_where_they_belong(store: ComplianceStore) -> None:
    for day in (0, 3, 1, 2):
        store.add_document(made("a", day, fixed=day >= 2))
    assert [each["times"]["finished_at"] for each in store.host_documents("a")] == [at(day) for day in range(4)]
    (span,) = store.where("CVE-2026-1234", closed_too=True)
    assert (span["since"], span["closed_at"], span["closed_by"]) == (at(0), at(2), "installed")


def write_documents(url: str, writer: int, count: int) -> None:
    opened = ComplianceStore(url)
    for number in range(count):
        opened.add_document(made("shared", number, run_id=f"{writer}-{number}"))
        opened.add_document(made(f"own-{writer}", number, run_id=f"{writer}-{number}"))
    opened.close()


@pytest.mark.slow
def test_eight_writers_at_once_lose_nothing_and_break_no_chain(url: str) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_documents, args=(url, writer, 6)) for writer in range(8)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(timeout=300)
    assert [each.exitcode for each in writers] == [0] * 8
    store = ComplianceStore(url)
    assert len(list(store.host_documents("shared"))) == 48
    assert [len(list(store.host_documents(f"own-{writer}"))) for writer in range(8)] == [6] * 8
    assert list(store.verify()) == []
    (span,) = (each for each in store.where("libssl3") if each["host"] == "shared")
    assert (span["since"], span["last_seen"]) == (at(0), at(5))
    store.close()


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from ansible_collections.openfleet.patch.plugins.plugin_utils.store import compliance_store, kept_spans
from test_documents import made
store = compliance_store.ComplianceStore(sys.argv[1])
store.add_document(made("a", 0))
write = kept_spans.write_span
def killed(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
kept_spans.write_span = killed
store.add_document(made("b", 0))
"""


def test_a_writer_that_is_killed_leaves_nothing_half(url: str, tmp_path: Path) -> None:
    kept = json.dumps(json.dumps(made("a")))
    text = f"import json\ndef made(host, day):\n    return {{**json.loads({kept}), 'host': host}}\n"
    (tmp_path / "test_documents.py").write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(COLLECTIONS), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    store = ComplianceStore(url)
    assert [each["host"] for each in store.newest()] == ["a"]
    assert [each["host"] for each in store.where("libssl3")] == ["a"]
    assert store.add_document(made("b"))
    assert [each["host"] for each in store.where("libssl3")] == ["a", "b"]
    assert list(store.verify()) == []
    store.close()


def test_a_full_disk_keeps_what_was_there_and_says_so(tmp_path: Path) -> None:
    store = ComplianceStore(str(tmp_path / "store.db"))
    store.add_document(made("a"))

    def full(connection: Any, _record: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    store.close()
    database.sqlalchemy().event.listen(store.database._engine, "connect", full)
    with pytest.raises(PatchError) as caught:
        all(store.add_document(made(f"more-{number}")) for number in range(50))
    assert caught.value.kind == "store_failed"
    assert "database or disk is full" in caught.value.message
    assert "still in the run directory" in caught.value.message
    again = ComplianceStore(str(tmp_path / "store.db"))
    hosts = [each["host"] for each in again.newest()]
    assert hosts[0] == "a"
    assert list(again.verify()) == []
    assert {each["host"] for each in again.where("libssl3")} == set(hosts)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_file_system_without_room_keeps_what_was_there(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=384k", "none", str(small)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        store = ComplianceStore(str(small / "store.db"))
        store.add_document(made("a"))
        with pytest.raises(PatchError) as caught:
            all(store.add_document(made(f"more-{number}")) for number in range(500))
        assert caught.value.kind == "store_failed"
        store.close()
        again = ComplianceStore(str(small / "store.db"))
        hosts = [each["host"] for each in again.newest()]
        assert hosts[0] == "a"
        assert list(again.verify()) == []
        assert {each["host"] for each in again.where("libssl3")} == set(hosts)
        again.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_store_of_the_first_version_is_brought_up_with_its_documents(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", {1: database.MIGRATIONS[1]})
        patched.setattr(compliance_store, "advance_spans", lambda *arguments: None)
        old = ComplianceStore(url)
        for day in (0, 1):
            old.add_document(made("a", day))
        old.close()
    new = ComplianceStore(url)
    assert [each["since"] for each in new.where("CVE-2026-1234")] == [at(0)]
    assert len(list(new.host_documents("a"))) == 2
    new.close()
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", {1: database.MIGRATIONS[1]})
        with pytest.raises(PatchError) as caught:
            ComplianceStore(url)
    assert caught.value.kind == "store_too_new"


def test_edited_and_removed_documents_are_noticed(store: ComplianceStore) -> None:
    for day in range(3):
        store.add_document(made("a", day, run_id=f"run-{day}"))
        store.add_document(made("b", day, run_id=f"run-{day}"))
    assert list(store.verify()) == []
    documents = database.tables().documents
    with store.database.writing() as connection:
        body = connection.execute(database.sqlalchemy().select(documents.c.body).limit(1)).scalar()
        connection.execute(
            documents.update().where(documents.c.host == "a", documents.c.run_id == "run-2").values(body=body)
        )
        connection.execute(documents.delete().where(documents.c.host == "b", documents.c.run_id == "run-1"))
    found = list(store.verify())
    assert [(host, run_id) for host, run_id, _told in found] == [("a", "run-2"), ("b", "run-2")]
    assert "was changed after it was stored" in found[0][2]
    assert "a document was removed" in found[1][2]
    with store.database.writing() as connection:
        connection.execute(documents.update().where(documents.c.host == "a").values(verdict="compliant"))
    assert any("its columns say something else" in told for _host, _run, told in store.verify())


def test_retention_keeps_the_newest_document_of_each_host_and_the_chain(store: ComplianceStore) -> None:
    for day in range(5):
        store.add_run(f"run-{day}", at(day), at(day))
        store.add_outcome(f"run-{day}", "a", {"status": "ok"})
        store.add_document(made("a", day, run_id=f"run-{day}", fixed=day >= 1))
    store.add_document(made("gone", 0, run_id="run-0"))
    assert store.forget(at(3)) == 3
    assert [each["run"]["id"] for each in store.host_documents("a")] == ["run-3", "run-4"]
    assert len(list(store.host_documents("gone"))) == 1
    assert [run.run_id for run in store.runs()] == ["run-0", "run-3", "run-4"]
    assert list(store.where("libssl3", closed_too=True)) == [*store.where("libssl3")]
    assert list(store.verify()) == []
    store.add_document(made("a", 6, run_id="run-6"))
    assert list(store.verify()) == []
    assert store.forget(at(3)) == 0


def test_what_is_open_stays_so_since_documents_that_are_forgotten(store: ComplianceStore) -> None:
    for day in (0, 1, 4, 6):
        store.add_document(made("a", day, run_id=f"run-{day}"))
    assert store.forget(at(4)) == 2
    # One that comes late has all that is kept read anew.
    store.add_document(made("a", 5, run_id="run-5"))
    assert [(each["since"], each["last_seen"]) for each in store.where("libssl3")] == [(at(0), at(6))]
    store.add_document(made("a", 7, run_id="run-7", fixed=True))
    store.add_document(made("a", 9, run_id="run-9"))
    store.add_document(made("a", 8, run_id="run-8", fixed=True))
    found = [(each["since"], each["closed_at"]) for each in store.where("libssl3", closed_too=True)]
    assert found == [(at(0), at(7)), (at(9), None)]


def test_the_file_is_private(tmp_path: Path) -> None:
    store = ComplianceStore(f"sqlite:///{tmp_path}/folder/store.db")
    store.add_document(made("a"))
    assert stat.S_IMODE((tmp_path / "folder" / "store.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ops:s3cr%40t%2Fx@127.0.0.1:1/none?connect_timeout=2",
        "postgresql+psycopg://ops:s3cr%40t%2Fx@[broken/none",
        "postgresql+nothing://ops:s3cr%40t%2Fx@127.0.0.1/none",
        "mysql://ops:s3cr%40t%2Fx@127.0.0.1/none",
        "postgresql://ops:s3cr%40t%2Fx@127.0.0.1:port/none",
    ],
)
def test_no_message_tells_a_password(url: str) -> None:
    with pytest.raises(PatchError) as caught:
        ComplianceStore(url)
    told = f"{caught.value!r} {caught.value.message} {caught.value.details} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    for secret in ("s3cr", "t%2Fx", "@t/x"):
        assert secret not in told


def test_an_unusable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    for url in (str(tmp_path / "file" / "store.db"), "sqlite://", str(tmp_path / "file")):
        with pytest.raises(PatchError) as caught:
            ComplianceStore(url)
        assert caught.value.kind in ("store_failed", "bad_store_url")
    assert os.path.getsize(tmp_path / "file") == len("not a folder")


def test_without_sqlalchemy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(PatchError) as caught:
        ComplianceStore("sqlite:////nowhere/store.db")
    assert caught.value.kind == "no_sqlalchemy"
    assert "pip install" in caught.value.message


SEEN_KEY = ("DEBIAN", "Debian12", "openssl", "amd64", "3.0-1")


def _see_in_a_process(url: str, worker: int) -> None:
    store = ComplianceStore(url)
    for number in range(10):
        both = {(*SEEN_KEY[:4], f"shared-{number}"), (*SEEN_KEY[:4], f"own-{worker}-{number}")}
        StoredLedger(store.database).keep(dict.fromkeys(both, Sighting(at(worker))))
    store.close()


def test_the_stored_ledger_keeps_the_earliest_time_and_date(store: ComplianceStore) -> None:
    ledger = StoredLedger(store.database)
    assert ledger.look([SEEN_KEY]) == {}
    for seen in (Sighting(at(3), at(2)), Sighting(at(1)), Sighting(at(5), at(4))):
        ledger.keep({SEEN_KEY: seen})
    many = {(*SEEN_KEY[:4], str(number)): Sighting(at(1)) for number in range(1203)}
    ledger.keep(many)
    assert ledger.look([SEEN_KEY]) == {SEEN_KEY: Sighting(at(1), at(2))}
    assert ledger.look(many) == many


@pytest.mark.slow
def test_writers_of_the_stored_ledger_lose_nothing_and_agree_on_the_first(url: str) -> None:
    ComplianceStore(url).close()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_see_in_a_process, args=(url, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    store = ComplianceStore(url)
    shared = {(*SEEN_KEY[:4], f"shared-{number}") for number in range(10)}
    own = {(*SEEN_KEY[:4], f"own-{worker}-{number}"): at(worker) for worker in range(4) for number in range(10)}
    found = StoredLedger(store.database).look([*shared, *own])
    assert {key: seen.first_seen for key, seen in found.items()} == own | dict.fromkeys(shared, at(0))
    store.close()
