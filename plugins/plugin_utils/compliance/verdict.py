# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the host compliant, or can that not be known? Silence never counts as compliant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..engine.operating_systems import OPERATING_SYSTEMS
from ..engine.records import Inventory

COMPLIANT = "compliant"
NON_COMPLIANT = "non_compliant"
UNKNOWN = "unknown"

Reason = dict[str, str]


def judge_host(entries: Iterable[Mapping[str, Any]], doubts: list[Reason]) -> tuple[str, list[Reason]]:
    """Verdict and its reasons: one violation is enough for non-compliant, one doubt is too much for compliant."""
    violations: dict[str, int] = {}
    for entry in entries:
        if entry["violation"]:
            violations[entry["state"]] = violations.get(entry["state"], 0) + 1
    reasons = [
        {"kind": state.lower(), "message": f"{count} {_WORDS[state]}"} for state, count in sorted(violations.items())
    ]
    if reasons:
        return NON_COMPLIANT, [*reasons, *doubts]
    return (UNKNOWN, doubts) if doubts else (COMPLIANT, [])


_WORDS = {
    "MISSING": "approved and not installed",
    "FAILED": "approved and failed to install",
    "INSTALLED_REJECTED": "rejected and installed",
    "INSTALLED_PENDING_REBOOT": "installed and waiting for a reboot",
    "AVAILABLE_SECURITY_UPDATE": "available security updates not approved yet",
}


def doubts_about(inventory: Inventory, baseline: Mapping[str, Any], *, stale_after: int) -> list[Reason]:
    """Why this inventory cannot prove compliance; empty when it can. ``stale_after`` in seconds."""
    doubts = []
    if not inventory.privileged:
        doubts.append(
            _doubt("not_privileged", "the scan did not run as root and may not have seen everything; use become")
        )
    odd = inventory.findings.get("odd_packages")
    if odd:
        doubts.append(_doubt("odd_packages", f"packages that nobody can judge by what they are called: {len(odd)}"))
    doubts += _refresh_doubts(inventory)
    doubts += _repository_doubts(inventory, baseline, stale_after)
    return doubts


def _refresh_doubts(inventory: Inventory) -> list[Reason]:
    if inventory.refresh.get("attempted") and inventory.refresh.get("ok") is not True:
        errors = [str(error) for error in inventory.refresh.get("errors") or []]
        told = "; ".join(errors[:3]) or "no message"
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        return [_doubt("refresh_failed", f"the package lists could not be refreshed: {told}{more}")]
    return []


def _repository_doubts(inventory: Inventory, baseline: Mapping[str, Any], stale_after: int) -> list[Reason]:
    # Windows and macOS ask one update service; there is no list of repositories that could be old or lack notices.
    if inventory.operating_system in ("WINDOWS", "MACOS"):
        return []
    enabled = [each for each in inventory.repositories if each.get("enabled", True)]
    if not enabled:
        return [_doubt("no_repositories", "no repository is enabled, so nothing can be offered to this host")]
    doubts = _notice_doubts(inventory, baseline, enabled)
    stale = [each for each in enabled if _age(each) is not None and (_age(each) or 0) > stale_after]
    if stale:
        oldest = max(_age(each) or 0 for each in stale)
        doubts.append(
            _doubt(
                "stale_metadata", f"package lists are up to {_duration(oldest)} old ({_some_ids(stale)}); refresh them"
            )
        )
    ageless = [each for each in enabled if _age(each) is None]
    if ageless:
        doubts.append(
            _doubt("metadata_age_unknown", f"never downloaded, or of unknown age: {_some_ids(ageless)}; refresh them")
        )
    return doubts


def _notice_doubts(inventory: Inventory, baseline: Mapping[str, Any], enabled: list[dict[str, Any]]) -> list[Reason]:
    has_notices = OPERATING_SYSTEMS[inventory.operating_system].family in ("rpm", "suse")
    if not (needs_security_metadata(baseline) or (has_notices and asks_for_notices(baseline))):
        return []
    if not any(each.get("security_metadata") for each in enabled):
        return [
            _doubt(
                "no_security_metadata",
                "no security metadata: no enabled repository tells which updates are security updates, and the"
                " baseline asks for that; enable the security repository, or take a baseline with enable_non_security"
                " and without filters on what update notices alone tell",
            )
        ]
    silent = _silent_repositories(inventory, enabled)
    if silent:
        return [
            _doubt(
                "no_security_metadata",
                f"no security metadata: {_some_ids(silent)} offer newer versions without telling which are security"
                " updates; give an errata file, or take a baseline with enable_non_security",
            )
        ]
    # Its packages were read and its notices were not, whatever others have: a repository without notices says False.
    unread = [each for each in enabled if each.get("security_metadata") is None and _age(each) is not None]
    if not (has_notices and unread):
        return []
    return [_doubt("security_metadata_unreadable", f"update notices that could not be read: {_some_ids(unread)}")]


def _silent_repositories(inventory: Inventory, enabled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """CentOS publishes no notices for its own repositories; that another one (EPEL) has some says nothing of these."""
    if inventory.operating_system != "CENTOS":
        return []
    offering = {each.get("repository") for each in inventory.candidates if not each.get("advisories")}
    return [each for each in enabled if each.get("security_metadata") is False and each.get("id") in offering]


def needs_security_metadata(baseline: Mapping[str, Any]) -> bool:
    """Whether any part of the baseline approves security updates only."""
    rules = baseline.get("approval_rules") or []
    lists_ask = bool(baseline.get("approved_patches")) and not baseline.get("approved_patches_enable_non_security")
    return lists_ask or any(not rule.get("enable_non_security") for rule in rules)


def asks_for_notices(baseline: Mapping[str, Any]) -> bool:
    """Whether a rule or the global filters want what an rpm package has from its notices alone. Without any notice they
    match nothing, which would look like a host that lacks nothing."""
    filters = [baseline.get("global_filters") or {}]
    filters += [rule.get("filters") or {} for rule in baseline.get("approval_rules") or []]
    return any(
        values and "*" not in values
        for group in filters
        for key, values in group.items()
        if key in ("classification", "severity", "advisory_id", "cve_id", "bugzilla_id", "security")
    )


def _age(repository: Mapping[str, Any]) -> float | None:
    age = repository.get("metadata_age")
    return age if isinstance(age, (int, float)) and not isinstance(age, bool) else None


def _some_ids(repositories: Sequence[Mapping[str, Any]]) -> str:
    ids = [str(each.get("id")) for each in repositories]
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _duration(seconds: float) -> str:
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f} days"
    return f"{seconds / 3600:.0f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes"


def _doubt(kind: str, message: str) -> Reason:
    return {"kind": kind, "message": message}
