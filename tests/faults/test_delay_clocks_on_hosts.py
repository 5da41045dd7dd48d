"""Delays count by the fleet's own clocks on hosts whose vendors or repositories tell no date: apt, dnf and zypper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from install_runs import Installer
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.endurance]
KINDS = {
    "bookworm": "DEBIAN",
    "ubuntu2204": "UBUNTU",
    "rhel9": "REDHAT_ENTERPRISE_LINUX",
    "sles15": "SUSE",
}
WEEK = {"filters": {}, "approve_after_days": 7, "enable_non_security": True}
VARIABLES: dict[str, Any] = {
    "patch_baselines": [
        {"name": f"week-{system}", "operating_system": system, "approval_rules": [WEEK]} for system in KINDS.values()
    ],
    "patch_default_baselines": {system: f"week-{system}" for system in KINDS.values()},
}


@pytest.fixture
def hosts(lab: Lab) -> Iterator[dict[str, LabHost]]:
    started = {kind: start_host(lab, kind) for kind in KINDS}
    for kind in ("rhel9", "sles15"):
        # No update notices, and so no dates of the vendor.
        started[kind].own_rpm_repositories().drop_notices()
    yield started
    for host in started.values():
        host.destroy()


def test_a_week_counts_from_the_first_scan_or_from_the_repository_where_no_vendor_tells_a_date(
    hosts: dict[str, LabHost], tmp_path: Path
) -> None:
    controller = Installer(tmp_path, *hosts.values())
    began = datetime.now(timezone.utc)

    def scan(clock: str | None, days: int, refresh: str = "never") -> dict[str, list[dict[str, Any]]]:
        """What could be installed on each host, as judged so many days from now."""
        as_of = (began + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        named = {"patch_delay_clock": clock} if clock else {}
        settings = {"patch_state_directory": str(controller.state), "patch_refresh": refresh, "patch_as_of": as_of}
        played = controller.run_playbook("openfleet.patch.scan", VARIABLES | settings | named)
        assert played.code == 0, played.output
        found = {}
        for kind, host in hosts.items():
            document = json.loads((controller.state / "hosts" / f"{host.name}.json").read_text())
            assert document["delay_clock"] == (clock or "vendor")
            found[kind] = [
                each
                for each in document["patches"]
                if each["version"] and each["reason"] not in ("superseded_by_newer", "not_installed")
            ]
            assert found[kind], kind
        return found

    # As Patch Manager: apt knows no dates and approves at once, the others count from the build.
    plain = scan(None, 0, refresh="always")
    for kind, entries in plain.items():
        sources = {each["counted_source"] for each in entries}
        assert sources == ({None} if kind in ("bookworm", "ubuntu2204") else {"build_time"}), kind

    # The ledger knows of that first scan although no delay counted from it.
    today = scan("vendor_else_first_seen", 6)
    for kind, entries in today.items():
        waits = {each["reason"] for each in entries}
        assert waits == {"waiting_for_approval_delay"}, kind
        assert {each["counted_source"] for each in entries} == {"first_seen"}, kind
        for each in entries:
            seen = datetime.fromisoformat(each["counted_from"].replace("Z", "+00:00"))
            assert abs(seen - began) < timedelta(minutes=10)
            assert each["approves_on"] == (seen + timedelta(days=7)).strftime("%Y-%m-%d")
            assert f"first seen on {each['counted_from'][:10]}" in each["explanation"]
    later = scan("vendor_else_first_seen", 8)
    for kind, entries in later.items():
        assert "MISSING" in {each["state"] for each in entries}, kind
        assert {each["decision"] for each in entries if not each["detail"]} == {"approved"}, kind

    by_repository = scan("repository", 60)
    for kind, entries in by_repository.items():
        source = "repository" if kind in ("bookworm", "ubuntu2204") else "build_time"
        assert {each["counted_source"] for each in entries} == {source}, kind
        assert {each["decision"] for each in entries if not each["detail"]} == {"approved"}, kind
