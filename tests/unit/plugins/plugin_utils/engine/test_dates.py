"""Instants and days as baselines, records and callers write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.dates import (
    day_of,
    end_of_day,
    instant_of,
    parse_day,
    parse_instant,
    stamp_of,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

NOON = 1_795_176_000_000_000
EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20T12:00:00z", NOON),
        ("2026-11-20t12:00", NOON),
        ("2026-11-20 12:00:00", NOON),
        ("2026-11-20 12:00:00 +00:00", NOON),
        ("2026-11-20T17:30:00+05:30", NOON),
        ("2026-11-20T06:30:00-0530", NOON),
        ("2026-11-20T12:00:00.5Z", NOON + 500_000),
        ("2026-11-20T12:00:00.000001Z", NOON + 1),
        ("2026-11-20T12:00:00.123456789Z", NOON + 123_456),
        ("2026-11-21T11:59:00+23:59", NOON),
        ("2026-11-20", NOON - 43_200_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        (date(1970, 1, 2), 86_400_000_000),
        (datetime(2026, 11, 20, 12), NOON),
        (datetime(2026, 11, 20, 17, 30, tzinfo=EAST), NOON),
    ],
)
def test_a_stamp_is_one_instant_however_it_is_written(written: Any, instant: int) -> None:
    assert parse_instant(written) == instant == instant_of(written)


@pytest.mark.parametrize(
    "written",
    [
        "", "2026-11", "2026-02-29", "2026-11-20T24:00", "2026-11-20T12:60", "2026-11-20T12", "2026-11-20Z",
        "2026-11-20T12:00:00+24:00", "2026-11-20T12:00:00-05:60", "2026-11-20T12:00:00.Z", "20.11.2026",
        "2026-11-20T12:00:00Z\n", "\u0662026-11-20", 5, None, True, [],
    ],
)  # fmt: skip
def test_what_is_no_stamp_is_refused(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_instant(written)
    with pytest.raises(PatchError, match="as_of: ") as caught:
        instant_of(written)
    assert caught.value.kind == "bad_option"


def test_a_day_is_written_as_a_day() -> None:
    assert parse_day("2028-02-29") == parse_day(date(2028, 2, 29)) == date(2028, 2, 29)
    assert end_of_day("1970-01-01") == 86_400_000_000 - 1
    for wrong in ("2026-02-29", "2026-1-01", "20260101", "2026-01-01 ", 20260101, None, datetime(2026, 1, 1)):
        with pytest.raises(ValueError):
            parse_day(wrong)


def test_an_instant_is_shown_in_utc() -> None:
    assert stamp_of(NOON + 61_999_999) == "2026-11-20T12:01:01Z"
    assert stamp_of(NOON + 86_399_000_000 - 43_200_000_000) == "2026-11-20T23:59:59Z"
    assert (stamp_of(-1), day_of(-1)) == ("1969-12-31T23:59:59Z", "1969-12-31")
