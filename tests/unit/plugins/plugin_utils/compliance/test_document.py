"""The compliance document: states, reasons, and never compliant by silence."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from documents_for_tests import AS_OF, FakeRun, baseline, candidate, document, entry, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import (
    build_unknown_document,
    inventory_digest,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

ROOT = Path(__file__).resolve().parents[5]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def errors_of(made: dict[str, Any]) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in VALIDATOR.iter_errors(made)]


def counts(made: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero or unknown, without their suffix."""
    return {name.removesuffix("_count"): count for name, count in made["summary"].items() if count}


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


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
    ("kind", "changed"),
    [
        ("not_privileged", {"privileged": False}),
        (
            "refresh_failed",
            {"refresh": {"attempted": True, "ok": False, "errors": ["no route"], "skipped_because": None}},
        ),
        ("refresh_failed", {"refresh": {"attempted": True, "ok": None, "errors": [], "skipped_because": None}}),
        ("no_repositories", {"repositories": []}),
        ("no_repositories", {"repositories": [{"id": "x", "enabled": False, "security_metadata": True}]}),
        (
            "no_security_metadata",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": False, "metadata_age": 1}]},
        ),
        (
            "stale_metadata",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 86401}]},
        ),
        (
            "metadata_age_unknown",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": None}]},
        ),
    ],
)
def test_a_host_that_cannot_be_judged_is_never_compliant(kind: str, changed: dict[str, Any]) -> None:
    made = document(found=inventory(**changed))
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    assert [reason["kind"] for reason in made["verdict_reasons"]] == [kind]
    assert errors_of(made) == []
    missing = document(found=inventory(candidates=[candidate("libssl3")], **changed))
    assert missing["verdict"] == "non_compliant"
    assert [reason["kind"] for reason in missing["verdict_reasons"]] == ["missing", kind]


def test_a_repository_whose_notices_could_not_be_read_is_not_outweighed_by_another() -> None:
    """None is unread, False is without notices; an apt repository that is no security pocket says None as well."""
    known = {"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 1}
    unread = {"id": "y", "enabled": True, "security_metadata": None, "metadata_age": 1}
    system = "REDHAT_ENTERPRISE_LINUX"
    base = baseline(
        operating_system=system,
        approval_rules=[{"filters": {"classification": ["Security"]}, "approve_after_days": 0}],
    )
    made = document(found=inventory(operating_system=system, repositories=[known, unread]), base=base)
    assert errors_of(made) == []
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    [reason] = made["verdict_reasons"]
    assert (reason["kind"], reason["message"][-1]) == ("security_metadata_unreadable", "y")
    assert document(found=inventory(repositories=[known, unread]))["compliant"] is True


def test_on_centos_the_notices_of_another_repository_say_nothing_of_those_that_have_none() -> None:
    rule = {"filters": {"classification": ["Security"]}, "approve_after_days": 0}
    base = baseline(operating_system="CENTOS", approval_rules=[rule])
    epel = {"id": "epel", "enabled": True, "security_metadata": True, "metadata_age": 1}
    silent = {"id": "baseos", "enabled": True, "security_metadata": False, "metadata_age": 1}
    newer = candidate("openssl", repository="baseos", security=False, advisories=[])

    def verdict(*candidates: dict[str, Any]) -> tuple[str, list[str]]:
        found = inventory(operating_system="CENTOS", repositories=[epel, silent], candidates=list(candidates))
        made = document(found=found, base=base)
        return made["verdict"], [reason["kind"] for reason in made["verdict_reasons"]]

    assert verdict(newer) == ("unknown", ["no_security_metadata"])
    assert verdict() == ("compliant", [])
    assert verdict({**newer, "repository": "epel"}) == ("compliant", [])


def test_lists_as_old_as_allowed_still_prove_compliance() -> None:
    found = inventory(repositories=[{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 86400}])
    assert document(found=found)["compliant"] is True
    assert document(found=found, stale_after=3600)["verdict"] == "unknown"


def test_a_baseline_that_takes_everything_needs_no_security_metadata() -> None:
    base = baseline(approval_rules=[{"filters": {"product": ["*"]}, "enable_non_security": True}])
    found = inventory(repositories=[{"id": "x", "enabled": True, "security_metadata": False, "metadata_age": 1}])
    assert document(found=found, base=base)["compliant"] is True


def test_an_unread_host_has_a_document_without_a_single_number() -> None:
    error = PatchError("no_interpreter", "No interpreter has apt_pkg. Install python3-apt.", tried=["/usr/bin/python3"])
    made = build_unknown_document(
        FakeRun(),
        error.as_result(),
        host="web1",
        started_at=AS_OF,
        finished_at=AS_OF,
        known={"os": {"kernel": "6.1", "arch": "x86_64"}},
    )
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    assert set(made["summary"].values()) == {None}
    assert made["error"]["kind"] == "no_interpreter"
    assert made["verdict_reasons"][0]["message"].endswith("Install python3-apt.")
    assert set(made) == set(document())
    assert errors_of(made) == []


def test_an_available_windows_security_update_counts_as_the_baseline_says() -> None:
    update = {"kb": "KB5012345", "title": "Update", "installed": False, "product": "WindowsServer2022",
              "product_family": "Windows", "patch_set": "OS", "classification": "SecurityUpdates",
              "msrc_severity": "Critical", "released": "2026-11-10T00:00:00Z"}  # fmt: skip
    rule = {
        "filters": {"classification": ["SecurityUpdates"]},
        "approve_after_days": 30,
        "compliance_level": "CRITICAL",
    }
    found = inventory(operating_system="WINDOWS", product="WindowsServer2022", candidates=[update], repositories=[])
    for status, compliant in (("COMPLIANT", True), ("NON_COMPLIANT", False)):
        base = baseline(
            operating_system="WINDOWS",
            approval_rules=[rule],
            available_security_updates_compliance_status=status,
        )
        made = document(found=found, base=base)
        assert entry(made, "KB5012345")["state"] == "AVAILABLE_SECURITY_UPDATE"
        assert made["compliant"] is compliant
        assert made["summary"]["available_security_update_count"] == 1
        assert made["summary"]["critical_non_compliant_count"] == 0
        assert made["summary"]["security_non_compliant_count"] == (0 if compliant else 1)
        assert errors_of(made) == []


def test_violations_come_first_and_the_worst_level_first_among_them() -> None:
    base = baseline(
        approval_rules=[
            {"filters": {"section": ["libs"]}, "compliance_level": "LOW"},
            {"filters": {"section": ["net"]}, "compliance_level": "CRITICAL"},
        ]
    )
    found = inventory(
        installed=[installed("bash", security=True)],
        candidates=[candidate("a"), candidate("z", section="net"), candidate("t", security=False)],
    )
    made = document(found=found, base=base)
    assert [(each["name"], each["state"]) for each in made["patches"]] == [
        ("z", "MISSING"),
        ("a", "MISSING"),
        ("t", None),
        ("bash", "INSTALLED"),
    ]
    assert made["summary"]["critical_non_compliant_count"] == 1
    assert made["summary"]["security_non_compliant_count"] == 2


def test_input_order_changes_nothing() -> None:
    records = [candidate("a"), candidate("b", security=False), candidate("c")]
    there = document(found=inventory(candidates=records))
    back = document(found=inventory(candidates=records[::-1]))
    assert there["patches"] == back["patches"]


def test_a_critical_security_patch_counts_in_both_and_a_bug_fix_in_neither() -> None:
    base = baseline(
        operating_system="REDHAT_ENTERPRISE_LINUX",
        approval_rules=[{"filters": {"product": ["*"]}, "approve_after_days": 0, "compliance_level": "CRITICAL"}],
    )
    old = {"released": "2026-01-01T00:00:00Z", "severity": None}
    made = document(
        found=inventory(
            operating_system="REDHAT_ENTERPRISE_LINUX",
            candidates=[
                candidate("openssl", classification="Security", **old),
                candidate("tuned", classification="Bugfix", **old),
            ],
        ),
        base=base,
    )
    assert counts(made) == {"missing": 2, "critical_non_compliant": 2, "security_non_compliant": 1}
    level_less = baseline(
        operating_system="REDHAT_ENTERPRISE_LINUX",
        approval_rules=[{"filters": {"product": ["*"]}, "approve_after_days": 0}],
    )
    made = document(
        found=inventory(
            operating_system="REDHAT_ENTERPRISE_LINUX", candidates=[candidate("tuned", classification="Bugfix", **old)]
        ),
        base=level_less,
    )
    assert counts(made) == {"missing": 1, "other_non_compliant": 1}


def test_cves_are_listed_for_what_is_missing_and_not_for_what_is_installed() -> None:
    notice = [{"id": "DSA-1", "cves": ["CVE-2026-2", "CVE-2026-1"], "bugzillas": []}]
    found = inventory(
        installed=[installed("bash", security=True, advisories=notice)],
        candidates=[candidate("libssl3", advisories=notice)],
    )
    made = document(found=found)
    assert entry(made, "libssl3")["cves"] == ["CVE-2026-1", "CVE-2026-2"]
    assert entry(made, "libssl3")["advisories"] == ["DSA-1"]
    assert entry(made, "bash")["cves"] == []


def test_the_inventory_digest_changes_with_the_inventory_alone() -> None:
    found = inventory(installed=[installed("bash")])
    same = inventory(installed=[installed("bash")])
    other = inventory(installed=[installed("bash", "1.0-9")])
    assert inventory_digest(found) == inventory_digest(same) == document(found=found)["inventory_digest"]
    assert inventory_digest(found) != inventory_digest(other)


def test_building_a_document_leaves_its_inventory_alone() -> None:
    found = inventory(installed=[installed("bash")], candidates=[candidate("libssl3")])
    before = copy.deepcopy(found)
    document(found=found, list_installed_other=True)
    assert found == before


def test_the_run_and_the_operator_s_words_are_in_the_document() -> None:
    made = document(patch_group="web", run_data={"comment": "CHG-7"}, warnings=[{"kind": "lint", "message": "w"}])
    assert made["run"] == {
        "id": FakeRun.run_id,
        "as_of": AS_OF,
        "started_at": AS_OF,
        "data": {"comment": "CHG-7"},
    }
    assert made["patch_group"] == "web"
    assert made["baseline"]["source"] == "patch group 'web', DEBIAN"
    assert made["warnings"] == [{"kind": "lint", "message": "w"}]
    assert errors_of(made) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema_version", "2.0"),
        ("compliant", None),
        ("verdict", "fine"),
        ("operation", "Look"),
        ("run", {"id": "x", "as_of": AS_OF, "started_at": AS_OF, "data": {}}),
        ("surprise", 1),
        ("patches", [{}]),
        ("summary", {}),
        ("inventory_digest", "md5:1"),
    ],
)
def test_the_schema_refuses_what_is_no_document(field: str, value: Any) -> None:
    made = document(found=inventory(installed=[installed("libssl3", security=True)]))
    assert errors_of(made) == []
    assert errors_of({**made, field: value}) != []


def test_the_schema_refuses_a_compliant_document_with_a_violation() -> None:
    made = document(found=inventory(candidates=[candidate("libssl3")]))
    assert errors_of({**made, "compliant": True, "verdict": "compliant", "verdict_reasons": []}) != []


def test_every_field_is_explained() -> None:
    text = (ROOT / "docs" / "document.md").read_text(encoding="utf-8")
    entries = SCHEMA["$defs"]["patch"]["properties"]
    fields = [*SCHEMA["properties"], *entries, *SCHEMA["properties"]["summary"]["properties"]]
    assert [name for name in fields if f"`{name}`" not in text] == []


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
