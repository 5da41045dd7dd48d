# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings of the Open Cybersecurity Schema Framework (OCSF 1.7.0), one JSON object a line.

A Compliance Finding (class 2003) for each host, and a Vulnerability Finding (class 2002) for each patch that names a
CVE or an advisory and is not in force there, approved or not. ``finding_info.uid`` is the same in every report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..questions.staleness import utc_time
from .model import HostLine, Report

VERSION = "1.7.0"
_PRODUCT = {"name": "openfleet.patch", "vendor_name": "openfleet"}
_SEVERITIES = {
    "CRITICAL": (5, "Critical"),
    "HIGH": (4, "High"),
    "MEDIUM": (3, "Medium"),
    "LOW": (2, "Low"),
    "INFORMATIONAL": (1, "Informational"),
}
_UNKNOWN = (0, "Unknown")
_WORST = (*_SEVERITIES, None)
_STATUSES = {"compliant": (1, "Pass"), "ready": (1, "Pass"), "non_compliant": (3, "Fail")}
_NOT_JUDGED = (2, "Warning")
_SYSTEMS = {"WINDOWS": (100, "Windows"), "MACOS": (300, "macOS")}
_LINUX = (200, "Linux")


def ocsf(report: Report) -> Iterator[str]:
    """The lines, host by host."""
    prepared: dict[int, tuple[dict[str, Any], str] | None] = {}
    for host in report.hosts:
        common = _common(report, host)
        yield _line(_compliance(report, host, common))
        for index in host.patches:
            if index not in prepared:
                prepared[index] = _of_patch(report.patch(index))
            known = prepared[index]
            if known is not None:
                patch, vulnerabilities = known
                yield _vulnerability(host, common, patch, vulnerabilities)


def _common(report: Report, host: HostLine) -> dict[str, Any]:
    at = (host.state or {}).get("finished_at") or report.generated_at
    device: dict[str, Any] = {"hostname": host.name, "name": host.name, "type_id": 0, "type": "Unknown"}
    if host.operating_system:
        kind, kind_name = _SYSTEMS.get(host.operating_system, _LINUX)
        device["os"] = {"name": host.product or host.operating_system, "type_id": kind, "type": kind_name}
    if host.patch_group:
        device["groups"] = [{"name": host.patch_group}]
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "time": int(utc_time(at).timestamp() * 1000),
        "metadata": {"version": VERSION, "product": _PRODUCT},
        "status_id": 1,
        "status": "New",
        "device": device,
        "resources": [{"name": host.name, "uid": host.name, "type": "host"}],
    }


def _compliance(report: Report, host: HostLine, common: Mapping[str, Any]) -> dict[str, Any]:
    levels = {patch["level"] for patch in map(report.patch, host.patches) if patch["violation"]}
    fine = host.status in ("compliant", "ready")
    worst = next((level for level in _WORST if level in levels), None)
    severity, severity_name = (1, "Informational") if fine else _SEVERITIES.get(worst or "", _UNKNOWN)
    status, status_name = _STATUSES.get(host.status, _NOT_JUDGED)
    baseline = (host.state or {}).get("baseline")
    told = [*host.reasons, *([host.failure] if host.failure else [])]
    compliance: dict[str, Any] = {
        "control": "Patch baseline" + (f" {baseline}" if baseline else ""),
        "standards": [f"patch baseline {baseline or 'unknown'}"],
        "status_id": status,
        "status": status_name,
        "status_code": host.status,
    }
    if told:
        compliance["status_details"] = told
    info: dict[str, Any] = {
        "uid": f"{host.name}/compliance",
        "title": f"Patch compliance of {host.name}: {host.status}",
    }
    return {
        **common,
        **_class(2003, "Compliance Finding"),
        "severity_id": severity,
        "severity": severity_name,
        "compliance": compliance,
        "finding_info": info,
        **({"message": "; ".join(told)} if told else {}),
    }


def _of_patch(patch: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The patch and the text of its vulnerabilities, which all of its hosts share; None for one that names none."""
    named = [("cve", each) for each in patch["cves"]] or [("advisory", each) for each in patch["advisories"]]
    if not named or patch["state"] == "INSTALLED_REJECTED":
        return None
    shared: dict[str, Any] = {"is_fix_available": bool(patch["version"]), "title": patch["title"]}
    if patch["severity"]:
        shared["severity"] = patch["severity"]
    if patch["installed_version"]:
        package = {"name": patch["id"], "version": patch["installed_version"]}
        if patch["version"]:
            package["fixed_in_version"] = patch["version"]
        shared["affected_packages"] = [package]
    if patch["version"]:
        shared["remediation"] = {"desc": f"Install {patch['id']} {patch['version']}. {patch['explanation']}"}
    made = [{kind: {"uid": uid}, **shared} for kind, uid in named]
    return patch, json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def _vulnerability(host: HostLine, common: Mapping[str, Any], patch: Mapping[str, Any], vulnerabilities: str) -> str:
    severity, severity_name = _SEVERITIES.get(patch["level"] or "", _UNKNOWN)
    version = patch["version"] or patch["installed_version"] or ""
    finding = {
        **common,
        **_class(2002, "Vulnerability Finding"),
        "severity_id": severity,
        "severity": severity_name,
        "finding_info": {"uid": f"{host.name}/{patch['id']}/{version}", "title": patch["title"]},
        "message": patch["failure"] or patch["explanation"],
    }
    text = json.dumps(finding, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"vulnerabilities":{vulnerabilities}}}\n'


def _class(uid: int, name: str) -> dict[str, Any]:
    return {"class_uid": uid, "class_name": name, "type_uid": uid * 100 + 1, "type_name": f"{name}: Create"}


def _line(finding: Mapping[str, Any]) -> str:
    return json.dumps(finding, ensure_ascii=False, separators=(",", ":")) + "\n"
