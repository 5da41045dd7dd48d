"""The ledger remembers the first time, whoever writes at once."""

from __future__ import annotations

import multiprocessing
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.sightings import seen_key, sightings
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.first_seen import FirstSeenLedger
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import utc_text

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
OPENSSL = {"name": "openssl", "arch": "amd64", "version": "3.0.2-1", "product": "Debian12"}


def observe(path: Path, *records: dict[str, Any], now: datetime = NOW, system: str = "DEBIAN") -> list[str]:
    ledger = FirstSeenLedger(path)
    ledger.keep(sightings(records, now=utc_text(now), operating_system=system))
    return [str(first_seen(path, record, system)) for record in records]


def first_seen(path: Path, record: dict[str, Any], system: str) -> str | None:
    key = seen_key(record, system)
    known = FirstSeenLedger(path).look([key])
    return known[key].first_seen if known else None


def test_the_first_time_stays(tmp_path: Path) -> None:
    path = tmp_path / "state" / "first_seen.jsonl"
    assert observe(path, OPENSSL) == ["2026-11-20T12:00:00Z"]
    assert observe(path, OPENSSL, now=NOW + timedelta(days=5)) == ["2026-11-20T12:00:00Z"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 1


def test_a_kb_that_comes_back_with_a_new_update_is_seen_anew(tmp_path: Path) -> None:
    path, system = tmp_path / "ledger", "WINDOWS"
    january, february = ({"kb": "KB890830", "product": "WindowsServer2019", "update_id": name} for name in "ab")
    observe(path, january, system=system)
    later = observe(path, january, february, now=NOW + timedelta(days=31), system=system)
    assert later == ["2026-11-20T12:00:00Z", "2026-12-21T12:00:00Z"]


def test_an_earlier_sight_counts_when_a_clock_was_ahead(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    observe(path, OPENSSL, now=NOW + timedelta(days=300))
    assert observe(path, OPENSSL) == ["2026-11-20T12:00:00Z"]
    assert observe(path, OPENSSL, now=NOW + timedelta(days=1)) == ["2026-11-20T12:00:00Z"]


@pytest.mark.parametrize(
    ("changed", "system"),
    [
        ({"version": "3.0.2-2"}, "DEBIAN"),
        ({"arch": "arm64"}, "DEBIAN"),
        ({"name": "libssl3"}, "DEBIAN"),
        ({"product": "Debian13"}, "DEBIAN"),
        ({}, "UBUNTU"),
    ],
)
def test_each_part_of_the_key_makes_another_version(tmp_path: Path, changed: dict[str, str], system: str) -> None:
    path = tmp_path / "ledger"
    observe(path, OPENSSL)
    assert observe(path, {**OPENSSL, **changed}, now=NOW + timedelta(days=1), system=system) == ["2026-11-21T12:00:00Z"]


def test_updates_without_a_package_name_have_their_kb_as_key(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    observe(path, {"kb": "KB5012345", "title": "Update"}, system="WINDOWS")
    assert first_seen(path, {"kb": "KB5012345"}, "WINDOWS") == "2026-11-20T12:00:00Z"
    assert first_seen(path, {"kb": "KB5012346"}, "WINDOWS") is None


def _observe_in_a_fork(path: str, worker: int) -> None:
    for number in range(40):
        shared = {**OPENSSL, "version": f"shared-{number}"}
        own = {**OPENSSL, "version": f"own-{worker}-{number}"}
        observe(Path(path), shared, own, now=NOW + timedelta(seconds=worker))


@pytest.mark.slow
def test_eight_writers_at_once_lose_nothing_and_agree(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_observe_in_a_fork, args=(str(path), number)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    for worker_number in range(8):
        for number in range(40):
            assert first_seen(path, {**OPENSSL, "version": f"own-{worker_number}-{number}"}, "DEBIAN") is not None
    shared = {first_seen(path, {**OPENSSL, "version": f"shared-{number}"}, "DEBIAN") for number in range(40)}
    assert None not in shared


def test_half_a_line_swallows_neither_itself_nor_the_next(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    observe(path, OPENSSL)
    with path.open("a") as stream:
        stream.write('{"operating_system": "DEBIAN", "prod')
    newer = {**OPENSSL, "version": "3.0.2-2"}
    observe(path, newer, now=NOW + timedelta(days=1))
    assert first_seen(path, OPENSSL, "DEBIAN") == "2026-11-20T12:00:00Z"
    assert first_seen(path, newer, "DEBIAN") == "2026-11-21T12:00:00Z"


def test_lines_of_wrong_types_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_text(
        '[]\n7\n{"operating_system": 1, "product": "", "name": "", "arch": "", "version": "", "first_seen": ""}\n'
    )
    assert observe(path, OPENSSL) == ["2026-11-20T12:00:00Z"]


def test_hostile_versions_stay_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    hostile = {**OPENSSL, "version": '1\n{"first_seen": "1970"}\u2028', "name": "{{ lookup('pipe', 'id') }}"}
    observe(path, hostile, OPENSSL)
    assert len(path.read_bytes().splitlines()) == 2
    assert first_seen(path, hostile, "DEBIAN") == "2026-11-20T12:00:00Z"


def test_nothing_new_needs_no_write(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    observe(path, OPENSSL)
    path.chmod(0o400)
    before = path.stat().st_mtime_ns
    assert observe(path, OPENSSL) == ["2026-11-20T12:00:00Z"]
    assert observe(tmp_path / "none" / "ledger") == []
    assert path.stat().st_mtime_ns == before
    assert not (tmp_path / "none").exists()


def test_a_ledger_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    with pytest.raises(PatchError) as caught:
        observe(tmp_path / "ledger", OPENSSL)
    assert caught.value.kind == "bad_state_file"


def test_of_the_dates_that_a_repository_had_the_earliest_is_kept(tmp_path: Path) -> None:
    path, key = tmp_path / "ledger", seen_key(OPENSSL, "DEBIAN")
    for day, dated in ((0, "2026-11-19T06:00:00Z"), (5, "2026-11-24T06:00:00Z"), (6, None)):
        observe(path, {**OPENSSL, "repository_date": dated}, now=NOW + timedelta(days=day))
    known = FirstSeenLedger(path).look([key])[key]
    assert (known.first_seen, known.repository_date) == ("2026-11-20T12:00:00Z", "2026-11-19T06:00:00Z")
    assert len(path.read_text().splitlines()) == 1
