"""Turns in a run, by a clock of the test's own: who begins, who waits, who checks, and that nobody waits for ever."""

from __future__ import annotations

from datetime import datetime, timezone
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_control import OK, RatePlan
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.turns import STUCK_AFTER, Between, Turns, read_turns

HOSTS = ("h1", "h2", "h3", "h4", "h5", "h6")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    now = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
    return open_run(tmp_path, now=now, controller_key="test")


def started(run: Run, between: Between | None = None, **plan: Any) -> Turns:
    turns = Turns(run)
    turns.start(RatePlan(HOSTS, **{"concurrency": 2, "max_errors": 0, **plan}), between or Between(), now=0)
    return turns


def test_a_host_begins_when_there_is_room_and_waits_where_there_is_none(run: Run) -> None:
    turns = started(run)
    assert turns.ask("h1", now=1).go
    assert turns.ask("h2", now=1).go
    held = turns.ask("h3", now=1)
    assert (held.go, held.reason) == (False, "")
    assert held.wait is not None
    assert turns.end("h1", OK, now=2)
    assert turns.ask("h3", now=2).go


def test_with_one_error_too_many_nobody_begins_and_those_under_way_add_theirs(run: Run) -> None:
    turns = started(run)
    assert turns.ask("h1", now=1).go
    assert turns.ask("h2", now=1).go
    turns.end("h2", "unreachable", now=2)
    stopped = turns.ask("h3", now=2)
    assert (stopped.go, stopped.wait, stopped.errors) == (False, None, ("h2",))
    assert stopped.reason.startswith("1 of 6 hosts failed, timed out or were unreachable (h2), and 0 are allowed")
    turns.end("h1", "timed_out", now=3)
    log = read_turns(run)
    assert log is not None
    assert log.why_stopped().startswith("2 of 6 hosts failed, timed out or were unreachable (h1, h2)")


def test_an_end_without_a_beginning_is_nothing(run: Run) -> None:
    turns = started(run)
    assert not turns.end("h1", "failed", now=1)
    assert turns.ask("h1", now=1).go


def test_a_new_plan_forgets_what_was(run: Run) -> None:
    turns = started(run)
    turns.ask("h1", now=1)
    turns.end("h1", "failed", now=2)
    assert turns.ask("h2", now=2).reason
    started(run)
    assert turns.ask("h1", now=3).go


def test_without_a_plan_there_is_no_turn(run: Run) -> None:
    assert read_turns(run) is None
    with pytest.raises(PatchError) as caught:
        Turns(run).ask("h1", now=1)
    assert caught.value.kind == "no_plan"


def test_a_damaged_log_is_an_error_and_not_a_free_pass(run: Run) -> None:
    turns = started(run)
    (path,) = (run.path / "turns").glob("*.jsonl")
    with path.open("a") as log:
        log.write('{"host": "h1", "sta')
    with pytest.raises(PatchError) as caught:
        turns.ask("h2", now=1)
    assert caught.value.kind == "bad_state_file"


def test_hosts_that_the_play_lost_hold_nobody_up(run: Run) -> None:
    turns = started(run, waves=(2, 6))
    assert turns.ask("h1", now=1).go
    turns.end("h1", OK, now=2)
    assert not turns.ask("h3", now=2).go
    assert turns.ask("h3", now=2, lost=["h2"]).go
    # Even when nobody says so, after a while.
    turns = started(run, waves=(2, 6))
    assert turns.ask("h1", now=1).go
    turns.end("h1", OK, now=2)
    assert not turns.ask("h3", now=STUCK_AFTER).go
    assert turns.ask("h3", now=3 + STUCK_AFTER).go


def test_between_waves_come_a_pause_and_one_health_check_that_the_others_wait_for(run: Run) -> None:
    turns = started(run, Between(pause=60, health_check=True, timeout=100), waves=(1, 6))
    assert turns.ask("h1", now=1).go
    assert turns.ask("h2", now=1).wait is not None
    turns.end("h1", OK, now=10)
    pausing = turns.ask("h2", now=11)
    assert (pausing.wait, pausing.check_wave) == (5, None)
    assert turns.ask("h3", now=72).check_wave is None
    asked = turns.ask("h2", now=72)
    assert (asked.go, asked.wait, asked.check_wave, asked.wave_hosts) == (False, None, 0, ("h1",))
    assert turns.ask("h3", now=73).wait is not None
    turns.answer(0, True, now=74)
    assert turns.ask("h2", now=75).go
    assert turns.ask("h3", now=75).go


@pytest.mark.parametrize("answers", [True, False], ids=["unhealthy", "no answer"])
def test_a_health_check_that_fails_or_never_answers_stops_the_run(run: Run, answers: bool) -> None:
    turns = started(run, Between(health_check=True, timeout=100), waves=(1, 6))
    assert turns.ask("h1", now=1).go
    turns.end("h1", OK, now=2)
    assert turns.ask("h2", now=3).check_wave == 0
    if answers:
        turns.answer(0, False, now=4)
    assert (turns.ask("h3", now=5).reason != "") == answers
    assert turns.ask("h3", now=200).wait == (None if answers else 0)
    assert turns.ask("h3", now=201).reason == "the health check after wave 1 failed: no further host starts"


def test_a_pause_alone_lets_the_next_wave_go_when_it_is_over(run: Run) -> None:
    turns = started(run, Between(pause=10), waves=(1, 6))
    assert turns.ask("h1", now=1).go
    turns.end("h1", OK, now=2)
    assert turns.ask("h2", now=3).wait == 5
    assert turns.ask("h2", now=20).wait == 0
    assert turns.ask("h2", now=20).go


def test_batches_go_by_the_same_log(run: Run) -> None:
    turns = started(run, Between(health_check=True), waves=(1, 6), batches=True)
    assert turns.look({}, now=1).go
    first = turns.look({"h1": OK}, now=2)
    assert (first.go, first.check_wave, first.wave_hosts) == (False, 0, ("h1",))
    turns.answer(0, True, now=3)
    assert turns.look({"h1": OK}, now=4).go
    assert turns.look({"h1": OK, "h2": "failed"}, now=5).reason


def test_a_batch_that_asks_again_without_an_answer_does_not_start(run: Run) -> None:
    turns = started(run, Between(health_check=True), waves=(1, 6), batches=True)
    assert turns.look({"h1": OK}, now=2).check_wave == 0
    assert turns.look({"h1": OK}, now=3).reason == "the health check after wave 1 failed: no further host starts"
    assert turns.look({"h1": OK}, now=4).reason == "the health check after wave 1 failed: no further host starts"


def _ask_and_end(state: str, host: str) -> bool:
    run = open_run(state, now=datetime.now(timezone.utc), controller_key="test")
    return Turns(run).ask(host, now=1).go


def test_of_many_processes_that_ask_at_once_no_more_begin_than_may(run: Run) -> None:
    hosts = tuple(f"h{number}" for number in range(40))
    Turns(run).start(RatePlan(hosts, 5, 0), Between(), now=0)
    with get_context("fork").Pool(8) as pool:
        gone = pool.starmap(_ask_and_end, [(str(run.state_directory), host) for host in hosts])
    assert sum(gone) == 5
