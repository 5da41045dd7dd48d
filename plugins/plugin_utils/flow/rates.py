# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to the plan of a run, and waiting for one's turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import PatchError
from ..fleet.input_check import RATES
from ..fleet.rate_control import RatePlan, batch_sizes
from ..fleet.rate_input import Amount, parse_rates
from ..fleet.turns import Between, Turn


@dataclass(frozen=True)
class Planned:
    plan: RatePlan
    between: Between
    batches: list[Any]
    """For the play keyword ``serial``."""


def allowed_errors(percentage: float, total: int) -> int:
    """How many of so many hosts may fail when no more than this percentage may."""
    if not 0 <= percentage <= 100:
        raise PatchError("bad_argument", f"max_fail_percentage is {percentage}; it must be from 0 to 100.")
    return int(percentage * total // 100)


def plan_rates(
    arguments: Mapping[str, Any], hosts: Sequence[str], *, forks: int, domain_of: Mapping[str, str]
) -> Planned:
    """Raises ``bad_rate_control``, ``bad_argument``, and ``bad_forks`` when a sliding window would not be as wide as
    asked for."""
    sliding, total = arguments["sliding"], len(hosts)
    rates = parse_rates({name: arguments[name] for name in RATES})
    if rates.concurrency is None and rates.profile is None:
        rates = replace(rates, concurrency=Amount(forks) if sliding else Amount(100, percent=True))
    plan = rates.plan(hosts, batches=not sliding, domain_of=domain_of)
    if arguments["max_fail_percentage"] is not None:
        plan = replace(plan, max_errors=allowed_errors(arguments["max_fail_percentage"], total))
    if sliding and min(plan.concurrency, total) != min(forks, total):
        raise PatchError(
            "bad_forks",
            f"{plan.concurrency} of {total} hosts may be under way at once, but the window of this playbook is as wide"
            f" as there are forks, which is {forks} now: run it with -f {plan.concurrency}",
        )
    between = Between(
        pause=arguments["wave_pause"],
        health_check=bool(arguments["health_check"]),
        timeout=arguments["health_check_timeout"],
    )
    serial = arguments["serial"]
    batches = batch_sizes(plan) if serial is None else serial if isinstance(serial, list) else [serial]
    return Planned(plan, between, batches)


def wait_for(ask: Callable[[], Turn], *, sleep: Callable[[float], None] = time.sleep) -> Turn:
    """The first answer that is the last word."""
    while True:
        turn = ask()
        if turn.wait is None:
            return turn
        sleep(turn.wait)
