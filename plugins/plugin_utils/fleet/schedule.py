# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a maintenance window opens: ``cron(...)``, ``rate(...)`` and ``at(...)`` as instants.

Source: Systems Manager user guide, cron and rate expressions. Undocumented there and chosen here: a time that the
clock skips is the moment of the jump, as cron does it, so that no month goes without its window; a time that the
clock shows twice counts once, the first time; an ``at`` with a time zone is read in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol

from .schedule_cron import LEAST_SECONDS_BETWEEN, YEARS, CronFields, parse_cron

LONGEST = 256
END = datetime(YEARS[1] + 1, 1, 9, tzinfo=timezone.utc)
"""Nothing opens after it: the last year of cron, and the offset."""
_SHAPE = re.compile(r"(cron|rate|at)\((.*)\)", re.DOTALL)
_RATE = re.compile(r"([1-9][0-9]{0,4}) (minute|hour|day)(s?)", re.ASCII)
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)


class Schedule(Protocol):
    """What opens at instants."""

    def starts_between(self, first: datetime, last: datetime) -> list[datetime]:
        """Its instants in UTC, in order, from ``first`` to before ``last``."""


@dataclass(frozen=True)
class CronSchedule:
    fields: CronFields
    zone: tzinfo
    offset: timedelta = timedelta(0)
    """Days after each day of the expression, at the same time of the clock."""

    def starts_between(self, first: datetime, last: datetime) -> list[datetime]:
        # Two days more on each side: a zone may skip one, as Samoa did.
        begin = first.astimezone(self.zone).date() - self.offset - timedelta(days=2)
        end = last.astimezone(self.zone).date() - self.offset + timedelta(days=2)
        starts = {
            instant_of(datetime.combine(day + self.offset, clock), self.zone)
            for day in self.fields.days_between(begin, end)
            for clock in self.fields.times
        }
        return sorted(start for start in starts if first <= start < last)


@dataclass(frozen=True)
class RateSchedule:
    every: timedelta
    anchor: datetime
    """The first one; the others count from it, in elapsed time."""

    def starts_between(self, first: datetime, last: datetime) -> list[datetime]:
        passed = max(0, -((self.anchor - first) // self.every))
        starts = []
        start = self.anchor + passed * self.every
        while start < min(last, END):
            starts.append(start)
            start += self.every
        return starts


@dataclass(frozen=True)
class AtSchedule:
    moment: datetime

    def starts_between(self, first: datetime, last: datetime) -> list[datetime]:
        return [self.moment] if first <= self.moment < last else []


def starts_from(schedule: Schedule, first: datetime) -> Iterator[datetime]:
    """All its instants from ``first`` on, in UTC and in order, one after the other as they are asked for."""
    step = timedelta(days=2)
    while first < END:
        last = min(first + step, END)
        yield from schedule.starts_between(first, last)
        first = last
        # Often enough for every five minutes, far enough for every leap year.
        step = min(step * 4, timedelta(days=3660))


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """When the clock of ``zone`` shows ``wall`` (naive, whole seconds) first, or jumps over it; in UTC."""
    late = wall.replace(tzinfo=zone).astimezone(timezone.utc)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    # The jump is between what the offset after it makes of the time and what the one before it does.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
    while (late - early).total_seconds() > 1:
        middle = early + timedelta(seconds=(late - early).total_seconds() // 2)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late


def parse_schedule(
    text: str, *, zone: tzinfo, offset: int = 0, anchor: datetime | None = None
) -> tuple[Schedule | None, list[str]]:
    """A schedule, or every problem that its expression has.

    ``zone`` applies to ``cron`` and ``at``; ``offset`` is a number of days, for ``cron`` alone; ``anchor`` is what
    a ``rate`` counts from, and needs.
    """
    if len(text) > LONGEST:
        return None, [f"{len(text)} characters; at most {LONGEST} are allowed"]
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        return None, [f"'{text[:60]}' is neither cron(...), rate(...) nor at(...)"]
    kind, inside = match.groups()
    if kind == "cron":
        fields, problems = parse_cron(inside)
        return (None, problems) if fields is None else (CronSchedule(fields, zone, timedelta(days=offset)), [])
    return _parse_rate(inside, anchor) if kind == "rate" else _parse_at(inside, zone)


def _parse_rate(inside: str, anchor: datetime | None) -> tuple[Schedule | None, list[str]]:
    match = _RATE.fullmatch(inside)
    if match is None:
        return None, [f"rate({inside[:60]}) is not of the form rate(30 minutes), rate(1 hour) or rate(7 days)"]
    count, unit, plural = int(match[1]), match[2], match[3]
    if (count == 1) == bool(plural):
        return None, [f"rate({inside}): write '{count} {unit}{'' if count == 1 else 's'}'"]
    every = count * {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[unit]
    if every.total_seconds() < LEAST_SECONDS_BETWEEN:
        return None, [f"rate({inside}): at least 5 minutes have to be between two openings"]
    if anchor is None:
        return None, ["a rate needs start_date, the moment that it counts from"]
    return RateSchedule(every, anchor), []


def _parse_at(inside: str, zone: tzinfo) -> tuple[Schedule | None, list[str]]:
    try:
        if not _AT.fullmatch(inside):
            raise ValueError(inside)
        moment = instant_of(datetime.fromisoformat(inside), zone)
    except (ValueError, OverflowError):
        return None, [
            f"at({inside[:60]}) is not of the form at(2026-11-20T13:00:00), without a zone: schedule_timezone says"
            " which one is meant, UTC if it is not given"
        ]
    if moment >= END:
        return None, [f"at({inside}) is after the year {YEARS[1]}"]
    return AtSchedule(moment), []
