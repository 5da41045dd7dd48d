# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask what documents tell together: see ``plugins/modules/query_compliance.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.history import open_history
from ..plugin_utils.flow.querying import answer
from ..plugin_utils.flow.results import failed, plain, untrusted


class ActionModule(ActionBase):
    """Reads documents on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("query_compliance"))
        arguments = plain(validated)
        hosts = arguments["hosts"]
        if hosts is None:
            hosts = [str(host) for host in (task_vars or {}).get("ansible_play_hosts_all") or []]
        try:
            history = open_history(arguments["state_directory"], arguments["store_url"])
            found = answer(history, arguments, hosts=set(hosts) or None, now=datetime.now(timezone.utc))
        except PatchError as error:
            return result | failed(error)
        problems = list(dict.fromkeys(history.problems))
        for problem in problems:
            Display().warning(problem)
        return result | {"changed": False, "answer": untrusted(found), "problems": untrusted(problems)}
