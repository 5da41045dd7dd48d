"""Hooks and checks around a real installation and a real reboot, on a host with apt and one with dnf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet_runs import RHEL, Fleet, documents, packages
from install_runs import only
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = pytest.mark.lab
UNIT = """
[Service]
ExecStart=/bin/sh -c '%s'
[Install]
WantedBy=multi-user.target
"""
# What is below /run is gone after a boot, so the service that wants it comes up just once.
SERVICES = {"of-keeps": "exec sleep infinity", "of-breaks": "test -e /run/of-once && exec sleep infinity"}
BOOT = ["cat", "/proc/sys/kernel/random/boot_id"]


@pytest.fixture
def hosts(lab: Lab) -> Iterator[dict[str, LabHost]]:
    started: dict[str, LabHost] = {}
    try:
        for name, kind in (("deb", "bookworm"), ("rpm", "rhel9")):
            started[name] = start_host(lab, kind)
        yield started
    finally:
        for host in started.values():
            host.destroy()


def serve(host: LabHost, name: str) -> None:
    """A service that systemd starts at boot, and that is up."""
    unit = UNIT % SERVICES[name]
    program = f"touch /run/of-once; printf '%s' \"$1\" >/etc/systemd/system/{name}.service"
    host.run(["sh", "-c", program, "sh", unit])
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "enable", "--now", name])


def test_hooks_see_both_boots_and_checks_find_the_service_that_did_not_come_back(
    hosts: dict[str, LabHost], tmp_path: Path
) -> None:
    for host in hosts.values():
        serve(host, "of-keeps")
    serve(hosts["deb"], "of-breaks")
    fleet = Fleet(tmp_path, *hosts.values())
    fleet.baselines = {"DEBIAN": only("acme-web", "acme-libauto"), RHEL: only("acme-imp-*")}
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "back.yml").write_text(
        "- name: Note what the hook knows\n  ansible.builtin.command: logger\n"
        "  args: {creates: /nowhere}\n  when: patch_hook_state.installed_count == 0\n"
    )
    hooks: dict[str, Any] = {
        "patch_reboot_option": "RebootIfNeeded",
        "patch_pre_install": {"name": "mark", "command": ["touch", "/run/of-drained"]},
        "patch_post_install": [
            {"name": "before", "command": BOOT},
            {"name": "drained", "command": ["test", "-e", "/run/of-drained"]},
        ],
        "patch_on_exit": [{"name": "after", "command": BOOT}, "hooks/back.yml"],
        "patch_after_reboot_checks": [
            {"services": True, "timeout": 10},
            {"services": ["of-keeps"], "timeout": 10},
            {"name": "ssh here", "port": 22, "timeout": 10},
            {"name": "ssh from there", "port": 22, "on": "controller", "timeout": 10},
            {"name": "nothing there", "port": 1, "required": False, "timeout": 1},
        ],
    }
    play = fleet.run_playbook("openfleet.patch.install", fleet.variables(**hooks))
    assert play.code == 2, play.output
    found = documents(fleet)
    for family, host in hosts.items():
        entries = {each["name"]: each for each in found[host.name]["hooks"]}
        results = {name: each["result"] for name, each in entries.items()}
        assert results == {
            "mark": "ok",
            "before": "ok",
            "drained": "ok",
            "services": "failed" if family == "deb" else "ok",
            "services of-keeps": "ok",
            "ssh here": "ok",
            "ssh from there": "ok",
            "nothing there": "failed",
            "after": "ok",
            "back": "ok",
        }, play.output
        assert entries["before"]["output"] != entries["after"]["output"] == found[host.name]["boot_id"]
        assert found[host.name]["installation"]["result"] == "SUCCEEDED"
    assert packages(hosts["deb"], "acme-web")["acme-web"] != "1.0"
    of_deb = fleet.outcome(hosts["deb"])
    assert (of_deb["status"], of_deb["kind"]) == ("failed", "check_failed")
    assert "of-breaks.service was up and is failed" in of_deb["message"]
    assert fleet.outcome(hosts["rpm"])["status"] == "ok"
