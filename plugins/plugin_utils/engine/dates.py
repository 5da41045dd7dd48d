# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instants as whole microseconds since 1970-01-01 UTC.

Plain integers cannot overflow when a hostile record carries year 9999 and a delay is added, and compare fast.
A stamp without zone is UTC, whatever the zone of the host (Patch Manager user guide, auto-approval).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from ..errors import PatchError
from .problems import show

MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_DAY = (date.max - _EPOCH.date()).days
# '2026-11-20', '2026-11-20T12:00:00Z', '2026-11-20 12:00:00.5+02:00'
_STAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?[ ]?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?)?",
    re.ASCII,
)


def parse_instant(value: Any) -> int:
    """Microseconds since the epoch of an ISO 8601 string, a date or a datetime; ValueError for all else."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return (value - _EPOCH.date()).days * MICROSECONDS_PER_DAY
    match = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a date such as 2026-11-20T12:00:00Z")
    year, month, day, hour, minute, second, fraction, _zulu, sign, zone_hours, zone_minutes = match.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=timezone.utc
    )
    micros = (moment - _EPOCH) // timedelta(microseconds=1) + int(((fraction or "") + "000000")[:6])
    if sign:
        if int(zone_hours) > 23 or int(zone_minutes) > 59:
            raise ValueError("not a time zone offset")
        offset = (int(zone_hours) * 60 + int(zone_minutes)) * 60_000_000
        micros += -offset if sign == "+" else offset
    return micros


def instant_of(as_of: Any) -> int:
    """The evaluation time of a call in microseconds; ``PatchError("bad_option")`` when it is none."""
    try:
        return parse_instant(as_of)
    except ValueError as error:
        raise PatchError("bad_option", f"as_of: {show(as_of)} is {error}") from None


def parse_day(value: Any) -> date:
    """A real calendar day written ``YYYY-MM-DD`` (or a date object, as YAML makes of an unquoted one)."""
    if isinstance(value, datetime):
        raise ValueError("a day has no time")
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("not written YYYY-MM-DD")
    return date(int(value[:4]), int(value[5:7]), int(value[8:]))


def end_of_day(value: Any) -> int:
    """The last microsecond of a day: a cut-off date includes its whole UTC day."""
    return ((parse_day(value) - _EPOCH.date()).days + 1) * MICROSECONDS_PER_DAY - 1


def stamp_of(instant: int) -> str:
    """The instant in whole seconds, ``2026-11-20T12:00:00Z``; held inside the years that a date can show."""
    seconds = (instant % MICROSECONDS_PER_DAY) // 1_000_000
    return f"{day_of(instant)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def day_of(instant: int) -> str:
    """The UTC day of an instant, ``YYYY-MM-DD``; held inside the years that a date can show."""
    days = min(max(instant // MICROSECONDS_PER_DAY, -_EPOCH.toordinal() + 1), _LAST_DAY)
    return (_EPOCH.date() + timedelta(days=days)).isoformat()
