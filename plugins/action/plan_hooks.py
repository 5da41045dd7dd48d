# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the hooks of a host: see ``plugins/modules/plan_hooks.py``."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.hooks_input import AFTER_REBOOT, ON_EXIT, POST_INSTALL, PRE_INSTALL, refuse_on_windows
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.hook_tasks import hooks_of, host_log, now_text
from ..plugin_utils.flow.hook_way import shown
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.host import out_of_reach
from ..plugin_utils.host.windows_channel import is_windows


class ActionModule(ActionBase):
    """Works on the controller: the host of the task is never connected to, but what its connection speaks counts."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("plan_hooks"))
        arguments, variables = plain(validated), task_vars or {}
        try:
            hooks = hooks_of(arguments, variables, basedir=self._loader.get_basedir())
            if is_windows(self._connection):
                refuse_on_windows(hooks)
            check_mode = self._task.check_mode
            run = {
                kind: [hook for hook in some if hook.in_check_mode or not check_mode] for kind, some in hooks.items()
            }
            if any(run.values()):
                log = host_log(arguments, str(variables["inventory_hostname"]))
                log.plan(hooks, check_mode=check_mode, at=now_text())
        except PatchError as error:
            return result | failed(error)
        planned = {kind: [untrusted(shown(hook)) for hook in some] for kind, some in run.items()}
        return {
            **result,
            "changed": False,
            **planned,
            "any": any(run.values()),
            "look": bool(run[PRE_INSTALL] or run[POST_INSTALL]),
            "services": any(hook.how == "services" for hook in run[AFTER_REBOOT]),
            "hooks": sum(len(run[kind]) for kind in (PRE_INSTALL, POST_INSTALL, ON_EXIT)),
            "watched": out_of_reach.is_watched(),
        }
