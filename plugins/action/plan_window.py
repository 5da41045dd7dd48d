# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks of maintenance windows run now, and on which hosts: see ``plugins/modules/plan_window.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.window_runs import WindowRun, claim
from ..plugin_utils.fleet.window_tasks import Stage, WindowTask, parse_window_tasks
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.fleet_inputs import collect
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.results import failed, plain
from ..plugin_utils.flow.window_turns import NAMES, find, plan


class ActionModule(ActionBase):
    """Plans on the controller; no host is connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("plan_window"))
        arguments, variables = plain(validated), task_vars or {}
        try:
            return result | {"changed": False, **self._plan(arguments, variables)}
        except PatchError as error:
            return result | failed(error)

    def _plan(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        tasks = parse_window_tasks(arguments["tasks"])
        hosts = arguments["hosts"]
        if hosts is None:
            hosts = [str(host) for host in variables.get("ansible_play_hosts_all") or []]
        groups = variables.get("groups") or {}
        inputs = collect(hosts, variables["hostvars"], task_vars=variables, templar=self._templar, names=NAMES)
        unknown = {each for task in tasks for each in task.targets if each not in groups and each not in inputs}
        for name in sorted(unknown):
            Display().warning(f"window_tasks: {name} is neither a group nor a host of this play")

        def hosts_of(target: str) -> list[str]:
            return [str(host) for host in groups.get(target, [target])]

        now = datetime.now(timezone.utc)
        found = find(tasks, inputs, hosts_of=hosts_of, now=now)
        run = run_of_task(arguments, now=now)
        claims = set(found.claims)
        if not self._task.check_mode:
            claims &= claim(run.state_directory, found.claims, run_id=run.run_id)
        mine = [each for each in found.claims if each in claims]
        stages, kept = plan(tasks, mine, inputs, hosts_of=hosts_of)
        WindowRun(run).start(kept)
        had = len({each[3] for each in found.claims} - {each[3] for each in mine})
        _tell(stages, found.waiting, had)
        return {
            "stages": {str(number): self._stage(stage, tasks) for number, stage in enumerate(stages)},
            "hosts": sorted({each[3] for each in mine}, key=hosts.index),
            "waiting": found.waiting,
            "had": had,
        }

    def _stage(self, stage: Stage, tasks: list[WindowTask]) -> dict[str, Any]:
        files = {task.name: task for task in tasks}
        return {
            "priority": stage.priority,
            "tasks": [
                {"name": each.name, "type": files[each.name].type, "file": self._file(files[each.name])}
                for each in stage.tasks
            ],
            "order": [host for batch in stage.batches for host in batch],
            "batches": [len(batch) for batch in stage.batches],
        }

    def _file(self, task: WindowTask) -> str | None:
        return None if task.file is None else str(Path(task.file).expanduser().absolute())


def _tell(stages: list[Stage], waiting: dict[str, str], had: int) -> None:
    display = Display()
    for stage in stages:
        for task in stage.tasks:
            display.display(
                f"priority {stage.priority}: {task.name} on {len(task.hosts)} hosts, {task.concurrency} at once,"
                f" {task.max_errors} errors allowed"
            )
    if had:
        display.display(f"{had} hosts had their tasks in this opening already")
    for reason in dict.fromkeys(waiting.values()):
        hosts = [host for host, why in waiting.items() if why == reason]
        display.display(f"{', '.join(hosts[:3])}{' and more' if len(hosts) > 3 else ''}: {reason}")
