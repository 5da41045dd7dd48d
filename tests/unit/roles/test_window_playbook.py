"""Real runs of the playbook for maintenance windows beside a small model of the order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from core_venvs import CORES
from playbook_runs import Played, make_collection, play
from sinks import http_sink

pytestmark = pytest.mark.slow
LOCAL = " ansible_connection=local"
GONE = "- ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_common_args='-o BatchMode=yes'"
ALWAYS = {"name": "always", "schedule": "cron(0 0 * * ? *)", "duration": 24}
OVER = {"name": "over", "schedule": "at(2020-07-07T15:55:00)", "duration": 3}
SOME = [pytest.param(core, marks=() if core in ("2.16", "2.21") else pytest.mark.endurance) for core in sorted(CORES)]


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"), install=True)


@dataclass(frozen=True)
class Run:
    played: Played
    events: list[str]
    """``+host word`` and ``-host word`` as the stand-ins and task files noted them."""

    def counts(self) -> dict[str, dict[str, str]]:
        """Task to host to status, as the run kept them."""
        found: dict[str, dict[str, str]] = {}
        for line in (self.played.run / "window" / "turns.jsonl").read_text().splitlines():
            event = json.loads(line)
            found.setdefault(event["task"], {})[event["host"]] = event["status"]
        return found


def run(
    core: str,
    collections: Path,
    folder: Path,
    hosts: dict[str, str],
    tasks: list[dict[str, Any]],
    *arguments: str,
    variables: dict[str, dict[str, Any]] | None = None,
) -> Run:
    """``variables``: of single hosts, beside a window that is always open."""
    (folder / "host_vars").mkdir(exist_ok=True)
    for host in hosts:
        mine = {"patch_maintenance_windows": [ALWAYS]} | (variables or {}).get(host, {})
        (folder / "host_vars" / f"{host}.json").write_text(json.dumps(mine))
    given = json.dumps({"patch_window_tasks": tasks})
    try:
        played = play(core, collections, folder, hosts, "-e", given, *arguments, playbooks=("openfleet.patch.window",))
    except LookupError as missing:
        pytest.skip(str(missing))
    noted = folder / "began_and_ended"
    return Run(played, noted.read_text().splitlines() if noted.exists() else [])


def noting(folder: Path, word: str, *more: dict[str, Any]) -> str:
    """A task file that notes when it began and ended on a host, with ``more`` between."""
    line = f"echo 'X{{{{ inventory_hostname }}}} {word}' >> {folder}/began_and_ended"
    tasks = [
        {"name": "Begin", "ansible.builtin.raw": line.replace("X", "+")},
        *more,
        {"name": "End", "ansible.builtin.raw": line.replace("X", "-")},
    ]
    path = folder / f"{word}.yml"
    path.write_text(json.dumps(tasks))
    return str(path)


def model(tasks: list[dict[str, Any]], fates: dict[tuple[str, str], str]) -> dict[str, dict[str, str]]:
    """Which host ends how in which task; hosts are named by ``targets``, each in one task of a priority."""
    found: dict[str, dict[str, str]] = {}
    for task in sorted(tasks, key=lambda each: int(each["priority"])):
        hosts, ended = list(task["targets"]), {}
        for start in range(0, len(hosts), task["max_concurrency"]):
            errors = sum(status != "ok" for status in ended.values())
            for host in hosts[start : start + task["max_concurrency"]]:
                stopped = errors > task["max_errors"]
                ended[host] = "not_started" if stopped else fates.get((task["name"], host), "ok")
        found[task["name"]] = ended
    return found


FAIL = {
    "name": "Fail on two",
    "ansible.builtin.fail": {"msg": "it broke"},
    "when": "inventory_hostname in ['h1', 'h2']",
}


@pytest.mark.parametrize("core", SOME)
def test_tasks_run_by_priority_each_with_its_own_concurrency_and_threshold(
    core: str, collections: Path, tmp_path: Path
) -> None:
    hosts = {f"h{number}": "ok" + LOCAL for number in range(1, 6)} | {"h6": GONE}
    every = list(hosts)
    tasks: list[dict[str, Any]] = [
        {"name": "last", "type": "tasks", "file": noting(tmp_path, "last"), "priority": 9,
         "targets": every, "max_concurrency": 6, "max_errors": 6},
        {"name": "broken", "type": "tasks", "file": noting(tmp_path, "broken", FAIL), "priority": 3,
         "targets": every[:4], "max_concurrency": 1, "max_errors": 1},
        {"name": "beside", "type": "tasks", "file": noting(tmp_path, "beside"), "priority": 3,
         "targets": every[4:], "max_concurrency": 2, "max_errors": 0},
        {"name": "patch", "type": "install", "priority": 0,
         "targets": every[:5], "max_concurrency": 2, "max_errors": 0},
    ]  # fmt: skip
    with http_sink() as sink:
        address = f"http://127.0.0.1:{sink.port}/"
        told = [{"via": "webhook", "operations": [word], "options": {"url": address}} for word in ("Window", "Install")]
        given = json.dumps({"patch_notifications": told})
        found = run(core, collections, tmp_path, hosts, tasks, "-e", given)
    assert [json.loads(each.body)["operation"] for each in sink.received] == ["Window"], found.played.output
    fates = {("broken", "h1"): "failed", ("broken", "h2"): "failed"}
    fates |= {(name, "h6"): "unreachable" for name in ("beside", "last")}
    expected = model(tasks, fates)
    assert expected["broken"] == {"h1": "failed", "h2": "failed", "h3": "not_started", "h4": "not_started"}
    assert found.counts() == expected, found.played.output
    assert found.played.rc == 2
    words = [event.partition(" ")[2] for event in found.events]
    order = {"": 0, "broken": 1, "beside": 1, "last": 2}
    assert [order[word] for word in words] == sorted(order[word] for word in words)
    under_way = peak = 0
    for event in found.events:
        if " " not in event:
            under_way += 1 if event[0] == "+" else -1
            peak = max(peak, under_way)
    assert 1 <= peak <= 2
    # What a host comes to is the worst of its tasks.
    assert found.played.outcomes() == {
        "h1": "failed", "h2": "failed", "h3": "not_started", "h4": "not_started", "h5": "ok", "h6": "unreachable",
    }  # fmt: skip
    for line in (
        "priority 3  broken (tasks): 2 failed, 2 not started",
        "h3: not started: 2 of 4 hosts had an error (h1, h2), and 1 are allowed",
        "openfleet.patch window: 6 hosts",
    ):
        assert line in found.played.output, line


@pytest.mark.parametrize("core", [pytest.param("2.16", marks=pytest.mark.endurance), "2.21"])
def test_a_host_has_a_task_once_in_an_opening_and_only_while_its_window_is_open(
    core: str, collections: Path, tmp_path: Path
) -> None:
    hosts = {"h1": "ok" + LOCAL, "h2": "ok" + LOCAL, "closed": "ok" + LOCAL, "none": "ok" + LOCAL}
    own = {"closed": {"patch_maintenance_windows": [OVER]}, "none": {"patch_maintenance_windows": []}}
    tasks: list[dict[str, Any]] = [
        {"name": "note", "type": "tasks", "file": noting(tmp_path, "note")},
        {"name": "elsewhere", "type": "install", "window": "over"},
    ]
    first = run(core, collections, tmp_path, hosts, tasks, "--limit", "h1,closed,none", variables=own)
    assert first.played.rc == 0, first.played.output
    assert first.events == ["+h1 note", "-h1 note"]
    assert "closed: no maintenance window is open" in first.played.output
    second = run(core, collections, tmp_path, hosts, tasks, variables=own)
    assert second.played.rc == 0, second.played.output
    assert second.events == ["+h1 note", "-h1 note", "+h2 note", "-h2 note"]
    third = run(core, collections, tmp_path, hosts, tasks, variables=own)
    assert (third.played.rc, third.events) == (0, second.events), third.played.output
    assert "2 hosts had their tasks in this opening already" in third.played.output


def test_mistakes_in_tasks_are_told_before_anything_runs(collections: Path, tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = [{"name": "note", "type": "tasks", "file": str(tmp_path / "nowhere.yml")}]
    found = run("2.21", collections, tmp_path, {"h1": "ok" + LOCAL}, tasks)
    assert found.played.rc == 2
    assert "patch_window_tasks: there is no file" in found.played.output
    assert not found.played.state.exists()
