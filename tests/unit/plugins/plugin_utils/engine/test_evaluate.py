"""What the conformance vectors cannot say: wrong input, options, explanations, predefined baselines."""

from __future__ import annotations

import ast
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.dates import day_of, end_of_day, parse_instant
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.eligibility import eligibility
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.explain import REASONS, explain
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import OPERATING_SYSTEMS
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.override_list import Glob
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import (
    predefined_baseline,
    predefined_baselines,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

RHEL = "REDHAT_ENTERPRISE_LINUX"
NOW = "2026-11-20T00:00:00Z"
PATCH: dict[str, Any] = {
    "name": "openssl",
    "arch": "x86_64",
    "version": "1:3-2",
    "installed_version": "1:3-1",
    "classification": "Security",
    "severity": "Important",
    "security": True,
    "advisories": [{"id": "RHSA-1", "cves": ["CVE-1"], "bugzillas": [7]}],
    "released": "2026-11-14T00:00:00Z",
}
ALL: dict[str, Any] = {"approval_rules": [{"filters": {}, "approve_after_days": 7, "compliance_level": "HIGH"}]}


def refusal(patch: Any, system: str = RHEL) -> str:
    with pytest.raises(PatchError) as caught:
        evaluate(ALL, [PATCH, patch] if system == RHEL else [patch], operating_system=system, as_of=NOW)
    assert caught.value.kind == "bad_record"
    return caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "patches[1].name: must be a non-empty string, not null"),
        ({"name": ["x"]}, "patches[1].name: must be a string or null, not a list"),
        ({"version": 10**6000}, "patches[1].version: must be a string or null, not a huge number"),
        ({"version": 3}, "patches[1].version: must be a string or null, not 3"),
        ({"version": ""}, "patches[1].version: must be a non-empty string, not ''"),
        ({"installed_version": 1.0}, "patches[1].installed_version: must be a string or null, not 1.0"),
        ({"security": "yes"}, "patches[1].security: must be true, false or null, not 'yes'"),
        ({"released": "yesterday"}, "patches[1].released: must be an ISO 8601 date"),
        ({"released": "2026-13-01"}, "patches[1].released: must be an ISO 8601 date"),
        ({"released": 5}, "patches[1].released: must be an ISO 8601 date"),
        ({"released": []}, "patches[1].released: must be an ISO 8601 date"),
        ({"build_time": {}}, "patches[1].build_time: must be an ISO 8601 date"),
        ({"advisories": "RHSA-1"}, "patches[1].advisories: must be a list, not 'RHSA-1'"),
        ({"advisories": 0}, "patches[1].advisories: must be a list, not 0"),
        ({"advisories": ["RHSA-1"]}, "patches[1].advisories[0]: must be a mapping, not 'RHSA-1'"),
        ({"advisories": [{"id": 5}]}, "patches[1].advisories[0].id: must be a string or null, not 5"),
        ({"advisories": [{"classification": 5}]}, "patches[1].advisories[0].classification: must be a string or null"),
        ({"advisories": [{"severity": []}]}, "patches[1].advisories[0].severity: must be a string or null, not a list"),
        ({"advisories": [{"updated": "x"}]}, "patches[1].advisories[0].updated: must be an ISO 8601 date"),
        ({"installed": 1}, "patches[1].installed: must be true, false or null, not 1"),
        ({"applicable": "no"}, "patches[1].applicable: must be true, false or null, not 'no'"),
        ({"first_seen": "x"}, "patches[1].first_seen: must be an ISO 8601 date"),
        ({"advisories": [{"id": "a", "cves": "CVE-1"}]}, "patches[1].advisories[0].cves: must be a list"),
        (
            {"advisories": [{"id": "a", "cves": [None]}]},
            "patches[1].advisories[0].cves[0]: must be a string or a number",
        ),
        (
            {"advisories": [{"bugzillas": [True]}]},
            "patches[1].advisories[0].bugzillas[0]: must be a string or a number",
        ),
        ({"advisories": [{"bugzillas": [10**6000]}]}, "patches[1].advisories[0].bugzillas: holds a number"),
    ],
)
def test_a_record_of_the_wrong_type_is_named_never_a_stack_trace(change: dict[str, Any], message: str) -> None:
    assert refusal({**PATCH, **change}).startswith(message)


@pytest.mark.parametrize("patch", [None, 5, "openssl", ["openssl"]])
def test_a_record_that_is_no_mapping_is_refused(patch: Any) -> None:
    assert refusal(patch).startswith("patches[1]: must be a mapping")


def test_a_windows_record_needs_an_id_or_a_title() -> None:
    assert refusal({"kb": None}, "WINDOWS").startswith("patches[0].title: must be a non-empty string")
    assert refusal({"kb": "KB1", "superseded_by": 5}, "WINDOWS").startswith("patches[0].superseded_by: must be a list")
    assert refusal({"kb": "KB1", "child_kbs": "KB2"}, "WINDOWS").startswith("patches[0].child_kbs: must be a list")
    assert refusal({"kb": "KB1", "products": "x"}, "WINDOWS").startswith("patches[0].products: must be a list")
    assert refusal({"kb": "KB1", "superseded_by": [None]}, "WINDOWS").startswith("patches[0].superseded_by[0]: must")


def test_patches_must_be_a_list() -> None:
    with pytest.raises(PatchError, match="patches: must be a list of records, not dict") as caught:
        evaluate(ALL, {}, operating_system=RHEL, as_of=NOW)  # type: ignore[arg-type]
    assert caught.value.kind == "bad_record"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"operating_system": "BEOS"}, "unsupported_os"),
        ({"operating_system": None}, "unsupported_os"),
        ({"as_of": "soon"}, "bad_option"),
        ({"as_of": 5}, "bad_option"),
        ({"operation": "Remove"}, "bad_option"),
        ({"delay_clock": "moon"}, "bad_option"),
        ({"install_override_list": {}}, "bad_override_list"),
        ({"install_override_list": {"patches": [{"title": "x"}]}}, "bad_override_list"),
        ({"install_override_list": {"patches": [{"id": 5}]}}, "bad_override_list"),
        ({"install_override_list": {"patches": [{"id": "a", "title": 5}]}}, "bad_override_list"),
        ({"install_override_list": {"patches": ["a"]}}, "bad_override_list"),
    ],
)
def test_a_wrong_option_is_refused_by_kind(options: dict[str, Any], kind: str) -> None:
    with pytest.raises(PatchError) as caught:
        evaluate(ALL, [PATCH], **{"operating_system": RHEL, "as_of": NOW, **options})
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("fits", "too_long"),
    [
        ([{"id": "a" * 1000}], [{"id": "a" * 1001}]),
        ([{"id": "a", "title": "t" * 1000}], [{"id": "a", "title": "t" * 1001}]),
        ([{"id": "a"}] * 10_000, [{"id": "a"}] * 10_001),
    ],
    ids=["id", "title", "entries"],
)
def test_an_override_list_is_bounded(fits: list[dict[str, str]], too_long: list[dict[str, str]]) -> None:
    def judged(entries: list[dict[str, str]]) -> str:
        override = {"patches": entries}
        decision = evaluate(ALL, [PATCH], operating_system=RHEL, as_of=NOW, install_override_list=override)[0]
        return str(decision["reason"])

    assert judged(fits) == "not_in_override_list"
    with pytest.raises(PatchError) as caught:
        judged(too_long)
    place = caught.value.details["problems"][0]["where"]
    assert place in ("install_override_list.patches", *(f"install_override_list.patches[0].{k}" for k in too_long[0]))


def test_every_wrong_entry_of_an_override_list_is_named() -> None:
    entries = [{"id": "a"}, {"id": ""}, "b", {"id": "c", "title": 5}, {"cve": "CVE-1"}, {"advisory": "RHSA-*"}]
    with pytest.raises(PatchError) as caught:
        evaluate(ALL, [], operating_system=RHEL, as_of=NOW, install_override_list={"patches": entries})
    places = [
        problem["where"].removeprefix("install_override_list.patches") for problem in caught.value.details["problems"]
    ]
    assert places == ["[1].id", "[2]", "[3].title", "[4].cve", "[5].advisory"]


def test_a_rule_with_both_dates_is_refused_while_judging_too() -> None:
    rule = {"filters": {}, "approve_after_days": 7, "approve_until_date": "2026-01-01"}
    with pytest.raises(PatchError, match="has both approve_after_days and approve_until_date"):
        evaluate({"approval_rules": [rule]}, [PATCH], operating_system=RHEL, as_of=NOW)


def test_records_are_left_as_they_came_and_further_keys_pass() -> None:
    patch = {**PATCH, "held": True, "released_source": "updateinfo", "size": 5}
    copy = {**patch}
    plain = evaluate(ALL, [PATCH], operating_system=RHEL, as_of="2026-12-01")
    assert evaluate(ALL, [patch], operating_system=RHEL, as_of="2026-12-01") == plain
    assert patch == copy


@pytest.mark.parametrize(
    "as_of",
    [
        "2026-11-21T00:00:00Z",
        "2026-11-21",
        "2026-11-21 02:00:00+02:00",
        "2026-11-20T19:00:00.000-0500",
        datetime(2026, 11, 21),
        datetime(2026, 11, 21, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_the_clock_is_utc_however_it_is_written(as_of: Any) -> None:
    assert evaluate(ALL, [PATCH], operating_system=RHEL, as_of=as_of)[0]["decision"] == "approved"
    earlier = parse_instant(as_of) - 1_000_000
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=earlier)
    waiting = evaluate(ALL, [PATCH], operating_system=RHEL, as_of=moment)[0]
    assert (waiting["reason"], waiting["approves_on"]) == ("waiting_for_approval_delay", "2026-11-21")


def test_a_date_at_the_end_of_time_does_not_overflow() -> None:
    far = {**PATCH, "released": "9999-12-31T23:59:59Z"}
    assert evaluate(ALL, [far], operating_system=RHEL, as_of=NOW)[0]["approves_on"] == "9999-12-31"
    assert day_of(-(10**20)) == "0001-01-01"
    assert end_of_day(date(1970, 1, 1)) == 86_400_000_000 - 1
    assert parse_instant(date(1970, 1, 2)) == 86_400_000_000


def test_eligibility_asks_about_each_version_alone() -> None:
    older, newer = {**PATCH, "released": "2026-11-01"}, {**PATCH, "version": "1:3-3", "released": "2026-11-02"}
    alone = eligibility(ALL, [older, newer], operating_system=RHEL, as_of=NOW)
    assert [decision["decision"] for decision in alone] == ["approved", "approved"]
    together = evaluate(ALL, [older, newer], operating_system=RHEL, as_of=NOW)
    assert [decision["reason"] for decision in together] == ["superseded_by_newer", "approved_by_rule"]
    assert all("state" not in decision for decision in alone)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("dhcp*1.*", "dhcp-libs1.x86_64", True),
        ("dhcp*1.*", "dhcp-libs2.x86_64", False),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*b*c", "a-c-b-c", True),
        ("a*b*c", "a-c-c", False),
        ("a", "ab", False),
        ("a*bc*c", "abc", False),
        ("*a*", "a", True),
        ("*ab*ab*", "ab", False),
        ("*32:9.8.2-0.*.rc1.57.amzn1", "bind.x86_64:32:9.8.2-0.62.rc1.57.amzn1", True),
    ],
)
def test_an_override_pattern_fits_the_whole_text(pattern: str, text: str, fits: bool) -> None:
    assert Glob(tuple(pattern.split("*"))).matches(text) is fits


def test_a_hostile_name_cannot_slow_a_pattern_down() -> None:
    entry = {"id": "a*" * 40 + "b"}
    patch = {**PATCH, "name": "a" * 50_000}
    started = datetime.now()
    decision = evaluate(ALL, [patch], operating_system=RHEL, as_of=NOW, install_override_list={"patches": [entry]})[0]
    assert decision["reason"] == "not_in_override_list"
    assert datetime.now() - started < timedelta(seconds=2)


def test_there_is_a_predefined_baseline_for_every_system_and_three_for_windows() -> None:
    found = predefined_baselines()
    systems = [baseline["operating_system"] for baseline in found]
    assert {system: systems.count(system) for system in systems} == {
        system: 3 if system == "WINDOWS" else 1 for system in OPERATING_SYSTEMS
    }
    for baseline in found:
        parsed, warnings = parse_baseline(baseline, where="b")
        assert (parsed, warnings) == (baseline, [])
        levels = {rule["compliance_level"] for rule in baseline["approval_rules"]}
        assert levels == {"UNSPECIFIED"}


def test_the_predefined_baselines_say_what_patch_manager_says() -> None:
    names = {system: predefined_baseline(system)["name"] for system in OPERATING_SYSTEMS}
    assert names["WINDOWS"] == "AWS-DefaultPatchBaseline"
    assert names["RASPBIAN"] == "AWS-DefaultRaspbianPatchBaseline"
    assert names["AMAZON_LINUX_2023"] == "AWS-AmazonLinux2023DefaultPatchBaseline"
    oracle = predefined_baseline("ORACLE_LINUX")["approval_rules"]
    assert oracle[0]["filters"]["severity"] == ["Important", "Moderate"]
    assert "severity" not in oracle[1]["filters"]
    assert [rule["enable_non_security"] for rule in predefined_baseline("CENTOS")["approval_rules"]] == [True]
    assert len(predefined_baseline("SUSE")["approval_rules"]) == 1
    assert predefined_baseline("UBUNTU")["approval_rules"][0]["approve_after_days"] is None
    with pytest.raises(PatchError, match="PLAN9"):
        predefined_baseline("PLAN9")


def test_a_predefined_baseline_is_a_fresh_copy() -> None:
    predefined_baseline("UBUNTU")["rejected_patches"].append("x")
    predefined_baseline("UBUNTU")["approval_rules"][0]["filters"]["product"].append("x")
    assert predefined_baseline("UBUNTU")["rejected_patches"] == []
    assert predefined_baseline("UBUNTU")["approval_rules"][0]["filters"]["product"] == ["*"]


def sentence(patch: dict[str, Any], baseline: dict[str, Any], system: str = RHEL, **options: Any) -> str:
    decision = evaluate(baseline, [patch], operating_system=system, as_of=NOW, **options)[0]
    return explain(decision, patch, baseline, as_of=NOW, operating_system=system)


@pytest.mark.parametrize(
    ("changes", "baseline", "expected"),
    [
        ({}, ALL, "waits for its approval delay until 2026-11-21 (in 1 day), released on 2026-11-14."),
        (
            {"released": "2026-11-01"},
            ALL,
            "is approved by rule 1 (every patch; 7 days after release), released on 2026-11-01, compliance level HIGH.",
        ),
        ({}, {"rejected_patches": ["open*"]}, "is rejected by 'open*' in rejected_patches (ALLOW_AS_DEPENDENCY)."),
        (
            {},
            {"approved_patches": ["CVE-1"]},
            "is approved by 'CVE-1' in approved_patches, compliance level UNSPECIFIED.",
        ),
        ({}, {}, "is not approved because no approval rule matches it."),
        (
            {"installed_version": "2:1-1"},
            ALL,
            "is not approved because the host already has the newer 2:1-1.",
        ),
        (
            {"released": None},
            ALL,
            "is not approved because its release date is unknown and the matching rule depends on it.",
        ),
    ],
)
def test_a_decision_is_explained_in_one_sentence(
    changes: dict[str, Any], baseline: dict[str, Any], expected: str
) -> None:
    assert sentence({**PATCH, **changes}, baseline) == f"openssl.x86_64 1:3-2 {expected}"


def test_an_explanation_carries_no_control_characters_of_the_host() -> None:
    text = sentence({**PATCH, "name": "evil\x1b[31m\nname"}, {})
    assert text.startswith("evil?[31m?name.x86_64")


def test_the_replacing_update_is_named() -> None:
    patches = [
        {"kb": "KB1", "title": "a", "installed": False, "patch_set": "OS", "superseded_by": "KB2"},
        {"kb": "KB2", "title": "b", "installed": False, "patch_set": "OS"},
    ]
    decision = evaluate(ALL, patches, operating_system="WINDOWS", as_of=NOW)[0]
    text = explain(decision, patches[0], ALL, as_of=NOW)
    assert text == "KB1 is not approved because KB2 replaces it."


def test_every_reason_of_the_engine_can_be_explained() -> None:
    engine = Path(__file__).parents[5] / "plugins" / "plugin_utils" / "engine"
    given: set[str] = set()
    for name in ("eligibility.py", "evaluate.py"):
        for node in ast.walk(ast.parse((engine / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Judgement":
                given |= {arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)}
    assert len(given) >= 9
    assert given <= REASONS


def dated(*updated: str | None) -> dict[str, Any]:
    """A version in several notices; ``released`` is the earliest of their dates, as managers write it."""
    notices = [
        {"id": f"RHSA-{number}", "classification": "Security" if number else "Bugfix",
         "severity": "Important" if number else None, "updated": each, "issued": None}
        for number, each in enumerate(updated)
    ]  # fmt: skip
    return PATCH | {"advisories": notices, "released": min((each for each in updated if each), default=None)}


SECURITY_ALONE: dict[str, Any] = {
    "approval_rules": [{"filters": {"classification": ["Security"]}, "approve_after_days": 7}]
}


def test_a_notice_without_a_date_does_not_borrow_that_of_another_notice() -> None:
    """The bugfix notice is old and the security notice has no date, so nobody knows how long the fix has been out."""
    [decision] = evaluate(SECURITY_ALONE, [dated("2026-01-01", None)], operating_system=RHEL, as_of=NOW)
    assert (decision["decision"], decision["reason"]) == ("not_approved", "unknown_release_date")
    [decision] = evaluate(SECURITY_ALONE, [dated("2026-11-19", "2026-01-01")], operating_system=RHEL, as_of=NOW)
    assert decision["reason"] == "approved_by_rule"


def test_where_notices_tell_no_dates_of_their_own_the_record_has_theirs() -> None:
    [decision] = evaluate(ALL, [PATCH | {"released": "2026-11-01"}], operating_system=RHEL, as_of=NOW)
    assert decision["reason"] == "approved_by_rule"
