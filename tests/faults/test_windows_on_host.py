"""A host is left alone while its window is closed, shows its plan all the same, and is patched when it opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from install_runs import STATE, Installer, only, version
from openfleet_lab.api import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.slow]
CLOSED = {"name": "over", "schedule": "at(2020-07-07T15:55:00)", "duration": 3}
ALWAYS = {"name": "always", "schedule": "cron(0 0 * * ? *)", "duration": 24}


def test_a_host_starts_when_its_window_is_open_and_not_before(fresh: Callable[..., tuple[LabHost, Installer]]) -> None:
    host, controller = fresh()
    variables = {
        "patch_baselines": [{"name": "of-the-test", "operating_system": "DEBIAN", **only("acme-tool")}],
        "patch_default_baselines": {"DEBIAN": "of-the-test"},
        "patch_state_directory": str(controller.state),
        "patch_refresh": "always",
        "patch_reboot_option": "NoReboot",
    }
    controller.hosts[host.name]["patch_maintenance_windows"] = [CLOSED]
    held = controller.run_playbook("openfleet.patch.install", variables)
    assert held.code == 2, held.output
    outcome = controller.outcome(host)
    assert (outcome["status"], outcome["kind"]) == ("not_started", "window_closed")
    assert "no maintenance window is open" in held.output

    planned = controller.run_playbook("openfleet.patch.install", variables, "--check")
    assert controller.outcome(host)["status"] == "ok", planned.output
    assert version(host, "acme-tool") == "ii 1.0"
    assert host.run(["test", "-e", STATE], check=False).returncode == 1

    controller.hosts[host.name]["patch_maintenance_windows"] = [CLOSED, ALWAYS]
    opened = controller.run_playbook("openfleet.patch.install", variables)
    assert controller.outcome(host)["status"] == "ok", opened.output
    assert version(host, "acme-tool") == "ii 1.1"
