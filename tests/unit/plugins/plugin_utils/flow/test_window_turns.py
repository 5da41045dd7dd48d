"""May a host begin a task of its window: by the threshold of the task, and by its cutoff behaviour."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.input_check import Value
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.window_runs import WindowRun, claim
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.window_tasks import parse_window_tasks
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.windows_decision import NO_NEED
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.window_turns import Turns, find, plan, report

OPENS = datetime(2026, 11, 20, 2, tzinfo=timezone.utc)
NIGHT: dict[str, Any] = {"name": "night", "schedule": "cron(0 2 * * ? *)", "duration": 4, "cutoff": 1}
HOSTS = ["h1", "h2", "h3", "h4"]


def after(minutes: int) -> datetime:
    return OPENS + timedelta(minutes=minutes)


def planned(folder: Path, *raw: dict[str, Any], windows: dict[str, list[Any]] | None = None) -> Run:
    tasks = parse_window_tasks([{"name": f"task-{number}", "type": "scan", **each} for number, each in enumerate(raw)])
    night = Value([NIGHT])
    inputs = {
        host: {"patch_maintenance_windows": Value((windows or {})[host]) if host in (windows or {}) else night}
        for host in HOSTS
    }
    found = find(tasks, inputs, hosts_of=lambda target: [target], now=after(1))
    _stages, kept = plan(tasks, found.claims, inputs, hosts_of=lambda target: [target])
    run = open_run(folder, now=after(1), controller_key="test:1")
    WindowRun(run).start(kept)
    return run


class Night:
    """The run as its hosts see it."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def begin(
        self, host: str, minutes: int, *, batch: list[str] | None = None, task: str = "task-0", **more: Any
    ) -> str:
        """``go``, or why not."""
        turns = Turns(self.run, host, batch=batch or [host], now=after(minutes))
        turn = turns.begin(task, more.get("windows", [NIGHT]), more.get("blackouts"), NO_NEED)
        return "go" if turn.go else turn.reason

    def end(self, host: str, minutes: int, status: str = "ok", task: str = "task-0") -> str:
        self.run.record_outcome(host, {"status": status, "message": f"it {status}"})
        return Turns(self.run, host, batch=[host], now=after(minutes)).end(task)


@pytest.mark.parametrize(
    ("window", "task", "goes_on"),
    [
        ({}, {}, False),
        ({}, {"cutoff_behavior": "CONTINUE_TASK"}, True),
        ({"cutoff_behavior": "CONTINUE_TASK"}, {}, True),
        ({"cutoff_behavior": "CONTINUE_TASK"}, {"cutoff_behavior": "CANCEL_TASK"}, False),
    ],
)
def test_after_the_cutoff_only_a_task_that_goes_on_starts_further_hosts(
    tmp_path: Path, window: dict[str, Any], task: dict[str, Any], goes_on: bool
) -> None:
    night = Night(planned(tmp_path, task))
    windows = [NIGHT | window]
    assert night.begin("h1", 179, windows=windows) == "go"
    night.end("h1", 200)
    told = night.begin("h2", 181, windows=windows)
    assert (told == "go") == goes_on
    assert goes_on or "nothing starts after 2026-11-20 05:00 UTC (cutoff 1 h)" in told
    # Whatever it is, a task that has not begun by then does not.
    late = Night(planned(tmp_path / "late", task))
    assert late.begin("h1", 181, windows=windows) != "go"
    assert late.run.outcomes()["h1"]["kind"] == "window_past_cutoff"


def test_a_blackout_that_begins_meanwhile_holds_what_has_not_started(tmp_path: Path) -> None:
    night = Night(planned(tmp_path, {"cutoff_behavior": "CONTINUE_TASK"}))
    freeze = [{"name": "freeze", "start": "2026-11-20T02:30:00", "end": "2026-11-20T08:00:00"}]
    assert night.begin("h1", 29, blackouts=freeze) == "go"
    night.end("h1", 30)
    assert "blackout 'freeze' lasts until" in night.begin("h2", 31, blackouts=freeze)


def test_one_error_more_than_allowed_holds_the_hosts_of_later_batches(tmp_path: Path) -> None:
    night = Night(planned(tmp_path, {"max_errors": 1}))
    for host in ("h1", "h2"):
        assert night.begin(host, 2, batch=["h1", "h2"]) == "go"
    assert night.end("h1", 3, "failed") == "failed"
    # h2 never ended: it was lost.
    told = night.begin("h3", 4)
    assert told == "2 of 4 hosts had an error (h1, h2), and 1 are allowed"
    assert night.run.outcomes()["h3"]["status"] == "not_started"
    lines, counts = report(night.run)
    assert counts == {"task-0": {"failed": 1, "running": 1, "not_started": 2}}
    assert "    h4: not started: its turn did not come" in lines


def test_the_outcome_of_a_host_is_the_worst_of_its_tasks(tmp_path: Path) -> None:
    night = Night(planned(tmp_path, {}, {"priority": 2}))
    assert night.begin("h1", 2) == "go"
    night.end("h1", 3, "timed_out")
    assert night.begin("h1", 4, task="task-1") == "go"
    assert night.run.outcomes()["h1"]["kind"] == "interrupted"
    assert night.end("h1", 5, task="task-1") == "ok"
    worst = night.run.outcomes()["h1"]
    assert (worst["status"], worst["message"]) == ("timed_out", "task 'task-0': it timed_out")
    # A turn is taken once.
    assert night.begin("h1", 6) == ""


def test_tasks_of_a_window_are_for_hosts_that_have_it_and_only_while_it_is_open(tmp_path: Path) -> None:
    windows = {"h1": [NIGHT | {"name": "other"}], "h2": [], "h3": [NIGHT | {"schedule": "cron(0 4 * * ? *)"}]}
    run = planned(tmp_path, {"window": "night"}, windows=windows)
    assert list(WindowRun(run).plan()["tasks"]["task-0"]["windows"]) == ["h4"]


def test_what_one_run_has_taken_no_other_takes_in_this_opening(tmp_path: Path) -> None:
    wanted = {("night", "2026-11-20T02:00:00Z", "patch", host) for host in HOSTS}
    assert claim(tmp_path, wanted, run_id="one") == wanted
    assert claim(tmp_path, wanted, run_id="two") == set()
    assert claim(tmp_path, wanted, run_id="one") == wanted
    later = {("night", "2026-11-21T02:00:00Z", "patch", "h1")}
    assert claim(tmp_path, later, run_id="two") == later
