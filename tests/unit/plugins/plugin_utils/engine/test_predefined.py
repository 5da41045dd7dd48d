"""The predefined baselines at work, against the table of Patch Manager's user guide (predefined baselines)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import (
    predefined_baseline,
    predefined_baselines,
)

AS_OF = "2026-11-20T00:00:00Z"
OLD, YOUNG = "2026-11-13T00:00:00Z", "2026-11-13T00:00:01Z"
BY_NAME = {baseline["name"]: baseline for baseline in predefined_baselines()}
CLASSES = ("Security", "Bugfix", "Enhancement", "Recommended", None)
SEVERITIES = ("Critical", "Important", "Moderate", "Medium", "Low", None)
PRIORITIES = ("Required", "Important", "Standard", "Optional", "Extra")
URGENT = {("Security", "Critical"), ("Security", "Important")}
MEDIUM = {("Security", "Important"), ("Security", "Moderate")}


def package(**changes: Any) -> dict[str, Any]:
    return {
        "name": "bash",
        "arch": "x86_64",
        "version": "2-1",
        "installed_version": "1-1",
        "security": True,
        "released": OLD,
        **changes,
    }


def reasons(name: str, records: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    baseline = BY_NAME[name]
    decisions = evaluate(baseline, records, operating_system=baseline["operating_system"], as_of=AS_OF)
    assert {decision.get("compliance_level", "UNSPECIFIED") for decision in decisions} <= {"UNSPECIFIED"}
    return [(decision["reason"], decision.get("rule")) for decision in decisions]


@pytest.mark.parametrize(
    ("name", "system", "security", "bugfix"),
    [
        ("AWS-AmazonLinuxDefaultPatchBaseline", "AMAZON_LINUX", URGENT, True),
        ("AWS-AmazonLinux2DefaultPatchBaseline", "AMAZON_LINUX_2", URGENT, True),
        ("AWS-AmazonLinux2022DefaultPatchBaseline", "AMAZON_LINUX_2022", URGENT, True),
        ("AWS-AmazonLinux2023DefaultPatchBaseline", "AMAZON_LINUX_2023", URGENT, True),
        ("AWS-RedHatDefaultPatchBaseline", "REDHAT_ENTERPRISE_LINUX", URGENT, True),
        ("AWS-RockyLinuxDefaultPatchBaseline", "ROCKY_LINUX", URGENT, True),
        ("AWS-AlmaLinuxDefaultPatchBaseline", "ALMA_LINUX", URGENT, True),
        ("AWS-OracleLinuxDefaultPatchBaseline", "ORACLE_LINUX", MEDIUM, True),
        ("AWS-SuseDefaultPatchBaseline", "SUSE", URGENT, False),
    ],
)
def test_notices_are_taken_by_class_and_severity(
    name: str, system: str, security: set[tuple[str, str]], bugfix: bool
) -> None:
    assert predefined_baseline(system)["name"] == name
    kinds = [(kind, severity) for kind in CLASSES for severity in SEVERITIES]
    records = [
        package(name=f"p{index}", classification=kind, severity=severity)
        for index, (kind, severity) in enumerate(kinds)
    ]
    expected: list[tuple[str, int | None]] = []
    for kind, severity in kinds:
        if (kind, severity) in security:
            expected.append(("approved_by_rule", 1))
        elif kind == "Bugfix" and bugfix:
            expected.append(("approved_by_rule", 2))
        else:
            expected.append(("no_rule_matches", None))
    assert reasons(name, records) == expected
    for record in records:
        record.update(released=YOUNG)
    waiting = [
        ("waiting_for_approval_delay", None) if reason == "approved_by_rule" else (reason, None)
        for reason, _rule in expected
    ]
    assert reasons(name, records) == waiting
    plain = [{**record, "released": OLD, "security": False} for record in records]
    switched_off = [
        ("not_security", None) if reason == "approved_by_rule" else (reason, None) for reason, _rule in expected
    ]
    assert reasons(name, plain) == switched_off


def test_centos_takes_everything_after_a_week() -> None:
    plain = package(security=False, classification=None, severity=None)
    assert reasons("AWS-CentOSDefaultPatchBaseline", [plain]) == [("approved_by_rule", 1)]
    unbuilt = {**plain, "released": None, "build_time": YOUNG}
    assert reasons("AWS-CentOSDefaultPatchBaseline", [unbuilt]) == [("waiting_for_approval_delay", None)]


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("AWS-DebianDefaultPatchBaseline", "DEBIAN"),
        ("AWS-UbuntuDefaultPatchBaseline", "UBUNTU"),
        ("AWS-DefaultRaspbianPatchBaseline", "RASPBIAN"),
    ],
)
def test_apt_systems_take_the_security_pocket_at_once(name: str, system: str) -> None:
    assert predefined_baseline(system)["name"] == name
    records = [package(name=priority, priority=priority, released=YOUNG) for priority in PRIORITIES]
    assert reasons(name, records) == [("approved_by_rule", 1)] * 5
    assert reasons(name, [{**record, "security": False} for record in records]) == [("not_security", None)] * 5
    assert reasons(name, [package(priority=None)]) == [("no_rule_matches", None)]


def test_macos_takes_security_by_the_first_rule_and_the_rest_by_the_second() -> None:
    records = [
        package(name=f"{source}{security}", arch=None, classification=source, security=security, released=None)
        for source in ("softwareupdate", "brew", "brew cask", "installer")
        for security in (True, False)
    ]
    expected = [("approved_by_rule", 1), ("approved_by_rule", 2)] * 4
    assert reasons("AWS-MacOSDefaultPatchBaseline", records) == expected


@pytest.mark.parametrize(
    ("name", "applications"),
    [
        ("AWS-DefaultPatchBaseline", None),
        ("AWS-WindowsPredefinedPatchBaseline-OS", None),
        ("AWS-WindowsPredefinedPatchBaseline-OS-Applications", 2),
    ],
)
def test_windows_takes_urgent_updates_and_applications_where_named(name: str, applications: int | None) -> None:
    def update(number: int, patch_set: str, kind: str, severity: str | None) -> dict[str, Any]:
        return {
            "kb": f"KB{number}",
            "installed": False,
            "product": "WindowsServer2022" if patch_set == "OS" else "Office 2016",
            "patch_set": patch_set,
            "classification": kind,
            "msrc_severity": severity,
            "released": OLD,
        }

    kinds = [
        (patch_set, kind, severity)
        for patch_set in ("OS", "APPLICATION")
        for kind in ("CriticalUpdates", "SecurityUpdates", "Updates", "Drivers")
        for severity in ("Critical", "Important", "Moderate", "Unspecified", None)
    ]
    expected: list[tuple[str, int | None]] = []
    for patch_set, kind, severity in kinds:
        if patch_set == "OS":
            urgent = kind in ("CriticalUpdates", "SecurityUpdates") and severity in ("Critical", "Important")
            expected.append(("approved_by_rule", 1) if urgent else ("no_rule_matches", None))
        else:
            expected.append(("approved_by_rule", applications) if applications else ("no_rule_matches", None))
    records = [update(number, *kind) for number, kind in enumerate(kinds)]
    assert reasons(name, records) == expected
    assert reasons(name, [{**records[0], "released": YOUNG}]) == [("waiting_for_approval_delay", None)]


def test_no_predefined_baseline_goes_untested() -> None:
    tested = {
        parameters[0]
        for test in (
            test_notices_are_taken_by_class_and_severity,
            test_apt_systems_take_the_security_pocket_at_once,
            test_windows_takes_urgent_updates_and_applications_where_named,
        )
        for parameters in test.pytestmark[0].args[1]  # type: ignore[attr-defined]
    }
    assert tested | {"AWS-CentOSDefaultPatchBaseline", "AWS-MacOSDefaultPatchBaseline"} == set(BY_NAME)
