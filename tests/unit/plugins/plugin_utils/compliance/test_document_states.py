"""The state of each patch in the compliance document, with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from documents_for_tests import (
    baseline,
    candidate,
    counts,
    document,
    entry,
    errors_of,
    installed,
    inventory,
)


def test_an_approved_version_that_is_not_installed_is_missing() -> None:
    made = document(found=inventory(installed=[installed("libssl3")], candidates=[candidate("libssl3")]))
    missing = entry(made, "libssl3")
    assert missing["state"] == "MISSING"
    assert missing["violation"]
    assert (missing["id"], missing["title"]) == ("libssl3.amd64", "libssl3.amd64:1.0-2")
    assert (missing["installed_version"], missing["version"]) == ("1.0-1", "1.0-2")
    assert (missing["level"], missing["reason"], missing["rule"]) == ("HIGH", "approved_by_rule", 1)
    assert (made["compliant"], made["verdict"]) == (False, "non_compliant")
    assert made["verdict_reasons"] == [{"kind": "missing", "message": "1 approved and not installed"}]
    assert counts(made) == {"missing": 1, "security_non_compliant": 1}
    assert errors_of(made) == []


def test_a_host_that_lacks_nothing_is_compliant() -> None:
    made = document(found=inventory(installed=[installed("libssl3", security=True), installed("bash")]))
    assert (made["compliant"], made["verdict"], made["verdict_reasons"]) == (True, "compliant", [])
    assert counts(made) == {"installed": 1, "installed_other": 1}
    assert entry(made, "libssl3")["state"] == "INSTALLED"
    assert errors_of(made) == []


def test_what_nobody_asked_for_is_counted_and_listed_on_request() -> None:
    found = inventory(installed=[installed("bash")])
    assert document(found=found)["patches"] == []
    asked = document(found=found, list_installed_other=True)
    assert entry(asked, "bash")["state"] == "INSTALLED_OTHER"
    assert asked["summary"] == document(found=found)["summary"]
    assert errors_of(asked) == []


def test_a_version_that_is_not_approved_is_listed_with_its_reason_and_is_no_violation() -> None:
    tzdata = candidate("tzdata", security=False, repository="bookworm-updates")
    made = document(found=inventory(installed=[installed("tzdata")], candidates=[tzdata]))
    other = entry(made, "tzdata", "1.0-2")
    assert (other["state"], other["violation"], other["reason"]) == (None, False, "not_security")
    assert other["explanation"]
    assert made["compliant"] is True
    assert counts(made) == {"installed_other": 1, "not_approved": 1}
    assert errors_of(made) == []


def test_a_waiting_version_says_until_when() -> None:
    rule = {"filters": {"product": ["*"]}, "approve_after_days": 7, "compliance_level": "CRITICAL"}
    base = baseline(approval_rules=[rule])
    young = {"first_seen": "2026-11-18T06:00:00Z"}
    made = document(found=inventory(candidates=[candidate("libssl3", **young)]), base=base, delay_clock="first_seen")
    waiting = entry(made, "libssl3")
    assert (waiting["state"], waiting["reason"], waiting["approves_on"]) == (
        None,
        "waiting_for_approval_delay",
        "2026-11-25",
    )
    assert waiting["first_seen"] == "2026-11-18T06:00:00Z"
    assert counts(made) == {"waiting": 1}
    assert made["compliant"] is True
    assert errors_of(made) == []


def test_a_security_fix_below_a_newer_version_that_is_not_approved_is_missing() -> None:
    newer = candidate("libssl3", "1.0-3", security=False, repository="bookworm-updates")
    made = document(found=inventory(installed=[installed("libssl3")], candidates=[newer, candidate("libssl3")]))
    assert entry(made, "libssl3", "1.0-2")["state"] == "MISSING"
    assert entry(made, "libssl3", "1.0-3")["state"] is None


def test_an_older_approved_version_is_superseded_and_counted_nowhere() -> None:
    made = document(found=inventory(candidates=[candidate("libssl3"), candidate("libssl3", "1.0-3")]))
    assert entry(made, "libssl3", "1.0-2")["reason"] == "superseded_by_newer"
    assert counts(made) == {"missing": 1, "security_non_compliant": 1}


@pytest.mark.parametrize(
    "held",
    [
        {"candidates": [candidate("libssl3", held={"kind": "hold", "detail": "dpkg selection hold"})]},
        {
            "candidates": [candidate("libssl3")],
            "holds": [{"name": "libssl3", "arch": "amd64", "kind": "hold", "version": None, "detail": None}],
        },
        {
            "candidates": [candidate("libssl3")],
            "holds": [{"name": "libssl3", "arch": None, "kind": "pin", "version": "1.0-2", "detail": "priority -1"}],
        },
        {
            "candidates": [candidate("libssl3")],
            "holds": [{"name": "libssl3", "arch": "amd64", "kind": "versionlock", "version": "1.0-1", "detail": None}],
        },
    ],
)
def test_a_held_version_is_reported_and_left_alone(held: dict[str, Any]) -> None:
    found = inventory(installed=[installed("libssl3", security=True)], **held)
    made = document(found=found)
    kept = entry(made, "libssl3", "1.0-2")
    assert (kept["state"], kept["detail"], kept["violation"]) == (None, "HELD", False)
    assert made["compliant"] is True
    assert counts(made) == {"held": 1, "installed": 1}
    assert errors_of(made) == []
    strict = document(found=found, honour_host_excludes=False)
    assert entry(strict, "libssl3", "1.0-2")["state"] == "MISSING"
    assert strict["compliant"] is False


@pytest.mark.parametrize(
    "hold",
    [
        {"name": "libssl", "arch": "amd64", "kind": "hold", "version": None},
        {"name": "libssl3", "arch": "arm64", "kind": "hold", "version": None},
        {"name": "libssl3", "arch": "amd64", "kind": "pin", "version": "1.0-9"},
        {"name": "libssl3", "arch": "amd64", "kind": "versionlock", "version": "1.0-2"},
    ],
)
def test_a_hold_on_something_else_excuses_nothing(hold: dict[str, Any]) -> None:
    made = document(found=inventory(candidates=[candidate("libssl3")], holds=[hold]))
    assert entry(made, "libssl3")["state"] == "MISSING"


def test_a_phased_update_not_offered_yet_is_deferred() -> None:
    found = inventory(candidates=[candidate("libssl3", deferred=True, phased_percentage=20)])
    made = document(found=found)
    deferred = entry(made, "libssl3")
    assert (deferred["state"], deferred["detail"]) == (None, "DEFERRED_PHASED")
    assert made["compliant"] is True
    assert counts(made) == {"deferred": 1}
    assert errors_of(made) == []
    assert entry(document(found=found, honour_phasing=False), "libssl3")["state"] == "MISSING"


def test_a_held_version_that_is_not_approved_keeps_the_baseline_s_reason() -> None:
    held = candidate("tzdata", security=False, held={"kind": "hold", "detail": None})
    other = entry(document(found=inventory(candidates=[held])), "tzdata")
    assert (other["detail"], other["reason"]) == (None, "not_security")


@pytest.mark.parametrize(
    ("action", "state", "compliant"),
    [("BLOCK", "INSTALLED_REJECTED", False), ("ALLOW_AS_DEPENDENCY", "INSTALLED_OTHER", True)],
)
def test_a_rejected_package_that_is_installed(action: str, state: str, compliant: bool) -> None:
    base = baseline(rejected_patches=["telnetd"], rejected_patches_action=action)
    made = document(found=inventory(installed=[installed("telnetd")]), base=base, list_installed_other=True)
    assert entry(made, "telnetd")["state"] == state
    assert made["compliant"] is compliant
    assert errors_of(made) == []


def test_a_rejected_candidate_is_counted_as_rejected() -> None:
    base = baseline(rejected_patches=["libssl3"])
    made = document(found=inventory(candidates=[candidate("libssl3")]), base=base)
    assert entry(made, "libssl3")["decision"] == "rejected"
    assert counts(made) == {"rejected": 1}


def test_what_an_install_put_there_waits_for_the_boot() -> None:
    made = document(
        found=inventory(installed=[installed("libssl3", "1.0-2", security=True)]),
        operation="Install",
        reboot_option="NoReboot",
        pending=[("libssl3", "amd64", "1.0-2")],
    )
    assert entry(made, "libssl3")["state"] == "INSTALLED_PENDING_REBOOT"
    assert made["compliant"] is False
    assert counts(made) == {"installed_pending_reboot": 1, "security_non_compliant": 1}
    assert errors_of(made) == []


def test_what_could_not_be_installed_has_failed() -> None:
    made = document(
        found=inventory(installed=[installed("libssl3")], candidates=[candidate("libssl3")]),
        operation="Install",
        reboot_option="RebootIfNeeded",
        failed={("libssl3", "amd64", "1.0-2"): "dpkg said no"},
    )
    assert entry(made, "libssl3")["state"] == "FAILED"
    assert counts(made) == {"failed": 1, "security_non_compliant": 1}


@pytest.mark.parametrize(("security", "state"), [(True, "INSTALLED_PENDING_REBOOT"), (False, "INSTALLED_OTHER")])
def test_a_newer_kernel_that_does_not_run_waits_for_the_boot_if_the_baseline_asks_for_it(
    security: bool, state: str
) -> None:
    kernel = installed("linux-image-6.1.0-41-amd64", security=security)
    reboot = {
        "required": True,
        "reasons": [{"kind": "kernel_older_than_installed", "detail": "", "packages": [kernel["name"]]}],
    }
    made = document(found=inventory(installed=[kernel], reboot=reboot), list_installed_other=True)
    assert entry(made, kernel["name"])["state"] == state


def test_of_kernels_beside_each_other_only_those_newer_than_the_running_one_wait_for_the_boot() -> None:
    """rpm systems keep several versions of one package name; what comes in a kernel's version waits with it."""
    running = {"package": "kernel-core", "version": "5.14.0-1", "release": "5.14.0-1.x86_64"}
    newer = {"package": "kernel-core", "version": "5.14.0-2", "release": "5.14.0-2.x86_64"}
    kernels = [
        installed(name, each["version"], security=True, install_only=True)
        for name in ("kernel-core", "kernel-modules")
        for each in (newer, running)
    ]
    # Of another flavour than the one that runs, so that no boot brings it into force.
    other = {"package": "kernel-rt-core", "version": "5.14.0-3", "release": "5.14.0-3.x86_64", "flavour": "rt"}
    found = inventory(
        installed=[*kernels, installed("kernel-rt-core", other["version"], security=True, install_only=True)],
        reboot={
            "required": True,
            "reasons": [{"kind": "kernel_older_than_installed", "detail": "", "packages": ["kernel-core"]}],
        },
        findings={"kernels": {"running": running["release"], "installed": [other, newer, running], "container": False}},
    )
    made = document(found=found, list_installed_other=True)
    states = {(each["name"], each["installed_version"]): each["state"] for each in made["patches"]}
    assert states == {
        (name, version): state
        for name in ("kernel-core", "kernel-modules")
        for version, state in (("5.14.0-1", "INSTALLED"), ("5.14.0-2", "INSTALLED_PENDING_REBOOT"))
    } | {("kernel-rt-core", "5.14.0-3"): "INSTALLED"}


def test_a_package_with_a_missing_version_is_not_counted_as_installed_too() -> None:
    made = document(found=inventory(installed=[installed("libssl3", security=True)], candidates=[candidate("libssl3")]))
    assert counts(made) == {"missing": 1, "security_non_compliant": 1}


def test_a_rejected_version_stays_a_violation_beside_a_missing_one() -> None:
    base = baseline(
        operating_system="REDHAT_ENTERPRISE_LINUX",
        rejected_patches=["openssl-1.0-1"],
        rejected_patches_action="BLOCK",
        approval_rules=[{"filters": {"product": ["*"]}, "enable_non_security": True, "approve_after_days": 0}],
    )
    found = inventory(
        operating_system="REDHAT_ENTERPRISE_LINUX",
        installed=[installed("openssl", classification="Security")],
        candidates=[candidate("openssl", classification="Security")],
    )
    made = document(found=found, base=base)
    assert sorted(each["state"] for each in made["patches"]) == ["INSTALLED_REJECTED", "MISSING"]


@pytest.mark.parametrize(
    ("kept_away", "option"),
    [
        ({"held": {"kind": "pin", "detail": "pin priority 100"}}, "honour_host_excludes"),
        ({"deferred": True}, "honour_phasing"),
    ],
)
def test_a_version_that_the_host_is_kept_from_does_not_hide_the_fix_below_it(
    kept_away: dict[str, Any], option: str
) -> None:
    fix, newer = candidate("libssl3", version="1.0-2"), candidate("libssl3", version="2.0~bpo1", **kept_away)
    found = inventory(installed=[installed("libssl3")], candidates=[newer, fix])
    made = document(found=found)
    assert (entry(made, "libssl3", "1.0-2")["state"], entry(made, "libssl3", "2.0~bpo1")["state"]) == ("MISSING", None)
    newest = document(found=found, **{option: False})
    assert entry(newest, "libssl3", "2.0~bpo1")["state"] == "MISSING"
    assert entry(newest, "libssl3", "1.0-2")["reason"] == "superseded_by_newer"
