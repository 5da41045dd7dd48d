# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a host after its reboot: see ``plugins/modules/check_host.py``."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.services import parse_units, record
from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.hook_tasks import hooks_of, one_hook
from ..plugin_utils.flow.host_checks import HostCheck
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.host.after_reboot import read_units
from ..plugin_utils.host.channel import HostChannel


class ActionModule(ActionBase):
    """Changes nothing; what is asked from the controller does not connect to the host."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("check_host"))
        arguments, variables = plain(validated), task_vars or {}
        channel = HostChannel(self, variables, seconds=60)
        try:
            if arguments["record"]:
                return {**result, "changed": False, "services": untrusted(_services(channel))}
            hooks = hooks_of(arguments, variables, basedir=self._loader.get_basedir())
            hook = one_hook(hooks, "after_reboot", arguments["number"])
            address = hook.address or str(variables.get("ansible_host") or variables["inventory_hostname"])
            HostCheck(channel, hook, before=arguments["services"], address=address).wait()
        except PatchError as error:
            return result | failed(error)
        return {**result, "changed": False}


def _services(channel: HostChannel) -> dict[str, Any] | None:
    """None where the host has no systemd; the check itself says so."""
    try:
        return dict(record(parse_units(read_units(channel))))
    except PatchError as error:
        if error.kind == "no_systemd":
            return None
        raise
