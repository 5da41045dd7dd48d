# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note a step on the way from hook to hook: see ``plugins/modules/note_hook.py``."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.hook_tasks import host_log, now_text
from ..plugin_utils.flow.hooks import HookLog
from ..plugin_utils.flow.results import failed, plain, untrusted


class ActionModule(ActionBase):
    """Writes into the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("note_hook"))
        arguments = plain(validated)
        try:
            found = _note(host_log(arguments, str((task_vars or {})["inventory_hostname"])), arguments)
        except PatchError as error:
            return result | failed(error)
        return {**result, "changed": False, **untrusted(found)}


def _note(log: HookLog, arguments: dict[str, Any]) -> dict[str, Any]:
    moment, found, at = arguments["moment"], arguments["result"] or {}, now_text()
    if moment == "look":
        return {"needed": log.looked(found, at=at)}
    if moment == "begin":
        return {"state": log.begin(arguments["kind"], arguments["number"], at=at)}
    if moment == "end":
        hidden = arguments["hidden"] or bool(found.get("_ansible_no_log"))
        return {"hook": log.end(arguments["kind"], arguments["number"], found, at=at, hidden=hidden)}
    if moment == "installed":
        log.installed(found, at=at)
    elif moment == "rebooted":
        return {"rebooted": log.rebooted(found.get("document"), at=at)}
    else:
        log.failed(found, task=arguments["task"], at=at)
    return {}
