"""The model of rate control: Patch Manager's numbers, every kind of failure in every place, and what always holds."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_control import (
    ERRORS,
    LEFT_ALONE,
    OK,
    RUNNING,
    Played,
    RatePlan,
    batch_sizes,
    judge,
    play_out,
)


def hosts(count: int) -> tuple[str, ...]:
    return tuple(f"h{number}" for number in range(1, count + 1))


def plan(count: int, concurrency: int = 1, max_errors: int = 0, **more: Any) -> RatePlan:
    return RatePlan(hosts(count), concurrency, max_errors, **more)


def failing(*numbers: int, status: str = "failed") -> dict[str, str]:
    return {f"h{number}": status for number in numbers}


# As documented: with 3 allowed, the fourth stops; with 0, the first; with 10 % of 50, the sixth.
@pytest.mark.parametrize(
    ("count", "allowed", "failures", "stopped"),
    [
        (50, 3, 3, False),
        (50, 3, 4, True),
        (50, 0, 0, False),
        (50, 0, 1, True),
        (50, 5, 5, False),
        (50, 5, 6, True),
        (1, 0, 1, True),
    ],
)
def test_so_many_errors_are_allowed_and_the_next_one_stops(
    count: int, allowed: int, failures: int, stopped: bool
) -> None:
    verdict = judge(plan(count, 1, allowed), failing(*range(1, failures + 1)))
    assert verdict.stopped == stopped
    assert bool(verdict.start) == (not stopped and failures < count)


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize(("place", "started"), [(1, 1), (3, 3), (6, 6)], ids=["first", "middle", "last"])
def test_a_failure_of_any_kind_in_any_place_stops_what_has_not_started(status: str, place: int, started: int) -> None:
    played = play_out(plan(6), failing(place, status=status))
    assert played.started == hosts(started)
    assert played.not_started == hosts(6)[started:]
    assert played.stopped
    assert f"1 of 6 hosts failed, timed out or were unreachable (h{place}), and 0 are allowed" in played.reason


def test_hosts_that_are_under_way_finish_and_may_add_errors() -> None:
    # Four at once, h2 to h4 fail later than h1: no further host starts, and all four count.
    played = play_out(plan(8, 4, 0), failing(1, 2, 3), durations={"h2": 5, "h3": 6, "h4": 7})
    assert played.started == hosts(4)
    assert played.statuses == {**failing(1, 2, 3), "h4": OK}
    assert played.not_started == hosts(8)[4:]


def test_a_window_slides_and_a_batch_waits_for_its_last_host() -> None:
    slow = {"h1": 10}
    assert play_out(plan(5, 2), {}, durations=slow).started == hosts(5)
    sliding = judge(plan(5, 2), {"h1": RUNNING, "h2": OK})
    assert sliding.start == ("h3",)
    assert judge(plan(5, 2, batches=True), {"h1": RUNNING, "h2": OK}).start == ()
    assert judge(plan(5, 2, batches=True), {"h1": OK, "h2": OK}).start == ("h3", "h4")


@pytest.mark.parametrize("status", ERRORS)
def test_a_batch_that_failed_as_a_whole_lets_the_next_one_start_if_so_many_are_allowed(status: str) -> None:
    # Ansible itself would end the play here.
    played = play_out(plan(6, 2, 2, batches=True), failing(1, 2, status=status))
    assert played.started == hosts(6)
    stopped = play_out(plan(6, 2, 1, batches=True), failing(1, 2, status=status))
    assert stopped.not_started == hosts(6)[2:]


def test_a_host_that_was_left_alone_is_no_error_and_widens_nothing() -> None:
    left = dict.fromkeys(hosts(3), LEFT_ALONE)
    verdict = judge(plan(8, 4, 0, ramp_up=True), left)
    assert verdict.errors == ()
    assert verdict.start == ("h4",)
    assert judge(plan(3), left).over


def test_a_word_that_nobody_knows_is_an_error() -> None:
    assert judge(plan(3), {"h1": "vanished"}).stopped


def test_hosts_outside_the_plan_do_not_count() -> None:
    assert not judge(plan(3), {"stranger": "failed"}).stopped


def test_a_ramp_up_doubles_up_to_the_limit() -> None:
    ramp = plan(100, 10, ramp_up=True)
    assert [ramp.width(finished) for finished in (0, 1, 2, 3, 6, 7, 14, 15, 99)] == [1, 2, 2, 4, 4, 8, 8, 10, 10]
    sizes, statuses = [], {}
    batched = plan(40, 10, ramp_up=True, batches=True)
    while start := judge(batched, statuses).start:
        sizes.append(len(start))
        statuses |= dict.fromkeys(start, OK)
    assert sizes == [1, 2, 4, 8, 10, 10, 5]


def test_waves_start_when_the_one_before_has_ended() -> None:
    waves = plan(10, 3, 0, waves=(1, 5, 10))
    assert judge(waves, {}).start == ("h1",)
    assert judge(waves, {"h1": RUNNING}).start == ()
    assert judge(waves, {"h1": OK}).start == ("h2", "h3", "h4")
    almost = dict.fromkeys(hosts(4), OK) | {"h5": RUNNING}
    assert judge(waves, almost).start == ()
    assert judge(waves, almost | {"h5": OK}).start == ("h6", "h7", "h8")
    assert play_out(waves, failing(1)).started == ("h1",)


def test_a_health_check_is_asked_between_waves_and_stops_when_it_fails() -> None:
    waves = plan(6, 6, 0, waves=(1, 3, 6))
    assert judge(waves, {"h1": RUNNING}, gates=[]).gate is None
    asked = judge(waves, {"h1": OK}, gates=[])
    assert (asked.gate, asked.start) == (0, ())
    assert judge(waves, {"h1": OK}, gates=[True]).start == ("h2", "h3")
    refused = judge(waves, {"h1": OK}, gates=[False])
    assert refused.reason == "the health check after wave 1 failed: no further host starts"
    assert play_out(waves, {}, healthy=[True, False]).not_started == ("h4", "h5", "h6")
    # Nothing is left to hold back after the last wave.
    assert judge(waves, dict.fromkeys(hosts(6), OK), gates=[True, True]).gate is None


def test_no_more_of_one_failure_domain_at_once_and_others_go_on() -> None:
    racks = {"h1": "a", "h2": "a", "h3": "a", "h4": "b"}
    domains = plan(5, 4, domain_of=racks, max_per_domain=1)
    assert judge(domains, {}).start == ("h1", "h4", "h5")
    assert judge(domains, {"h1": OK, "h4": RUNNING, "h5": RUNNING}).start == ("h2",)
    assert play_out(domains, {}).not_started == ()


def test_the_whole_matrix_of_small_fleets_is_as_one_host_after_the_other() -> None:
    """One at a time, the model must be the sentence: stop at the first moment with more errors than allowed."""
    for fates in product([OK, *ERRORS, LEFT_ALONE], repeat=4):
        for allowed in range(5):
            expected, errors = [], 0
            for host, fate in zip(hosts(4), fates, strict=True):
                if errors > allowed:
                    break
                expected.append(host)
                errors += fate in ERRORS
            played = play_out(plan(4, 1, allowed), dict(zip(hosts(4), fates, strict=True)))
            assert list(played.started) == expected
            assert played.stopped == (errors > allowed)


fleets = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.builds(
            RatePlan,
            hosts=st.just(hosts(count)),
            concurrency=st.integers(1, 6),
            max_errors=st.integers(0, 4),
            waves=st.sets(st.integers(1, count), max_size=3).map(lambda ends: tuple(sorted({*ends, count}))),
            ramp_up=st.booleans(),
            batches=st.booleans(),
            domain_of=st.dictionaries(st.sampled_from(hosts(count)), st.sampled_from(["a", "b"])),
            max_per_domain=st.none() | st.integers(1, 3),
        ),
        st.fixed_dictionaries({host: st.sampled_from([OK, OK, OK, *ERRORS]) for host in hosts(count)}),
        st.fixed_dictionaries({host: st.integers(1, 9) for host in hosts(count)}),
    )
)


@settings(max_examples=300, deadline=None)
@given(fleets)
def test_whatever_happens(fleet: tuple[RatePlan, dict[str, str], dict[str, int]]) -> None:
    asked, fates, durations = fleet
    played = play_out(asked, fates, durations=durations)
    # Everybody ended as fate had it, or was never started.
    assert played.statuses == {host: fates[host] for host in played.started}
    assert set(played.started) | set(played.not_started) == set(asked.hosts)
    assert not set(played.started) & set(played.not_started)
    assert played.peak <= asked.concurrency
    errors = sum(status in ERRORS for status in played.statuses.values())
    # Hosts under way may add errors, so the ceiling is hard with one at a time only.
    assert errors <= asked.max_errors + asked.concurrency
    assert played.stopped == (errors > asked.max_errors)
    if sum(fate in ERRORS for fate in fates.values()) <= asked.max_errors:
        assert played.not_started == ()
    assert bool(played.not_started) <= played.stopped
    assert_every_step_obeys(asked, played, fates, durations)


def assert_every_step_obeys(asked: RatePlan, played: Played, fates: dict[str, str], durations: dict[str, int]) -> None:
    """Step through the run again, looking at each moment from outside."""
    clock = 0
    ends: dict[str, int] = {}
    done: dict[str, str] = {}
    started: list[str] = []
    while True:
        verdict = judge(asked, {**done, **dict.fromkeys(ends, RUNNING)})
        for host in verdict.start:
            # Never with too many errors, too many at once, or ahead of a wave.
            assert sum(status in ERRORS for status in done.values()) <= asked.max_errors
            wave_before = max((end for end in asked.waves if end <= asked.hosts.index(host)), default=0)
            assert set(asked.hosts[:wave_before]) <= set(done)
            assert not (asked.batches and ends)
        for host in verdict.start:
            ends[host] = clock + durations[host]
            started.append(host)
        per_domain = [asked.domain_of[host] for host in ends if host in asked.domain_of]
        if asked.max_per_domain is not None:
            assert all(per_domain.count(each) <= asked.max_per_domain for each in per_domain)
        if asked.ramp_up:
            assert len(ends) <= len(done) + 1
        if not ends:
            break
        clock = min(ends.values())
        for host in [each for each, end in ends.items() if end == clock]:
            done[host] = fates[host]
            del ends[host]
    assert tuple(started) == played.started
    assert verdict.over


@settings(max_examples=100, deadline=None)
@given(fleets, st.randoms(use_true_random=False))
def test_the_order_in_which_outcomes_were_noted_does_not_matter(fleet, random) -> None:  # type: ignore[no-untyped-def]
    asked, fates, _durations = fleet
    some = dict(list(fates.items())[::2])
    shuffled = list(some.items())
    random.shuffle(shuffled)
    assert judge(asked, some) == judge(asked, dict(shuffled))


@pytest.mark.parametrize(
    ("more", "sizes"),
    [
        ({}, [4, 4, 2]),
        ({"ramp_up": True}, [1, 2, 4, 3]),
        ({"waves": (1, 3, 10)}, [1, 2, 4, 3]),
        ({"domain_of": {"h1": "a", "h2": "a", "h3": "b"}, "max_per_domain": 1}, [1, 4, 4, 1]),
    ],
    ids=["plain", "ramp-up", "waves", "domains"],
)
def test_batches_for_a_play_that_goes_through_its_hosts_in_order(more: dict[str, Any], sizes: list[int]) -> None:
    assert batch_sizes(plan(10, 4, **more)) == sizes


def test_no_hosts_make_no_batches() -> None:
    assert batch_sizes(plan(0)) == []
