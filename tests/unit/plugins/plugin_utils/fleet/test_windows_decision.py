"""May a host start now: at every edge, and as a minute-by-minute look says."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.windows_decision import (
    Decision,
    Need,
    decide,
    list_openings,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.windows_input import parse_windows

UTC = timezone.utc
# Sundays 15:00 to 18:00, nothing starts from 17:00 on: the example of the documentation.
AFTERNOON = {"name": "afternoon", "schedule": "cron(0 15 ? * SUN *)", "duration": 3, "cutoff": 1}
SUNDAY = "2026-11-22T"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def word(
    now: str, *windows: dict[str, Any], blackouts: Any = (), need: Need | None = None, began: str | None = None
) -> Decision:
    found = parse_windows(list(windows), list(blackouts))
    started = at(began) if began else None
    return decide(*found, now=at(now), run_started_at=started, need=need or Need())


@pytest.mark.parametrize(
    ("clock", "decision"),
    [
        ("14:59:59", "closed"),
        ("15:00:00", "open"),
        ("16:59:59", "open"),
        ("17:00:00", "past_cutoff"),
        ("17:59:59", "past_cutoff"),
        ("18:00:00", "closed"),
    ],
)
def test_the_edges_of_a_window_with_a_cutoff(clock: str, decision: str) -> None:
    assert word(SUNDAY + clock, AFTERNOON).decision == decision


def test_without_a_cutoff_hosts_start_until_the_window_closes() -> None:
    whole = {**AFTERNOON, "cutoff": 0}
    assert word(SUNDAY + "17:59:59", whole).go
    assert not word(SUNDAY + "18:00:00", whole).go


def test_reasons_name_the_window_the_times_of_its_clock_and_the_next_start() -> None:
    berlin = {**AFTERNOON, "schedule_timezone": "Europe/Berlin"}
    assert word(SUNDAY + "15:00", berlin).reason == (
        "window 'afternoon' is open until 2026-11-22 18:00 Europe/Berlin; hosts may start before"
        " 2026-11-22 17:00 Europe/Berlin"
    )
    assert word(SUNDAY + "16:30", berlin).reason == (
        "window 'afternoon' is open, but nothing starts after 2026-11-22 17:00 Europe/Berlin (cutoff 1 h); the next"
        " start is 2026-11-29 15:00 Europe/Berlin in window 'afternoon'"
    )
    assert word("2026-11-21T13:15", berlin).reason == (
        "no maintenance window is open; the next start is 2026-11-22 15:00 Europe/Berlin in window 'afternoon'"
    )


def test_a_host_without_windows_may_start_at_any_time() -> None:
    assert word("2026-11-21T13:15").go


def test_any_of_several_windows_opens_the_way() -> None:
    nights = {"name": "nights", "schedule": "cron(0 16 ? * * *)", "duration": 4, "cutoff": 2}
    found = word(SUNDAY + "17:30", AFTERNOON, nights)
    assert found.go
    assert found.opening is not None
    assert found.opening.window.name == "nights"
    assert found.start_until == at(SUNDAY + "18:00")
    assert found.next_start is not None
    assert found.next_start.starts == at("2026-11-23T16:00")


def test_windows_that_are_all_disabled_hold_the_host_back_and_say_so() -> None:
    found = word(SUNDAY + "16:00", {**AFTERNOON, "enabled": False})
    assert found.decision == "closed"
    assert found.reason == "no maintenance window is open; every window of this host is disabled"


def test_the_valid_period_bounds_beginnings_alone() -> None:
    bounded = {**AFTERNOON, "start_date": "2026-11-22T15:00:00Z", "end_date": "2026-11-29T15:00:01Z"}
    assert not word("2026-11-15T16:00", bounded).go
    assert word(SUNDAY + "15:00", bounded).go
    assert word("2026-11-29T16:59", bounded).go
    after = word("2026-12-06T16:00", bounded)
    assert after.decision == "closed"
    assert after.reason.endswith("none of its windows opens again")
    assert not word("2026-11-29T16:59", {**bounded, "end_date": "2026-11-29T15:00:00Z"}).go


@pytest.mark.parametrize(
    ("now", "began", "behavior", "decision"),
    [
        ("17:30", "16:00", "CONTINUE_TASK", "open"),
        ("21:00", "16:59", "CONTINUE_TASK", "open"),
        ("17:30", "17:00", "CONTINUE_TASK", "past_cutoff"),
        ("17:30", "14:59", "CONTINUE_TASK", "past_cutoff"),
        ("21:00", "17:00", "CONTINUE_TASK", "closed"),
        ("17:30", "16:00", "CANCEL_TASK", "past_cutoff"),
        ("21:00", "16:00", "CANCEL_TASK", "closed"),
    ],
)
def test_a_run_that_began_before_the_cutoff_goes_on_if_the_window_says_so(
    now: str, began: str, behavior: str, decision: str
) -> None:
    found = word(SUNDAY + now, {**AFTERNOON, "cutoff_behavior": behavior}, began=SUNDAY + began)
    assert found.decision == decision


def test_a_blackout_comes_before_everything() -> None:
    freeze = {"name": "freeze", "start": "2026-11-22T16:00:00", "end": "2026-11-22T16:30:00"}
    going_on = {**AFTERNOON, "cutoff_behavior": "CONTINUE_TASK"}
    found = word(SUNDAY + "16:00", going_on, blackouts=[freeze], began=SUNDAY + "15:00")
    assert found.decision == "blackout"
    assert found.reason == (
        "blackout 'freeze' lasts until 2026-11-22 16:30 UTC; the next start is 2026-11-22 16:30 UTC in window"
        " 'afternoon', after blackout 'freeze'"
    )
    assert word(SUNDAY + "16:30", AFTERNOON, blackouts=[freeze]).go
    without = word(SUNDAY + "16:00", blackouts=[freeze])
    assert without.reason == "blackout 'freeze' lasts until 2026-11-22 16:30 UTC; no maintenance window is asked for"


def test_the_blackout_that_ends_last_is_told() -> None:
    two = [
        {"name": "short", "start": "2026-11-22", "end": "2026-11-22"},
        {"name": "long", "start": "2026-11-20", "end": "2026-11-30"},
    ]
    found = word(SUNDAY + "16:00", AFTERNOON, blackouts=two)
    assert "'long' lasts until 2026-12-01 00:00 UTC" in found.reason
    assert found.next_start is not None
    assert found.next_start.starts == at("2026-12-06T15:00")


@pytest.mark.parametrize(
    ("clock", "expected", "reserve", "decision"),
    [
        ("16:00", 90, 30, "open"),
        ("16:01", 90, 30, "past_cutoff"),
        ("16:00", 90, 31, "past_cutoff"),
        # Less than the cutoff does not put it off.
        ("17:00", 10, 10, "past_cutoff"),
        ("16:59", 10, 10, "open"),
    ],
)
def test_what_a_host_needs_has_to_fit_before_the_window_closes(
    clock: str, expected: int, reserve: int, decision: str
) -> None:
    need = Need(timedelta(minutes=expected), timedelta(minutes=reserve))
    assert word(SUNDAY + clock, AFTERNOON, need=need).decision == decision


def test_what_does_not_fit_is_told_with_what_was_needed() -> None:
    need = Need(timedelta(minutes=90), timedelta(minutes=30))
    assert word(SUNDAY + "16:01", AFTERNOON, need=need).reason.startswith(
        "window 'afternoon' is open, but the host needs 1 h 30 min and 30 min in reserve for the reboot, and it closes"
        " at 2026-11-22 18:00 UTC; the next start is 2026-11-29 15:00 UTC"
    )
    freeze = {"name": "freeze", "start": "2026-11-22T17:00:00", "end": "2026-11-22T23:00:00"}
    found = word(SUNDAY + "16:01", AFTERNOON, blackouts=[freeze], need=Need(timedelta(hours=1)))
    assert "needs 1 h, and a blackout begins at 2026-11-22 17:00 UTC" in found.reason
    alone = word(SUNDAY + "16:01", blackouts=[freeze], need=Need(timedelta(hours=1)))
    assert alone.decision == "blackout"
    assert word(SUNDAY + "16:00", blackouts=[freeze], need=Need(timedelta(hours=1))).go


def test_a_run_that_must_end_in_time_does_not_go_on_after_the_cutoff() -> None:
    going_on = {**AFTERNOON, "cutoff_behavior": "CONTINUE_TASK"}
    need = Need(timedelta(minutes=10))
    assert not word(SUNDAY + "17:30", going_on, began=SUNDAY + "16:00", need=need).go


def test_openings_are_listed_with_what_a_blackout_takes_of_them() -> None:
    daily = {"name": "daily", "schedule": "cron(0 4 * * ? *)", "duration": 2}
    freeze = {"name": "freeze", "start": "2026-11-22T00:00", "end": "2026-11-23T05:00"}
    found = list_openings(*parse_windows([AFTERNOON, daily], [freeze]), now=at(SUNDAY + "04:00"), count=4)
    assert [(each.opening.window.name, each.opening.opens, each.starts, each.blackout) for each in found] == [
        ("afternoon", at(SUNDAY + "15:00"), None, "freeze"),
        ("daily", at("2026-11-23T04:00"), at("2026-11-23T05:00"), "freeze"),
        ("daily", at("2026-11-24T04:00"), at("2026-11-24T04:00"), None),
        ("daily", at("2026-11-25T04:00"), at("2026-11-25T04:00"), None),
    ]


def test_blackouts_that_cover_every_opening_end_the_search() -> None:
    always = {"name": "always", "schedule": "cron(0 0 * * ? *)", "duration": 24}
    found = word(SUNDAY + "16:00", AFTERNOON, blackouts=[always])
    assert found.decision == "blackout"
    assert found.reason.endswith("none of the openings to come is long enough and free of blackouts")


hours = st.integers(0, 23)
windows_of_a_day = st.lists(
    st.tuples(hours, st.integers(1, 6), st.integers(0, 5)).filter(lambda each: each[2] < each[1]),
    min_size=1,
    max_size=3,
)
freezes = st.lists(st.tuples(st.integers(0, 47), st.integers(1, 30)), max_size=2)


def may_start(minute: int, windows: list[tuple[int, int, int]], blackouts: list[tuple[int, int]], need: int) -> bool:
    """By arithmetic alone; minutes and hours count from the first midnight, every window opens every day."""
    if any(first * 60 <= minute < (first + lasts) * 60 for first, lasts in blackouts):
        return False
    for hour, lasts, cutoff in windows:
        opened = minute - (minute - hour * 60) % 1440
        closes = opened + lasts * 60
        end = min([first * 60 for first, _lasts in blackouts if minute <= first * 60] + [closes])
        if minute < closes - cutoff * 60 and minute + need <= end:
            return True
    return False


@settings(max_examples=150, deadline=None)
@given(
    windows=windows_of_a_day, blackouts=freezes, now=st.integers(0, 3 * 96), need=st.sampled_from([0, 0, 45, 150, 400])
)
def test_word_and_next_start_are_those_of_a_look_at_every_quarter_of_an_hour(
    windows: list[tuple[int, int, int]], blackouts: list[tuple[int, int]], now: int, need: int
) -> None:
    midnight = at("2026-11-22T00:00")
    parsed = parse_windows(
        [
            {"name": f"window-{number}", "schedule": f"cron(0 {hour} * * ? *)", "duration": lasts, "cutoff": cutoff}
            for number, (hour, lasts, cutoff) in enumerate(windows)
        ],
        [
            {
                "name": "freeze",
                "start": (midnight + timedelta(hours=first)).isoformat(),
                "end": (midnight + timedelta(hours=first + lasts)).isoformat(),
            }
            for first, lasts in blackouts
        ],
    )
    told = decide(*parsed, now=midnight + timedelta(minutes=15 * now), need=Need(timedelta(minutes=need)))
    assert told.go == may_start(15 * now, windows, blackouts, need)
    later = (15 * step for step in range(now + 1, now + 5 * 96) if may_start(15 * step, windows, blackouts, need))
    first = next(later, None)
    if not told.go:
        starts = told.next_start.starts if told.next_start else None
        assert starts == (None if first is None else midnight + timedelta(minutes=first))
        # Nothing is found only where no window is long enough for what the host needs.
        assert first is not None or all(lasts * 60 < need for _hour, lasts, _cutoff in windows)
