"""The compliance document: its order, its counts, its schema, and what else it tells."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import (
    AS_OF,
    SCHEMA,
    VALIDATOR,
    FakeRun,
    baseline,
    candidate,
    counts,
    document,
    entry,
    errors_of,
    installed,
    inventory,
)

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import (
    inventory_digest,
)

ROOT = Path(__file__).resolve().parents[5]


def test_the_schema_is_a_schema() -> None:
    VALIDATOR.check_schema(SCHEMA)


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
