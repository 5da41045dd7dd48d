# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts of one host: those of Patch Manager's InstancePatchState, and ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .states import DEFERRED_PHASED, HELD, VIOLATIONS

_BY_STATE = {
    "INSTALLED": "installed_count",
    "INSTALLED_OTHER": "installed_other_count",
    "INSTALLED_PENDING_REBOOT": "installed_pending_reboot_count",
    "INSTALLED_REJECTED": "installed_rejected_count",
    "MISSING": "missing_count",
    "FAILED": "failed_count",
    "NOT_APPLICABLE": "not_applicable_count",
    "AVAILABLE_SECURITY_UPDATE": "available_security_update_count",
}
_NON_COMPLIANT = ("critical_non_compliant_count", "security_non_compliant_count", "other_non_compliant_count")
_OURS = ("held_count", "deferred_count", "waiting_count", "rejected_count", "not_approved_count")
STATES = tuple(_BY_STATE)
"""Patch Manager's states of an entry."""
COUNT_NAMES = (*_BY_STATE.values(), "unreported_not_applicable_count", *_NON_COMPLIANT, *_OURS)
_SECURITY_CLASSIFICATIONS = frozenset({"Security", "SecurityUpdates"})
_WAITING = frozenset({"waiting_for_approval_delay"})


def summarize(patches: Iterable[Mapping[str, Any]], *, not_applicable_known: bool = False) -> dict[str, int | None]:
    """Counts over all entries of a host, INSTALLED_OTHER included.

    The NotApplicable counts are None unless they were collected: a package manager does not list what does not
    apply. A patch that is both Critical and Security counts in both, Other is in neither. A candidate without
    a state counts once among held, deferred, waiting, rejected and not approved; one that a newer approved
    version replaces counts nowhere.
    """
    counts: Counter[str] = Counter()
    for entry in patches:
        if entry["state"] is not None:
            counts[_BY_STATE[entry["state"]]] += 1
        else:
            counts[_why_absent(entry)] += 1
        if entry["violation"]:
            counts.update(_kinds_of_violation(entry))
    result: dict[str, int | None] = {name: counts[name] for name in COUNT_NAMES}
    if not not_applicable_known:
        result["not_applicable_count"] = result["unreported_not_applicable_count"] = None
    return result


def unknown_summary() -> dict[str, int | None]:
    """The counts of a host that could not be read: all unknown, none zero."""
    return dict.fromkeys(COUNT_NAMES)


def _why_absent(entry: Mapping[str, Any]) -> str:
    if entry["detail"] == HELD:
        return "held_count"
    if entry["detail"] == DEFERRED_PHASED:
        return "deferred_count"
    if entry["decision"] == "rejected":
        return "rejected_count"
    if entry["reason"] in _WAITING:
        return "waiting_count"
    return "superseded" if entry["reason"] == "superseded_by_newer" else "not_approved_count"


def _kinds_of_violation(entry: Mapping[str, Any]) -> list[str]:
    # InstancePatchState: CriticalNonCompliantCount never holds an AVAILABLE_SECURITY_UPDATE.
    kinds = []
    if entry["level"] == "CRITICAL" and entry["state"] in VIOLATIONS:
        kinds.append("critical_non_compliant_count")
    if is_security(entry):
        kinds.append("security_non_compliant_count")
    return kinds or ["other_non_compliant_count"]


def is_security(entry: Mapping[str, Any]) -> bool:
    """By the advisory's classification where there is one; by the pocket it comes from where there is none.

    ``security`` alone will not do on RPM systems: there it says that any notice, a bug fix too, lists the package.
    """
    if entry["classification"] is not None:
        return entry["classification"] in _SECURITY_CLASSIFICATIONS
    return entry["security"] is True
