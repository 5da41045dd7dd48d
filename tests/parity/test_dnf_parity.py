"""What our reader calls upgradable and what it knows of notices is what dnf itself says, holds apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dnf_reading import reading
from openfleet_lab.api import Lab, LabHost, start_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory

pytestmark = pytest.mark.lab
DNF = ["dnf", "-q", "-C"]


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


def named(record: dict[str, Any]) -> str:
    return f"{record['name']}-{record['version']}.{record['arch']}"


def test_upgradable_is_what_check_update_lists(host: LabHost, inventory: Inventory) -> None:
    done = host.run([*DNF, "check-update"], check=False)
    assert done.returncode == 100
    # Replacements under another name come last, under a heading of their own: we install nothing new.
    listed, _heading, replacements = done.stdout.partition("Obsoleting Packages")
    theirs = {tuple(line.split()) for line in listed.splitlines() if line.strip()}
    ours = {
        (f"{each['name']}.{each['arch']}", each["version"], each["repository"])
        for each in inventory.candidates
        if each["manager_choice"]
    }
    assert ours == theirs
    assert len(ours) == 19
    assert "acme-newname" in replacements
    assert "acme-newname" not in {each["name"] for each in inventory.candidates}


def test_every_difference_is_a_lock_or_an_exclude(inventory: Inventory) -> None:
    held = {each["name"]: each["held"]["kind"] for each in inventory.candidates if each["held"]}
    assert held == {"acme-locked": "versionlock", "acme-excluded": "exclude"}
    assert {(each["name"], each["version"], each["kind"]) for each in inventory.holds} == {
        ("acme-locked", "1.1-1.el9", "lock"), ("acme-excluded", "1.1-1.el9", "exclude"),
    }  # fmt: skip


def test_notices_are_those_of_updateinfo(host: LabHost, found: dict[str, Any]) -> None:
    text = host.run([*DNF, "updateinfo", "list", "--all"]).stdout
    # "i RHSA-2025:0019 Moderate/Sec.  kernel-core-5.14.0-2.el9.x86_64"
    theirs = set(re.findall(r"^.? +(\S+) (\S+) +(\S+)$", text, re.M))
    advisories = found["result"]["advisories"]["rows"]
    ours = set()
    for name, arch, version, index in found["result"]["notices"]["rows"]:
        identifier, kind, severity = advisories[index][:3]
        shown = f"{severity}/Sec." if kind == "security" else kind
        ours.add((identifier, shown, f"{name}-{version}.{arch}"))
    # dnf hides what is excluded, the notice about it too.
    assert ours - theirs == {("RHSA-2026:0014", "Important/Sec.", "acme-excluded-1.1-1.el9.noarch")}
    assert theirs - ours == set()
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
