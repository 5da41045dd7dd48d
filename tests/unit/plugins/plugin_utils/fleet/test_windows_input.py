"""Maintenance windows and blackouts as people write them: every mistake at once, each with its place."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import windows_input
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.windows import Blackout, Window
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.windows_input import parse_windows

UTC = timezone.utc
NIGHTS = {"name": "nights", "schedule": "cron(0 2 ? * SUN *)", "duration": 3}


def window(**changes: Any) -> Window:
    return parse_windows([{**NIGHTS, **changes}])[0][0]


def blackout(**entry: Any) -> Blackout:
    return parse_windows([], [{"name": "freeze", **entry}])[1][0]


def problems(windows: Any, blackouts: Any = None) -> dict[str, str]:
    with pytest.raises(PatchError) as caught:
        parse_windows(windows, blackouts)
    assert caught.value.kind == "bad_windows"
    for each in caught.value.details["problems"]:
        assert f"{each['where']}: {each['message']}" in caught.value.message
    return {each["where"]: each["message"] for each in caught.value.details["problems"]}


def test_what_is_left_out_has_its_default() -> None:
    found = window()
    assert (found.duration, found.cutoff) == (timedelta(hours=3), timedelta(0))
    assert (found.zone_name, found.cutoff_behavior, found.enabled) == ("UTC", "CANCEL_TASK", True)
    assert (found.valid_from, found.valid_until) == (None, None)
    assert parse_windows(None, None) == ([], [])


def test_the_valid_period_is_in_the_zone_that_its_times_name() -> None:
    found = window(
        schedule_timezone="America/Los_Angeles", start_date="2021-01-01T00:00:00-08:00", end_date=date(2021, 6, 30)
    )
    assert found.valid_from == datetime(2021, 1, 1, 8, tzinfo=UTC)
    # Without a zone it is UTC: the zone of the schedule has nothing to do with it.
    assert found.valid_until == datetime(2021, 6, 30, tzinfo=UTC)


def test_what_get_maintenance_window_prints_is_taken_unchanged() -> None:
    printed = {
        "WindowId": "mw-0c50858d01EXAMPLE",
        "Name": "My-LAX-Maintenance-Window",
        "StartDate": "2021-01-01T00:00:00-08:00",
        "Schedule": "rate(7 days)",
        "ScheduleTimezone": "America/Los_Angeles",
        "NextExecutionTime": "2021-02-03T09:00-08:00",
        "Duration": 3,
        "Cutoff": 1,
        "AllowUnassociatedTargets": True,
        "Enabled": True,
        "CreatedDate": 1612310400.0,
        "ModifiedDate": "2021-02-03T01:00:00-08:00",
    }
    found = parse_windows([printed])[0][0]
    assert (found.name, found.cutoff) == ("My-LAX-Maintenance-Window", timedelta(hours=1))
    # A rate whose start is past when the window is made counts from then.
    assert next(found.openings_from(found.valid_from or datetime.max)).opens == datetime(2021, 2, 3, tzinfo=UTC)


def test_numbers_may_be_text_as_older_templating_makes_them() -> None:
    assert window(duration="3", cutoff="1").cutoff == timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"name": None}, "name", "null is not a name"),
        ({"name": "ab"}, "name", "3 to 128"),
        ({"name": "nights of web"}, "name", "3 to 128"),
        ({"schedule": None}, "schedule", "null is neither cron"),
        ({"schedule": "cron(0 2 ? * MOO *)"}, "schedule", "day of week: 'MOO'"),
        ({"schedule": "rate(1 day)"}, "schedule", "a rate needs start_date"),
        ({"schedule_timezone": "Europe/Berlln"}, "schedule_timezone", "did you mean 'Europe/Berlin'?"),
        ({"schedule_timezone": "../../etc/passwd"}, "schedule_timezone", "no time zone"),
        ({"schedule_timezone": 1}, "schedule_timezone", "1 is no time zone"),
        ({"schedule_timezone": "America"}, "schedule_timezone", "no time zone"),
        ({"schedule_offset": 0}, "schedule_offset", "0 is not a whole number of days from 1 to 6"),
        ({"schedule_offset": 7}, "schedule_offset", "7 is not"),
        ({"schedule": "at(2026-11-20T13:00:00)", "schedule_offset": 1}, "schedule_offset", "this is none"),
        ({"duration": None}, "duration", "null is not a whole number of hours from 1 to 24"),
        ({"duration": 25}, "duration", "25 is not"),
        ({"duration": 2.5}, "duration", "2.5 is not"),
        ({"duration": True}, "duration", "true is not"),
        ({"cutoff": 24}, "cutoff", "24 is not a whole number of hours from 0 to 23"),
        ({"cutoff": 3}, "cutoff", "nothing could ever start"),
        ({"cutoff_behavior": "STOP"}, "cutoff_behavior", "CONTINUE_TASK, CANCEL_TASK"),
        ({"enabled": "yes"}, "enabled", "neither true nor false"),
        ({"start_date": "soon"}, "start_date", "not a time"),
        ({"start_date": 10**30}, "start_date", "not a time"),
        ({"start_date": "2026-11-20", "end_date": "2026-11-20"}, "end_date", "is not after start_date"),
        ({"timezone": "UTC"}, "timezone", "did you mean 'schedule_timezone'?"),
        ({7: 1}, "7", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_place(changes: dict[Any, Any], key: str, told: str) -> None:
    found = problems([NIGHTS | {"name": "other"}, {**NIGHTS, **changes}])
    assert list(found) == [f"maintenance_windows[1].{key}"]
    assert told in found[f"maintenance_windows[1].{key}"]


def test_all_mistakes_of_all_entries_are_told_at_once() -> None:
    found = problems(
        [{"name": "x", "schedule": "rate(1 days)", "duration": 0}, "nights", NIGHTS, NIGHTS],
        [{"name": "freeze"}, {"name": "freeze", "start": "2026-12-20", "end": "never"}],
    )
    assert list(found) == [
        "maintenance_windows[0].name",
        "maintenance_windows[0].duration",
        "maintenance_windows[0].schedule",
        "maintenance_windows[1]",
        "blackouts[0]",
        "blackouts[1].end",
        "maintenance_windows[3].name",
    ]
    assert found["maintenance_windows[3].name"] == "'nights' is the name of maintenance_windows[2] as well"


@pytest.mark.parametrize("raw", [{"name": "nights"}, "nights", 3])
def test_what_is_no_list_is_refused(raw: Any) -> None:
    assert "is not a list" in problems(raw)["maintenance_windows"]


def test_a_machine_without_time_zones_says_which_package_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_input, "available_timezones", set)

    def nothing(key: str) -> None:
        raise windows_input.ZoneInfoNotFoundError(key)

    monkeypatch.setattr(windows_input, "ZoneInfo", nothing)
    told = problems([{**NIGHTS, "schedule_timezone": "Europe/Berlin"}])["maintenance_windows[0].schedule_timezone"]
    assert told.endswith("install the package tzdata of the system, or tzdata from PyPI")
    # UTC needs none.
    assert window(schedule_timezone="UTC").zone_name == "UTC"


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # Days by the clock of the zone, the last one included.
        ("2026-12-20", "2027-01-06", "2026-12-19T23:00", "2027-01-06T23:00"),
        (date(2026, 12, 20), date(2026, 12, 20), "2026-12-19T23:00", "2026-12-20T23:00"),
        ("2026-12-20T18:00:00", "2026-12-21T06:00", "2026-12-20T17:00", "2026-12-21T05:00"),
        (datetime(2026, 7, 1, 18), datetime(2026, 7, 1, 20, tzinfo=UTC), "2026-07-01T16:00", "2026-07-01T20:00"),
        ("2026-12-20T18:00:00Z", "2026-12-20T18:00:00-01:00", "2026-12-20T18:00", "2026-12-20T19:00"),
    ],
)
def test_a_blackout_is_by_the_clock_of_its_zone(start: Any, end: Any, first: str, last: str) -> None:
    found = blackout(start=start, end=end, schedule_timezone="Europe/Berlin")
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    finish = datetime.fromisoformat(last).replace(tzinfo=UTC)
    tick = timedelta(microseconds=1)
    assert found.end_over(begin - tick) is None
    assert found.end_over(begin) == found.end_over(finish - tick) == finish
    assert found.end_over(finish) is None


def test_a_blackout_may_come_again() -> None:
    found = blackout(schedule="cron(0 0 20 12 ? *)", duration=18 * 24)
    assert found.end_over(datetime(2031, 1, 6, 23, 59, tzinfo=UTC)) == datetime(2031, 1, 7, tzinfo=UTC)
    assert found.end_over(datetime(2031, 1, 7, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("entry", "place", "told"),
    [
        ({"start": "2026-12-20"}, ".end", "null is neither a day"),
        ({"end": "2026-12-20"}, ".start", "null is neither a day"),
        ({"start": "2026-12-20", "end": "2026-12-19"}, ".end", "is not after start"),
        ({"schedule": "cron(0 0 20 12 ? *)"}, ".duration", "null is not a whole number of hours"),
        ({"schedule": "rate(1 day)", "duration": 2}, ".schedule", "by cron or at"),
        ({"schedule": "cron(0 0 20 12 ? *)", "start": "2026-12-20"}, "", "either start and end, or schedule"),
        ({"start": "2026-12-20", "end": "9999-12-31"}, ".end", "neither a day"),
        ({"begin": "2026-12-20", "start": "2026-12-20", "end": "2026-12-20"}, ".begin", "unknown key"),
    ],
)
def test_a_mistake_in_a_blackout_is_told_with_its_place(entry: dict[str, Any], place: str, told: str) -> None:
    found = problems(None, [{"name": "freeze", **entry}])
    assert list(found) == [f"blackouts[0]{place}"]
    assert told in found[f"blackouts[0]{place}"]
