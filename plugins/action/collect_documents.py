# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a host's own copy of a document home: see ``plugins/modules/collect_documents.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.collecting import collect
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.host.channel import HostChannel
from ..plugin_utils.host.windows_channel import is_windows


class ActionModule(ActionBase):
    """Reads one file on the host; writes on the controller alone."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("collect_documents"))
        arguments, variables = plain(validated), task_vars or {}
        if self._task.check_mode:
            return result | {"changed": False, "skipped": True, "msg": "check mode: nothing is collected"}
        if is_windows(self._connection):
            told = "Windows hosts keep no document; those of their runs are with the controllers that ran them"
            return result | {"changed": False, "skipped": True, "msg": told}
        host = str(self._task.delegate_to or variables.get("inventory_hostname"))
        channel = HostChannel(self, variables, seconds=arguments["timeout"])
        try:
            answer = collect(channel, arguments["state_directory"], host, now=datetime.now(timezone.utc))
        except PatchError as error:
            return result | failed(error)
        if answer["problem"]:
            Display().warning(answer["problem"])
        added = answer["status"] == "added"
        result.update(untrusted({"changed": False, "added": added, **answer}))
        return result
