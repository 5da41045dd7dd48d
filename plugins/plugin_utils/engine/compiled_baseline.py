# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A baseline made ready for judging: every filter, name list and date is compiled once, not per record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import PatchError
from .dates import end_of_day
from .delay_clock import DELAY_CLOCKS, VENDOR
from .filters import FilterGroup, compile_group, compile_rule_group
from .name_patterns import NameList, compile_names
from .operating_systems import OperatingSystem
from .problems import show
from .schema import LEVELS


@dataclass(frozen=True)
class Rule:
    """One approval rule."""

    number: int
    """From 1, as in decisions."""
    group: FilterGroup
    delay_days: int | None
    cutoff: int | None
    level: str
    non_security: bool


@dataclass(frozen=True)
class CompiledBaseline:
    """What the judging of one record needs."""

    system: OperatingSystem
    delay_clock: str
    global_group: FilterGroup
    rules: tuple[Rule, ...]
    """In the order in which an approving rule wins: highest level first, then lowest number."""
    approved: NameList
    approved_level: str
    approved_non_security: bool
    rejected: NameList
    blocks_rejected: bool
    keys: tuple[str, ...]
    """The filter keys in use."""

    @property
    def dates_count(self) -> bool:
        """Whether delays and cut-off dates have any effect."""
        return self.system.vendor_dates or self.delay_clock != VENDOR


def compile_baseline(baseline: dict[str, Any], system: OperatingSystem, delay_clock: str) -> CompiledBaseline:
    """Compile a canonical baseline."""
    if delay_clock not in DELAY_CLOCKS:
        raise PatchError(
            "bad_option", f"delay_clock: must be one of {', '.join(DELAY_CLOCKS)}, not {show(delay_clock)}"
        )
    linux_or_mac = system.has_security_switch
    rules = []
    for number, raw in enumerate(baseline["approval_rules"], start=1):
        until = raw["approve_until_date"]
        rules.append(
            Rule(
                number,
                compile_rule_group(raw["filters"], system),
                raw["approve_after_days"],
                None if until is None else end_of_day(until),
                raw["compliance_level"],
                raw["enable_non_security"] or not linux_or_mac,
            )
        )
    rules.sort(key=lambda rule: (LEVELS.index(rule.level), rule.number))
    global_group = compile_group(baseline["global_filters"], system)
    groups = [global_group, *(rule.group for rule in rules)]
    return CompiledBaseline(
        system=system,
        delay_clock=delay_clock,
        global_group=global_group,
        rules=tuple(rules),
        approved=compile_names(baseline["approved_patches"], system.family),
        approved_level=baseline["approved_patches_compliance_level"],
        approved_non_security=baseline["approved_patches_enable_non_security"] or not linux_or_mac,
        rejected=compile_names(baseline["rejected_patches"], system.family),
        blocks_rejected=baseline["rejected_patches_action"] == "BLOCK",
        keys=tuple(sorted({key for group in groups for key, _allowed in group.conditions})),
    )
