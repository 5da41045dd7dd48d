"""AWS JSON in and out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.aws import from_aws, to_aws
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import canonical, parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

# The members that `aws ssm get-patch-baseline` prints.
EXPORTED: dict[str, Any] = {
    "BaselineId": "pb-0c10e65780EXAMPLE",
    "Name": "rhel-prod",
    "OperatingSystem": "REDHAT_ENTERPRISE_LINUX",
    "GlobalFilters": {"PatchFilters": [{"Key": "PRODUCT", "Values": ["RedhatEnterpriseLinux9.4"]}]},
    "ApprovalRules": {
        "PatchRules": [
            {
                "PatchFilterGroup": {
                    "PatchFilters": [
                        {"Key": "CLASSIFICATION", "Values": ["Security"]},
                        {"Key": "SEVERITY", "Values": ["Critical", "Important"]},
                    ]
                },
                "ComplianceLevel": "HIGH",
                "ApproveAfterDays": 7,
                "EnableNonSecurity": False,
            },
            {
                "PatchFilterGroup": {"PatchFilters": []},
                "ComplianceLevel": "LOW",
                "ApproveUntilDate": "2026-01-31",
                "EnableNonSecurity": True,
            },
        ]
    },
    "ApprovedPatches": ["CVE-2026-1"],
    "ApprovedPatchesComplianceLevel": "CRITICAL",
    "ApprovedPatchesEnableNonSecurity": True,
    "RejectedPatches": ["kernel*"],
    "RejectedPatchesAction": "BLOCK",
    "PatchGroups": ["web"],
    "CreatedDate": 1700000000.123,
    "ModifiedDate": "2026-01-01T00:00:00Z",
    "Description": "production",
    "Sources": [{"Name": "mirror", "Products": ["*"], "Configuration": "[main]\nname=x\nbaseurl=https://x"}],
}


def test_an_exported_baseline_comes_back_word_for_word() -> None:
    assert to_aws(from_aws(EXPORTED)) == EXPORTED


def test_an_exported_baseline_passes_the_full_check_unchanged() -> None:
    baseline, warnings = parse_baseline(EXPORTED, where="b")
    assert warnings == []
    assert baseline["rejected_patches_action"] == "BLOCK"
    assert baseline["approval_rules"][1]["approve_until_date"] == "2026-01-31"


def test_aws_json_is_judged_without_conversion() -> None:
    patch = {
        "name": "openssl",
        "arch": "x86_64",
        "version": "2-1",
        "installed_version": "1-1",
        "product": "RedhatEnterpriseLinux9.4",
        "classification": "Security",
        "severity": "Critical",
        "security": True,
        "released": "2026-11-01",
    }
    decision = evaluate(EXPORTED, [patch], operating_system="REDHAT_ENTERPRISE_LINUX", as_of="2026-11-20")[0]
    assert (decision["reason"], decision["rule"], decision["compliance_level"]) == ("approved_by_rule", 1, "HIGH")


def test_what_a_baseline_does_not_say_is_exported_as_its_default_or_not_at_all() -> None:
    assert to_aws({"approval_rules": [{}]}) == {
        "OperatingSystem": "WINDOWS",
        "GlobalFilters": {"PatchFilters": []},
        "ApprovalRules": {
            "PatchRules": [
                {"PatchFilterGroup": {"PatchFilters": []}, "ComplianceLevel": "UNSPECIFIED", "EnableNonSecurity": False}
            ]
        },
        "ApprovedPatches": [],
        "ApprovedPatchesComplianceLevel": "UNSPECIFIED",
        "ApprovedPatchesEnableNonSecurity": False,
        "RejectedPatches": [],
        "RejectedPatchesAction": "ALLOW_AS_DEPENDENCY",
        "Sources": [],
        "AvailableSecurityUpdatesComplianceStatus": "COMPLIANT",
    }


@pytest.mark.parametrize("status", ["COMPLIANT", "NON_COMPLIANT"])
def test_a_whole_answer_about_windows_comes_back_word_for_word(status: str) -> None:
    rule = {
        "PatchFilterGroup": {
            "PatchFilters": [
                {"Key": "PATCH_SET", "Values": ["APPLICATION"]},
                {"Key": "PRODUCT_FAMILY", "Values": ["Office"]},
                {"Key": "PRODUCT", "Values": ["Office 2016"]},
                {"Key": "MSRC_SEVERITY", "Values": ["*"]},
            ]
        },
        "ComplianceLevel": "INFORMATIONAL",
        "ApproveAfterDays": 0,
        "EnableNonSecurity": False,
    }
    answer = {
        **EXPORTED,
        "OperatingSystem": "WINDOWS",
        "GlobalFilters": {"PatchFilters": []},
        "ApprovalRules": {"PatchRules": [rule]},
        "ApprovedPatches": ["KB2032276", "MS10-048"],
        "Sources": [],
        "AvailableSecurityUpdatesComplianceStatus": status,
    }
    assert to_aws(from_aws(answer)) == answer


RULES = "ApprovalRules.PatchRules"


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ((), "baseline.Noise"),
        (("ApprovalRules",), "baseline.ApprovalRules.Noise"),
        (("ApprovalRules", "PatchRules", 0), f"baseline.{RULES}[0].Noise"),
        (
            ("ApprovalRules", "PatchRules", 0, "PatchFilterGroup", "PatchFilters", 1),
            f"baseline.{RULES}[0].PatchFilterGroup.PatchFilters[1].Noise",
        ),
        (("Sources", 0), "baseline.Sources[0].Noise"),
    ],
)
def test_a_member_that_nobody_knows_is_named_never_dropped(keys: tuple[Any, ...], where: str) -> None:
    document = copy.deepcopy(EXPORTED)
    mapping: Any = document
    for key in keys:
        mapping = mapping[key]
    mapping["Noise"] = 1
    with pytest.raises(PatchError) as caught:
        from_aws(document)
    assert [problem["where"] for problem in caught.value.details["problems"]] == [where]


GROUP = f"baseline.{RULES}[0].PatchFilterGroup"


@pytest.mark.parametrize(
    ("changes", "where", "told"),
    [
        ({"ApprovalRules": []}, "baseline.ApprovalRules", "must be a mapping with PatchRules, not a list"),
        ({"ApprovalRules": {"PatchRules": "x"}}, f"baseline.{RULES}", "must be a list, not 'x'"),
        ({"ApprovalRules": {"PatchRules": ["x"]}}, f"baseline.{RULES}[0]", "must be a mapping with filters, not 'x'"),
        (
            {"ApprovalRules": {"PatchRules": [{"PatchFilterGroup": []}]}},
            GROUP,
            "must be a mapping with PatchFilters, not a list",
        ),
        (
            {"ApprovalRules": {"PatchRules": [{"PatchFilterGroup": {"PatchFilters": [5]}}]}},
            f"{GROUP}.PatchFilters[0]",
            "must be a mapping with Key and Values",
        ),
        (
            {"GlobalFilters": {"PatchFilters": [{"Key": "PRODUCT"}]}},
            "baseline.GlobalFilters.PatchFilters[0]",
            "must be a mapping with Key and Values",
        ),
        (
            {"GlobalFilters": {"PatchFilters": [{"Key": 5, "Values": ["*"]}]}},
            "baseline.GlobalFilters.PatchFilters[0]",
            "must be a mapping with Key and Values",
        ),
        ({"GlobalFilters": "x"}, "baseline.GlobalFilters", "must be a mapping with PatchFilters, not 'x'"),
        ({"GlobalFilters": {"PatchFilters": 5}}, "baseline.GlobalFilters.PatchFilters", "must be a list, not 5"),
        (
            {"GlobalFilters": {"PatchFilters": [{"Key": "PRODUKT", "Values": ["*"]}]}},
            "baseline.GlobalFilters.PRODUKT",
            "unknown filter; did you mean 'product'?",
        ),
        ({"Sources": {}}, "baseline.Sources", "must be a list of sources, not a mapping"),
        (
            {"Sources": ["x"]},
            "baseline.Sources[0]",
            "must be a mapping with name, products and configuration, not 'x'",
        ),
    ],
)
def test_a_wrong_structure_is_named_in_the_words_of_the_document(
    changes: dict[str, Any], where: str, told: str
) -> None:
    with pytest.raises(PatchError) as caught:
        from_aws({**EXPORTED, **changes})
    assert caught.value.details["problems"] == [{"where": where, "message": told}]


def test_parts_that_an_answer_leaves_out_or_empty_are_empty() -> None:
    whole = {"Name": "abc", "GlobalFilters": None, "ApprovalRules": {"PatchRules": None}, "Sources": None}
    assert from_aws(whole) == from_aws({"Name": "abc"}) == canonical({"name": "abc"})
    rule = {"PatchFilterGroup": None, "ApproveAfterDays": None, "ComplianceLevel": None}
    assert from_aws({"ApprovalRules": {"PatchRules": [rule]}}) == from_aws({"ApprovalRules": {"PatchRules": [{}]}})


@pytest.mark.parametrize(
    ("members", "where"),
    [({"ApprovalRules": {}}, "baseline.aws_members.ApprovalRules"), ([], "baseline.aws_members")],
)
def test_nothing_that_counts_hides_among_the_members_that_do_not(members: Any, where: str) -> None:
    with pytest.raises(PatchError) as caught:
        canonical({"name": "abc", "aws_members": members})
    assert [problem["where"] for problem in caught.value.details["problems"]] == [where]


def test_members_without_effect_come_back_from_our_own_names_too() -> None:
    document = to_aws({"name": "abc", "tags": [{"Key": "a", "Value": "b"}], "client_token": "t"})
    assert (document["Tags"], document["ClientToken"]) == ([{"Key": "a", "Value": "b"}], "t")
    assert to_aws(from_aws({**document, "ResponseMetadata": {"HTTPStatusCode": 200}})) == document


def test_a_list_without_values_is_exported_as_the_service_wants_it() -> None:
    document = to_aws({"name": "abc", "global_filters": {"severity": []}})
    assert document["GlobalFilters"] == {"PatchFilters": [{"Key": "SEVERITY", "Values": ["*"]}]}


def test_the_windows_only_member_is_exported_on_windows_only() -> None:
    member = "AvailableSecurityUpdatesComplianceStatus"
    assert to_aws({"name": "abc"})[member] == "COMPLIANT"
    assert member not in to_aws({"name": "abc", "operating_system": "UBUNTU"})


def test_one_filter_key_twice_in_a_group_is_refused() -> None:
    twice = [{"Key": "PRODUCT", "Values": ["a"]}, {"Key": "PRODUCT", "Values": ["b"]}]
    with pytest.raises(PatchError, match="given twice"):
        from_aws({"Name": "abc", "GlobalFilters": {"PatchFilters": twice}})


@pytest.mark.parametrize("document", [[], "x", {"name": "abc"}, {}])
def test_anything_else_is_no_aws_json(document: Any) -> None:
    with pytest.raises(PatchError, match="must be AWS baseline JSON"):
        from_aws(document)


def test_our_own_member_is_exported_only_where_it_says_something() -> None:
    assert "UnapprovedDependencies" not in to_aws({"name": "abc"})
    refusing = {"name": "abc", "unapproved_dependencies": "REFUSE"}
    assert to_aws(refusing)["UnapprovedDependencies"] == "REFUSE"
    assert from_aws(to_aws(refusing))["unapproved_dependencies"] == "REFUSE"
