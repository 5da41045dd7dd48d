# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A decision in one plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .baseline import canonical
from .candidates import Candidate, prepare
from .dates import MICROSECONDS_PER_DAY, day_of, instant_of, parse_instant
from .name_patterns import compile_names
from .operating_systems import operating_system as find_system


@dataclass(frozen=True)
class _Case:
    decision: dict[str, Any]
    candidate: Candidate
    baseline: dict[str, Any]
    family: str
    now: int

    @property
    def rule(self) -> dict[str, Any] | None:
        number = self.decision.get("rule")
        rules: list[dict[str, Any]] = self.baseline["approval_rules"]
        return rules[number - 1] if isinstance(number, int) and 1 <= number <= len(rules) else None

    @property
    def level(self) -> str:
        return f"compliance level {self.decision.get('compliance_level', 'UNSPECIFIED')}"

    @property
    def released(self) -> str:
        told = self.decision.get("counted_from")
        if told is not None:
            return f"{_DATED[self.decision['counted_source']]} {told[:10]}"
        dates = [notice.released for notice in self.candidate.notices if notice.released is not None]
        if not dates and self.candidate.first_seen is not None:
            return f"first seen on {day_of(self.candidate.first_seen)}"
        return f"released on {day_of(min(dates))}" if dates else "with no known release date"

    def entry(self, key: str) -> str:
        """The entry of a list that names the patch."""
        for entry in self.baseline[key]:
            if compile_names([entry], self.family).matches(self.candidate):
                return f"{entry!r} in {key}"
        return key


def explain(
    decision: dict[str, Any],
    patch: dict[str, Any],
    baseline: dict[str, Any],
    *,
    as_of: str | datetime,
    operating_system: str | None = None,
) -> str:
    """One sentence about one decision of ``evaluate`` or ``eligibility``, dates in UTC, without control characters.

    ``operating_system`` is needed only where it is not the baseline's own.
    """
    return explainer(baseline, as_of=as_of, operating_system=operating_system)(decision, patch)


def explainer(
    baseline: dict[str, Any], *, as_of: str | datetime, operating_system: str | None = None
) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """``explain`` for many decisions by one baseline, which is read once."""
    canon = canonical(baseline)
    system = find_system(operating_system or canon["operating_system"])
    now = instant_of(as_of)

    def sentence(decision: dict[str, Any], patch: dict[str, Any]) -> str:
        case = _Case(decision, prepare([patch], system)[0], canon, system.family, now)
        text = f"{decision['patch']} {_PHRASES[decision['reason']](case)}."
        return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)

    return sentence


def _by_rule(case: _Case) -> str:
    rule = case.rule or {"filters": {}, "approve_after_days": None, "approve_until_date": None}
    what = "; ".join(f"{key} {', '.join(values)}" for key, values in rule["filters"].items()) or "every patch"
    return (
        f"is approved by rule {case.decision['rule']} ({what}{_date_clause(rule, case)}), {case.released}, {case.level}"
    )


def _date_clause(rule: dict[str, Any], case: _Case) -> str:
    if not (rule["approve_until_date"] or rule["approve_after_days"]):
        return ""
    if "counted_source" in case.decision and case.decision["counted_source"] is None:
        return "; without a date that its delay could count from"
    of_what = _COUNTED_IN.get(case.decision.get("counted_source") or "", "")
    if rule["approve_until_date"]:
        return f"; released up to {rule['approve_until_date']}{of_what and ', by ' + of_what}"
    return f"; {_days(rule['approve_after_days'])} after {of_what or 'release'}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _waiting(case: _Case) -> str:
    on = case.decision["approves_on"]
    left = parse_instant(on) // MICROSECONDS_PER_DAY - case.now // MICROSECONDS_PER_DAY
    when = "later today" if left <= 0 else f"in {_days(left)}"
    return f"waits for its approval delay until {on} ({when}), {case.released}"


def _cutoff(case: _Case) -> str:
    dates = [rule["approve_until_date"] for rule in case.baseline["approval_rules"] if rule["approve_until_date"]]
    until = f" (latest: {max(dates)})" if dates else ""
    return (
        f"is not approved because it came after the approve_until_date of every matching rule{until}, {case.released}"
    )


def _superseded(case: _Case) -> str:
    if case.family == "windows":
        return f"is not approved because {' or '.join(case.candidate.superseded_by)} replaces it"
    if case.candidate.outdated:
        return f"is not approved because the host already has the newer {case.candidate.installed_version}"
    return "is not approved because a newer version of the same package is approved"


def _not_security(case: _Case) -> str:
    return "is not approved because it is not a security patch and whatever matches it has the non-security switch off"


_DATED = {
    "vendor": "released on",
    "build_time": "built on",
    "repository": "in a repository dated",
    "first_seen": "first seen on",
}
_COUNTED_IN = {
    "build_time": "the build of the package",
    "repository": "the date of its repository",
    "first_seen": "the first scan that saw it",
}

_PHRASES: dict[str, Callable[[_Case], str]] = {
    "override_list": lambda case: "is installed because the install override list names it",
    "not_in_override_list": lambda case: "is left out because the install override list in force does not name it",
    "not_needed_for_fix": lambda case: (
        "is left out because what the install override list wants fixed needs another version of it or none"
    ),
    "no_kb_id": lambda case: "is left out because it has no KB id, and updates without one are never managed",
    "rejected_explicitly": lambda case: (
        f"is rejected by {case.entry('rejected_patches')} ({case.baseline['rejected_patches_action']})"
    ),
    "superseded_by_newer": _superseded,
    "not_installed": lambda case: (
        "is not approved because the package is not on the host, and nothing new is installed"
    ),
    "python3_apt_bootstrap": lambda case: "is upgraded before anything else because patching needs it",
    "approved_explicitly": lambda case: f"is approved by {case.entry('approved_patches')}, {case.level}",
    "global_filter": lambda case: "is left out because it does not pass the baseline's global filters",
    "approved_by_rule": _by_rule,
    "waiting_for_approval_delay": _waiting,
    "after_cutoff_date": _cutoff,
    "unknown_release_date": lambda case: (
        "is not approved because its release date is unknown and the matching rule depends on it"
    ),
    "not_security": _not_security,
    "no_rule_matches": lambda case: "is not approved because no approval rule matches it",
}
REASONS = frozenset(_PHRASES)
"""Every reason slug; stable API."""
