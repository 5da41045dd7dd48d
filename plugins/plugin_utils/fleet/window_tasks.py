# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks registered with maintenance windows: what they are, and in which order and in which batches they run.

Source: Systems Manager user guide, tasks of a maintenance window: lower priorities first, equal ones beside each
other, the targets of one task one after the other, concurrency and errors per task. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.problems import Problems, show
from ..errors import PatchError
from .rate_input import Rates, parse_rates
from .windows import CUTOFF_BEHAVIORS
from .windows_input import NAME_FORM, NAME_SAID

SCAN, INSTALL, REBOOT, TASKS = "scan", "install", "reboot", "tasks"
TYPES = (SCAN, INSTALL, REBOOT, TASKS)
MOST_PRIORITIES = 10
"""So many plays wait in the playbook, one for each priority."""
_HIGHEST = 1_000_000
_KEYS = (
    "name",
    "type",
    "priority",
    "window",
    "targets",
    "max_concurrency",
    "max_errors",
    "cutoff_behavior",
    "file",
    "description",
)
_RATES = {"max_concurrency": "concurrency", "max_errors": "error_threshold"}


@dataclass(frozen=True)
class WindowTask:
    """One registered task."""

    name: str
    type: str
    priority: int
    """Lower ones first."""
    window: str | None
    """Only in openings of the window with this name; None for those of any window."""
    targets: tuple[str, ...]
    """Groups and hosts, one after the other; without any, every host that has the window."""
    rates: Rates
    cutoff_behavior: str | None
    """None for that of the window."""
    file: str | None
    """The task file of the type ``tasks``."""


@dataclass(frozen=True)
class PlannedTask:
    """One task with the hosts that it runs on in this opening."""

    name: str
    targets: tuple[tuple[str, ...], ...]
    """The hosts of each target; one that is in two belongs to the first."""
    concurrency: int
    max_errors: int

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(host for target in self.targets for host in target)


@dataclass(frozen=True)
class Stage:
    """What runs beside each other: the tasks of one priority."""

    priority: int
    tasks: tuple[PlannedTask, ...]
    batches: tuple[tuple[str, ...], ...]
    """Hosts that start together, batch after batch. A host in several tasks has its turn once, and runs them one after
    the other: there is one package manager on it."""


def parse_window_tasks(raw: Any) -> list[WindowTask]:
    """Raises ``PatchError("bad_window_tasks")`` with all problems; None is an empty list."""
    problems = Problems()
    if raw is not None and not isinstance(raw, (list, tuple)):
        problems.add("window_tasks", f"{show(raw)} is not a list")
        raw = None
    found = [_task(each, f"window_tasks[{index}]", problems) for index, each in enumerate(raw or [])]
    tasks = [each for each in found if each is not None]
    names = [each.name for each in tasks]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add("window_tasks", f"'{name}' is the name of {names.count(name)} tasks")
    if len({each.priority for each in tasks}) > MOST_PRIORITIES:
        problems.add(
            "window_tasks", f"more than {MOST_PRIORITIES} priorities; let tasks that may run together share one"
        )
    problems.raise_if_any("bad_window_tasks", "tasks of maintenance windows")
    return tasks


def _task(raw: Any, where: str, problems: Problems) -> WindowTask | None:
    if not isinstance(raw, Mapping):
        problems.add(where, f"{show(raw)} is not a mapping with name and type")
        return None
    problems.unknown_keys(where, raw, _KEYS)
    name = raw.get("name")
    if not isinstance(name, str) or not NAME_FORM.fullmatch(name):
        problems.add(f"{where}.name", f"{show(name)} is not {NAME_SAID}")
    kind = raw.get("type")
    if kind not in TYPES:
        problems.add(f"{where}.type", f"{show(kind)} is none of {', '.join(TYPES)}")
    file = raw.get("file")
    if (kind == TASKS) != (isinstance(file, str) and bool(file)):
        problems.add(f"{where}.file", "is the path of a task file, for the type 'tasks' and no other")
    priority = raw.get("priority", 1)
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= _HIGHEST:
        problems.add(f"{where}.priority", f"{show(priority)} is no whole number from 0 on")
        priority = 0
    behavior = raw.get("cutoff_behavior")
    if behavior is not None and behavior not in CUTOFF_BEHAVIORS:
        problems.add(f"{where}.cutoff_behavior", f"{show(behavior)} is none of {', '.join(CUTOFF_BEHAVIORS)}")
    window = raw.get("window")
    if window is not None and not isinstance(window, str):
        problems.add(f"{where}.window", f"{show(window)} is no name of a window")
    targets = _targets(raw.get("targets"), where, problems)
    rates = _rates(raw, where, problems)
    return WindowTask(str(name), str(kind), priority, window, targets, rates, behavior, file)


def _targets(raw: Any, where: str, problems: Problems) -> tuple[str, ...]:
    if raw is None:
        return ()
    if isinstance(raw, (list, tuple)) and raw and all(isinstance(each, str) and each for each in raw):
        return tuple(raw)
    problems.add(f"{where}.targets", f"{show(raw)} is no list of groups and hosts")
    return ()


def _rates(raw: Mapping[str, Any], where: str, problems: Problems) -> Rates:
    try:
        return parse_rates({key: raw[name] for name, key in _RATES.items() if raw.get(name) is not None})
    except PatchError as error:
        names = {key: name for name, key in _RATES.items()}
        for each in error.details["problems"]:
            problems.add(f"{where}.{names.get(each['where'], each['where'])}", each["message"])
        return Rates()


def planned(task: WindowTask, targets: Sequence[Sequence[str]]) -> PlannedTask:
    """The task for these hosts; shares are of all hosts of all its targets."""
    seen: set[str] = set()
    parted: list[tuple[str, ...]] = []
    for target in targets:
        fresh = tuple(host for host in dict.fromkeys(target) if host not in seen)
        seen.update(fresh)
        if fresh:
            parted.append(fresh)
    plan = task.rates.plan([host for part in parted for host in part])
    return PlannedTask(task.name, tuple(parted), plan.concurrency, plan.max_errors)


def stages(tasks: Sequence[tuple[WindowTask, PlannedTask]]) -> list[Stage]:
    """The stages in the order in which they run; tasks without hosts are left out."""
    by_priority: dict[int, list[PlannedTask]] = {}
    for task, plan in tasks:
        if plan.targets:
            by_priority.setdefault(task.priority, []).append(plan)
    return [Stage(priority, tuple(plans), tuple(_batches(plans))) for priority, plans in sorted(by_priority.items())]


def _batches(tasks: Sequence[PlannedTask]) -> list[tuple[str, ...]]:
    members = {task.name: set(task.hosts) for task in tasks}
    waiting = list(dict.fromkeys(host for task in tasks for host in task.hosts))
    batches: list[tuple[str, ...]] = []
    while waiting:
        left = set(waiting)
        batch: list[str] = []
        room = {task.name: task.concurrency for task in tasks}
        now = {task.name: set(next((part for part in task.targets if left & set(part)), ())) for task in tasks}
        for host in waiting:
            mine = [name for name, hosts in members.items() if host in hosts]
            if all(room[name] > 0 and host in now[name] for name in mine):
                batch.append(host)
                for name in mine:
                    room[name] -= 1
        # Two tasks may want the same hosts in opposite orders of targets: then one host goes alone.
        batch = batch or waiting[:1]
        batches.append(tuple(batch))
        started = set(batch)
        waiting = [host for host in waiting if host not in started]
    return batches
