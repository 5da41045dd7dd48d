# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of the public AWS Systems Manager API, for dashboards that still read those: nothing is sent from here.

``PutComplianceItems`` requests (one per host) and ``InstancePatchState`` structures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..compliance.summary import COUNT_NAMES
from ..questions.filters import members
from .model import HostLine, Report

COMPLIANCE_TYPE = "Custom:OpenfleetPatch"
_NO_GROUP = "ungrouped"
_MOST_ITEMS = 10_000
_LONGEST_ID = 100
_LONGEST_LIST = 256
_LIST = re.compile(r"https://.+|s3://[^/]+/(?:.*[^/])")
_OURS = frozenset({"held_count", "deferred_count", "waiting_count", "rejected_count", "not_approved_count"})
_COUNTS = members(name for name in COUNT_NAMES if name not in _OURS)
_INSTANCE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}", re.ASCII)
_NOT_IN_GROUPS = re.compile(r"[^\w .:/=+\-@]")
_HAVE_STATE = frozenset(
    "MISSING FAILED INSTALLED INSTALLED_OTHER INSTALLED_PENDING_REBOOT INSTALLED_REJECTED"
    " AVAILABLE_SECURITY_UPDATE".split()
)


def without_instance(report: Report, instance_ids: Mapping[str, str] | None = None) -> list[str]:
    """Hosts that no instance id is known for: they are left out of both shapes."""
    return [host.name for host in report.hosts if _instance(host, instance_ids) is None]


def put_compliance_items(report: Report, instance_ids: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Requests of PutComplianceItems. ``instance_ids``: host to managed node id (``i-...``, ``mi-...``); a host that
    is called by its id needs none.

    The first item of a host is the host as a whole: one that could not be judged is NON_COMPLIANT. A host without
    any document has no request, since no execution could be named. A request replaces whatever was known of the host,
    so there is one, of at most 10,000 items: violations first, and the whole tells how many are left out.
    """
    requests = []
    for host in report.hosts:
        instance = _instance(host, instance_ids)
        if host.state is None or instance is None:
            continue
        items = _items(report, host)
        kept = items[: _MOST_ITEMS - 1]
        requests.append(
            {
                "ResourceId": instance,
                "ResourceType": "ManagedInstance",
                "ComplianceType": COMPLIANCE_TYPE,
                "ExecutionSummary": {
                    "ExecutionTime": host.state["finished_at"],
                    "ExecutionId": host.state["run_id"],
                    "ExecutionType": host.state["operation"],
                },
                "Items": [_whole(host, left_out=len(items) - len(kept)), *kept],
                "UploadType": "COMPLETE",
            }
        )
    return requests


def instance_patch_states(report: Report, instance_ids: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """InstancePatchState structures of all hosts that were judged by a baseline. Unknown counts are left out.

    ``BaselineId`` is the baseline's digest, ``SnapshotId`` the run. A host without a patch group is of ``ungrouped``,
    since the shape wants one; OnlyIfRequired, which the service does not have, is RebootIfNeeded.
    """
    states = []
    for host in report.hosts:
        state, instance = host.state, _instance(host, instance_ids)
        if state is None or instance is None or not state["baseline_digest"]:
            continue
        made: dict[str, Any] = {
            "InstanceId": instance,
            "PatchGroup": _NOT_IN_GROUPS.sub("_", host.patch_group or _NO_GROUP)[:256],
            "BaselineId": state["baseline_digest"],
            "SnapshotId": state["run_id"],
            "OperationStartTime": state["started_at"],
            "OperationEndTime": state["finished_at"],
            "Operation": state["operation"],
        }
        made.update({member: state[name] for name, member in _COUNTS.items() if state[name] is not None})
        if _LIST.fullmatch(named := state["install_override_list"] or "") and len(named) <= _LONGEST_LIST:
            made["InstallOverrideList"] = named
        if state["reboot_option"]:
            made["RebootOption"] = "NoReboot" if state["reboot_option"] == "NoReboot" else "RebootIfNeeded"
        if state["last_no_reboot_install"]:
            made["LastNoRebootInstallOperationTime"] = state["last_no_reboot_install"]
        states.append(made)
    return states


def _whole(host: HostLine, *, left_out: int) -> dict[str, Any]:
    fine = host.status == "compliant"
    state = host.state or {}
    told = "; ".join(host.reasons) or host.failure or ""
    details = {"Status": host.status, "Baseline": state.get("baseline"), "Reasons": told, "LeftOut": left_out}
    return {
        "Id": "openfleet.patch",
        "Title": f"Patch compliance: {host.status}"[:500],
        "Severity": "UNSPECIFIED",
        "Status": "COMPLIANT" if fine else "NON_COMPLIANT",
        "Details": _details(details),
    }


def _items(report: Report, host: HostLine) -> list[dict[str, Any]]:
    """What violates first; the service knows an item by its id."""
    items: dict[str, dict[str, Any]] = {}
    for index in host.patches:
        patch = report.patch(index)
        if patch["state"] not in _HAVE_STATE:
            continue
        version = patch["version"] or patch["installed_version"] or ""
        identifier = _identifier(f"{patch['id']}:{version}")
        details = {
            "State": patch["state"],
            "InstalledVersion": patch["installed_version"],
            "Version": patch["version"],
            "Classification": patch["classification"],
            "CVEIds": ",".join(patch["cves"]),
            "Reason": patch["failure"] or patch["explanation"],
        }
        # Several updates of Windows may have one KB: the one that violates speaks for it.
        if items.get(identifier, {}).get("Status") == "NON_COMPLIANT":
            continue
        items[identifier] = {
            "Id": identifier,
            "Title": patch["title"][:500],
            "Severity": patch["level"] or "UNSPECIFIED",
            "Status": "NON_COMPLIANT" if patch["violation"] else "COMPLIANT",
            "Details": _details(details),
        }
    return sorted(items.values(), key=lambda item: item["Status"] == "COMPLIANT")


def _identifier(text: str) -> str:
    """Long names that begin alike stay apart."""
    if len(text) <= _LONGEST_ID:
        return text
    return f"{text[: _LONGEST_ID - 17]}={hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _details(known: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:4096] for name, value in known.items() if value}


def _instance(host: HostLine, instance_ids: Mapping[str, str] | None) -> str | None:
    known = (instance_ids or {}).get(host.name, host.name)
    return known if _INSTANCE_ID.fullmatch(known) else None
