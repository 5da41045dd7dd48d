# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a host start now, why, and if not, when next?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from .windows import (
    CONTINUE_TASK,
    Blackout,
    Opening,
    Window,
    first_free,
    next_blackout,
    openings_from,
    reigning,
)

OPEN = "open"
CLOSED = "closed"
PAST_CUTOFF = "past_cutoff"
BLACKOUT = "blackout"
RUN_TIMEOUT = "run_timeout"
_TICK = timedelta(microseconds=1)
_LOOK_AHEAD = 1000
"""So many openings are looked at for one that no blackout covers."""


@dataclass(frozen=True)
class NextStart:
    """An opening, and the first moment of it at which a host may start; None when blackouts cover all of it."""

    opening: Opening
    starts: datetime | None
    blackout: str | None = None
    """The name of the blackout that takes the beginning of the opening, or all of it."""


@dataclass(frozen=True)
class Decision:
    """``go`` is whether ``decision`` is ``open``."""

    decision: str
    reason: str
    opening: Opening | None = None
    """The opening that the decision is about; None without one, also where no window is asked for."""
    start_until: datetime | None = None
    """Before this a host may start; None where nothing may, or where no end is known."""
    next_start: NextStart | None = None
    """When open, in the next opening; else, where a host may start first."""

    @property
    def go(self) -> bool:
        return self.decision == OPEN


@dataclass(frozen=True)
class Need:
    """How long a host is expected to take; it starts only if that still fits before the end."""

    expected: timedelta = timedelta(0)
    reboot_reserve: timedelta = timedelta(0)

    @property
    def total(self) -> timedelta:
        return self.expected + self.reboot_reserve

    def told(self) -> str:
        reserve = f" and {_span(self.reboot_reserve)} in reserve for the reboot" if self.reboot_reserve else ""
        return f"{_span(self.expected)}{reserve}"


NO_NEED = Need()


def decide(
    windows: Sequence[Window],
    blackouts: Sequence[Blackout],
    *,
    now: datetime,
    run_started_at: datetime | None = None,
    need: Need = NO_NEED,
) -> Decision:
    """The word on one host.

    A blackout comes before everything. Without any window there is nothing to wait for. ``run_started_at`` is
    what CONTINUE_TASK goes by: a run that began in an opening and before its cutoff goes on to start hosts until
    all are done, unless ``need`` asks for an end to be kept.
    """
    upcoming = next_start(windows, blackouts, now=now, need=need)
    later = next_start(windows, blackouts, now=now, need=need, in_current=False)
    over = reigning(blackouts, now)
    if over is not None:
        blackout, end = over
        reason = f"blackout '{blackout.name}' lasts until {blackout.local(end)}; {_upcoming(windows, upcoming, now)}"
        return Decision(BLACKOUT, reason, next_start=upcoming)
    if not windows:
        return _without_windows(blackouts, now=now, need=need)
    current = [opening for window in windows for opening in window.openings_over(now)]
    limits = [(_limit(opening, blackouts, now, need), opening) for opening in current]
    possible = [each for each in limits if now < each[0]]
    if possible:
        until, opening = max(possible, key=lambda each: each[0])
        window = opening.window
        closes = window.local(opening.closes)
        reason = f"window '{window.name}' is open until {closes}; hosts may start before {window.local(until)}"
        return Decision(OPEN, reason, opening, until, later)
    going_on = None if need.total else _began_in(windows, run_started_at)
    if going_on is not None and run_started_at is not None:
        window = going_on.window
        reason = (
            f"the run began at {window.local(run_started_at)}, before the cutoff of window '{window.name}', whose"
            f" {CONTINUE_TASK} lets it go on"
        )
        return Decision(OPEN, reason, going_on, None, later)
    if limits:
        return _too_late(*max(limits, key=lambda each: each[0]), windows, blackouts, now, need, upcoming)
    reason = f"no maintenance window is open; {_upcoming(windows, upcoming, now)}"
    return Decision(CLOSED, reason, next_start=upcoming)


def out_of_time(*, run_started_at: datetime, run_timeout: timedelta, now: datetime) -> Decision | None:
    """The word on a host whose turn comes when the time of the whole run is up; None while it is not."""
    if now - run_started_at < run_timeout:
        return None
    allowed = int(run_timeout.total_seconds())
    gone = int((now - run_started_at).total_seconds())
    reason = f"the run may take {allowed} seconds, and {gone} had gone by when the turn of this host came; run again"
    return Decision(RUN_TIMEOUT, reason)


def next_start(
    windows: Sequence[Window],
    blackouts: Sequence[Blackout],
    *,
    now: datetime,
    need: Need = NO_NEED,
    in_current: bool = True,
) -> NextStart | None:
    """Where a host may start first, after ``now``; late in an opening, too, if a blackout takes its beginning.

    ``in_current``: whether what is left of the openings that have begun counts.
    """
    soon = now + _TICK
    current = [opening for window in windows for opening in window.openings_over(now)] if in_current else []
    best: NextStart | None = None
    for opening in chain(current, islice(openings_from(windows, soon), _LOOK_AHEAD)):
        if best is not None and best.starts is not None and opening.opens >= best.starts:
            break
        found = _start_in(opening, blackouts, need, max(opening.opens, soon))
        if found.starts is not None and (best is None or best.starts is None or found.starts < best.starts):
            best = found
    return best


def list_openings(
    windows: Sequence[Window], blackouts: Sequence[Blackout], *, now: datetime, count: int, need: Need = NO_NEED
) -> list[NextStart]:
    """The next ``count`` openings of all windows, those that blackouts cover too."""
    openings = islice(openings_from(windows, now + _TICK), count)
    return [_start_in(opening, blackouts, need, opening.opens) for opening in openings]


def _limit(opening: Opening, blackouts: Sequence[Blackout], now: datetime, need: Need) -> datetime:
    """Before this a host may start: the cutoff, and what the host needs before the window or a blackout ends it."""
    if not need.total:
        return opening.cutoff_at
    end = next_blackout(blackouts, now, opening.closes) or opening.closes
    # What just fits fits.
    return min(opening.cutoff_at, end - need.total + _TICK)


def _start_in(opening: Opening, blackouts: Sequence[Blackout], need: Need, begin: datetime) -> NextStart:
    first = reigning(blackouts, begin)
    starts = first_free(blackouts, begin, opening.cutoff_at)
    while starts is not None and starts >= _limit(opening, blackouts, starts, need):
        # Too short until the next blackout; after it there may be room.
        blocked = next_blackout(blackouts, starts, opening.closes)
        starts = None if blocked is None else first_free(blackouts, blocked, opening.cutoff_at)
    return NextStart(opening, starts, first[0].name if first else None)


def _began_in(windows: Sequence[Window], run_started_at: datetime | None) -> Opening | None:
    if run_started_at is None:
        return None
    began = [
        opening
        for window in windows
        if window.cutoff_behavior == CONTINUE_TASK
        for opening in window.openings_over(run_started_at)
        if run_started_at < opening.cutoff_at
    ]
    return began[-1] if began else None


def _without_windows(blackouts: Sequence[Blackout], *, now: datetime, need: Need) -> Decision:
    begins = next_blackout(blackouts, now, now + need.total) if need.total else None
    if begins is None:
        return Decision(OPEN, "no maintenance window is asked for, and no blackout is on")
    name, blackout = next((each.name, each) for each in blackouts if each.next_start(now, now + need.total) == begins)
    told = f"blackout '{name}' begins at {blackout.local(begins)}, and the host needs {need.told()}"
    return Decision(BLACKOUT, told)


def _too_late(
    limit: datetime,
    opening: Opening,
    windows: Sequence[Window],
    blackouts: Sequence[Blackout],
    now: datetime,
    need: Need,
    upcoming: NextStart | None,
) -> Decision:
    window = opening.window
    if now >= opening.cutoff_at:
        why = f"nothing starts after {window.local(opening.cutoff_at)} (cutoff {_span(window.cutoff)})"
    else:
        end = next_blackout(blackouts, now, opening.closes)
        what = "a blackout begins" if end else "it closes"
        why = f"the host needs {need.told()}, and {what} at {window.local(end or opening.closes)}"
    reason = f"window '{window.name}' is open, but {why}; {_upcoming(windows, upcoming, now)}"
    return Decision(PAST_CUTOFF, reason, opening, None, upcoming)


def _upcoming(windows: Sequence[Window], upcoming: NextStart | None, now: datetime) -> str:
    if not windows:
        return "no maintenance window is asked for"
    if not any(window.enabled for window in windows):
        return "every window of this host is disabled"
    if upcoming is None or upcoming.starts is None:
        if next(openings_from(windows, now), None) is None:
            return "none of its windows opens again"
        return "none of the openings to come is long enough and free of blackouts"
    window = upcoming.opening.window
    late = f", after blackout '{upcoming.blackout}'" if upcoming.blackout else ""
    return f"the next start is {window.local(upcoming.starts)} in window '{window.name}'{late}"


def _span(length: timedelta) -> str:
    """``2 d 3 h``, ``45 min``: the two largest units."""
    seconds = int(length.total_seconds())
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) or "0 min"
