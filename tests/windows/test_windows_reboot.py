"""Reboots of stand-ins for Windows hosts, by the task and by the playbook that installs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from windows_host import create, log, recorded_updates
from windows_plays import EVERYTHING, WindowsPlays

FLASH, REMOVAL, TOOL, DOTNET, DEFENDER, CUMULATIVE = recorded_updates("full_run")
AGENT_SAYS_SO = {"reboot": {"agent": True, "component_servicing": False, "auto_update": False, "file_renames": False}}
RENAMES = {"reboot": {"agent": None, "component_servicing": False, "auto_update": False, "file_renames": True}}


def test_a_host_is_rebooted_by_its_need_and_proved_by_its_boot_time(plays: WindowsPlays, tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {
        # Down for one look after the reboot.
        "needy": {"parts": AGENT_SAYS_SO, "down": 1},
        "content": {},
        "renames": {"parts": RENAMES},
    }
    for name, state in hosts.items():
        plays.add(name, create(tmp_path / name, [], **state))
    ended = plays.play("reboot_host", {"reboot_option": "OnlyIfRequired", "reboot_timeout": 60}, "-f", "3", become=True)
    told = {name: ended.result(name) for name in hosts}
    assert (told["needy"]["state"], told["needy"]["rebooted"], told["needy"]["reboots"]) == ("rebooted", True, 1)
    assert told["needy"]["boot"]["before"] == "2026-11-01T03:00:00Z"
    assert told["needy"]["boot"]["after"] == "2026-11-01T04:00:00Z"
    assert "the update agent says so" in told["needy"]["reason"]
    assert told["content"]["state"] == "not_rebooted"
    # Ordinary installers leave such a value as well.
    assert (told["renames"]["state"], told["renames"]["required"]) == ("not_rebooted", False)
    assert [len(log(tmp_path / name, "reboot")) for name in hosts] == [1, 0, 0]


def test_the_playbook_reboots_each_host_once_for_what_it_installed(plays: WindowsPlays, tmp_path: Path) -> None:
    updates = {"waits": [replace(CUMULATIVE, reboots=True)], "takes_effect": [DEFENDER], "kept_up": [DEFENDER]}
    for name, some in updates.items():
        plays.add(name, create(tmp_path / name, some))
    plays.variables = {
        "patch_baselines": EVERYTHING["baselines"],
        "patch_default_baselines": EVERYTHING["default_baselines"],
        "patch_state_directory": str(plays.state),
        "patch_reboot_option": "{{ 'NoReboot' if inventory_hostname == 'kept_up' else 'RebootIfNeeded' }}",
    }
    ended = plays.run("openfleet.patch.install", "-f", "3")
    assert ended.code == 0, ended.output
    # Windows wanted the first; the second is Patch Manager's rule: something was installed.
    assert {name: len(log(tmp_path / name, "reboot")) for name in updates} == {
        "waits": 1,
        "takes_effect": 1,
        "kept_up": 0,
    }
    for name in updates:
        found = [each["result"] for each in ended.tasks if each["host"] == name and "verdict" in each["result"]][-1]
        assert found["verdict"] == "compliant"
        assert found["document"]["operation"] == "Install"
        assert found["document"]["installation"]["result"] == "SUCCEEDED"


def test_check_mode_reboots_nothing(plays: WindowsPlays, tmp_path: Path) -> None:
    plays.add("needy", create(tmp_path / "needy", [], parts=AGENT_SAYS_SO))
    told = plays.play("reboot_host", {"reboot_option": "OnlyIfRequired"}, "--check").result("needy")
    assert (told["state"], told["changed"]) == ("would_reboot", True)
    assert log(tmp_path / "needy", "reboot") == []
