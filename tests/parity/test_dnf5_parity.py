"""What our reader calls upgradable and what it knows of notices is what dnf 5 itself says, holds apart; and where dnf 5
goes its own way, we do what Patch Manager does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from dnf_reading import MAPPINGS, reading
from openfleet_lab.api import Lab, LabHost, start_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf5 import build_inventory

pytestmark = pytest.mark.lab
DNF = ["dnf5", "-q", "-C"]
NEW = "1.1-1.fc42"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "fedora42")
    yield started
    started.destroy()


@pytest.fixture(scope="module")
def found(host: LabHost) -> dict[str, Any]:
    return reading(host)


@pytest.fixture(scope="module")
def inventory(found: dict[str, Any]) -> Inventory:
    return build_inventory(found, mappings=MAPPINGS)


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_upgradable_is_what_check_upgrade_lists(host: LabHost, inventory: Inventory) -> None:
    done = host.run([*DNF, "check-upgrade"], check=False)
    assert done.returncode == 100
    theirs = {tuple(line.split()) for line in done.stdout.splitlines() if len(line.split()) == 3}
    ours = {
        (f"{each['name']}.{each['arch']}", each["version"], each["repository"])
        for each in inventory.candidates
        if each["manager_choice"]
    }
    assert ours == theirs
    assert len(ours) == 19
    assert {each["name"]: each["held"]["kind"] for each in inventory.candidates if each["held"]} == {
        "acme-locked": "versionlock", "acme-excluded": "exclude",
    }  # fmt: skip
    # Another stream's version, and what is outside of any module, are no candidates.
    [database] = [each["version"] for each in inventory.candidates if each["name"] == "acme-db"]
    assert database == "10.2-1.module+fc42+2"


def test_notices_are_those_of_advisory_list(host: LabHost, found: dict[str, Any]) -> None:
    theirs = {
        (each["name"], each["type"], each["severity"], each["nevra"], moment(each["buildtime"]))
        for each in json.loads(host.run([*DNF, "advisory", "list", "--all", "--json"]).stdout)
    }
    advisories = found["result"]["advisories"]["rows"]
    ours = set()
    for name, arch, version, index in found["result"]["notices"]["rows"]:
        identifier, kind, severity, _issued, updated = advisories[index][:5]
        ours.add((identifier, kind, severity or "", f"{name}-{version}.{arch}", updated))
    # dnf hides what is excluded, the notice about it too.
    assert {each[0::3] for each in ours - theirs} == {("FEDORA-2026-SA0014", f"acme-excluded-{NEW}.noarch")}
    assert theirs - ours == set()
    # Of a stream that is not enabled, too; no candidate has such a version.
    assert len(theirs) == 24


def test_references_of_a_notice_are_those_of_advisory_info(host: LabHost, inventory: Inventory) -> None:
    whole = host.run([*DNF, "advisory", "info", "--all"]).stdout
    [text] = [part for part in re.split(r"^Name +: ", whole, flags=re.M) if part.startswith("FEDORA-2026-SA0001\n")]
    record = next(each for each in inventory.candidates if (each["name"], each["version"]) == ("acme-crit", NEW))
    [advisory] = record["advisories"]
    assert advisory["cves"] == sorted(set(re.findall(r"CVE-\d+-\d+", text)))
    assert advisory["bugzillas"] == ["2000001"]
    assert "2000001" in text


def test_installed_packages_are_those_of_rpm_with_their_reasons(host: LabHost, inventory: Inventory) -> None:
    form = "%{NAME} %{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
    text = host.run(["rpm", "-qa", "--qf", form]).stdout
    theirs = sorted(tuple(line.split()) for line in text.splitlines() if not line.startswith("gpg-pubkey"))
    ours = [
        (each["name"], each["arch"], each["version"] if ":" in each["version"] else f"0:{each['version']}")
        for each in inventory.installed
    ]
    assert sorted(ours) == theirs
    beside = sorted(each["version"] for each in inventory.installed if each["install_only"])
    assert beside == ["5.14.0-1.fc42", "5.14.0-2.fc42"]
    wanted = set(host.run([*DNF, "repoquery", "--userinstalled", "--qf", "%{name}\\n"]).stdout.split())
    asked = {each["name"] for each in inventory.installed if each["automatic"] is False}
    assert asked - {"acme-excluded"} == wanted - {"acme-excluded"}
    assert len(wanted) > 20


def test_repositories_say_which_have_notices(inventory: Inventory) -> None:
    assert {each["id"]: (each["enabled"], each["security_metadata"]) for each in inventory.repositories} == {
        "fedora": (True, True), "updates": (True, True), "acme": (True, False), "source": (False, None),
    }  # fmt: skip
    assert {each["metadata_age"] is not None for each in inventory.repositories if each["enabled"]} == {True}


def would_move(host: LabHost, *words: str) -> set[tuple[str, str]]:
    """(name, version) of what a dnf command would install, which stops at its own question."""
    text = host.run(["dnf5", "-C", "--assumeno", *words], check=False).stdout
    moved = re.findall(r"^ (\S+) +(?:noarch|x86_64|i686) +(?:0:)?(\S+) +\S+ ", text, re.M)
    return set(moved)


def approved(inventory: Inventory, baseline: dict[str, Any]) -> set[tuple[str, str]]:
    """(name, version) of what a baseline takes and nothing holds."""
    decisions = evaluate(baseline, inventory.candidates, operating_system=inventory.operating_system,
                         as_of="2026-11-20T12:00:00Z")  # fmt: skip
    return {
        (record["name"], record["version"])
        for record, decision in zip(inventory.candidates, decisions, strict=True)
        if decision["decision"] == "approved" and not record["held"]
    }


def test_the_predefined_baseline_takes_what_the_equivalent_command_takes(host: LabHost, inventory: Inventory) -> None:
    """The command for RHEL 8 of the Patch Manager user guide (how patches are installed), in the words of dnf 5."""
    ours = approved(inventory, predefined_baseline(inventory.operating_system))
    theirs = would_move(host, "upgrade", "--minimal", "--advisory-severities=critical,important", "--bugfix")
    # A notice about a version that no repository has selects nothing here; dnf takes whatever is newer.
    assert theirs - ours == {("acme-vanished", "1.2-1.fc42")}
    # dnf 5 does not ask which stream a notice is about, and looks for the version of another one's newer notice.
    assert ours - theirs == {("acme-db", "10.2-1.module+fc42+2")}
    assert len(ours) == 10


def test_a_severity_narrows_security_here_and_widens_it_in_dnf5(host: LabHost, inventory: Inventory) -> None:
    """Patch Manager user guide: keys of one filter group are ANDed. dnf 5 takes security OR that severity."""
    baseline = {
        "name": "critical-security", "operating_system": "REDHAT_ENTERPRISE_LINUX",
        "approval_rules": [
            {"filters": {"classification": ["Security"], "severity": ["Critical"]}, "approve_after_days": 0},
        ],
    }  # fmt: skip
    ours = approved(inventory, baseline)
    assert ours == {("acme-crit", NEW), ("acme-super", "1.2-1.fc42")}
    both = {
        each["name"]
        for each in json.loads(
            host.run([*DNF, "advisory", "list", "--security", "--advisory-severities=critical", "--json"]).stdout
        )
        if each["severity"] == "Low"
    }
    assert both == {"FEDORA-2026-SA0005"}
    # Without --minimal dnf 5, and so the module of its name with security: true, goes on to the later bugfix.
    alone = ["upgrade", "--advisory-severities=critical", "acme-crit"]
    assert would_move(host, *alone, "--minimal") == {("acme-crit", NEW)}
    newest = would_move(host, "upgrade", "--security", "acme-crit")
    assert newest == {("acme-crit", "1.2-1.fc42")}
