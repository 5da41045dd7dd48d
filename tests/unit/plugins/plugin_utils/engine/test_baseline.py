"""Reading and checking baselines."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import (
    canonical,
    digest,
    parse_baseline,
    parse_baselines,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

RULE: dict[str, Any] = {"filters": {"classification": ["Security"]}, "approve_after_days": 7}
SOURCE: dict[str, Any] = {
    "name": "mirror",
    "products": ["*"],
    "configuration": "[main]\nbaseurl=https://rpm.example/x",
}
RHEL: dict[str, Any] = {"name": "web", "operating_system": "REDHAT_ENTERPRISE_LINUX", "approval_rules": [RULE]}


def problems_of(*baselines: Any) -> dict[str, str]:
    with pytest.raises(PatchError) as caught:
        parse_baselines(list(baselines))
    assert caught.value.kind == "bad_baseline"
    found = {problem["where"]: problem["message"] for problem in caught.value.details["problems"]}
    for place, message in found.items():
        assert f"{place}: {message}" in caught.value.message
    return {place.removeprefix("patch_baselines[0]."): message for place, message in found.items()}


def warnings_of(**changes: Any) -> list[str]:
    return parse_baseline({**RHEL, **changes}, where="b")[1]


def with_rule(**changes: Any) -> dict[str, Any]:
    return {**RHEL, "approval_rules": [{**RULE, **changes}]}


def test_every_default_is_filled_in() -> None:
    baseline, warnings = parse_baseline({"name": "abc", "approval_rules": [{**RULE}]}, where="b")
    assert warnings == []
    assert baseline == {
        "name": "abc",
        "operating_system": "WINDOWS",
        "description": None,
        "global_filters": {},
        "approval_rules": [
            {
                "filters": {"classification": ["Security"]},
                "approve_after_days": 7,
                "approve_until_date": None,
                "compliance_level": "UNSPECIFIED",
                "enable_non_security": False,
            }
        ],
        "approved_patches": [],
        "approved_patches_compliance_level": "UNSPECIFIED",
        "approved_patches_enable_non_security": False,
        "rejected_patches": [],
        "rejected_patches_action": "ALLOW_AS_DEPENDENCY",
        "unapproved_dependencies": "ALLOW",
        "sources": [],
        "available_security_updates_compliance_status": "COMPLIANT",
    }


def test_all_problems_of_all_baselines_come_at_once() -> None:
    found = problems_of(
        {"name": "x", "operating_sytem": "UBUNTU", "approval_rules": [{"filter": {}, "approve_after_days": True}]},
        5,
        RHEL,
        {**RHEL, "rejected_patches": "kernel"},
    )
    assert found == {
        "operating_sytem": "unknown key; did you mean 'operating_system'?",
        "name": "'x' must be 3 to 128 letters, digits, '_', '-' or '.'",
        "approval_rules[0].filter": "unknown key; did you mean 'filters'?",
        "approval_rules[0].filters": "is required; write {} to match every patch",
        "approval_rules[0].approve_after_days": "must be a whole number of days from 0 to 360, not true",
        "patch_baselines[1]": "must be a mapping with a name and approval_rules, not 5",
        "patch_baselines[3].name": "'web' is already the name of patch_baselines[2]; rename one",
        "patch_baselines[3].rejected_patches": "must be a list such as [kernel]",
    }


@pytest.mark.parametrize(
    ("baseline", "place", "part"),
    [
        ({"approval_rules": []}, "name", "is required"),
        ({**RHEL, "name": 5}, "name", "must be a string"),
        ({**RHEL, "name": "a b c"}, "name", "must be 3 to 128"),
        ({**RHEL, "name": "a" * 129}, "name", "must be 3 to 128"),
        ({**RHEL, "description": "d" * 1025}, "description", "1 to 1024"),
        ({**RHEL, "operating_system": "UBUNTO"}, "operating_system", "did you mean 'UBUNTU'?"),
        ({**RHEL, "global_filters": []}, "global_filters", "must be a mapping"),
        ({**RHEL, "global_filters": {"severety": ["x"]}}, "global_filters.severety", "did you mean 'severity'?"),
        ({**RHEL, "global_filters": {"severity": "x"}}, "global_filters.severity", "must be a list such as [x]"),
        ({**RHEL, "global_filters": {5: ["x"]}}, "global_filters.5", "unknown filter"),
        ({**RHEL, "approved_patches": [10**18]}, "approved_patches[0]", "must be a string, not a huge number"),
        ({**RHEL, "global_filters": {"severity": [True]}}, "global_filters.severity[0]", "put it in quotes"),
        ({**RHEL, "global_filters": {"product": ["p" * 65]}}, "global_filters.product[0]", "1 to 64"),
        ({**RHEL, "global_filters": {"Severity": ["a"], "severity": ["b"]}}, "global_filters.severity", "twice"),
        ({**RHEL, "approval_rules": {}}, "approval_rules", "must be a list of rules"),
        ({**RHEL, "approval_rules": ["x"]}, "approval_rules[0]", "must be a mapping"),
        (with_rule(approve_after_days=361), "approval_rules[0].approve_after_days", "from 0 to 360, not 361"),
        (with_rule(approve_after_days="7"), "approval_rules[0].approve_after_days", "not '7'"),
        (with_rule(approve_after_days=None), "approval_rules[0]", "needs approve_after_days or approve_until_date"),
        (with_rule(approve_until_date="2026-01-01"), "approval_rules[0]", "has both"),
        (
            with_rule(approve_after_days=None, approve_until_date="2026-02-30"),
            "approval_rules[0].approve_until_date",
            "real day",
        ),
        (
            with_rule(approve_after_days=None, approve_until_date="2026-2-3"),
            "approval_rules[0].approve_until_date",
            "YYYY-MM-DD",
        ),
        (with_rule(compliance_level="HIHG"), "approval_rules[0].compliance_level", "did you mean 'HIGH'?"),
        (with_rule(enable_non_security="yes"), "approval_rules[0].enable_non_security", "true or false"),
        ({**RHEL, "approved_patches": ["a" * 101]}, "approved_patches[0]", "1 to 100"),
        ({**RHEL, "approved_patches": [1.5]}, "approved_patches[0]", "put it in quotes"),
        ({**RHEL, "rejected_patches_action": "DENY"}, "rejected_patches_action", "use one of ALLOW_AS_DEPENDENCY"),
        ({**RHEL, "sources": [{"name": "abc"}]}, "sources[0].configuration", "is required"),
        (
            {**RHEL, "sources": [{"name": 5, "products": ["*"], "configuration": "x"}]},
            "sources[0].name",
            "must be a string, not 5",
        ),
        (
            {**RHEL, "sources": [{"name": "abc", "products": ["*"], "configuration": "x" * 1025}]},
            "sources[0].configuration",
            "must have 1 to 1024 characters, has 1025",
        ),
        ({**RHEL, "sources": [{**SOURCE, "products": None}]}, "sources[0].products", "at least one product"),
        ({**RHEL, "sources": ["mirror"]}, "sources[0]", "must be a mapping with name, products"),
        ({**RHEL, "sources": {}}, "sources", "must be a list of sources"),
        (
            {**RHEL, "sources": [{"name": "ab", "products": ["*"], "configuration": "x"}]},
            "sources[0].name",
            "3 to 50",
        ),
        (
            {**RHEL, "sources": [{"name": "abc", "products": ["*"], "configuration": "x", "product": "*"}]},
            "sources[0].product",
            "did you mean 'products'?",
        ),
        (
            {
                **RHEL,
                "operating_system": "UBUNTO",
                "sources": [{"name": "abc", "products": ["*"], "configuration": "x"}],
            },
            "operating_system",
            "did you mean 'UBUNTU'?",
        ),
        (
            with_rule(approve_after_days=None, approve_until_date=datetime.datetime(2026, 11, 1, 12)),
            "approval_rules[0].approve_until_date",
            "not 2026-11-01T12:00:00",
        ),
        (
            {**RHEL, "sources": [{"name": "abc", "products": [], "configuration": "x"}]},
            "sources[0].products",
            "at least one",
        ),
        (
            {
                **RHEL,
                "operating_system": "WINDOWS",
                "sources": [{"name": "abc", "products": ["*"], "configuration": "x"}],
            },
            "sources",
            "exist on Linux only",
        ),
        (
            {
                "name": "abc",
                "operating_system": "DEBIAN",
                "sources": [{"name": "abc", "products": ["*"], "configuration": "deb u s c\ndeb u s d"}],
            },
            "sources[0].configuration",
            "one line",
        ),
        (
            {
                "name": "win",
                "approval_rules": [
                    {
                        "filters": {"product": ["Office 2016"], "product_family": ["Windows"]},
                        "approve_after_days": 0,
                    }
                ],
            },
            "approval_rules[0].filters.product",
            "'Office 2016' belongs to the product family 'Office'",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_the_fix(baseline: dict[str, Any], place: str, part: str) -> None:
    found = problems_of(baseline)
    assert part in found[place], found


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Critical", "must be a list such as [Critical]"),
        (5, "must be a list such as [5]"),
        (True, "must be a list"),
        (1.5, "must be a list"),
        ({"a": "b"}, "must be a list"),
        ("x" * 61, f"must be a list such as [{'x' * 57}...]"),
    ],
)
def test_a_lone_value_is_shown_as_the_list_that_it_should_be(value: Any, told: str) -> None:
    assert problems_of({**RHEL, "global_filters": {"severity": value}}) == {"global_filters.severity": told}
    assert problems_of({**RHEL, "rejected_patches": value}) == {"rejected_patches": told}


@pytest.mark.parametrize(
    ("families", "products", "told"),
    [
        (["Windows"], ["WindowsServer2022", "A product of somebody"], 0),
        (["*"], ["Office 2016"], 0),
        (["Windows", "*"], ["Office 2016"], 0),
        ([], ["Office 2016"], 0),
        (["Windows", "Office"], ["Office 2016", "Windows 11"], 0),
        (["Office"], ["Office 2016", "WindowsServer2019", "Microsoft SQL Server 2019"], 2),
    ],
)
def test_a_product_is_held_against_the_families_that_are_named(
    families: list[str], products: list[str], told: int
) -> None:
    rule = {"filters": {"product_family": families, "product": products}, "approve_after_days": 0}
    given = {"name": "win", "approval_rules": [rule]}
    if not told:
        assert parse_baseline(given)[0]["approval_rules"][0]["filters"]["product"] == products
        return
    with pytest.raises(PatchError) as caught:
        parse_baseline(given)
    messages = [problem["message"] for problem in caught.value.details["problems"]]
    assert [message.split(" belongs")[0] for message in messages] == [
        "'WindowsServer2019'",
        "'Microsoft SQL Server 2019'",
    ]


def test_the_longest_and_the_most_that_are_allowed_are_taken() -> None:
    line = "[main]\nbaseurl=https://rpm.example/"
    source = {"name": "a" * 50, "products": ["p" * 128], "configuration": line + "x" * (1024 - len(line))}
    rule = {"filters": {"product": ["p" * 64]}, "approve_after_days": 360}
    lists = {"approved_patches": ["a" * 100], "rejected_patches": ["r" * 100]}
    texts = {"name": "n" * 128, "description": "d" * 1024}
    sources = [{**source, "name": f"{number:03}"} for number in range(19)]
    parsed, _warnings = parse_baseline(
        {**RHEL, **texts, **lists, "sources": [source, *sources], "approval_rules": [rule]}
    )
    assert (len(parsed["sources"]), parsed["approval_rules"][0]["approve_after_days"]) == (20, 360)


def test_null_is_the_default_of_every_field() -> None:
    names = [key for key in canonical({}) if key != "name"]
    assert canonical({"name": "abc", **dict.fromkeys(names)}) == canonical({"name": "abc"})
    rule = canonical({"approval_rules": [{}]})["approval_rules"][0]
    assert canonical({"approval_rules": [dict.fromkeys(rule)]})["approval_rules"] == [rule]


@pytest.mark.parametrize(("given", "shown"), [({"name": "abc"}, "a mapping"), (5, "5"), (None, "null")])
def test_a_list_that_is_none_is_refused(given: Any, shown: str) -> None:
    with pytest.raises(PatchError, match=f"patch_baselines: must be a list of baselines, not {shown}"):
        parse_baselines(given)


def test_each_baseline_of_a_list_is_warned_about_in_its_own_place() -> None:
    given = [RHEL, {**RHEL, "name": "second", "rejected_patches": ["a*b*"]}]
    warning = "rejected_patches[0]: 'a*b*' has more than one '*' and matches nothing"
    baselines, warnings = parse_baselines(given)
    assert [baseline["name"] for baseline in baselines] == ["web", "second"]
    assert warnings == [f"patch_baselines[1].{warning}"]
    assert parse_baselines(given, places=["one.yml", "two.yml"])[1] == [f"two.yml.{warning}"]


def test_one_baseline_alone_is_checked_as_one_of_a_list() -> None:
    wrong = {**RHEL, "name": "x", "approval_rules": [RULE, {**RULE, "approve_after_days": -1}]}
    with pytest.raises(PatchError) as caught:
        parse_baseline(wrong)
    assert caught.value.kind == "bad_baseline"
    assert [problem["where"] for problem in caught.value.details["problems"]] == [
        "patch_baseline.name",
        "patch_baseline.approval_rules[1].approve_after_days",
    ]


def test_problems_of_aws_json_are_named_in_its_own_words() -> None:
    found = problems_of(
        {
            "Name": "abc",
            "OperatingSystem": "Ubunt",
            "ApprovalRules": {
                "PatchRules": [
                    {
                        "PatchFilterGroup": {"PatchFilters": [{"Key": "SEVERITY", "Values": [""]}, {"Key": 1}]},
                        "ApproveAfterDay": 3,
                        "ApproveAfterDays": 900,
                    }
                ]
            },
        }
    )
    rule = "ApprovalRules.PatchRules[0]"
    assert found == {
        "OperatingSystem": "'Ubunt' is not possible; did you mean 'UBUNTU'?",
        f"{rule}.ApproveAfterDay": "unknown key; did you mean 'ApproveAfterDays'?",
        f"{rule}.PatchFilterGroup.PatchFilters[1]": "must be a mapping with Key and Values",
        f"{rule}.PatchFilterGroup.SEVERITY[0]": "must have 1 to 64 characters, has 0",
        f"{rule}.ApproveAfterDays": "must be a whole number of days from 0 to 360, not 900",
    }


@pytest.mark.parametrize("system", ["DEBIAN", "UBUNTU", "RASPBIAN", "MACOS"])
def test_some_systems_need_no_date_option(system: str) -> None:
    baseline, warnings = parse_baseline(
        {"name": "abc", "operating_system": system, "approval_rules": [{"filters": {}}]}
    )
    assert baseline["approval_rules"][0]["approve_after_days"] is None
    assert warnings == []


def test_yaml_dates_and_numbers_are_taken_as_written() -> None:
    rule = {"filters": {"bugzilla_id": [77]}, "approve_until_date": datetime.date(2026, 11, 1)}
    baseline, _warnings = parse_baseline({**RHEL, "approval_rules": [rule], "approved_patches": [1463241]}, where="b")
    assert baseline["approval_rules"][0]["approve_until_date"] == "2026-11-01"
    assert baseline["approval_rules"][0]["filters"] == {"bugzilla_id": ["77"]}
    assert baseline["approved_patches"] == ["1463241"]


def test_an_override_needs_no_name() -> None:
    assert parse_baseline({"approval_rules": [RULE]}, where="b", name_required=False)[0]["name"] is None


def test_service_quotas_are_advice() -> None:
    warnings = warnings_of(
        approval_rules=[RULE] * 11,
        approved_patches=[f"a{number}" for number in range(51)],
        rejected_patches=[f"r{number}" for number in range(51)],
        global_filters={
            "arch": [str(number) for number in range(21)],
            **{k: ["*"] for k in ("name", "epoch", "version", "release")},
        },
    )
    assert warnings == [
        "b.approval_rules: 11 entries; the AWS service takes at most 10",
        "b.approved_patches: 51 entries; the AWS service takes at most 50",
        "b.rejected_patches: 51 entries; the AWS service takes at most 50",
        "b.global_filters: 5 entries; the AWS service takes at most 4",
        "b.global_filters.arch: 21 entries; the AWS service takes at most 20",
    ]


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"approved_patches": ["a*b*"]}, "approved_patches[0]: 'a*b*' has more than one '*' and matches nothing"),
        ({"operating_system": "UBUNTU", "rejected_patches": ["sudo.amd64"]}, "names an architecture"),
        ({"operating_system": "MACOS", "rejected_patches": ["XProtect*"]}, "literal on MACOS"),
        ({"operating_system": "SUSE", "rejected_patches": ["curl"]}, "neither a patch id nor an rpm file name"),
        ({"operating_system": "UBUNTU"}, "approval_rules[0].approve_after_days: ignored, UBUNTU"),
        ({"operating_system": "UBUNTU"}, "UBUNTU patches carry no classification"),
        ({"operating_system": "CENTOS"}, "no rule has enable_non_security"),
        ({"global_filters": {"product": ["RedhatEnterpriseLinux9.*"]}}, "is compared literally"),
        ({"approval_rules": []}, "nothing is ever approved"),
        ({"approved_patches": ["a"], "rejected_patches": ["a"]}, "rejected wins"),
        ({"approval_rules": [{**RULE, "approve_after_days": 101}]}, "at most 100 are advised"),
        (
            {"operating_system": "WINDOWS", "approval_rules": [{**RULE, "enable_non_security": True}]},
            "no effect on Windows",
        ),
        ({"operating_system": "WINDOWS", "approval_rules": [{**RULE, "approve_after_days": 31}]}, "over 30 days"),
        ({"available_security_updates_compliance_status": "NON_COMPLIANT"}, "has an effect on Windows only"),
        (
            {"operating_system": "WINDOWS", "approved_patches_enable_non_security": True},
            "b.approved_patches_enable_non_security: has no effect on Windows",
        ),
        (
            {"operating_system": "WINDOWS", "approval_rules": [{**RULE, "filters": {"patch_set": ["APPLICATION"]}}]},
            "approval_rules[0].filters: patch_set APPLICATION should name a product",
        ),
        (
            {"sources": [{**SOURCE, "products": [f"p{number}" for number in range(21)]}]},
            "b.sources[0].products: 21 entries; the AWS service takes at most 20",
        ),
        ({"operating_system": "MACOS"}, "macOS updates rarely carry a date"),
    ],
)
def test_what_is_hardly_meant_is_warned_about(changes: dict[str, Any], warning: str) -> None:
    assert [text for text in warnings_of(**changes) if warning in text], warnings_of(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"approval_rules": [{**RULE, "approve_after_days": 100}]},
        {"operating_system": "CENTOS", "approval_rules": [RULE, {**RULE, "enable_non_security": True}]},
        {"operating_system": "WINDOWS", "approval_rules": [{**RULE, "approve_after_days": 30}]},
        {
            "operating_system": "WINDOWS",
            "approval_rules": [{**RULE, "filters": {"patch_set": ["APPLICATION"], "product": ["*"]}}],
        },
        {"operating_system": "UBUNTU", "approval_rules": [{"filters": {}, "approve_after_days": 0}]},
        {"operating_system": "UBUNTU", "rejected_patches": ["linux-*", "sudo"], "approval_rules": [{"filters": {}}]},
        {"operating_system": "UBUNTU", "approval_rules": [{"filters": {"classification": ["*"]}}]},
        {"operating_system": "SUSE", "rejected_patches": ["SUSE-SLE-2026-7", "curl-8-1.x86_64.rpm", "curl-*"]},
        {"operating_system": "MACOS", "approval_rules": [{"filters": {}, "approve_after_days": 0}]},
        {"approval_rules": [RULE] * 10, "approved_patches": [f"a{number}" for number in range(50)]},
        {"approval_rules": [], "approved_patches": ["a"]},
        {"sources": [{**SOURCE, "products": [f"p{number}" for number in range(20)]}]},
    ],
)
def test_what_is_meant_is_not_warned_about(changes: dict[str, Any]) -> None:
    assert warnings_of(**changes) == []


def test_the_digest_counts_meaning_not_writing() -> None:
    as_aws = {
        "BaselineId": "pb-0123456789abcdef0",
        "Name": "web",
        "OperatingSystem": "REDHAT_ENTERPRISE_LINUX",
        "ApprovalRules": {
            "PatchRules": [
                {
                    "PatchFilterGroup": {"PatchFilters": [{"Key": "CLASSIFICATION", "Values": ["Security"]}]},
                    "ApproveAfterDays": 7,
                }
            ]
        },
    }
    assert digest(as_aws) == digest(RHEL)
    assert digest(RHEL).startswith("sha256:")
    assert digest({**RHEL, "rejected_patches": ["a"]}) != digest(RHEL)


def test_judging_takes_short_names_but_no_wrong_types() -> None:
    assert canonical({"name": "t"})["name"] == "t"
    with pytest.raises(PatchError, match=r"baseline\.approval_rules: must be a list of rules, not 'all'"):
        canonical({"name": "t", "approval_rules": "all"})
