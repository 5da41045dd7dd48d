"""Tasks of maintenance windows: what is refused, and in which order and batches they run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.window_tasks import (
    PlannedTask,
    Stage,
    WindowTask,
    parse_window_tasks,
    planned,
    stages,
)

HOSTS = [f"h{number}" for number in range(8)]


def tasks_of(*raw: dict[str, Any]) -> list[WindowTask]:
    return parse_window_tasks(
        [{"name": f"task-{number}", "type": "install", **each} for number, each in enumerate(raw)]
    )


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    wrong: list[Any] = [
        {"name": "a", "type": "patch", "priority": -1, "max_concurrency": 0, "max_errors": "half"},
        {"name": "tell", "type": "tasks", "cutoff_behaviour": "STOP", "cutoff_behavior": "STOP", "targets": "web"},
        {"name": "tell", "type": "scan", "file": "x.yml", "window": 7},
        "scan",
    ]
    with pytest.raises(PatchError) as caught:
        parse_window_tasks(wrong)
    assert caught.value.kind == "bad_window_tasks"
    places = [each["where"] for each in caught.value.details["problems"]]
    for place in (
        "window_tasks[0].name",
        "window_tasks[0].type",
        "window_tasks[0].priority",
        "window_tasks[0].max_concurrency",
        "window_tasks[0].max_errors",
        "window_tasks[1].cutoff_behaviour",
        "window_tasks[1].cutoff_behavior",
        "window_tasks[1].targets",
        "window_tasks[1].file",
        "window_tasks[2].file",
        "window_tasks[2].window",
        "window_tasks[3]",
        "window_tasks",
    ):
        assert place in places, place
    with pytest.raises(PatchError, match="more than 10 priorities"):
        tasks_of(*({"priority": number} for number in range(11)))
    assert len({each.priority for each in tasks_of(*({"priority": number % 10} for number in range(30)))}) == 10


def test_shares_are_of_all_hosts_of_all_targets_and_a_host_counts_once() -> None:
    (task,) = tasks_of({"max_concurrency": "50%", "max_errors": "25%"})
    plan = planned(task, [HOSTS[:4], HOSTS[2:], []])
    assert plan.targets == (tuple(HOSTS[:4]), tuple(HOSTS[4:]))
    assert (plan.concurrency, plan.max_errors) == (4, 2)


def test_lower_priorities_come_first_and_tasks_without_hosts_not_at_all() -> None:
    tasks = tasks_of({"priority": 5}, {"priority": 0}, {"priority": 5}, {"priority": 2})
    plans = [planned(task, [HOSTS] if number < 3 else []) for number, task in enumerate(tasks)]
    found = stages(list(zip(tasks, plans, strict=True)))
    assert [(stage.priority, [task.name for task in stage.tasks]) for stage in found] == [
        (0, ["task-1"]),
        (5, ["task-0", "task-2"]),
    ]


def test_targets_of_one_task_come_one_after_the_other() -> None:
    (task,) = tasks_of({"max_concurrency": 3})
    (stage,) = stages([(task, planned(task, [HOSTS[:4], HOSTS[4:]]))])
    assert stage.batches == (("h0", "h1", "h2"), ("h3",), ("h4", "h5", "h6"), ("h7",))


def test_tasks_of_one_priority_run_beside_each_other() -> None:
    web, db = tasks_of({"max_concurrency": 2}, {"max_concurrency": 1})
    (stage,) = stages([(web, planned(web, [HOSTS[:5]])), (db, planned(db, [HOSTS[5:]]))])
    assert stage.batches == (("h0", "h1", "h5"), ("h2", "h3", "h6"), ("h4", "h7"))


def test_targets_in_opposite_orders_end_all_the_same() -> None:
    one, other = tasks_of({}, {})
    (stage,) = stages([(one, planned(one, [["a"], ["b"]])), (other, planned(other, [["b"], ["a"]]))])
    assert sorted(host for batch in stage.batches for host in batch) == ["a", "b"]


@st.composite
def staged(draw: st.DrawFn) -> Stage:
    raw = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    tasks = tasks_of(*({"max_concurrency": width} for width in raw))
    plans = [planned(task, draw(st.lists(st.lists(st.sampled_from(HOSTS), max_size=8), max_size=2))) for task in tasks]
    found = stages(list(zip(tasks, plans, strict=True)))
    return found[0] if found else Stage(1, (), ())


def crowded(task: PlannedTask, batch: tuple[str, ...]) -> bool:
    return len(set(batch) & set(task.hosts)) > task.concurrency


@given(staged())
def test_every_host_has_one_turn_and_no_task_more_hosts_at_once_than_it_may(stage: Stage) -> None:
    turns = [host for batch in stage.batches for host in batch]
    assert sorted(turns) == sorted({host for task in stage.tasks for host in task.hosts})
    assert all(stage.batches)
    assert not [task.name for task in stage.tasks for batch in stage.batches if crowded(task, batch)]
