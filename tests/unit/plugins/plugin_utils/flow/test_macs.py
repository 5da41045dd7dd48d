"""What the flow keeps apart on a Mac: formulae and casks of one name, and what waits for a restart."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.states import host_exclude, patch_entries
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    UNVERSIONED,
    Change,
    Choice,
    CommandStep,
    Simulation,
    Target,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.sightings import seen_key
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.install_report import came_along
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.inventory import pending_line, pending_packages
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.job_report import changed_packages
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.plan import job_plan
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos import reboot_need

CASK = {"name": "firefox", "arch": None, "kind": "cask", "version": "141.0,2", "installed_version": "140.0,1",
        "product": "Sonoma14.4", "classification": "brew cask", "security": False, "held": {}}  # fmt: skip
FORMULA = {**CASK, "kind": "formula", "classification": "brew", "version": "1.0", "installed_version": "1.0"}


def mac(*candidates: dict[str, Any], installed: tuple[dict[str, Any], ...] = (), **more: Any) -> Inventory:
    return Inventory("MACOS", "Sonoma14.4", {}, {"name": "macos"}, None, "2026-11-20T12:00:00Z", True,
                     candidates=list(candidates), installed=list(installed), **more)  # fmt: skip


def test_a_missing_cask_hides_no_formula_of_that_name() -> None:
    there = {**CASK, "version": "140.0,1"}
    entries = patch_entries(mac(CASK, installed=(FORMULA, there)), predefined_baseline("MACOS"), as_of="2026-11-20")
    assert {(each["kind"], each["state"]) for each in entries} == {("cask", "MISSING"), ("formula", "INSTALLED")}


def test_a_pinned_formula_holds_no_cask_of_that_name() -> None:
    assert host_exclude(CASK, [{"name": "firefox", "arch": None, "version": None, "kind": "pin"}]) is None


def test_they_are_first_seen_apart_and_an_update_of_macos_starts_no_delay_anew() -> None:
    assert seen_key(CASK, "MACOS") != seen_key({**CASK, "kind": "formula"}, "MACOS")
    assert seen_key(CASK, "MACOS") == seen_key({**CASK, "product": "Sonoma14.7"}, "MACOS")
    assert seen_key(CASK, "DEBIAN") != seen_key({**CASK, "product": "Sonoma14.7"}, "DEBIAN")


def test_a_change_of_one_is_no_change_of_the_other() -> None:
    before, after = mac(installed=(FORMULA, {**CASK, "version": "140.0,1"})), mac(installed=(FORMULA, CASK))
    [change] = changed_packages(before, after)
    assert change == {"name": "firefox", "arch": "cask", "installed_version": "140.0,1", "version": "141.0,2"}


@pytest.mark.parametrize("restart", [False, True])
def test_names_with_blanks_come_back_from_the_journal(restart: bool) -> None:
    line = pending_line("Command Line Tools 100%", "update", "26.3.1 (a)", restart)
    assert line.count("\n") == 1
    [found] = pending_packages([line.rstrip("\n")])
    assert found == {"name": "Command Line Tools 100%", "arch": "update", "version": "26.3.1 (a)"} | (
        {"restart": "restart"} if restart else {}
    )


@pytest.mark.parametrize(("restart", "version", "required"), [
    (True, "10.15.6", True),
    (False, "10.15.6", False),
    # Noted before it was tried, and never installed.
    (True, "10.15.7", False),
])  # fmt: skip
def test_a_reboot_is_required_by_what_asked_for_it_and_came(restart: bool, version: str, required: bool) -> None:
    update = {**CASK, "name": "Security Update 2020-005", "kind": "update", "version": "10.15.6"}
    line = pending_line(update["name"], "update", version, restart)
    need = reboot_need(mac(installed=(update,), pending=pending_packages([line.rstrip("\n")])))
    assert need["required"] is required
    assert [each["packages"] for each in need["reasons"]] == ([[update["name"]]] if required else [])


def test_what_restarts_the_host_is_noted_for_the_boot_that_ends_and_not_for_the_next() -> None:
    def steps(on_crash: str) -> list[str]:
        step = CommandStep("install", ("true",), 60, on_crash=on_crash)
        changes = [Change("macOS 14.7", "update", "14.4", "14.7", restart=True)]
        plan = job_plan("job", [step], changes=changes, boot_id="boot", environment={}, timeout=60)
        assert plan.files["pending"] == b"macOS%2014.7 update 14.7 restart\n"
        return [each.name for each in plan.steps]

    assert steps("restart") == ["note what is installed", "install"]
    assert steps("report") == ["note what is installed", "install", "note it again after a power cut"]


def test_what_came_along_is_told_with_its_version_even_where_nobody_knew_it_before() -> None:
    wanted = Target("ofapp", "formula", "2.0", "1.0", kind="formula")
    along = [Change("ofapp", "formula", "1.0", "2.0"), Change("oflib", "formula", "1.0", "2.0"),
             Change("ofnew", "formula", None, UNVERSIONED), Change("oflate", "formula", "1.0", "3.0")]  # fmt: skip
    came = [
        {"name": name, "arch": "formula", "installed_version": old, "version": new}
        for name, old, new in (("ofapp", "1.0", "2.0"), ("oflib", "1.0", "2.0"), ("ofnew", None, "1.1"))
    ]
    assert came_along(Choice([wanted], Simulation(along), {}), came) == came[1:]
