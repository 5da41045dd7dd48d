"""Schedules as instants: time zones, hours that are skipped or come twice, rates, single runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.schedule import (
    Schedule,
    parse_schedule,
    starts_from,
)

UTC = timezone.utc
ANCHOR = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


def schedule(expression: str, zone: str = "UTC", *, offset: int = 0, anchor: datetime | None = None) -> Schedule:
    found, problems = parse_schedule(expression, zone=ZoneInfo(zone), offset=offset, anchor=anchor)
    assert found is not None, problems
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def brute_force(zone: str, walls: set[tuple[int, int]], first: datetime, last: datetime) -> list[datetime]:
    """Watch the clock of the zone minute by minute; ``walls`` are times (hour, minute) of every day.

    A reading that was shown before is not new; what a jump leaves out comes at the jump.
    """
    place = ZoneInfo(zone)
    shown: set[datetime] = set()
    found: set[datetime] = set()
    moment = first
    before = (first - timedelta(minutes=1)).astimezone(place).replace(tzinfo=None)
    while moment < last:
        wall = moment.astimezone(place).replace(tzinfo=None)
        skipped = before + timedelta(minutes=1)
        while skipped < wall:
            if (skipped.hour, skipped.minute) in walls:
                found.add(moment)
            skipped += timedelta(minutes=1)
        if (wall.hour, wall.minute) in walls and wall not in shown:
            found.add(moment)
        shown.add(wall)
        before = wall
        moment += timedelta(minutes=1)
    return sorted(found)


# Zones whose clock moves in different ways: by an hour and by half of one, at midnight, over the date line.
@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Berlin", "2026-03-28T12:00"),
        ("Europe/Berlin", "2026-10-24T12:00"),
        ("America/New_York", "2026-03-07T12:00"),
        ("America/New_York", "2026-10-31T12:00"),
        ("Australia/Lord_Howe", "2026-04-04T12:00"),
        ("Australia/Lord_Howe", "2026-10-03T12:00"),
        ("Africa/Cairo", "2026-04-23T12:00"),
        ("America/Nuuk", "2026-03-28T12:00"),
        ("Africa/Casablanca", "2026-02-14T12:00"),
        ("Pacific/Apia", "2011-12-29T12:00"),
        ("Asia/Kolkata", "2026-03-28T12:00"),
    ],
)
def test_days_on_which_the_clock_moves_are_as_minute_by_minute(zone: str, first: str) -> None:
    begin, end = utc(first), utc(first) + timedelta(days=3)
    found = schedule("cron(0/15 0/1 * * ? *)", zone).starts_between(begin, end)
    walls = {(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)}
    assert found == [each for each in brute_force(zone, walls, begin - timedelta(days=2), end) if each >= begin]


def test_a_year_of_openings_at_half_past_two_has_one_for_each_day() -> None:
    begin = utc("2026-01-01T00:00")
    found = schedule("cron(30 2 * * ? *)", "Europe/Berlin").starts_between(begin, begin + timedelta(days=365))
    assert len(found) == 365
    local = [each.astimezone(ZoneInfo("Europe/Berlin")) for each in found]
    odd = [each.isoformat() for each in local if (each.hour, each.minute) != (2, 30)]
    assert odd == ["2026-03-29T03:00:00+02:00"]
    assert "2026-10-25T02:30:00+02:00" in [each.isoformat() for each in local]


def test_the_example_of_the_documentation_follows_the_clock_of_los_angeles() -> None:
    # Wednesdays at nine; daylight saving time begins on the 14th of March 2027.
    found = list(
        islice(starts_from(schedule("cron(0 09 ? * WED *)", "America/Los_Angeles"), utc("2027-03-07T00:00")), 2)
    )
    assert found == [utc("2027-03-10T17:00"), utc("2027-03-17T16:00")]


def test_an_offset_keeps_the_time_of_the_clock_where_it_moves_in_between() -> None:
    found = schedule("cron(0 3 28 3 ? 2026)", "Europe/Berlin", offset=2).starts_between(
        utc("2026-03-01T00:00"), utc("2026-04-30T00:00")
    )
    assert found == [utc("2026-03-30T01:00")]


@pytest.mark.parametrize(
    ("expression", "zone", "moment"),
    [
        ("at(2020-07-07T15:55:00)", "UTC", "2020-07-07T15:55"),
        ("at(2026-11-20T13:00:00)", "Europe/Berlin", "2026-11-20T12:00"),
        ("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-29T01:00"),
    ],
)
def test_at_opens_once(expression: str, zone: str, moment: str) -> None:
    assert list(starts_from(schedule(expression, zone), utc("2020-01-01T00:00"))) == [utc(moment)]
    assert list(starts_from(schedule(expression, zone), utc(moment) + timedelta(seconds=1))) == []


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(30 minutes)", 1800),
        ("rate(1 hour)", 3600),
        ("rate(5 hours)", 18000),
        ("rate(15 days)", 15 * 86400),
        ("rate(25 days)", 25 * 86400),
        ("rate(1 day)", 86400),
        ("rate(5 minutes)", 300),
    ],
)
def test_a_rate_counts_from_its_first_opening(expression: str, seconds: int) -> None:
    found = schedule(expression, anchor=ANCHOR)
    assert list(islice(starts_from(found, ANCHOR - timedelta(days=400)), 3)) == [
        ANCHOR + timedelta(seconds=seconds * count) for count in range(3)
    ]
    later = next(starts_from(found, ANCHOR + timedelta(days=1000, seconds=7)))
    assert (later - ANCHOR).total_seconds() % seconds == 0
    assert timedelta(0) <= later - (ANCHOR + timedelta(days=1000, seconds=7)) < timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("every day", "neither cron(...), rate(...) nor at(...)"),
        ("cron(0 2 ? * * *) x", "neither cron(...), rate(...) nor at(...)"),
        ("Cron(0 2 ? * * *)", "neither cron(...), rate(...) nor at(...)"),
        ("cron(" + "0," * 200 + "0 2 ? * * *)", "at most 256"),
        ("rate(1 hours)", "write '1 hour'"),
        ("rate(2 hour)", "write '2 hours'"),
        ("rate(0 hours)", "not of the form"),
        ("rate(-1 hours)", "not of the form"),
        ("rate(1.5 hours)", "not of the form"),
        ("rate(2 weeks)", "not of the form"),
        ("rate(1 minute)", "at least 5 minutes"),
        ("rate(4 minutes)", "at least 5 minutes"),
        ("at(2026-11-20)", "not of the form"),
        ("at(2026-11-20T13:00:00Z)", "without a zone"),
        ("at(2026-02-30T13:00:00)", "not of the form"),
        ("at(2026-11-20T25:00:00)", "not of the form"),
        ("at(0001-01-01T00:00:00)", "not of the form"),
        ("at(2300-01-01T00:00:00)", "after the year 2199"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str, told: str) -> None:
    found, problems = parse_schedule(expression, zone=ZoneInfo("Asia/Tokyo"), anchor=ANCHOR)
    assert found is None
    assert told in problems[0]


def test_a_rate_needs_a_moment_to_count_from() -> None:
    assert parse_schedule("rate(1 day)", zone=UTC) == (
        None,
        ["a rate needs start_date, the moment that it counts from"],
    )


def test_a_schedule_whose_years_are_over_opens_no_more() -> None:
    assert list(starts_from(schedule("cron(0 2 * * ? 2020-2025)"), utc("2026-11-20T00:00"))) == []
