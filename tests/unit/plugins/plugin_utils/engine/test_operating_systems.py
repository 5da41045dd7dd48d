"""Names, filter keys and values against the service model of SSM (2014-11-06), as botocore ships it."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine import schema
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.aws_shape import (
    BASELINE_MEMBERS,
    IDLE_MEMBERS,
    RULE_MEMBERS,
    SOURCE_MEMBERS,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.filters import EXTRACTORS
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import (
    OPERATING_SYSTEMS,
    operating_system,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

NAMES = (
    "WINDOWS AMAZON_LINUX AMAZON_LINUX_2 AMAZON_LINUX_2022 UBUNTU REDHAT_ENTERPRISE_LINUX SUSE CENTOS ORACLE_LINUX "
    "DEBIAN MACOS RASPBIAN ROCKY_LINUX ALMA_LINUX AMAZON_LINUX_2023"
).split()
FILTER_KEYS = (
    "ARCH ADVISORY_ID BUGZILLA_ID PATCH_SET PRODUCT PRODUCT_FAMILY CLASSIFICATION CVE_ID EPOCH MSRC_SEVERITY NAME "
    "PATCH_ID SECTION PRIORITY REPOSITORY RELEASE SEVERITY SECURITY VERSION"
).split()
# DescribePatchProperties; the four that its text leaves out are as their nearest relatives.
OFFERED = {
    **dict.fromkeys(NAMES, {"product", "classification", "severity"}),
    **dict.fromkeys(("DEBIAN", "UBUNTU", "RASPBIAN"), {"product", "priority", "section"}),
    "MACOS": {"product", "classification"},
    "WINDOWS": {"patch_set", "product", "product_family", "classification", "msrc_severity"},
}
REQUEST = (
    "OperatingSystem Name GlobalFilters ApprovalRules ApprovedPatches ApprovedPatchesComplianceLevel "
    "ApprovedPatchesEnableNonSecurity RejectedPatches RejectedPatchesAction Description Sources "
    "AvailableSecurityUpdatesComplianceStatus ClientToken Tags"
).split()
ANSWER_ONLY = "BaselineId PatchGroups CreatedDate ModifiedDate".split()


def test_the_operating_systems_are_those_of_the_service() -> None:
    assert set(OPERATING_SYSTEMS) == set(NAMES)
    for name in NAMES:
        assert operating_system(name).name == name


@pytest.mark.parametrize("name", ["ubuntu", "", None, 5, ["UBUNTU"], {}])
def test_no_other_name_is_one(name: object) -> None:
    with pytest.raises(PatchError, match="use one of ALMA_LINUX, ") as caught:
        operating_system(name)
    assert caught.value.kind == "unsupported_os"


def test_the_filter_keys_are_those_of_the_service() -> None:
    assert {key.upper() for key in EXTRACTORS} == set(FILTER_KEYS)
    assert {name: set(system.filter_keys) for name, system in OPERATING_SYSTEMS.items()} == OFFERED
    for system in OPERATING_SYSTEMS.values():
        assert set(system.filter_keys) <= system.attributes <= set(EXTRACTORS)


def test_the_values_of_a_baseline_are_those_of_the_service() -> None:
    assert schema.LEVELS == ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")
    assert set(schema.REJECTED_ACTIONS) == {"ALLOW_AS_DEPENDENCY", "BLOCK"}
    assert set(schema.COMPLIANCE_STATUSES) == {"COMPLIANT", "NON_COMPLIANT"}
    assert (schema.MAX_DELAY_DAYS, schema.DESCRIPTION_LENGTH, schema.CONFIGURATION_LENGTH) == (360, 1024, 1024)
    assert (schema.FILTER_VALUE_LENGTH, schema.PATCH_ID_LENGTH, schema.PRODUCT_LENGTH) == (64, 100, 128)
    assert schema.QUOTAS == {
        "filters": 4, "values": 20, "approval_rules": 10, "approved_patches": 50, "rejected_patches": 50, "products": 20
    }  # fmt: skip


def test_every_member_of_a_request_or_an_answer_is_known() -> None:
    assert {*REQUEST, *ANSWER_ONLY} <= {*BASELINE_MEMBERS, *IDLE_MEMBERS}
    rule = {"PatchFilterGroup", "ComplianceLevel", "ApproveAfterDays", "ApproveUntilDate", "EnableNonSecurity"}
    assert set(RULE_MEMBERS) == rule
    assert set(SOURCE_MEMBERS) == {"Name", "Products", "Configuration"}


def test_families_decide_orders_dates_and_switches() -> None:
    families = {name: system.family for name, system in OPERATING_SYSTEMS.items()}
    assert [name for name, family in families.items() if family == "deb"] == ["UBUNTU", "DEBIAN", "RASPBIAN"]
    assert (families["SUSE"], families["MACOS"], families["WINDOWS"]) == ("suse", "macos", "windows")
    assert sum(family == "rpm" for family in families.values()) == 9
    schemes = {system.family: system.version_scheme for system in OPERATING_SYSTEMS.values()}
    assert schemes == {"rpm": "rpm", "suse": "rpm", "deb": "deb", "macos": "plain", "windows": "plain"}
    for system in OPERATING_SYSTEMS.values():
        assert system.is_linux is (system.family in ("rpm", "deb", "suse"))
        assert system.vendor_dates is (system.family != "deb")
        assert system.has_security_switch is (system.family != "windows")
