# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows and blackout periods: what they are, and when each of them is open.

Source: Systems Manager user guide, maintenance window scheduling and active period options. Pure but for the time
zones, which come from this machine's time zone database.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from .schedule import Schedule, starts_from

CONTINUE_TASK = "CONTINUE_TASK"
CANCEL_TASK = "CANCEL_TASK"
_TICK = timedelta(microseconds=1)
CUTOFF_BEHAVIORS = (CONTINUE_TASK, CANCEL_TASK)


@dataclass(frozen=True)
class Window:
    """One maintenance window."""

    name: str
    schedule: Schedule
    zone: tzinfo
    zone_name: str
    duration: timedelta
    cutoff: timedelta = timedelta(0)
    cutoff_behavior: str = CANCEL_TASK
    enabled: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """The schedule counts from the one to before the other; an opening that began in time lasts as long as any."""

    def openings_over(self, moment: datetime) -> list[Opening]:
        """The openings that have begun at ``moment`` and not ended, the oldest first."""
        starts = self.schedule.starts_between(moment - self.duration + _TICK, moment + _TICK)
        return [self._opening(start) for start in starts if self._valid(start)]

    def openings_from(self, moment: datetime) -> Iterator[Opening]:
        """The openings that begin at ``moment`` or later, in order."""
        if not self.enabled:
            return
        for start in starts_from(self.schedule, max(moment, self.valid_from or moment)):
            if self.valid_until is not None and start >= self.valid_until:
                return
            yield self._opening(start)

    def _valid(self, start: datetime) -> bool:
        return (
            self.enabled
            and (self.valid_from is None or start >= self.valid_from)
            and (self.valid_until is None or start < self.valid_until)
        )

    def _opening(self, start: datetime) -> Opening:
        return Opening(self, start, start + self.duration, start + self.duration - self.cutoff)

    def local(self, moment: datetime) -> str:
        """``2026-11-22 02:00 Europe/Berlin``."""
        return local_text(moment, self.zone, self.zone_name)


@dataclass(frozen=True)
class Opening:
    """One time that a window is open; all in UTC. What is done at ``closes`` or ``cutoff_at`` is done too late."""

    window: Window
    opens: datetime
    closes: datetime
    cutoff_at: datetime


@dataclass(frozen=True)
class Blackout:
    """A time in which nothing starts, whichever window is open: one, or one after each instant of a schedule."""

    name: str
    schedule: Schedule
    duration: timedelta
    zone: tzinfo
    zone_name: str

    def end_over(self, moment: datetime) -> datetime | None:
        """When the blackout that reigns at ``moment`` ends; None when there is none."""
        starts = self.schedule.starts_between(moment - self.duration + _TICK, moment + _TICK)
        return starts[-1] + self.duration if starts else None

    def next_start(self, moment: datetime, before: datetime) -> datetime | None:
        """The first beginning from ``moment`` to before ``before``."""
        return next(iter(self.schedule.starts_between(moment, before)), None)

    def local(self, moment: datetime) -> str:
        return local_text(moment, self.zone, self.zone_name)


def openings_from(windows: Sequence[Window], moment: datetime) -> Iterator[Opening]:
    """The openings of all windows that begin at ``moment`` or later, the earliest first."""
    return heapq.merge(*(window.openings_from(moment) for window in windows), key=lambda opening: opening.opens)


def reigning(blackouts: Sequence[Blackout], moment: datetime) -> tuple[Blackout, datetime] | None:
    """The blackout at ``moment`` that ends last, and its end."""
    over = [(blackout, end) for blackout in blackouts if (end := blackout.end_over(moment)) is not None]
    return max(over, key=lambda each: each[1], default=None)


def first_free(blackouts: Sequence[Blackout], moment: datetime, before: datetime) -> datetime | None:
    """The first instant from ``moment`` to before ``before`` that no blackout covers."""
    while moment < before:
        found = reigning(blackouts, moment)
        if found is None:
            return moment
        moment = found[1]
    return None


def next_blackout(blackouts: Sequence[Blackout], moment: datetime, before: datetime) -> datetime | None:
    """When the next blackout begins, if that is from ``moment`` to before ``before``."""
    starts = [start for each in blackouts if (start := each.next_start(moment, before)) is not None]
    return min(starts, default=None)


def local_text(moment: datetime, zone: tzinfo, zone_name: str) -> str:
    local = moment.astimezone(zone)
    clock = "%H:%M:%S" if local.second else "%H:%M"
    return f"{local.strftime('%Y-%m-%d ' + clock)} {zone_name}"
