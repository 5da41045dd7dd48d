# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word on a host with hooks: see ``plugins/modules/close_hooks.py``."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.outcomes import NOT_STARTED, OK, UNREACHABLE
from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.hook_tasks import host_log, now_text
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.progress import tell_turn
from ..plugin_utils.flow.results import failed, plain, untrusted


class ActionModule(ActionBase):
    """Writes into the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("close_hooks"))
        arguments = plain(validated)
        try:
            closed = host_log(arguments, str((task_vars or {})["inventory_hostname"])).close(at=now_text())
            run = run_of_task(arguments)
        except PatchError as error:
            return result | failed(error)
        outcome = closed["outcome"]
        tell_turn(run, task_vars or {}, outcome, closed["document"], quiet=not arguments["progress"])
        known = {"changed": False, "hooks": untrusted(closed["hooks"]), "document": untrusted(closed["document"])}
        if outcome["status"] in (OK, NOT_STARTED):
            return result | known
        if outcome["status"] == UNREACHABLE:
            raise AnsibleConnectionFailure(outcome["message"])
        failure = PatchError(str(outcome.get("kind") or "failed"), str(outcome.get("message")))
        return result | known | failed(failure)
