# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this host may start, and that it has ended: see ``plugins/modules/gate_host.py``."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import Run
from ..plugin_utils.fleet.turns import Turns
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.rates import wait_for
from ..plugin_utils.flow.results import failed, plain


class ActionModule(ActionBase):
    """Waits on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("gate_host"))
        arguments = plain(validated)
        try:
            run = run_of_task(arguments)
            return {**result, "changed": False, **_take(run, arguments, task_vars or {})}
        except PatchError as error:
            return result | failed(error)


def _take(run: Run, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    turns, host = Turns(run), str(task_vars["inventory_hostname"])
    if arguments["turn"] == "end":
        outcome = run.outcome(host) or {"status": "failed"}
        return {"ended": turns.end(host, str(outcome["status"]), now=time.time())}
    if arguments["healthy_wave"] is not None:
        turns.answer(arguments["healthy_wave"], True, now=time.time())
    elif arguments["unhealthy_wave"] is not None:
        turns.answer(arguments["unhealthy_wave"], False, now=time.time())
    present = set(map(str, task_vars.get("ansible_play_hosts") or []))
    lost = [each for each in map(str, task_vars.get("ansible_play_hosts_all") or []) if each not in present]
    turn = wait_for(lambda: turns.ask(host, now=time.time(), lost=lost))
    if turn.reason:
        Display().vv(f"{host}: {turn.reason}")
    return {
        "go": turn.go,
        "check_wave": turn.check_wave,
        "wave_hosts": list(turn.wave_hosts),
        "reason": turn.reason,
        "failed_hosts": list(turn.errors),
    }
