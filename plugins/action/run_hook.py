# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a hook that is a command: see ``plugins/modules/run_hook.py``."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.hooks import kept_output, secrets_of
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.hooks_input import Hook
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.hook_tasks import hooks_of, one_hook
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.host.channel import HostChannel
from ..plugin_utils.host.hook_command import Ended, run_command


class ActionModule(ActionBase):
    """Nothing of Ansible's is needed on the host. Whether a hook runs in check mode is decided by plan_hooks."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("run_hook"))
        arguments, variables = plain(validated), task_vars or {}
        try:
            hooks = hooks_of(arguments, variables, basedir=self._loader.get_basedir())
            hook = one_hook(hooks, arguments["kind"], arguments["number"])
            if hook.how != "command":
                raise PatchError("bad_arguments", f"The hook '{hook.name}' is no command.")
            ended = self._ended(hook, arguments, variables)
        except PatchError as error:
            return result | failed(error)
        return {**result, "changed": True, **untrusted(_told(hook, ended))}

    def _ended(self, hook: Hook, arguments: dict[str, Any], variables: dict[str, Any]) -> Ended:
        state = arguments["state"] or {}
        channel = HostChannel(self, variables)
        told = {
            "OPENFLEET_PATCH_HOOK": hook.kind,
            "OPENFLEET_PATCH_HOST": str(variables["inventory_hostname"]),
            "OPENFLEET_PATCH_RUN_ID": str(state.get("run_id", "")),
            "OPENFLEET_PATCH_RESULT": str(state.get("result", "")),
            "OPENFLEET_PATCH_FAILED_STEP": str(state.get("failed_step", "")),
            "OPENFLEET_PATCH_INSTALLED": str(state.get("installed_count", "")),
            "OPENFLEET_PATCH_REBOOTED": "yes" if state.get("rebooted") else "no",
        }
        environment = channel.task_environment() | told | dict(hook.environment)
        return run_command(channel, hook.argv, environment=environment, chdir=hook.chdir, seconds=hook.timeout)


def _told(hook: Hook, ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = {"rc": ended.code}
    if not hook.no_log:
        found["stdout"] = kept_output(ended.output, secrets_of(hook.environment, hook.secrets))
    if ended.timed_out:
        return found | {
            "failed": True,
            "timedout": True,
            "msg": f"it took more than {hook.timeout} seconds and was ended",
        }
    if ended.code != 0:
        last = (found.get("stdout") or "").rpartition("\n")[2]
        return found | {"failed": True, "msg": last or "it said nothing"}
    return found
