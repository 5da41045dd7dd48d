"""Maintenance windows with the real tasks: who is started, who is left alone, and a list that touches nobody."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import Played, make_collection, play

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.controller import controller_key
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run

pytestmark = pytest.mark.slow
# Whoever is started is out of reach: that it was tried shows in its outcome.
GONE = "- ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_common_args='-o BatchMode=yes'"
ALWAYS = {"name": "always", "schedule": "cron(0 0 * * ? *)", "duration": 24}
OVER = {"name": "over", "schedule": "at(2020-07-07T15:55:00)", "duration": 3}
FREEZE = {"name": "freeze", "start": "2020-01-01", "end": "2198-12-31"}
SUNDAYS = {"name": "sundays", "schedule": "cron(0 2 ? * SUN *)", "duration": 4, "cutoff": 1}


@pytest.fixture(params=["2.16", "2.21"])
def core(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(core: str, folder: Path, playbook: str, hosts: dict[str, dict[str, Any]], *arguments: str) -> Played:
    """``hosts`` maps each name to its variables."""
    (folder / "host_vars").mkdir(exist_ok=True)
    for name, variables in hosts.items():
        (folder / "host_vars" / f"{name}.json").write_text(json.dumps(variables), encoding="utf-8")
    collections = folder / "collections"
    try:
        return play(
            core,
            collections if collections.exists() else make_collection(collections),
            folder,
            dict.fromkeys(hosts, GONE),
            *arguments,
            playbooks=(playbook,),
        )
    except LookupError as missing:
        pytest.skip(str(missing))


def test_only_hosts_with_an_open_window_are_started_and_the_others_are_no_failures(core: str, tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {
        "closed": {"patch_maintenance_windows": [OVER]},
        "frozen": {"patch_maintenance_windows": [ALWAYS], "patch_blackouts": [FREEZE]},
        "long": {"patch_maintenance_windows": [ALWAYS | {"duration": 1}], "patch_expected_minutes": 90},
        "open": {"patch_maintenance_windows": [OVER, ALWAYS]},
        "late": {},
    }
    played = run(core, tmp_path, "openfleet.patch.install", hosts, "-e", "patch_serial=1")
    assert played.rc == 2, played.output
    # Three left alone did not count for the gate; the one that could not be reached did.
    assert played.outcomes() == {
        "closed": "not_started",
        "frozen": "not_started",
        "long": "not_started",
        "open": "unreachable",
    }
    assert played.told() == "5 hosts, 1 unreachable, 4 not started"
    summary = " ".join(played.summary.split())
    assert "closed: no maintenance window is open; none of its windows opens again" in summary
    assert "none of the openings to come is long enough and free of blackouts" in summary
    assert "frozen: blackout 'freeze' lasts until 2199-01-01 00:00 UTC" in summary
    assert "late: 1 of 5 hosts failed, timed out or were unreachable (open), and 0 are allowed" in summary


def test_a_playbook_that_only_windows_held_back_ends_with_zero_if_asked(tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {"closed": {"patch_maintenance_windows": [OVER]}}
    quiet = ("-e", '{"patch_fail_on": ["failed", "timed_out", "unreachable"]}')
    played = run("2.21", tmp_path, "openfleet.patch.install", hosts, *quiet)
    assert played.rc == 0, played.output
    assert played.told() == "1 host, 1 not started"


def test_openings_are_listed_without_a_connection_once_for_hosts_that_have_the_same(core: str, tmp_path: Path) -> None:
    both: dict[str, Any] = {"patch_maintenance_windows": [SUNDAYS]}
    hosts: dict[str, dict[str, Any]] = {
        "web1": both,
        "web2": both,
        "wrong": {
            "patch_maintenance_windows": [SUNDAYS, {"name": "b", "schedule": "cron(0 2 ? * MOO *)", "duration": 1}],
            "patch_blackouts": [{"name": "freeze"}],
        },
    }
    arguments = ("-e", "patch_at=2026-11-22T03:00:00Z", "-e", "patch_openings=2")
    played = run(core, tmp_path, "openfleet.patch.windows", hosts, *arguments)
    assert "=> (item=web1, web2)" in played.output, played.output
    for line in (
        "window 'sundays' is open until 2026-11-22 06:00 UTC; hosts may start before 2026-11-22 05:00 UTC",
        "sundays: Sun 2026-11-29 02:00 to 06:00 UTC, hosts start before 05:00",
        "sundays: Sun 2026-12-06 02:00 to 06:00 UTC, hosts start before 05:00",
    ):
        assert played.output.count(line) == 1
    # Every mistake of the one host, at once.
    assert played.rc == 2
    assert "maintenance_windows[1].name: 'b' is not a name of 3 to 128" in played.output
    assert "maintenance_windows[1].schedule: day of week: 'MOO'" in played.output
    assert "blackouts[0]: needs either start and end, or schedule and duration" in played.output
    assert not played.state.exists()


def test_no_host_starts_after_the_time_of_the_whole_run(tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {"a": {"patch_maintenance_windows": [ALWAYS]}, "b": {}}
    began = datetime.now(timezone.utc) - timedelta(minutes=5)
    joined = open_run(str(tmp_path / "state"), run_id=None, as_of=None, now=began, controller_key=controller_key())
    given = {"patch_run_timeout": 200, "patch_requested_by": "alice", "patch_run_id": joined.run_id}
    played = run("2.16", tmp_path, "openfleet.patch.install", hosts, "-e", json.dumps(given))
    assert played.rc == 2, played.output
    assert played.outcomes() == {"a": "not_started", "b": "not_started"}
    assert "the run may take 200 seconds" in " ".join(played.summary.split())


def test_hosts_are_rebooted_only_in_their_windows(tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {
        "closed": {"patch_maintenance_windows": [OVER]},
        "open": {"patch_maintenance_windows": [ALWAYS]},
    }
    played = run("2.21", tmp_path, "openfleet.patch.reboot", hosts)
    assert played.rc == 2, played.output
    assert played.outcomes() == {"closed": "not_started", "open": "unreachable"}
    noted = json.loads((played.run / "outcomes" / "closed.json").read_text())
    assert (noted["operation"], noted["kind"]) == ("Reboot", "window_closed")
