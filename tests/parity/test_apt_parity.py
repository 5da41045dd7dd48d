"""What our reader calls upgradable is what apt itself does, holds, pins and phasing apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from apt_reading import reading
from openfleet_lab.api import Lab, LabHost, start_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt import build_inventory

pytestmark = pytest.mark.lab

KINDS = ("bookworm", "trixie", "ubuntu2204", "ubuntu2404", "ubuntu1804", "raspbian")


@pytest.fixture(scope="module", params=KINDS)
def host(request: pytest.FixtureRequest, lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, request.param)
    yield started
    started.destroy()


@pytest.fixture(scope="module")
def inventory(host: LabHost) -> Inventory:
    return build_inventory(reading(host))


def simulated(host: LabHost) -> dict[str, str]:
    """name -> version of installed packages that `apt-get -s dist-upgrade` would replace."""
    text = host.run(["apt-get", "-s", "dist-upgrade"]).stdout
    # Inst acme-admin [1.0] (1.1 Debian-Security:12.11/oldstable-security [all])
    return dict(re.findall(r"^Inst (\S+) \[\S+\] \((\S+) ", text, re.M))


def listed(host: LabHost) -> dict[str, str]:
    text = host.run(["env", "LC_ALL=C", "apt", "list", "--upgradable"]).stdout
    # acme-admin/oldstable-security 1.1 all [upgradable from: 1.0]
    return dict(re.findall(r"^([^/\s]+)/\S+ (\S+) \S+ \[upgradable from", text, re.M))


def chosen(inventory: Inventory) -> list[dict[str, Any]]:
    return [record for record in inventory.candidates if record["manager_choice"]]


def test_upgradable_is_what_dist_upgrade_would_install(host: LabHost, inventory: Inventory) -> None:
    ours = {each["name"]: each["version"] for each in chosen(inventory) if not each["held"] and not each["deferred"]}
    assert ours == simulated(host)
    assert len(ours) > 10


def test_upgradable_with_held_and_phased_is_what_apt_lists(host: LabHost, inventory: Inventory) -> None:
    assert {each["name"]: each["version"] for each in chosen(inventory)} == listed(host)


def test_every_difference_has_its_reason(inventory: Inventory) -> None:
    reasons = {each["name"]: "deferred" if each["deferred"] else each["held"] and each["held"]["kind"]
               for each in inventory.candidates}  # fmt: skip
    assert {name: reason for name, reason in reasons.items() if reason} == {
        name: reason
        for name, reason in {"acme-held": "hold", "acme-pinned": "pin", "acme-backport": "pin",
                             "acme-phased-out": "deferred"}.items()
        if name in reasons
    }  # fmt: skip


def test_a_security_fix_below_a_newer_version_is_found(host: LabHost, inventory: Inventory) -> None:
    found = {each["version"]: each["security"] for each in inventory.candidates if each["name"] == "acme-web"}
    # Raspbian has no pocket of its own for security.
    expected = {"1.2": False} if host.kind.distribution.startswith("raspbian") else {"1.1": True, "1.2": False}
    assert found.items() >= expected.items()


def test_installed_packages_are_those_of_dpkg(host: LabHost, inventory: Inventory) -> None:
    text = host.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Architecture} ${Version}\n"]).stdout
    theirs = sorted(tuple(line.split()[1:]) for line in text.splitlines() if line.split()[0] == "installed")
    assert sorted((each["name"], each["arch"], each["version"]) for each in inventory.installed) == theirs


def test_automatic_marks_are_those_of_apt_mark(host: LabHost, inventory: Inventory) -> None:
    theirs = set(host.run(["apt-mark", "showauto"]).stdout.split())
    assert {each["name"] for each in inventory.installed if each["automatic"]} == theirs


def test_holds_are_those_of_apt_mark(host: LabHost, inventory: Inventory) -> None:
    theirs = set(host.run(["apt-mark", "showhold"]).stdout.split())
    assert {each["name"] for each in inventory.holds if each["kind"] == "hold"} == theirs == {"acme-held"}
