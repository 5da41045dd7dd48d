"""What our reader calls upgradable and what it knows of patches is what zypper itself says; where zypper's own commands
do something else than the patches say, that is pinned here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openfleet_lab.api import Lab, LabHost, start_host
from zypper_reading import inventory_of, reading

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_metadata import read_metadata
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_sections import Sections

pytestmark = pytest.mark.lab
ZYPPER = ["zypper", "--xmlout", "--non-interactive", "--no-refresh"]
PATCH = "SUSE-SLE-Module-Basesystem-15-SP6-2026-"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "sles15")
    yield started
    started.destroy()


@pytest.fixture(scope="module")
def found(host: LabHost) -> dict[str, Any]:
    return reading(host)


@pytest.fixture(scope="module")
def inventory(host: LabHost) -> Inventory:
    return inventory_of(host)


def listed(host: LabHost, *words: str) -> set[tuple[str, ...]]:
    """Name, edition, architecture and alias of each update that list-updates shows."""
    text = host.run([*ZYPPER, "list-updates", *words]).stdout
    form = r'<update kind="package" name="([^"]*)" edition="([^"]*)" arch="([^"]*)".*?alias="([^"]*)"'
    return set(re.findall(form, text))


def records(inventory: Inventory, **wanted: Any) -> set[tuple[str, ...]]:
    return {
        (each["name"], each["version"], each["arch"], each["repository"])
        for each in inventory.candidates
        if all(bool(each[key]) is value for key, value in wanted.items())
    }


def test_upgradable_is_what_list_updates_lists(host: LabHost, inventory: Inventory) -> None:
    ours = records(inventory, manager_choice=True)
    assert ours == listed(host)
    assert len(ours) == 22


def test_what_list_updates_leaves_out_is_held_or_older_or_needs_a_removal(host: LabHost, inventory: Inventory) -> None:
    everything = listed(host, "--all")
    ours = records(inventory)
    assert everything <= ours
    # Versions that a newer one stands above: a baseline may approve them and not the newest.
    assert {each[:2] for each in ours - everything} == {
        ("acme-crit", "1.1-150600.3.1"), ("acme-super", "1.1-150600.3.1"),
    }  # fmt: skip
    assert {each[0] for each in everything - listed(host)} == {"acme-locked", "acme-mover", "acme-vendor"}
    held = {each["name"]: each["held"]["kind"] for each in inventory.candidates if each["held"]}
    assert held == {"acme-locked": "lock", "acme-vendor": "vendor"}


def needed(host: LabHost) -> dict[str, tuple[str, str, bool]]:
    """Category, severity and whether it is interactive, of the patches that list-patches shows."""
    text = host.run([*ZYPPER, "list-patches", "--with-optional"]).stdout
    form = r'<update kind="patch" name="([^"]*)".*?category="([^"]*)" severity="([^"]*)".*?interactive="([^"]*)"'
    return {name: (category, severity, asks == "true") for name, category, severity, asks in re.findall(form, text)}


def test_advisories_of_candidates_are_the_patches_that_zypper_needs(host: LabHost, inventory: Inventory) -> None:
    ours: dict[str, tuple[str, str, bool]] = {}
    for record in inventory.candidates:
        for advisory in record["advisories"]:
            asks = bool({"reboot", "message", "licence"} & set(record["interactive"]))
            ours[advisory["id"]] = (
                advisory["classification"].lower(), (advisory["severity"] or "unspecified").lower(), asks
            )  # fmt: skip
    theirs = needed(host)
    assert len(theirs) == 24
    # zypper compares with what is installed; the version that this patch names is in no repository any more.
    assert set(theirs) - set(ours) == {PATCH + "15"}
    assert set(ours) - set(theirs) == set()
    assert {name: theirs[name] for name in ours} == ours


def test_packages_and_dates_of_a_patch_are_those_of_zypper_info(host: LabHost, found: dict[str, Any]) -> None:
    patches = {
        patch.id: patch
        for part in read_metadata(Sections.of(found["result"]).lines("metadata"))
        for patch in part.patches
    }
    for number in (3, 16, 24):
        text = host.run(["zypper", "--no-refresh", "info", "-t", "patch", "--conflicts", f"{PATCH}{number}"]).stdout
        # "acme-imp < 1.1-150600.3.1", "kernel-default.x86_64 < 6.4.0-150600.3"
        # libsolv adds the same without architecture to each that has one.
        told = re.findall(r"(?:^\s+|^Conflicts\s*: )(\S+) < (\S+)$", text, re.M)
        theirs = {each for each in told if not each[0].endswith(".noarch")}
        ours = {
            (name if arch == "noarch" else f"{name}.{arch}", version)
            for name, arch, version in patches[f"{PATCH}{number}"].packages
        }
        assert theirs == ours, text
    created = re.search(r"Created On\s*: (.*)", host.run(["zypper", "info", "-t", "patch", f"{PATCH}3"]).stdout)
    # zypper has one date of a patch, that of the last update.
    assert created
    assert "2026" in created[1]
    assert patches[f"{PATCH}3"].updated == "2026-03-01T12:30:00Z"
    assert patches[f"{PATCH}3"].issued == "2026-01-10T00:00:00Z"


def test_installed_packages_are_those_of_rpm_with_every_kernel(host: LabHost, inventory: Inventory) -> None:
    text = host.run(["rpm", "-qa", "--qf", "%{NAME} %{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n"]).stdout
    theirs = sorted(tuple(line.split()) for line in text.splitlines() if not line.startswith("gpg-pubkey"))
    ours = sorted(
        (each["name"], each["arch"], each["version"] if ":" in each["version"] else f"0:{each['version']}")
        for each in inventory.installed
    )
    assert ours == theirs
    assert [each["name"] for each in inventory.installed if each["install_only"]] == ["kernel-default"] * 2
    assert [each["name"] for each in inventory.installed if each["automatic"]] == ["acme-libauto"]


def test_repositories_say_which_have_patches(inventory: Inventory) -> None:
    said = {each["id"]: (each["enabled"], each["security_metadata"]) for each in inventory.repositories}
    assert said == {
        "SLE-Module-Basesystem15-SP6-Pool": (True, False), "SLE-Module-Basesystem15-SP6-Updates": (True, True),
        "acme": (True, False), "source": (False, None),
    }  # fmt: skip


def version(host: LabHost, name: str) -> str:
    return host.run(["rpm", "-q", "--qf", "%{VERSION}", name]).stdout


def test_zypper_patch_by_severity_takes_the_newest_version_and_skips_what_asks_for_a_reboot(lab: Lab) -> None:
    """Why we install packages at exact versions and no patches: zypper takes acme-crit 1.2, which a recommended patch
    brings, and leaves what needs a reboot out with exit code 0."""
    other = start_host(lab, "sles15")
    try:
        run = ["zypper", "--non-interactive", "--no-refresh"]
        stack = other.run([*run, "patch"], check=False)
        # The update stack first, and nothing else with it.
        assert (stack.returncode, version(other, "zypper"), version(other, "acme-crit")) == (103, "1.1", "1.0")
        done = other.run([*run, "patch", "--severity", "critical"], check=False)
        assert (done.returncode, version(other, "acme-crit")) == (0, "1.2")
        done = other.run([*run, "patch", "--severity", "important"], check=False)
        assert version(other, "acme-reboot") == "1.0"
        assert version(other, "acme-message") == "1.0"
        # What the two of them are by us: candidates like any other, and told what they ask for.
        asked = {each["name"]: each["interactive"] for each in inventory_of(other).candidates}
        assert (asked["acme-reboot"], asked["acme-message"]) == (["reboot"], ["message"])
    finally:
        other.destroy()
