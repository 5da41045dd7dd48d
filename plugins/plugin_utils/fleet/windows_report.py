# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions and openings as task results and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .run_directory import utc_text
from .windows_decision import BLACKOUT, CLOSED, PAST_CUTOFF, RUN_TIMEOUT, Decision, NextStart

OUTCOME_KINDS = {
    CLOSED: "window_closed",
    PAST_CUTOFF: "window_past_cutoff",
    BLACKOUT: "blackout",
    RUN_TIMEOUT: "run_timeout",
}
"""The kind of the outcome of a host that was not started for that."""


def decision_result(decision: Decision, openings: Sequence[NextStart]) -> dict[str, Any]:
    """``{"go", "decision", "reason", "window", "closes", "start_until", "next_start", "openings", "report"}``; times
    are UTC, None where there is none."""
    opening = decision.opening
    return {
        "go": decision.go,
        "decision": decision.decision,
        "reason": decision.reason,
        "window": opening.window.name if opening else None,
        "closes": _utc(opening.closes if opening else None),
        "start_until": _utc(decision.start_until),
        "next_start": opening_result(decision.next_start) if decision.next_start else None,
        "openings": [opening_result(each) for each in openings],
        "report": [decision.reason, *(_line(each) for each in openings)],
    }


def opening_result(each: NextStart) -> dict[str, Any]:
    """``{"window", "opens", "closes", "cutoff", "opens_local", "starts", "blackout"}``."""
    opening = each.opening
    return {
        "window": opening.window.name,
        "opens": _utc(opening.opens),
        "closes": _utc(opening.closes),
        "cutoff": _utc(opening.cutoff_at),
        "opens_local": opening.opens.astimezone(opening.window.zone).isoformat(),
        "starts": _utc(each.starts),
        "blackout": each.blackout,
    }


def _line(each: NextStart) -> str:
    """``web-nights: Sun 2026-11-22 02:00 to 05:00 Europe/Berlin, hosts start before 04:00``."""
    opening, window = each.opening, each.opening.window
    opens, closes, cutoff = (
        moment.astimezone(window.zone) for moment in (opening.opens, opening.closes, opening.cutoff_at)
    )
    told = f"{window.name}: {opens:%a %Y-%m-%d %H:%M} to {_short(closes, opens)} {window.zone_name}"
    if cutoff != closes:
        told += f", hosts start before {_short(cutoff, opens)}"
    if each.starts is None:
        return f"{told}; blackout '{each.blackout}': no start" if each.blackout else f"{told}; too short: no start"
    if each.starts != opening.opens:
        told += f"; not before {_short(each.starts.astimezone(window.zone), opens)}, for blackout '{each.blackout}'"
    return told


def _short(moment: datetime, beside: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == beside.date() else f"{moment:%a %Y-%m-%d %H:%M}"


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
