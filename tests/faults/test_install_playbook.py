"""The install playbook over five hosts, of which one is off: every fate is counted, and nobody is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from install_runs import Installer, only, slow_for, version
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture
def five(lab: Lab) -> Iterator[list[LabHost]]:
    hosts: list[LabHost] = []
    try:
        for number in range(5):
            hosts.append(start_host(lab, "bookworm", features=["trouble"] if number == 3 else [], power=number != 1))
        yield hosts
    finally:
        for host in hosts:
            host.destroy()


def statuses(controller: Installer, hosts: list[LabHost]) -> list[str | None]:
    """What the newest run recorded last for each host."""
    folder = (controller.state / "latest").resolve() / "outcomes"
    found = {}
    for path in sorted(folder.iterdir()):
        entry = json.loads(path.read_text())
        found[entry["host"]] = entry["status"]
    return [found.get(host.name) for host in hosts]


def judged_by(name: str, *packages: str) -> dict[str, object]:
    """Variables of a host with a baseline that approves these packages."""
    baseline = {"name": name, "operating_system": "DEBIAN", **only(*packages)}
    return {"patch_baselines": [baseline], "patch_default_baselines": {"DEBIAN": name}}


def test_one_unreachable_host_among_five_is_counted_and_the_gate_holds_the_rest_back(
    five: list[LabHost], tmp_path: Path
) -> None:
    good, off, late, slow, refused = five
    controller = Installer(tmp_path, *five)
    variables = {
        **judged_by("of-the-test", "acme-tool"),
        "patch_state_directory": str(controller.state),
        "patch_refresh": "always",
        "patch_reboot_option": "NoReboot",
        "patch_serial": 2,
        "patch_max_fail_percentage": 10,
    }
    first = controller.run_playbook("openfleet.patch.install", variables, "-T", "3")
    assert first.code != 0
    assert statuses(controller, five) == ["ok", "unreachable", None, None, None], first.output
    assert "1 of 5 hosts failed" in first.output
    assert "3 not started" in first.output
    assert [version(host, "acme-tool") for host in (good, late, slow, refused)] == ["ii 1.1", *["ii 1.0"] * 3]

    # The rest by --limit, each with a fate of its own.
    slow_for(slow, 300)
    controller.hosts[slow.name] |= {"patch_host_timeout": 5} | judged_by("the-slow-one", "acme-slow")
    controller.hosts[refused.name] |= judged_by("the-refused-one", "acme-mover", "acme-tool")
    controller.hosts[late.name] |= judged_by("the-late-one", "acme-tool")
    for name in ("patch_baselines", "patch_default_baselines"):
        variables.pop(name)
    variables["patch_max_fail_percentage"] = 100
    names = ",".join(host.name for host in (late, slow, refused))
    second = controller.run_playbook("openfleet.patch.install", variables, "-T", "3", "--limit", names)
    assert second.code != 0
    assert statuses(controller, five) == [None, None, "ok", "timed_out", "failed"], second.output
    assert version(late, "acme-tool") == "ii 1.1"
    assert (version(refused, "acme-tool"), version(refused, "acme-mover")) == ("ii 1.1", "ii 1.0")
    # A person reads why, not the document.
    assert "acme-mover.all 1.1: would remove acme-victim 1.0" in second.output
    assert "took more than 5 seconds" in second.output
    assert "verdict_reasons" not in second.output
    assert "1 timed out" in second.output
