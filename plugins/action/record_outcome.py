# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note what became of a host: see ``plugins/modules/record_outcome.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.outcomes import OK, outcome_of_result
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.progress import COUNTED, tell_turn
from ..plugin_utils.flow.results import failed, plain, untrusted

INTERRUPTED = "interrupted"
"""The kind that a task notes when it is stopped from outside; only its result tells that it was the timeout."""


class ActionModule(ActionBase):
    """Writes into the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("record_outcome"))
        try:
            outcome = _record(plain(arguments), task_vars or {})
        except PatchError as error:
            return result | failed(error)
        return {**result, "changed": False, "outcome": untrusted(outcome)}


def _record(arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    now, host = datetime.now(timezone.utc), str(task_vars["inventory_hostname"])
    run = run_of_task(arguments, now=now)
    outcome = outcome_of_result(
        arguments["result"], operation=arguments["operation"], task=arguments["task"], at=utc_text(now)
    )
    known = run.outcome(host)
    if known is not None and known.get("status") != OK and known.get("kind") != INTERRUPTED:
        # Our own task failed and knew more about it than its result tells.
        return known
    run.record_outcome(host, outcome)
    if arguments["operation"] in COUNTED:
        tell_turn(run, task_vars, outcome, None, quiet=not arguments["progress"])
    return {**outcome, "host": host}
