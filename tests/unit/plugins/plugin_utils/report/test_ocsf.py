"""OCSF findings, held against what the public schema says."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ocsf_check import problems
from reports_for_tests import HOSTILE, report

from ansible_collections.openfleet.patch.plugins.plugin_utils.report.formats import render


@pytest.fixture(scope="module")
def findings() -> list[dict[str, Any]]:
    text = "".join(render(report(), ["ocsf"])["openfleet_patch.ocsf.jsonl"])
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def of_class(findings: list[dict[str, Any]], uid: int) -> dict[str, dict[str, Any]]:
    return {each["finding_info"]["uid"]: each for each in findings if each["class_uid"] == uid}


def test_every_finding_is_one_by_the_public_schema(findings: list[dict[str, Any]]) -> None:
    assert [problem for finding in findings for problem in problems(finding)] == []


def test_every_host_has_one_compliance_finding_and_none_passes_by_silence(findings: list[dict[str, Any]]) -> None:
    found = of_class(findings, 2003)
    words = {uid.removesuffix("/compliance"): each["compliance"]["status"] for uid, each in found.items()}
    assert words == {
        "lacking": "Fail",
        HOSTILE: "Fail",
        "good": "Pass",
        "unread": "Warning",
        "old": "Warning",
        "lost": "Warning",
        "never": "Warning",
    }
    assert found["lacking/compliance"]["severity"] == "High"
    assert found["lacking/compliance"]["compliance"]["control"] == "Patch baseline web-prod"
    assert found["never/compliance"]["compliance"]["status_details"] == ["no run has scanned it yet; scan it"]


def test_what_is_not_in_force_and_names_a_cve_is_a_vulnerability(findings: list[dict[str, Any]]) -> None:
    [(uid, finding)] = of_class(findings, 2002).items()
    assert uid == "lacking/libssl3.amd64/1.0-2"
    [vulnerability] = finding["vulnerabilities"]
    assert vulnerability["cve"] == {"uid": "CVE-2026-1234"}
    assert vulnerability["affected_packages"] == [
        {"name": "libssl3.amd64", "version": "1.0-1", "fixed_in_version": "1.0-2"}
    ]
    assert vulnerability["is_fix_available"] is True
    assert finding["device"]["os"] == {"name": "Debian12", "type_id": 200, "type": "Linux"}
    assert (finding["severity"], finding["resources"][0]["name"]) == ("High", "lacking")


BREAKS: list[tuple[str, Any]] = [
    ("lacks time", lambda made: made.pop("time")),
    ("has no attribute extra", lambda made: made.update(extra=1)),
    ("wants just_one", lambda made: made["vulnerabilities"][0].update(advisory={"uid": "DSA-1"})),
    ("is 7, not one of", lambda made: made["device"].update(type_id=1, os={"name": "x", "type_id": 7})),
    ("severity_id says", lambda made: made.update(severity="Low")),
    ("is no string_t", lambda made: made["finding_info"].update(uid=1)),
    ("type_uid does not follow", lambda made: made.update(type_uid=200201)),
    ("is no list with something in it", lambda made: made.update(vulnerabilities=[])),
    ("lacks uid", lambda made: made["vulnerabilities"][0].update(cve={})),
]


@pytest.mark.parametrize(("told", "broken"), BREAKS, ids=[told for told, _broken in BREAKS])
def test_the_reader_of_findings_refuses_what_is_wrong(findings: list[dict[str, Any]], told: str, broken: Any) -> None:
    [finding] = of_class(findings, 2002).values()
    made = copy.deepcopy(finding)
    broken(made)
    if told.startswith("type_uid"):
        made["activity_id"] = 2
    assert any(told in problem for problem in problems(made)), list(problems(made))
