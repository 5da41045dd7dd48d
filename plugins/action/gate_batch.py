# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another batch may start: see ``plugins/modules/gate_batch.py``."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.rate_control import LEFT_ALONE, RatePlan, judge
from ..plugin_utils.fleet.run_directory import Run
from ..plugin_utils.fleet.turns import Log, Turn, Turns
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.rates import allowed_errors, wait_for
from ..plugin_utils.flow.results import failed, plain


class ActionModule(ActionBase):
    """Reads the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("gate_batch"))
        arguments, variables = plain(validated), task_vars or {}
        try:
            run = run_of_task(arguments)
            turns = Turns(run)
            if arguments["healthy_wave"] is not None:
                turns.answer(arguments["healthy_wave"], True, now=time.time())
            log = turns.read()
            batch = _names(variables, "ansible_play_batch")
            if log is None or not is_for(log, batch):
                hosts = arguments["hosts"]
                hosts = _names(variables, "ansible_play_hosts_all") if hosts is None else hosts
                turn = _by_percentage(run, hosts, arguments["max_fail_percentage"])
            else:
                hosts = list(log.plan.hosts)
                statuses = of_earlier_batches(log, batch, _statuses(run))
                turn = wait_for(lambda: turns.look(statuses, now=time.time()))
        except PatchError as error:
            return result | failed(error)
        if turn.reason:
            Display().warning(turn.reason)
        return result | {
            "changed": False,
            "go": turn.go,
            "check_wave": turn.check_wave,
            "wave_hosts": list(turn.wave_hosts),
            "reason": turn.reason,
            "failed_hosts": sorted(turn.errors),
            "total": len(hosts),
        }


def _names(variables: dict[str, Any], which: str) -> list[str]:
    return [str(host) for host in variables.get(which) or []]


def _statuses(run: Run) -> dict[str, str]:
    return {host: str(outcome.get("status")) for host, outcome in run.outcomes(of_this_process=True).items()}


def _by_percentage(run: Run, hosts: list[str], percentage: float) -> Turn:
    """In a play of one's own, where nothing was planned."""
    plan = RatePlan(tuple(hosts), len(hosts), allowed_errors(percentage, len(hosts)), batches=True)
    verdict = judge(plan, _statuses(run))
    return Turn(not verdict.stopped, reason=verdict.reason, errors=verdict.errors)


def is_for(log: Log, batch: list[str]) -> bool:
    """Whether the plan is about these hosts: that of an earlier play of the same command says nothing about others."""
    return set(batch) <= set(log.plan.hosts)


def of_earlier_batches(log: Log, batch: list[str], statuses: dict[str, str]) -> dict[str, str]:
    """An earlier play of the same command may have left outcomes of hosts whose turn has not come in this one."""
    now = set(batch)
    first = next((number for number, host in enumerate(log.plan.hosts) if host in now), 0)
    # A host of an earlier batch without an outcome was lost before its turn.
    return {host: statuses.get(host, LEFT_ALONE) for host in log.plan.hosts[:first]}
