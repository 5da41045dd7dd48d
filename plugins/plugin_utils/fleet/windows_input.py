# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows and blackouts as people write them; every mistake is told at once, with its place.

The names are those of Systems Manager in snake_case; what ``aws ssm get-maintenance-window`` prints is taken
unchanged. Limits: Systems Manager API reference, CreateMaintenanceWindow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ..engine.dates import parse_day, parse_instant
from ..engine.problems import Problems, nearest, show
from .schedule import AtSchedule, RateSchedule, Schedule, instant_of, parse_schedule
from .windows import CANCEL_TASK, CUTOFF_BEHAVIORS, Blackout, Window

NAME_SAID = "a name of 3 to 128 letters, digits, dots, dashes or underscores"
NAME_FORM = re.compile(r"[a-zA-Z0-9_.-]{3,128}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_BLACKOUT = 366 * 24
_WINDOW_KEYS = (
    "name",
    "schedule",
    "schedule_timezone",
    "schedule_offset",
    "start_date",
    "end_date",
    "duration",
    "cutoff",
    "cutoff_behavior",
    "enabled",
    "created_date",
    "description",
)
_BLACKOUT_KEYS = ("name", "start", "end", "schedule", "schedule_timezone", "duration", "description")
_AWS_KEYS = {
    "Name": "name",
    "Schedule": "schedule",
    "ScheduleTimezone": "schedule_timezone",
    "ScheduleOffset": "schedule_offset",
    "StartDate": "start_date",
    "EndDate": "end_date",
    "Duration": "duration",
    "Cutoff": "cutoff",
    "Enabled": "enabled",
    "CreatedDate": "created_date",
    "Description": "description",
}
_AWS_IGNORED = ("WindowId", "NextExecutionTime", "AllowUnassociatedTargets", "ModifiedDate", "ResponseMetadata")


def parse_windows(windows: Any, blackouts: Any = None) -> tuple[list[Window], list[Blackout]]:
    """Raises ``PatchError("bad_windows")`` with all problems of both lists; None is an empty list."""
    problems = Problems()
    found_windows = [
        window
        for index, raw in enumerate(_entries(windows, "maintenance_windows", problems))
        if (window := _window(raw, f"maintenance_windows[{index}]", problems)) is not None
    ]
    found_blackouts = [
        blackout
        for index, raw in enumerate(_entries(blackouts, "blackouts", problems))
        if (blackout := _blackout(raw, f"blackouts[{index}]", problems)) is not None
    ]
    _names_are_unique(found_windows, windows, problems)
    problems.raise_if_any("bad_windows", "maintenance windows and blackouts")
    return found_windows, found_blackouts


def _entries(raw: Any, where: str, problems: Problems) -> Sequence[Any]:
    if raw is None:
        return []
    if isinstance(raw, (list, tuple)):
        return raw
    problems.add(where, f"{show(raw)} is not a list")
    return []


def _names_are_unique(found: list[Window], raw: Any, problems: Problems) -> None:
    names = [window.name for window in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        places = [
            f"maintenance_windows[{index}]"
            for index, each in enumerate(raw)
            if isinstance(each, Mapping) and name in (each.get("name"), each.get("Name"))
        ]
        problems.add(f"{places[-1]}.name", f"'{name}' is the name of {places[0]} as well")


def _window(raw: Any, where: str, problems: Problems) -> Window | None:
    entry = _Entry(raw, where, problems, _WINDOW_KEYS)
    if not isinstance(raw, Mapping):
        return None
    name = entry.name()
    zone, zone_name = entry.zone()
    duration = entry.whole("duration", 1, 24, "hours")
    cutoff = entry.whole("cutoff", 0, 23, "hours", default=0)
    if None not in (duration, cutoff) and (cutoff or 0) >= (duration or 0):
        entry.problem("cutoff", f"{cutoff} of {duration} hours: nothing could ever start; make it less than duration")
    valid_from, valid_until = entry.instant("start_date"), entry.instant("end_date")
    if valid_from and valid_until and valid_until <= valid_from:
        entry.problem("end_date", "is not after start_date")
    anchor = max((each for each in (valid_from, entry.instant("created_date")) if each), default=None)
    schedule = entry.schedule(zone, anchor)
    behavior = entry.choice("cutoff_behavior", CUTOFF_BEHAVIORS, CANCEL_TASK)
    enabled = entry.flag("enabled", default=True)
    if not entry.good or schedule is None:
        return None
    return Window(
        name,
        schedule,
        zone,
        zone_name,
        timedelta(hours=duration or 0),
        timedelta(hours=cutoff or 0),
        behavior,
        enabled,
        valid_from,
        valid_until,
    )


def _blackout(raw: Any, where: str, problems: Problems) -> Blackout | None:
    """``start`` and ``end``, or ``schedule`` and ``duration`` for one that comes again."""
    entry = _Entry(raw, where, problems, _BLACKOUT_KEYS)
    if not isinstance(raw, Mapping):
        return None
    name = entry.name()
    zone, zone_name = entry.zone()
    one, many = entry.given("start", "end"), entry.given("schedule", "duration")
    if bool(one) == bool(many):
        entry.problem("", "needs either start and end, or schedule and duration")
        return None
    schedule: Schedule | None
    if many:
        duration = timedelta(hours=entry.whole("duration", 1, _LONGEST_BLACKOUT, "hours") or 0)
        schedule = entry.schedule(zone, _EPOCH)
        if isinstance(schedule, RateSchedule):
            entry.problem("schedule", "a blackout comes by cron or at; a rate says nothing about the days it falls on")
    else:
        start, end = entry.local("start", zone), entry.local("end", zone, whole_day=True)
        if start and end and end <= start:
            entry.problem("end", "is not after start")
        schedule = AtSchedule(start) if start else None
        duration = end - start if start and end else timedelta(0)
    if not entry.good or schedule is None:
        return None
    return Blackout(name, schedule, duration, zone, zone_name)


class _Entry:
    """One mapping of the input, asked key by key; what is wrong is noted with its place."""

    def __init__(self, raw: Any, where: str, problems: Problems, keys: Sequence[str]) -> None:
        self.where = where
        self.problems = problems
        self.before = len(problems.found)
        self.raw: dict[str, Any] = {}
        if not isinstance(raw, Mapping):
            self.problem("", f"{show(raw)} is not a mapping")
            return
        aws = "Schedule" in raw
        named = {str(key): value for key, value in raw.items() if not (aws and key in _AWS_IGNORED)}
        self.raw = {_AWS_KEYS.get(key, key): value for key, value in named.items()}
        problems.unknown_keys(where, self.raw, keys)

    @property
    def good(self) -> bool:
        return len(self.problems.found) == self.before

    def problem(self, key: str, message: str) -> None:
        self.problems.add(f"{self.where}.{key}" if key else self.where, message)

    def given(self, *keys: str) -> list[str]:
        return [key for key in keys if self.raw.get(key) is not None]

    def name(self) -> str:
        name = self.raw.get("name")
        if not isinstance(name, str) or not NAME_FORM.fullmatch(name):
            self.problem("name", f"{show(name)} is not {NAME_SAID}")
        return str(name)

    def zone(self) -> tuple[tzinfo, str]:
        name = self.raw.get("schedule_timezone")
        if name is None or name in ("UTC", "Etc/UTC"):
            # Known without a time zone database.
            return timezone.utc, "UTC"
        try:
            if not isinstance(name, str):
                raise ValueError(name)
            return ZoneInfo(name), name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.problem("schedule_timezone", f"{show(name)} is no time zone that this machine knows; {_advice(name)}")
            return timezone.utc, "UTC"

    def whole(self, key: str, least: int, most: int, unit: str, default: int | None = None) -> int | None:
        value = self.raw.get(key)
        if value is None and default is not None:
            return default
        # Jinja makes text of numbers on older releases of ansible-core.
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(key, f"{show(value)} is not a whole number of {unit} from {least} to {most}")
            return None
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.raw.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(key, f"{show(value)} is neither true nor false")
        return bool(value)

    def choice(self, key: str, possible: Sequence[str], default: str) -> str:
        value = self.raw.get(key)
        if value is None:
            return default
        if value not in possible:
            self.problem(key, f"{show(value)} is none of {', '.join(possible)}")
        return str(value)

    def instant(self, key: str) -> datetime | None:
        """An ISO 8601 time; without a zone it is UTC, as these do not follow the time zone of the schedule."""
        value = self.raw.get(key)
        if value is None or value == "":
            return None
        try:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                # As version 1 of the AWS CLI prints it.
                return datetime.fromtimestamp(value, timezone.utc)
            return _EPOCH + timedelta(microseconds=parse_instant(value))
        except (ValueError, OverflowError, OSError):
            self.problem(key, f"{show(value)} is not a time such as 2026-11-20T14:00:00+01:00")
            return None

    def local(self, key: str, zone: tzinfo, *, whole_day: bool = False) -> datetime | None:
        """A time with its own zone, or by the clock of ``zone``; of a day its beginning or, if asked, its end."""
        value = self.raw.get(key)
        try:
            if _is_day(value):
                day = parse_day(value) + timedelta(days=1 if whole_day else 0)
                return instant_of(datetime(day.year, day.month, day.day), zone)
            micros = timedelta(microseconds=parse_instant(value))
            if _has_zone(value):
                return _EPOCH + micros
            return instant_of((_EPOCH + micros).replace(tzinfo=None), zone)
        except (ValueError, OverflowError):
            self.problem(
                key, f"{show(value)} is neither a day such as 2026-12-20 nor a time such as 2026-12-20T18:00:00"
            )
            return None

    def schedule(self, zone: tzinfo, anchor: datetime | None) -> Schedule | None:
        text, offset = self.raw.get("schedule"), 0
        if not isinstance(text, str):
            self.problem("schedule", f"{show(text)} is neither cron(...), rate(...) nor at(...)")
            return None
        if self.raw.get("schedule_offset") is not None:
            offset = self.whole("schedule_offset", 1, 6, "days") or 0
            if not text.strip().startswith("cron("):
                self.problem("schedule_offset", "counts from the day of a cron expression; this is none")
        schedule, found = parse_schedule(text, zone=zone, offset=offset, anchor=anchor)
        for message in found:
            self.problem("schedule", message)
        return schedule


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII))
    return isinstance(value, date) and not isinstance(value, datetime)


def _has_zone(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return bool(re.search(r"([Zz]|[+-]\d{2}:?\d{2})$", str(value)[10:], re.ASCII))


def _advice(name: Any) -> str:
    zones = available_timezones()
    if "Europe/Berlin" not in zones:
        return "it has no time zone database: install the package tzdata of the system, or tzdata from PyPI"
    # The nearest of 600 names tells more than the list of them.
    close = nearest(name, sorted(zones))
    return close if close.startswith("did you mean") else "use a name such as Europe/Berlin"
