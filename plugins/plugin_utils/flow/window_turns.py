# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which registered tasks run now, on which hosts, and whether a host may begin one: what the window tasks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..compliance.outcomes import FAILED, NOT_STARTED
from ..fleet.input_check import Value
from ..fleet.rate_control import ERRORS, RUNNING
from ..fleet.run_directory import Run, utc_text
from ..fleet.window_runs import TaskLog, WindowRun
from ..fleet.window_tasks import Stage, WindowTask, planned, stages
from ..fleet.windows_decision import Decision, Need, decide
from ..fleet.windows_input import parse_windows
from ..fleet.windows_report import OUTCOME_KINDS

NAMES = ("patch_maintenance_windows", "patch_blackouts", "patch_expected_minutes", "patch_reboot_reserve_minutes")
Claim = tuple[str, str, str, str]
"""Window, when the opening began, task, host."""


@dataclass
class Found:
    """The tasks whose windows are open, before it is known which another run has had."""

    claims: list[Claim]
    waiting: dict[str, str]
    """Host to why nothing runs on it now, and when next."""


def find(
    tasks: Sequence[WindowTask], inputs: Mapping[str, Mapping[str, Value]], *, hosts_of: Any, now: datetime
) -> Found:
    """``inputs``: per host what is set of ``NAMES``; ``hosts_of(target)``: the hosts of a group, or the host."""
    known: dict[tuple[Any, ...], Decision | None] = {}
    claims: list[Claim] = []
    waiting: dict[str, str] = {}
    for task in tasks:
        for host in _targets(task, inputs, hosts_of):
            values = inputs[host]
            key = (task.window, *(id(values.get(name)) for name in NAMES))
            if key not in known:
                known[key] = _decision(task.window, {name: value.value for name, value in values.items()}, now)
            decision = known[key]
            if decision is None:
                continue
            if decision.go and decision.opening is not None:
                opening = decision.opening
                claims.append((opening.window.name, utc_text(opening.opens), task.name, host))
            else:
                waiting.setdefault(host, decision.reason)
    busy = {host for _window, _opens, _task, host in claims}
    return Found(claims, {host: reason for host, reason in waiting.items() if host not in busy})


def plan(
    tasks: Sequence[WindowTask],
    claims: Iterable[Claim],
    inputs: Mapping[str, Mapping[str, Value]],
    *,
    hosts_of: Any,
) -> tuple[list[Stage], dict[str, Any]]:
    """The stages, and what of them is kept in the run."""
    window_of: dict[str, dict[str, str]] = {task.name: {} for task in tasks}
    for window, _opens, task, host in claims:
        window_of[task][host] = window
    pairs = []
    kept: dict[str, Any] = {}
    for each in tasks:
        mine = window_of[each.name]
        parted = [[host for host in part if host in mine] for part in _parts(each, inputs, hosts_of)]
        made = planned(each, parted)
        pairs.append((each, made))
        kept[each.name] = {
            "type": each.type,
            "priority": each.priority,
            "max_errors": made.max_errors,
            "concurrency": made.concurrency,
            "cutoff_behavior": each.cutoff_behavior,
            "windows": {host: mine[host] for host in made.hosts},
        }
    found = stages(pairs)
    return found, {"tasks": kept, "stages": [asdict(stage) for stage in found]}


def _targets(task: WindowTask, inputs: Mapping[str, Any], hosts_of: Any) -> list[str]:
    return list(dict.fromkeys(host for part in _parts(task, inputs, hosts_of) for host in part))


def _parts(task: WindowTask, inputs: Mapping[str, Any], hosts_of: Any) -> list[list[str]]:
    """The hosts of each target that are in the play, in its order."""
    if not task.targets:
        return [list(inputs)]
    wanted = [set(hosts_of(target)) for target in task.targets]
    return [[host for host in inputs if host in hosts] for hosts in wanted]


def _decision(window: str | None, values: Mapping[str, Any], now: datetime) -> Decision | None:
    """None for a host that has no such window: a task of a maintenance window runs in one, or not at all."""
    windows, blackouts = parse_windows(values.get(NAMES[0]), values.get(NAMES[1]))
    windows = [each for each in windows if each.enabled and window in (None, each.name)]
    return (
        decide(windows, blackouts, now=now, need=need_of(values.get(NAMES[2]), values.get(NAMES[3])))
        if windows
        else None
    )


def need_of(expected: Any, reserve: Any) -> Need:
    return Need(timedelta(minutes=expected or 0), timedelta(minutes=reserve or 0))


@dataclass(frozen=True)
class Turn:
    """``reason`` is empty for a host that the task is not for."""

    go: bool
    reason: str = ""


class Turns:
    """The turns of one host, at ``now``; ``batch``: the hosts under way with it."""

    def __init__(self, run: Run, host: str, *, batch: Iterable[str], now: datetime) -> None:
        self._run = run
        self._window_run = WindowRun(run)
        self._host = host
        self._batch = set(batch)
        self._now = now

    def begin(self, task: str, windows: Any, blackouts: Any, need: Need) -> Turn:
        entry = self._window_run.plan()["tasks"].get(task)
        log = self._window_run.logs().get(task, TaskLog())
        if entry is None or self._host not in entry["windows"] or self._host in log.statuses:
            return Turn(False)
        kind, reason = self._why_not(entry, log, windows, blackouts, need)
        at = utc_text(self._now)
        if reason:
            self._window_run.note(task, self._host, NOT_STARTED, at=at, message=reason)
            self._keep_worst(kind)
            return Turn(False, reason)
        self._window_run.note(task, self._host, RUNNING, at=at)
        interrupted = {
            "status": FAILED,
            "kind": "interrupted",
            "message": f"Task '{task}' was interrupted, or lost its host.",
        }
        self._run.record_outcome(self._host, {**interrupted, "at": at})
        return Turn(True)

    def end(self, task: str) -> str:
        """The status of this task; the outcome of the host is the worst of all its tasks."""
        outcome = self._run.outcome(self._host) or {"status": FAILED, "message": "it left no outcome"}
        status = str(outcome["status"])
        self._window_run.note(task, self._host, status, at=utc_text(self._now), message=outcome.get("message"))
        self._keep_worst(outcome.get("kind"), unless=status)
        return status

    def _why_not(
        self, entry: Mapping[str, Any], log: TaskLog, windows: Any, blackouts: Any, need: Need
    ) -> tuple[str, str]:
        # Whoever began in an earlier batch and did not end was lost.
        lost = [host for host, status in log.statuses.items() if status == RUNNING and host not in self._batch]
        errors = [*log.errors(), *lost]
        if len(errors) > entry["max_errors"]:
            named = ", ".join(errors[:5]) + (", ..." if len(errors) > 5 else "")
            most = entry["max_errors"]
            told = f"{len(errors)} of {len(entry['windows'])} hosts had an error ({named}), and {most} are allowed"
            return "error_threshold", told
        parsed, dark = parse_windows(windows, blackouts)
        mine = [each for each in parsed if each.name == entry["windows"][self._host]]
        behavior = entry["cutoff_behavior"]
        mine = [replace(each, cutoff_behavior=behavior) if behavior else each for each in mine]
        began = None if log.began_at is None else datetime.fromisoformat(log.began_at.replace("Z", "+00:00"))
        decision = decide(mine, dark, now=self._now, run_started_at=began, need=need)
        if decision.go and mine:
            return "", ""
        return OUTCOME_KINDS.get(decision.decision, "window_closed"), decision.reason if mine else "its window is gone"

    def _keep_worst(self, kind: Any, unless: str | None = None) -> None:
        worst = self._window_run.worst(self._host)
        if worst is None or worst[1] == unless:
            return
        task, status, message = worst
        told = {"status": status, "kind": kind, "message": f"task '{task}': {message}", "operation": "Window"}
        self._run.record_outcome(self._host, {**told, "at": utc_text(self._now)})


def report(run: Run) -> tuple[list[str], dict[str, dict[str, int]]]:
    """A line per task, in the order in which they ran, with what went wrong; and counts by status."""
    window_run = WindowRun(run)
    logs = window_run.logs()
    lines: list[str] = []
    counts: dict[str, dict[str, int]] = {}
    kept = window_run.plan()["tasks"]
    for name, entry in sorted(kept.items(), key=lambda each: each[1]["priority"]):
        if not entry["windows"]:
            continue
        log = logs.get(name, TaskLog())
        statuses = {host: log.statuses.get(host, NOT_STARTED) for host in entry["windows"]}
        counted = {status: list(statuses.values()).count(status) for status in dict.fromkeys(statuses.values())}
        counts[name] = counted
        told = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(counted.items()))
        lines.append(f"priority {entry['priority']}  {name} ({entry['type']}): {told}")
        for host, status in statuses.items():
            if status in (*ERRORS, NOT_STARTED, RUNNING):
                lines.append(
                    f"    {host}: {status.replace('_', ' ')}: {log.messages.get(host) or 'its turn did not come'}"
                )
    return lines, counts
