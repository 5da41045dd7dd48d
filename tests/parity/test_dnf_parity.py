"""What our reader calls upgradable and what it knows of notices is what dnf itself says, holds apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from dnf_reading import reading
from openfleet_lab import layers
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.rpm_distributions import RPM_DISTRIBUTIONS
from openfleet_lab.rpm_packages import NOTICES

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory

pytestmark = pytest.mark.lab
DNF = ["dnf", "-q", "-C"]


KINDS = layers.kinds("dnf")


@pytest.fixture(scope="module", params=KINDS)
def each(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Read]:
    """A host of every distribution and what we read on it."""
    started = start_host(lab, request.param)
    answer = reading(started)
    yield Read(request.param, started, answer, build_inventory(answer))
    started.destroy()


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "rhel9")
    yield started
    started.destroy()


@pytest.fixture(scope="module")
def found(host: LabHost) -> dict[str, Any]:
    return reading(host)


@pytest.fixture(scope="module")
def inventory(found: dict[str, Any]) -> Inventory:
    return build_inventory(found)


@dataclass
class Read:
    kind: str
    host: LabHost
    answer: dict[str, Any]
    inventory: Inventory


def named(record: dict[str, Any]) -> str:
    return f"{record['name']}-{record['version']}.{record['arch']}"


def test_upgradable_is_what_check_update_lists(each: Read) -> None:
    inventory = each.inventory
    done = each.host.run([*DNF, "check-update"], check=False)
    assert done.returncode == 100
    # Replacements under another name come last, under a heading of their own: we install nothing new.
    listed, _heading, replacements = done.stdout.partition("Obsoleting Packages")
    theirs = {tuple(line.split()) for line in listed.splitlines() if line.strip()}
    ours = {
        (f"{record['name']}.{record['arch']}", record["version"], record["repository"])
        for record in inventory.candidates
        if record["manager_choice"]
    }
    assert ours == theirs
    assert len(ours) == 19
    told = [(new["name"], new["replaces"]) for new in inventory.findings["replacements"]]
    assert told == [("acme-newname", "acme-oldname")]
    assert "acme-newname" in replacements
    assert "acme-newname" not in {record["name"] for record in inventory.candidates}


def test_streams_that_are_not_enabled_and_what_a_module_hides_are_no_candidates(each: Read) -> None:
    assert each.inventory.findings["modules"] == [{"name": "acme-db", "stream": "10", "state": "enabled"}]
    tag = RPM_DISTRIBUTIONS[each.kind].evr("10.2-1.module+el9+2")
    found = [record for record in each.inventory.candidates if record["name"] == "acme-db"]
    assert [record["version"] for record in found] == [tag]
    stream = each.host.run([*DNF, "module", "list", "acme-db"]).stdout
    assert re.search(r"^acme-db +10 \[e\]", stream, re.M)
    assert re.search(r"^acme-db +12  ", stream, re.M)


def test_excludes_do_not_bring_back_what_modules_hide(host: LabHost) -> None:
    host.run(["sh", "-c", "cp -p /etc/dnf/dnf.conf /root/dnf.conf && echo excludepkgs=acme-db >>/etc/dnf/dnf.conf"])
    try:
        found = [each for each in build_inventory(reading(host)).candidates if each["name"] == "acme-db"]
    finally:
        host.run(["mv", "/root/dnf.conf", "/etc/dnf/dnf.conf"])
    assert [(each["version"], each["held"]["kind"]) for each in found] == [("10.2-1.module+el9+2", "exclude")]


def test_every_difference_is_a_lock_or_an_exclude(inventory: Inventory) -> None:
    held = {each["name"]: each["held"]["kind"] for each in inventory.candidates if each["held"]}
    assert held == {"acme-locked": "versionlock", "acme-excluded": "exclude"}
    assert {(each["name"], each["version"], each["kind"]) for each in inventory.holds} == {
        ("acme-locked", "1.1-1.el9", "lock"), ("acme-excluded", "1.1-1.el9", "exclude"),
    }  # fmt: skip


def test_notices_are_those_of_updateinfo(each: Read) -> None:
    found = each.answer
    text = each.host.run([*DNF, "updateinfo", "list", "--all"]).stdout
    # "i RHSA-2025:0019 Moderate/Sec.  kernel-core-5.14.0-2.el9.x86_64"
    theirs = set(re.findall(r"^.? +(\S+) (\S+) +(\S+)$", text, re.M))
    advisories = found["result"]["advisories"]["rows"]
    ours = set()
    for name, arch, version, index in found["result"]["notices"]["rows"]:
        identifier, kind, severity = advisories[index][:3]
        # Lower-case words, as Amazon Linux writes them, mean nothing to dnf of other distributions.
        known = severity if severity in ("Critical", "Important", "Moderate", "Low") else "Unknown"
        shown = f"{known}/Sec." if kind == "security" else kind
        ours.add((identifier, shown, f"{name}-{version}.{arch}"))
    assert theirs - ours == set()
    if each.kind == "centos8":
        assert (ours, theirs) == (set(), set())
        assert "no_security_metadata" in {note["kind"] for note in each.inventory.warnings}
        return
    # dnf hides what is excluded, the notice about it too.
    distribution = RPM_DISTRIBUTIONS[each.kind]
    word = "Unknown" if distribution.severities else "Important"
    [notice] = distribution.notices(tuple(each for each in NOTICES if each.id == "RHSA-2026:0014"))
    assert ours - theirs == {(notice.id, f"{word}/Sec.", distribution.evr("acme-excluded-1.1-1.el9.noarch"))}
    assert len(theirs) == 23


def test_references_and_dates_of_a_notice_are_those_of_updateinfo(host: LabHost, inventory: Inventory) -> None:
    text = host.run([*DNF, "updateinfo", "info", "--all", "RHSA-2026:0003"]).stdout
    record = next(each for each in inventory.candidates if each["name"] == "acme-imp")
    moment = re.search(r"Updated: (\S+) (\S+)", text)
    assert moment
    assert record["released"] == f"{moment.group(1)}T{moment.group(2)}Z" == "2026-03-01T12:30:00Z"
    assert record["advisories"][0]["cves"] == re.findall(r"CVE-\d+-\d+", text)


def test_dates_of_notices_do_not_depend_on_the_zone_of_the_host(host: LabHost, found: dict[str, Any]) -> None:
    try:
        host.run(["ln", "-sf", "/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime"])
        assert reading(host)["result"]["advisories"] == found["result"]["advisories"]
    finally:
        host.run(["rm", "-f", "/etc/localtime"])


def test_installed_packages_are_those_of_rpm_with_every_kernel(host: LabHost, inventory: Inventory) -> None:
    form = "%{NAME} %{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{INSTALLTIME:date}\n"
    text = host.run(["rpm", "-qa", "--qf", form]).stdout
    theirs = sorted(tuple(line.split()[:3]) for line in text.splitlines() if not line.startswith("gpg-pubkey"))
    ours = [
        (each["name"], each["arch"], each["version"] if ":" in each["version"] else f"0:{each['version']}")
        for each in inventory.installed
    ]
    assert sorted(ours) == theirs
    assert sorted(named(each) for each in inventory.installed if each["install_only"]) == [
        "kernel-core-5.14.0-1.el9.x86_64", "kernel-core-5.14.0-2.el9.x86_64",
    ]  # fmt: skip


def test_what_was_installed_by_name_is_not_automatic(host: LabHost, inventory: Inventory) -> None:
    theirs = set(host.run([*DNF, "repoquery", "--userinstalled", "--qf", "%{name}"]).stdout.split())
    asked = {each["name"] for each in inventory.installed if each["automatic"] is False}
    assert asked - {"acme-excluded"} == theirs - {"acme-excluded"}
    assert len(theirs) > 20


def test_repositories_say_which_have_notices(host: LabHost, inventory: Inventory) -> None:
    assert {each["id"]: (each["enabled"], each["security_metadata"]) for each in inventory.repositories} == {
        "baseos": (True, True), "appstream": (True, True), "acme": (True, False), "source": (False, None),
    }  # fmt: skip
    ages = [each["metadata_age"] for each in inventory.repositories if each["enabled"]]
    assert all(isinstance(age, int) and age >= 0 for age in ages)


def would_move(host: LabHost, *words: str) -> set[tuple[str, str]]:
    """(name, version) of what a dnf command would install, which stops at its own question."""
    text = host.run([*DNF[:1], "-C", "--assumeno", *words], check=False).stdout
    return set(re.findall(r"^ (\S+) +(?:noarch|x86_64|i686) +(\S+) +\S+ ", text, re.M))


def test_a_severity_narrows_security_here_and_widens_it_in_dnf(host: LabHost, inventory: Inventory) -> None:
    """Patch Manager user guide: keys of one filter group are ANDed. dnf 4 takes security OR that severity."""
    baseline = {
        "name": "critical-security", "operating_system": "REDHAT_ENTERPRISE_LINUX",
        "approval_rules": [
            {"filters": {"classification": ["Security"], "severity": ["Critical"]}, "approve_after_days": 0},
        ],
    }  # fmt: skip
    decisions = evaluate(baseline, inventory.candidates, operating_system=inventory.operating_system,
                         as_of="2026-11-20T12:00:00Z")  # fmt: skip
    ours = {
        (record["name"], record["version"])
        for record, decision in zip(inventory.candidates, decisions, strict=True)
        if decision["decision"] == "approved"
    }
    assert ours == {("acme-crit", "1.1-1.el9"), ("acme-super", "1.2-1.el9")}
    # With the severity alone dnf brings a version of acme-vanished that nobody vouched for: its notice's is gone.
    alone = would_move(host, "upgrade-minimal", "--sec-severity=Critical")
    assert alone == ours | {("acme-vanished", "1.2-1.el9")}
    both = would_move(host, "upgrade-minimal", "--security", "--sec-severity=Critical")
    assert {("acme-low", "1.1-1.el9"), ("acme-mod", "1.1-1.el9")} <= both


def test_the_version_of_the_notice_is_a_candidate_where_dnf_shows_the_newest_alone(
    host: LabHost, inventory: Inventory
) -> None:
    text = host.run([*DNF, "check-update", "--security"], check=False).stdout
    assert re.search(r"^acme-crit.noarch +1.2-1.el9 ", text, re.M)
    ours = {each["version"]: each["classification"] for each in inventory.candidates if each["name"] == "acme-crit"}
    assert ours == {"1.1-1.el9": "Security", "1.2-1.el9": "Bugfix"}
