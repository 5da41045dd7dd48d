# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging one record on its own: global filters, rules, approved and rejected lists, before the newest-version step.

Order of the tests and meaning of the reasons: Patch Manager user guide, how patches are installed; a patch that
every rule refuses reports the reason closest to approval.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .baseline import canonical
from .candidates import Candidate, Notice, prepare
from .compiled_baseline import CompiledBaseline, Rule, compile_baseline
from .dates import MICROSECONDS_PER_DAY, day_of, instant_of, stamp_of
from .delay_clock import FIRST_SEEN, REPOSITORY, VENDOR, Counted, counted_from
from .filters import values_of
from .operating_systems import operating_system as find_system

REFUSALS = (
    "waiting_for_approval_delay",
    "after_cutoff_date",
    "unknown_release_date",
    "not_security",
    "no_rule_matches",
)
"""Reasons of rules that refuse, closest to approval first."""
_OURS = (FIRST_SEEN, REPOSITORY)


@dataclass(frozen=True)
class Judgement:
    """Decision on one record; ``rule`` is None for the approved list, ``approves_at`` in microseconds."""

    decision: str
    reason: str
    rule: int | None = None
    level: str | None = None
    approves_at: int | None = None
    counted: Counted | None = None
    """What a date option of a rule counted from; None where none did."""

    @property
    def approved(self) -> bool:
        return self.decision == "approved"

    def to_dict(self, candidate: Candidate, *, with_dates: bool = False) -> dict[str, Any]:
        """The decision as the engine returns it; keys that do not apply are absent, those of ``with_dates`` None."""
        result: dict[str, Any] = {"patch": candidate.identifier, "decision": self.decision, "reason": self.reason}
        if self.level is not None:
            result["rule"] = self.rule
            result["compliance_level"] = self.level
        if self.approves_at is not None:
            result["approves_on"] = day_of(self.approves_at)
        if with_dates:
            result["counted_from"] = None if self.counted is None else stamp_of(self.counted.instant)
            result["counted_source"] = None if self.counted is None else self.counted.source
        return result


def eligibility(
    baseline: dict[str, Any],
    patches: list[dict[str, Any]],
    *,
    operating_system: str,
    as_of: str | datetime,
    delay_clock: str = "vendor",
) -> list[dict[str, Any]]:
    """One decision per record, each judged as if it were the only version of its package.

    No override list, no superseding and no ``state``; otherwise as ``evaluate.evaluate``. This is the answer to
    "does the baseline let this very version in?".
    """
    system = find_system(operating_system)
    compiled = compile_baseline(canonical(baseline), system, delay_clock)
    now = instant_of(as_of)
    return [judge(candidate, compiled, now).to_dict(candidate) for candidate in prepare(patches, system)]


def judge(candidate: Candidate, baseline: CompiledBaseline, now: int) -> Judgement:
    """Judge one record at the instant ``now``."""
    family = baseline.system.family
    if family == "windows" and not candidate.record.get("kb"):
        return Judgement("filtered_out", "no_kb_id")
    if baseline.rejected.matches(candidate):
        return Judgement("rejected", "rejected_explicitly")
    if candidate.absent:
        return Judgement("not_approved", "not_installed")
    if family == "deb" and candidate.name == "python3-apt" and not candidate.present:
        return Judgement("approved", "python3_apt_bootstrap")
    listed = baseline.approved.matches(candidate)
    if listed and (candidate.security or baseline.approved_non_security):
        return Judgement("approved", "approved_explicitly", None, baseline.approved_level)
    return _judge_by_rules(candidate, baseline, now, listed)


def _judge_by_rules(candidate: Candidate, baseline: CompiledBaseline, now: int, listed: bool) -> Judgement:
    views = [(notice, values_of(candidate, notice, baseline.keys)) for notice in candidate.notices]
    views = [view for view in views if baseline.global_group.matches(view[1])]
    if not views:
        return Judgement("filtered_out", "global_filter")
    best = REFUSALS.index("not_security" if listed else "no_rule_matches")
    told: Counted | None = None
    approves_at: int | None = None
    for rule in baseline.rules:
        for notice, values in views:
            if not rule.group.matches(values):
                continue
            refusal, counted = _refusal(rule, candidate, notice, baseline, now)
            if refusal is None:
                return Judgement("approved", "approved_by_rule", rule.number, rule.level, counted=counted)
            if refusal == "waiting_for_approval_delay" and counted is not None:
                until = _until(rule, counted)
                if approves_at is None or until < approves_at:
                    approves_at, told = until, counted
            elif approves_at is None and REFUSALS.index(refusal) <= best:
                told = counted
            best = min(best, REFUSALS.index(refusal))
    return Judgement("not_approved", REFUSALS[best], approves_at=approves_at, counted=told)


def _refusal(
    rule: Rule, candidate: Candidate, notice: Notice, baseline: CompiledBaseline, now: int
) -> tuple[str | None, Counted | None]:
    """Why a rule whose filters match does not approve (None: it does), and the date that it went by."""
    if not rule.non_security and not candidate.security:
        return "not_security", None
    if not baseline.dates_count or (rule.cutoff is None and rule.delay_days is None):
        return None, None
    counted = _counted(rule, candidate, notice, baseline)
    if counted is None:
        # A delay of zero approves at once and needs no date.
        strict = rule.delay_days != 0 and (not rule.non_security or baseline.delay_clock != VENDOR)
        return ("unknown_release_date" if strict else None), None
    if rule.cutoff is not None:
        return ("after_cutoff_date" if counted.instant > rule.cutoff else None), counted
    return ("waiting_for_approval_delay" if now < _until(rule, counted) else None), counted


def _until(rule: Rule, counted: Counted) -> int:
    return counted.instant + (rule.delay_days or 0) * MICROSECONDS_PER_DAY


def _counted(rule: Rule, candidate: Candidate, notice: Notice, baseline: CompiledBaseline) -> Counted | None:
    counted = counted_from(
        candidate,
        notice,
        clock=baseline.delay_clock,
        windows=baseline.system.family == "windows",
        non_security=rule.non_security,
    )
    # What this very run saw first may carry a stamp after the run's fixed time.
    return None if rule.delay_days == 0 and counted is not None and counted.source in _OURS else counted
