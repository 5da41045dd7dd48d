"""Cron expressions against the tables of the documentation, and against a slow reading of them over years."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.schedule import parse_schedule, starts_from
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.schedule_cron import parse_cron

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
"""A Saturday."""

# Expressions of the user guide's tables, of today and of earlier editions, and three openings of each from NOW on;
# the dates come from a printed calendar.
DOCUMENTED = {
    "cron(0 2 ? * THU#3 *)": ["2026-12-17 02:00", "2027-01-21 02:00", "2027-02-18 02:00"],
    "cron(15 10 ? * * *)": ["2026-11-22 10:15", "2026-11-23 10:15", "2026-11-24 10:15"],
    "cron(15 10 ? * MON-FRI *)": ["2026-11-23 10:15", "2026-11-24 10:15", "2026-11-25 10:15"],
    "cron(0 2 L * ? *)": ["2026-11-30 02:00", "2026-12-31 02:00", "2027-01-31 02:00"],
    "cron(15 10 ? * 6L *)": ["2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"],
    "cron(30 09 ? * * *)": ["2026-11-22 09:30", "2026-11-23 09:30", "2026-11-24 09:30"],
    "cron(24 30 09 ? * * *)": ["2026-11-22 09:30:24", "2026-11-23 09:30:24", "2026-11-24 09:30:24"],
    "cron(0 0 2 ? 1/1 THU#3 *)": ["2026-12-17 02:00", "2027-01-21 02:00", "2027-02-18 02:00"],
    "cron(0 0 0 21 1/1 ? *)": ["2026-12-21 00:00", "2027-01-21 00:00", "2027-02-21 00:00"],
    "cron(0 10 * * ? *)": ["2026-11-22 10:00", "2026-11-23 10:00", "2026-11-24 10:00"],
    "cron(15 12 * * ? *)": ["2026-11-21 12:15", "2026-11-22 12:15", "2026-11-23 12:15"],
    "cron(0 18 ? * MON-FRI *)": ["2026-11-23 18:00", "2026-11-24 18:00", "2026-11-25 18:00"],
    "cron(0 8 1 * ? *)": ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00"],
    "cron(0/15 * * * ? *)": ["2026-11-21 12:00", "2026-11-21 12:15", "2026-11-21 12:30"],
    "cron(0/10 * ? * MON-FRI *)": ["2026-11-23 00:00", "2026-11-23 00:10", "2026-11-23 00:20"],
    "cron(0/5 8-17 ? * MON-FRI *)": ["2026-11-23 08:00", "2026-11-23 08:05", "2026-11-23 08:10"],
    "cron(0/30 * * * ? *)": ["2026-11-21 12:00", "2026-11-21 12:30", "2026-11-21 13:00"],
    "cron(0 0/4 * * ? *)": ["2026-11-21 12:00", "2026-11-21 16:00", "2026-11-21 20:00"],
    "cron(15 13 ? * MON *)": ["2026-11-23 13:15", "2026-11-30 13:15", "2026-12-07 13:15"],
    "cron(0 16 ? * TUE *)": ["2026-11-24 16:00", "2026-12-01 16:00", "2026-12-08 16:00"],
    "cron(0 09 ? * WED *)": ["2026-11-25 09:00", "2026-12-02 09:00", "2026-12-09 09:00"],
    # Each special of the field table by itself.
    "cron(0 9 15W * ? *)": ["2026-12-15 09:00", "2027-01-15 09:00", "2027-02-15 09:00"],
    "cron(0 9 1W * ? *)": ["2026-12-01 09:00", "2027-01-01 09:00", "2027-02-01 09:00"],
    "cron(0 9 31W * ? *)": ["2026-12-31 09:00", "2027-01-29 09:00", "2027-03-31 09:00"],
    "cron(0 9 LW * ? *)": ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-29 09:00"],
    "cron(0 9 ? * 1 *)": ["2026-11-22 09:00", "2026-11-29 09:00", "2026-12-06 09:00"],
    "cron(0 9 ? * 7 *)": ["2026-11-28 09:00", "2026-12-05 09:00", "2026-12-12 09:00"],
    "cron(0 9 ? * L *)": ["2026-11-28 09:00", "2026-12-05 09:00", "2026-12-12 09:00"],
    "cron(0 9 ? * fri-mon *)": ["2026-11-22 09:00", "2026-11-23 09:00", "2026-11-27 09:00"],
    "cron(0 9 ? * SAT#5 *)": ["2027-01-30 09:00", "2027-05-29 09:00", "2027-07-31 09:00"],
    "cron(0 9 ? * 2#1,2#3 *)": ["2026-12-07 09:00", "2026-12-21 09:00", "2027-01-04 09:00"],
    "cron(0 9 L,15 * ? *)": ["2026-11-30 09:00", "2026-12-15 09:00", "2026-12-31 09:00"],
    "cron(0 9 10-12/2 JAN,jul ? *)": ["2027-01-10 09:00", "2027-01-12 09:00", "2027-07-10 09:00"],
    "cron(0 9 1 NOV-FEB ? *)": ["2026-12-01 09:00", "2027-01-01 09:00", "2027-02-01 09:00"],
    "cron(0 9 29 2 ? *)": ["2028-02-29 09:00", "2032-02-29 09:00", "2036-02-29 09:00"],
    "cron(0 9 29 2 ? 2090-2199)": ["2092-02-29 09:00", "2096-02-29 09:00", "2104-02-29 09:00"],
    "cron(0 9 1 1 ? 2027/50)": ["2027-01-01 09:00", "2077-01-01 09:00", "2127-01-01 09:00"],
    "cron(0 9 1 1 ? 2028,2030,2032)": ["2028-01-01 09:00", "2030-01-01 09:00", "2032-01-01 09:00"],
}


def first_three(expression: str, offset: int = 0) -> list[str]:
    schedule, problems = parse_schedule(expression, zone=timezone.utc, offset=offset)
    assert schedule is not None, problems
    found = []
    for start in starts_from(schedule, NOW):
        found.append(start.strftime("%Y-%m-%d %H:%M:%S" if start.second else "%Y-%m-%d %H:%M"))
        if len(found) == 3:
            break
    return found


@pytest.mark.parametrize("expression", DOCUMENTED)
def test_a_documented_expression_opens_when_the_documentation_says(expression: str) -> None:
    assert first_three(expression) == DOCUMENTED[expression]


def test_an_offset_counts_days_from_the_day_of_the_expression() -> None:
    # The second Tuesday of December 2026 is the 8th, of March 2027 the 9th; the third Tuesday is a week later.
    assert first_three("cron(30 23 ? * TUE#3 *)", offset=2) == [
        "2026-12-17 23:30",
        "2027-01-21 23:30",
        "2027-02-18 23:30",
    ]
    assert first_three("cron(0 3 ? * TUE#2 *)", offset=6) == [
        "2026-12-14 03:00",
        "2027-01-18 03:00",
        "2027-02-15 03:00",
    ]


def test_an_offset_leads_into_the_next_month_and_year() -> None:
    assert first_three("cron(0 3 L * ? *)", offset=3) == ["2026-12-03 03:00", "2027-01-03 03:00", "2027-02-03 03:00"]


REFUSED = {
    "0 2 ? *": "4 fields; cron has six",
    "0 15 10 ? * MON-FRI": "put the year (*) last",
    "0 0 2 L * ?": "put the year (*) last",
    "0 15 10 ? * 6L": "put the year (*) last",
    "60 2 ? * * *": "minutes: '60' is none of its values; use 0 to 59",
    "0 24 ? * * *": "hours: '24' is none of its values; use 0 to 23",
    "60 0 2 ? * * *": "seconds: '60'",
    "0 2 0 * ? *": "day of month: '0' is none of its values; use 1 to 31",
    "0 2 32 * ? *": "day of month: '32'",
    "0 2 1 13 ? *": "month: '13' is none of its values; use 1 to 12 or JAN to DEC",
    "0 2 1 JANUARY ? *": "month: 'JANUARY'",
    "0 2 ? * 0 *": "day of week: '0' is none of its values; use 1 to 7 or SUN to SAT",
    "0 2 ? * 8 *": "day of week: '8'",
    "0 2 ? * TUE#6 *": "# is followed by a number from 1 to 5",
    "0 2 ? * TUE# *": "# is followed by a number from 1 to 5",
    "0 2 ? * #2 *": "day of week: ''",
    "0 2 ? * XL *": "day of week: 'X'",
    "0 2 ? * * 1969": "year: '1969' is none of its values; use 1970 to 2199",
    "0 2 ? * * 2200": "year: '2200'",
    "0 2 1 * MON *": "exactly one of the two is ?",
    "0 2 * * * *": "exactly one of the two is ?",
    "0 2 1 * * *": "exactly one of the two is ?",
    "0 2 ? * ? *": "exactly one of the two is ?",
    "0 ? ? * * *": "hours: '?'",
    "0 2 L-3 * ? *": "day of month: 'L'",
    "0 2 W * ? *": "day of month: 'W'",
    "0 22-4 ? * * *": "hours: '22-4' runs backwards",
    "0 2 ? * * 2030-2027": "year: '2030-2027' runs backwards",
    "0/0 2 ? * * *": "the step after / is at least 1",
    "0, 2 ? * * *": "minutes: ''",
    "1--2 2 ? * * *": "minutes: '-2'",
    "-5 2 ? * * *": "minutes: ''",
    "+5 2 ? * * *": "minutes: '+5'",
    "٣ 2 ? * * *": "minutes: '٣'",
    "* 2 ? * * *": "opens 60 seconds after it opened",
    "0/4 2 ? * * *": "opens 240 seconds after it opened",
    "* 0 2 ? * * *": "opens 1 seconds after it opened",
    "0 2 30 2 ? *": "there is no such day",
    "0 2 31W APR,JUN ? *": "there is no such day",
    "0 2 29 2 ? 2027": "there is no such day",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_makes_no_sense_is_refused_with_the_field_that_it_is_about(expression: str) -> None:
    fields, problems = parse_cron(expression)
    assert fields is None
    assert any(REFUSED[expression] in problem for problem in problems), problems


def test_every_problem_of_an_expression_is_told_at_once() -> None:
    _fields, problems = parse_cron("61 25 32 13 ? 1900")
    assert [problem.partition(":")[0] for problem in problems] == ["hours", "minutes", "month", "year", "day of month"]


# The slow reading: one function per special, on one day, without a look at the code under test.
NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def day_number(day: date) -> int:
    return day.isoweekday() % 7 + 1


def is_last(day: date) -> bool:
    return (day + timedelta(days=1)).month != day.month


def is_nth(day: date, weekday: int, count: int) -> bool:
    same = [day.replace(day=each) for each in range(1, day.day + 1) if day_number(day.replace(day=each)) == weekday]
    return day_number(day) == weekday and len(same) == count


def is_last_weekday(day: date, weekday: int) -> bool:
    return day_number(day) == weekday and (day + timedelta(days=7)).month != day.month


def is_nearest_weekday(day: date, wanted: int) -> bool:
    """Of the Mondays to Fridays in its month, none is nearer to ``wanted``."""
    try:
        goal = day.replace(day=wanted)
    except ValueError:
        return False
    around = [goal + timedelta(days=step) for step in (0, -1, 1, -2, 2)]
    return day == next(each for each in around if each.month == goal.month and day_number(each) not in (1, 7))


def numbers(low: int, high: int) -> st.SearchStrategy[tuple[str, set[int]]]:
    value = st.integers(low, high)
    step = st.integers(1, 9)
    return st.one_of(
        st.just(("*", set(range(low, high + 1)))),
        value.map(lambda v: (str(v), {v})),
        st.tuples(value, value).map(lambda p: (f"{min(p)}-{max(p)}", set(range(min(p), max(p) + 1)))),
        st.tuples(value, step).map(
            lambda p: (f"{p[0]}/{p[1]}", {v for v in range(p[0], high + 1) if (v - p[0]) % p[1] == 0})
        ),
        st.lists(value, min_size=2, max_size=3).map(lambda each: (",".join(map(str, each)), set(each))),
    )


day_of_month_rules = st.one_of(
    numbers(1, 31).map(lambda n: (n[0], lambda day: day.day in n[1])),
    st.just(("L", is_last)),
    st.integers(1, 31).map(lambda n: (f"{n}W", lambda day: is_nearest_weekday(day, n))),
).map(lambda rule: (rule[0], "?", rule[1]))
day_of_week_rules = st.one_of(
    numbers(1, 7).map(lambda n: (n[0], lambda day: day_number(day) in n[1])),
    st.tuples(st.integers(1, 7), st.booleans()).map(
        lambda p: (f"{NAMES[p[0] - 1] if p[1] else p[0]}L", lambda day: is_last_weekday(day, p[0]))
    ),
    st.tuples(st.integers(1, 7), st.integers(1, 5), st.booleans()).map(
        lambda p: (f"{NAMES[p[0] - 1] if p[2] else p[0]}#{p[1]}", lambda day: is_nth(day, p[0], p[1]))
    ),
).map(lambda rule: ("?", rule[0], rule[1]))
FIRST, LAST = date(2023, 1, 1), date(2029, 12, 31)
DAYS = [FIRST + timedelta(days=step) for step in range((LAST - FIRST).days + 1)]


@settings(max_examples=150, deadline=None)
@given(
    days=st.one_of(day_of_month_rules, day_of_week_rules),
    months=numbers(1, 12),
    hours=numbers(0, 23),
    minute=st.integers(0, 59),
)
def test_seven_years_of_days_are_those_of_the_slow_reading(days, months, hours, minute) -> None:  # type: ignore[no-untyped-def]
    day_of_month, day_of_week, holds = days
    expected = [day for day in DAYS if day.month in months[1] and holds(day)]
    fields, problems = parse_cron(f"{minute} {hours[0]} {day_of_month} {months[0]} {day_of_week} *")
    if fields is None:
        assert problems == ["there is no such day in any of its months and years"]
        assert expected == []
        return
    assert list(fields.days_between(FIRST, LAST)) == expected
    assert list(fields.times) == [time(hour, minute) for hour in sorted(hours[1])]


@settings(max_examples=100, deadline=None)
@given(minutes=numbers(0, 59), hours=numbers(0, 23))
def test_times_of_a_day_are_refused_exactly_when_two_are_too_close(minutes, hours) -> None:  # type: ignore[no-untyped-def]
    clock = [60 * hour + minute for hour in sorted(hours[1]) for minute in sorted(minutes[1])]
    too_close = any(after - before < 5 for before, after in zip(clock, clock[1:], strict=False))
    fields, problems = parse_cron(f"{minutes[0]} {hours[0]} * * ? *")
    assert (fields is None) == too_close, problems
    if fields is not None:
        assert [60 * each.hour + each.minute for each in fields.times] == clock


def test_names_and_numbers_are_the_same() -> None:
    for number, name in enumerate(NAMES, 1):
        assert parse_cron(f"0 2 ? * {name} *") == parse_cron(f"0 2 ? * {number} *")
    for number, name in enumerate(MONTHS, 1):
        assert parse_cron(f"0 2 1 {name} ? *") == parse_cron(f"0 2 1 {number} ? *")
