"""What a fleet asks of every host, asked of a Mac: delays, lists of an operator's own, hooks, and taking back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fleet_runs import Fleet, documents
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = [pytest.mark.lab, pytest.mark.endurance]
WEEK = {"filters": {}, "approve_after_days": 7, "enable_non_security": True}


@pytest.fixture
def mac(lab: Lab) -> Iterator[LabHost]:
    host = start_host(lab, "macos14")
    yield host
    host.destroy()


def scan(fleet: Fleet, days: int) -> dict[tuple[str, str], dict[str, Any]]:
    """What a Mac could install, as judged so many days from now, by the clock of the fleet."""
    as_of = (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    options = {"patch_delay_clock": "first_seen", "patch_as_of": as_of}
    play = fleet.run_playbook("openfleet.patch.scan", fleet.variables(**options))
    assert play.code == 0, play.output
    [document] = documents(fleet).values()
    return {
        (each["id"], each["version"]): each for each in document["patches"] if each["reason"] != "superseded_by_newer"
        and each["installed_version"] != each["version"]
    }  # fmt: skip


def test_a_mac_takes_part_in_what_a_fleet_does(mac: LabHost, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, mac)
    # As on macOS 12.3 and later: whatever wants a Python there fails.
    fleet.hosts[mac.name]["ansible_python_interpreter"] = "/no/python3"
    fleet.baselines = {"MACOS": {"approval_rules": [WEEK]}}
    coming = {("Safari", "18.5"), ("macOS Sonoma 14.7", "14.7"), ("ofhello", "2.0"), ("firefox", "141.0,2")}

    # Nothing of a Mac has a date, so days count from the first scan: of the update and of the release that runs.
    today = scan(fleet, 0)
    assert {today[key]["reason"] for key in coming} == {"waiting_for_approval_delay"}
    assert {today[key]["counted_source"] for key in coming} == {"first_seen"}
    later = scan(fleet, 8)
    assert {later[key]["state"] for key in coming} == {"MISSING"}

    # A list of the operator's own replaces what is not approved yet; hooks run around it.
    (tmp_path / "list.yml").write_text("patches:\n  - id: firefox\n  - id: Safari.18.5\n")
    more = {
        "patch_delay_clock": "first_seen",
        "patch_install_override_list": str(tmp_path / "list.yml"),
        "patch_pre_install": {"name": "drain", "command": ["touch", "/tmp/of-drained"]},
        "patch_post_install": {"name": "drained", "command": ["test", "-e", "/tmp/of-drained"]},
        "patch_on_exit": {"name": "known here alone", "command": ["sw_vers"]},
    }
    play = fleet.run_playbook("openfleet.patch.install", fleet.variables(**more))
    assert play.code == 0, play.output
    [document] = documents(fleet).values()
    assert {(each["name"], each["version"]) for each in document["installation"]["installed"]} == {
        ("firefox", "141.0,2"), ("Safari", "18.5"),
    }  # fmt: skip
    assert {each["name"]: each["result"] for each in document["hooks"]} == {
        "drain": "ok", "drained": "ok", "known here alone": "ok",
    }  # fmt: skip

    # What can be shown to anybody names nobody, and nothing of a tap that is not Homebrew's own.
    shown = fleet.run_playbook("openfleet.patch.selftest", fleet.variables())
    assert shown.code == 0, shown.output
    assert "private/tap" in shown.output
    assert [word for word in ("brewowner", "openfleet/demo", "ofhello", "org.example") if word in shown.output] == []

    # What was installed stays, and whoever asks for something else is told so.
    state = (mac.root / "opt/homebrew/var/state.json").read_text()
    task = fleet.roll_back({"approval_rules": [WEEK]}, system="MACOS")
    assert task.status == "failed"
    assert "What macos installed cannot be taken back" in task.result["msg"]
    assert json.loads((mac.root / "opt/homebrew/var/state.json").read_text()) == json.loads(state)
