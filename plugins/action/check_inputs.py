# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is set for the hosts of a play makes sense: see ``plugins/modules/check_inputs.py``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.input_check import Value, check_fleet
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.fleet_inputs import collect
from ..plugin_utils.flow.input_files import CHECKS as NAMING_FILES
from ..plugin_utils.flow.input_files import HOLDING, file_problem
from ..plugin_utils.flow.named_files import base_folder
from ..plugin_utils.flow.results import failed, plain

TOGETHER = ("Install", "Reboot", "Rollback")
"""Operations that rate control counts for as a whole."""


class ActionModule(ActionBase):
    """Reads variables on the controller; no host is connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("check_inputs"))
        arguments, variables = plain(validated), task_vars or {}
        hosts = arguments["hosts"]
        if hosts is None:
            hosts = [str(host) for host in variables.get("ansible_play_hosts_all") or []]
        inputs = collect(hosts, variables["hostvars"], task_vars=variables, templar=self._templar)
        findings = check_fleet(
            inputs,
            folder=base_folder(self._loader),
            together=arguments["operation"] in TOGETHER,
            files={name: partial(file_problem, name) for name in (*NAMING_FILES, *HOLDING)},
            read=self._reader(variables) if arguments["operation"] == "Install" else None,
        )
        if findings:
            return result | failed(_all_in_one([each.line(len(hosts)) for each in findings], findings, len(hosts)))
        for told in self._not_installed(inputs):
            Display().warning(told)
        return result | {"changed": False, "total": len(hosts)}

    def _reader(self, variables: dict[str, Any]) -> Any:
        """For an installation alone: a scan ignores what that follows in place of the baseline."""
        from ..plugin_utils.flow.selections import reader

        return reader(self, variables)

    def _not_installed(self, inputs: Mapping[str, Mapping[str, Value]]) -> list[str]:
        """A sentence for each module that a notification needs at the end of the play and that is not there."""
        entries = {
            id(values.get("patch_notifications")): values.get("patch_notifications") for values in inputs.values()
        }
        given = [value.value for value in entries.values() if value]
        if not given:
            return []
        from ..plugin_utils.fleet.notifications import parse_notifications

        wanted = [each for value in given for each in parse_notifications(value)]
        find = self._shared_loader_obj.module_loader.find_plugin_with_context
        return [
            f"patch_notifications: '{each.name}' will not be told: the module {each.way.module} is not installed;"
            f" 'ansible-galaxy collection install {each.way.collection}' brings it"
            for each in wanted
            if not find(each.way.module).resolved
        ]


def _all_in_one(lines: list[str], findings: list[Any], total: int) -> PatchError:
    heading = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    told = "\n".join(f"  {line}" for line in lines)
    problems = [{"where": each.where, "message": each.message, "hosts": list(each.hosts)} for each in findings]
    message = f"{heading} in what is set for {total} hosts; none was connected to:\n{told}"
    return PatchError("bad_input", message, problems=problems)
