"""The tasks of an open window on a real host, by priority and once in its opening."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from install_runs import Installer, only, version
from openfleet_lab.api import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.endurance]
ALWAYS = {"name": "always", "schedule": "cron(0 0 * * ? *)", "duration": 24}


def test_a_window_scans_installs_and_runs_a_file_in_this_order_and_once(
    fresh: Callable[..., tuple[LabHost, Installer]],
) -> None:
    host, controller = fresh()
    controller.hosts[host.name]["patch_maintenance_windows"] = [ALWAYS]
    look = [
        {"name": "Look", "ansible.builtin.raw": "dpkg-query -W -f '${Version}' acme-tool > /var/tmp/seen-by-window"}
    ]
    file = controller.folder / "look.yml"
    file.write_text(json.dumps(look))
    variables: dict[str, Any] = {
        "patch_baselines": [{"name": "of-the-test", "operating_system": "DEBIAN", **only("acme-tool")}],
        "patch_default_baselines": {"DEBIAN": "of-the-test"},
        "patch_state_directory": str(controller.state),
        "patch_refresh": "always",
        "patch_reboot_option": "NoReboot",
        "patch_window_tasks": [
            {"name": "look-after", "type": "tasks", "file": str(file), "priority": 5},
            {"name": "patch", "type": "install", "priority": 1},
            {"name": "look-first", "type": "scan", "priority": 0},
        ],
    }
    played = controller.run_playbook("openfleet.patch.window", variables)
    assert played.code == 0, played.output
    assert version(host, "acme-tool") == "ii 1.1"
    assert host.run(["cat", "/var/tmp/seen-by-window"]).stdout == "1.1"
    turns = [
        json.loads(line)
        for line in ((controller.state / "latest").resolve() / "window/turns.jsonl").read_text().splitlines()
    ]
    assert [(each["task"], each["status"]) for each in turns] == [
        (task, status) for task in ("look-first", "patch", "look-after") for status in ("running", "ok")
    ]
    again = controller.run_playbook("openfleet.patch.window", variables)
    assert again.code == 0, again.output
    assert "1 hosts had their tasks in this opening already" in again.output
