# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Concurrency, error thresholds and waves as people write them; every mistake is told at once, with its place.

Forms and limits: Systems Manager API reference, MaxConcurrency and MaxErrors; the profile by fleet size: Patch
Manager user guide, patching on demand. Rounding is documented nowhere: shares are rounded down, a concurrency to no
less than one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.problems import Problems, show
from .rate_control import RatePlan

CONCURRENCY = 50
MAX_ERRORS = 0
PATCH_NOW = "patch_now"
PROFILES = (PATCH_NOW,)
_KEYS = ("concurrency", "error_threshold", "waves", "ramp_up", "profile", "max_per_domain")
_AMOUNT = re.compile(r"([0-9]{1,9})(%?)", re.ASCII)


@dataclass(frozen=True)
class Amount:
    """``3`` or ``10%``."""

    number: int
    percent: bool = False

    def of(self, total: int) -> int:
        """The number for so many hosts, rounded down."""
        return self.number * total // 100 if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


@dataclass(frozen=True)
class Rates:
    """What was asked for, for any number of hosts; None is what was not said."""

    concurrency: Amount | None = None
    error_threshold: Amount | None = None
    waves: tuple[Amount, ...] = ()
    """Up to how much of the whole each wave goes."""
    ramp_up: bool = False
    profile: str | None = None
    max_per_domain: int | None = None

    def plan(
        self,
        hosts: Sequence[str],
        *,
        operation: str = "Install",
        batches: bool = False,
        domain_of: Mapping[str, str] | None = None,
    ) -> RatePlan:
        """For the whole target set. What is written beside a profile comes before it."""
        total = len(hosts)
        concurrency, errors = (
            _patch_now(operation, total) if self.profile else (Amount(CONCURRENCY), Amount(MAX_ERRORS))
        )
        return RatePlan(
            hosts=tuple(hosts),
            concurrency=max(1, (self.concurrency or concurrency).of(total)),
            max_errors=(self.error_threshold or errors).of(total),
            waves=_wave_ends(self.waves, total),
            ramp_up=self.ramp_up,
            batches=batches,
            domain_of=domain_of or {},
            max_per_domain=self.max_per_domain,
        )


def parse_rates(raw: Mapping[str, Any]) -> Rates:
    """Keys: ``concurrency``, ``error_threshold``, ``waves``, ``ramp_up``, ``profile``, ``max_per_domain``; what is
    None or absent has its default. Raises ``PatchError("bad_rate_control")`` with all problems."""
    problems = Problems()
    problems.unknown_keys("", raw, _KEYS)
    profile = raw.get("profile")
    if profile is not None and profile not in PROFILES:
        problems.add("profile", f"{show(profile)} is none of {', '.join(PROFILES)}")
    ramp_up = raw.get("ramp_up")
    if ramp_up is not None and not isinstance(ramp_up, bool):
        problems.add("ramp_up", f"{show(ramp_up)} is neither true nor false")
    per_domain = _optional(raw.get("max_per_domain"), "max_per_domain", problems, least=1, percent=False)
    rates = Rates(
        concurrency=_optional(raw.get("concurrency"), "concurrency", problems, least=1),
        error_threshold=_optional(raw.get("error_threshold"), "error_threshold", problems, least=0),
        waves=_waves(raw.get("waves"), problems),
        ramp_up=bool(ramp_up),
        profile=profile,
        max_per_domain=None if per_domain is None else per_domain.number,
    )
    problems.raise_if_any("bad_rate_control", "rate control")
    return rates


def _optional(value: Any, where: str, problems: Problems, *, least: int, percent: bool = True) -> Amount | None:
    return None if value is None else _amount(value, where, problems, least=least, percent=percent)


def _amount(value: Any, where: str, problems: Problems, *, least: int, percent: bool = True) -> Amount | None:
    match = _AMOUNT.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    number = int(match[1]) if match else -1
    if match is None or number < least or (match[2] and (not percent or number > 100)):
        share = f", nor a share from {least}% to 100%" if percent else ""
        problems.add(where, f"{show(value)} is not a whole number from {least} on{share}")
        return None
    return Amount(number, bool(match[2]))


def _waves(raw: Any, problems: Problems) -> tuple[Amount, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, (list, tuple)):
        problems.add("waves", f"{show(raw)} is not a list such as [1, 10%, 50%, 100%]")
        return ()
    found = [_amount(each, f"waves[{index}]", problems, least=1) for index, each in enumerate(raw)]
    waves = [each for each in found if each is not None]
    if len(waves) < len(raw):
        return ()
    for index, wave in enumerate(waves):
        if not _grows(waves[:index], wave):
            message = f"{wave} is no more than an earlier wave; each says up to how much of the whole it goes"
            problems.add(f"waves[{index}]", message)
    if waves and str(waves[-1]) != "100%":
        problems.add(f"waves[{len(raw) - 1}]", f"{waves[-1]}: the last wave is 100%, or hosts would be forgotten")
    return tuple(waves)


def _grows(before: Sequence[Amount], wave: Amount) -> bool:
    """A number and a share can be compared only when the hosts are known."""
    return all(each.number < wave.number for each in before if each.percent == wave.percent)


def _wave_ends(waves: Sequence[Amount], total: int) -> tuple[int, ...]:
    """Ends of waves for so many hosts; a wave that adds none is none."""
    ends: list[int] = []
    for wave in waves:
        end = min(total, max(1, wave.of(total)))
        if end > (ends[-1] if ends else 0):
            ends.append(end)
    return tuple(ends)


def _patch_now(operation: str, total: int) -> tuple[Amount, Amount]:
    """Patch Manager's own scaling of a patching on demand."""
    if operation != "Install":
        return Amount(1000), Amount(1000)
    if total < 25:
        return Amount(1), Amount(1)
    if total <= 100:
        return Amount(5, percent=True), Amount(5)
    if total <= 1000:
        return Amount(8, percent=True), Amount(10)
    return Amount(10, percent=True), Amount(10)
