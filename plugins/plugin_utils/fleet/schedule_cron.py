# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a cron expression: which days and which times of day they name.

As documented for maintenance windows (Systems Manager user guide, cron and rate expressions): six fields, or
seven with the seconds first; ``? L W #``; names of months and days; Sunday is 1. No time zone and no clock here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time

LEAST_SECONDS_BETWEEN = 300
YEARS = (1970, 2199)
_MONTHS = dict(zip("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), range(1, 13), strict=True))
_DAYS = dict(zip("SUN MON TUE WED THU FRI SAT".split(), range(1, 8), strict=True))
_STEP = re.compile(r"(?P<range>[^/]+)(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)
    wraps: bool = False
    """Whether ``FRI-MON`` may go over the end: what it means is plain for days of the week and months alone."""


_SECONDS = _Field("seconds", 0, 59)
_MINUTES = _Field("minutes", 0, 59)
_HOURS = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS, wraps=True)
_DAY_OF_WEEK = _Field("day of week", 1, 7, _DAYS, wraps=True)
_YEAR = _Field("year", *YEARS)


@dataclass(frozen=True)
class DayPattern:
    """Days of a month; any of the parts may name one. Days of the week count from 1, Sunday."""

    numbers: frozenset[int] = frozenset()
    last: bool = False
    nearest: frozenset[int] = frozenset()
    """``15W``: the weekday nearest to the 15th, never in another month."""
    last_weekday: bool = False
    """``LW``: the last day of the month that is neither Saturday nor Sunday."""
    weekdays: frozenset[int] = frozenset()
    last_of_weekday: frozenset[int] = frozenset()
    """``6L``: the last Friday."""
    nth_of_weekday: frozenset[tuple[int, int]] = frozenset()
    """``TUE#3`` is ``(3, 3)``: the third Tuesday."""

    def days_in(self, year: int, month: int) -> list[int]:
        """The days of that month, in order."""
        length = calendar.monthrange(year, month)[1]
        found = {day for day in self.numbers if day <= length}
        found |= {_nearest_weekday(year, month, day, length) for day in self.nearest if day <= length}
        if self.last:
            found.add(length)
        if self.last_weekday:
            found.add(_nearest_weekday(year, month, length, length))
        if self.weekdays or self.last_of_weekday or self.nth_of_weekday:
            found |= {day for day in range(1, length + 1) if self._by_weekday(year, month, day, length)}
        return sorted(found)

    def _by_weekday(self, year: int, month: int, day: int, length: int) -> bool:
        weekday = _weekday(year, month, day)
        return (
            weekday in self.weekdays
            or (weekday in self.last_of_weekday and day + 7 > length)
            or (weekday, (day + 6) // 7) in self.nth_of_weekday
        )


@dataclass(frozen=True)
class CronFields:
    """A cron expression that makes sense."""

    times: tuple[time, ...]
    """Times of a day, in order, at least five minutes apart."""
    days: DayPattern
    months: frozenset[int]
    years: frozenset[int]

    def days_between(self, first: date, last: date) -> Iterator[date]:
        """Its days from ``first`` to ``last``, both included, in order."""
        for year in range(max(first.year, YEARS[0]), min(last.year, YEARS[1]) + 1):
            if year not in self.years:
                continue
            for month in sorted(self.months):
                if (first.year, first.month) <= (year, month) <= (last.year, last.month):
                    days = (date(year, month, day) for day in self.days.days_in(year, month))
                    yield from (day for day in days if first <= day <= last)

    def ever(self) -> bool:
        """Whether there is any such day from 1970 to 2199; there is no 30th of February."""
        return next(self.days_between(date(YEARS[0], 1, 1), date(YEARS[1], 12, 31)), None) is not None


def parse_cron(text: str) -> tuple[CronFields | None, list[str]]:
    """``text`` is what stands in the parentheses. The fields, or every problem that they have."""
    words = text.split()
    if len(words) not in (6, 7):
        return None, [
            f"{len(words)} fields; cron has six, 'minutes hours day-of-month month day-of-week year', or seven with the"
            " seconds first"
        ]
    if len(words) == 6 and (words[3] == "?" or words[5] == "?" or words[5].upper().endswith("L")):
        return None, ["seconds without a year: with the seconds first, cron has seven fields; put the year (*) last"]
    seconds, minutes, hours, day_of_month, month, day_of_week, year = ["0", *words][-7:]
    problems: list[str] = []
    times = [
        _values(each, kind, problems) for each, kind in ((hours, _HOURS), (minutes, _MINUTES), (seconds, _SECONDS))
    ]
    months, years = _values(month, _MONTH, problems), _values(year, _YEAR, problems)
    days = _parse_days(day_of_month, day_of_week, problems)
    if problems:
        return None, problems
    day_times, problem = _times(*(sorted(each) for each in times))
    found = CronFields(day_times, days, months, years)
    if problem is None and not found.ever():
        problem = "there is no such day in any of its months and years"
    return (None, [problem]) if problem else (found, [])


def _times(hours: list[int], minutes: list[int], seconds: list[int]) -> tuple[tuple[time, ...], str | None]:
    """Looks no further than the first two that are too close: ``* * *`` has 86,400."""
    times: list[time] = []
    before = -LEAST_SECONDS_BETWEEN
    for hour in hours:
        for minute in minutes:
            for second in seconds:
                now = hour * 3600 + minute * 60 + second
                if now - before < LEAST_SECONDS_BETWEEN:
                    return (), f"opens {now - before} seconds after it opened; at least 5 minutes have to be between"
                times.append(time(hour, minute, second))
                before = now
    return tuple(times), None


def _parse_days(day_of_month: str, day_of_week: str, problems: list[str]) -> DayPattern:
    if (day_of_month == "?") == (day_of_week == "?"):
        problems.append(
            f"'{day_of_month}' as day of month and '{day_of_week}' as day of week:"
            " exactly one of the two is ?, the other one says on which days"
        )
        return DayPattern()
    if day_of_week == "?":
        return _days_of_month(day_of_month, problems)
    return _days_of_week(day_of_week, problems)


def _days_of_month(text: str, problems: list[str]) -> DayPattern:
    numbers: set[int] = set()
    nearest: set[int] = set()
    words = text.upper().split(",")
    for word in words:
        if word in ("L", "LW"):
            continue
        if len(word) > 1 and word.endswith("W"):
            number = _number(word[:-1], _DAY_OF_MONTH, problems)
            nearest |= set() if number is None else {number}
        else:
            numbers |= _part(word, _DAY_OF_MONTH, problems)
    return DayPattern(frozenset(numbers), "L" in words, frozenset(nearest), "LW" in words)


def _days_of_week(text: str, problems: list[str]) -> DayPattern:
    weekdays: set[int] = set()
    last: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for word in text.upper().split(","):
        day, mark, count = word.partition("#")
        if mark:
            number = _number(day, _DAY_OF_WEEK, problems)
            if count not in ("1", "2", "3", "4", "5"):
                problems.append(f"day of week: '{word}': # is followed by a number from 1 to 5")
            elif number is not None:
                nth.add((number, int(count)))
        elif word == "L":
            # The last day of the week.
            weekdays.add(_DAYS["SAT"])
        elif word.endswith("L"):
            number = _number(word[:-1], _DAY_OF_WEEK, problems)
            last |= set() if number is None else {number}
        else:
            weekdays |= _part(word, _DAY_OF_WEEK, problems)
    return DayPattern(weekdays=frozenset(weekdays), last_of_weekday=frozenset(last), nth_of_weekday=frozenset(nth))


def _values(text: str, kind: _Field, problems: list[str]) -> frozenset[int]:
    found: set[int] = set()
    for word in text.upper().split(","):
        found |= _part(word, kind, problems)
    return frozenset(found)


def _part(word: str, kind: _Field, problems: list[str]) -> set[int]:
    """``*``, ``5``, ``1-5``, each of them with ``/n``; ``5/n`` goes on to the end of the field."""
    match = _STEP.fullmatch(word)
    if match is None:
        problems.append(f"{kind.name}: '{word}' is none of its values; {_possible(kind)}")
        return set()
    step = 1 if match["step"] is None else int(match["step"])
    if step < 1:
        problems.append(f"{kind.name}: '{word}': the step after / is at least 1")
        return set()
    if match["range"] == "*":
        return set(range(kind.low, kind.high + 1, step))
    begin, dash, end = match["range"].partition("-")
    first = _number(begin, kind, problems)
    last = _number(end, kind, problems) if dash else first
    if first is None or last is None:
        return set()
    if not dash:
        return {first} if match["step"] is None else set(range(first, kind.high + 1, step))
    if last >= first:
        return set(range(first, last + 1, step))
    if not kind.wraps:
        problems.append(f"{kind.name}: '{word}' runs backwards; write two parts with a comma between them")
        return set()
    size = kind.high - kind.low + 1
    return {(value - kind.low) % size + kind.low for value in range(first, last + size + 1, step)}


def _number(word: str, kind: _Field, problems: list[str]) -> int | None:
    if word in kind.names:
        return kind.names[word]
    number = int(word) if re.fullmatch(r"[0-9]{1,4}", word, re.ASCII) else None
    if number is None or not kind.low <= number <= kind.high:
        problems.append(f"{kind.name}: '{word}' is none of its values; {_possible(kind)}")
        return None
    return number


def _possible(kind: _Field) -> str:
    names = list(kind.names)
    return f"use {kind.low} to {kind.high}" + (f" or {names[0]} to {names[-1]}" if names else "")


def _weekday(year: int, month: int, day: int) -> int:
    # Python's Monday is 0; here Sunday is 1.
    return (date(year, month, day).weekday() + 1) % 7 + 1


def _nearest_weekday(year: int, month: int, day: int, length: int) -> int:
    weekday = _weekday(year, month, day)
    if weekday == _DAYS["SAT"]:
        return day - 1 if day > 1 else 3
    if weekday == _DAYS["SUN"]:
        return day + 1 if day < length else day - 2
    return day
