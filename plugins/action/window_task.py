# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's turn with one task of a maintenance window: see ``plugins/modules/window_task.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.window_turns import Turns, need_of, report


class ActionModule(ActionBase):
    """Works on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("window_task"))
        try:
            return result | {"changed": False, **untrusted(_take(plain(validated), task_vars or {}))}
        except PatchError as error:
            return result | failed(error)


def _take(arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    run = run_of_task(arguments, now=now)
    if arguments["turn"] == "report":
        lines, counts = report(run)
        for line in lines:
            Display().display(line)
        return {"counts": counts}
    if not arguments["task"]:
        raise PatchError("bad_argument", f"the turn {arguments['turn']} needs 'task'")
    host = str(variables["inventory_hostname"])
    batch = [str(each) for each in variables.get("ansible_play_batch") or []]
    turns = Turns(run, host, batch=batch, now=now)
    if arguments["turn"] == "end":
        return {"status": turns.end(arguments["task"])}
    turn = turns.begin(
        arguments["task"],
        arguments["maintenance_windows"],
        arguments["blackouts"],
        need_of(arguments["expected_minutes"], arguments["reboot_reserve_minutes"]),
    )
    if turn.reason:
        Display().vv(f"{host}: {turn.reason}")
    return {"go": turn.go, "reason": turn.reason}
