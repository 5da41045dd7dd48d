# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put documents into the compliance store: see ``plugins/modules/store_documents.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.storing import store_runs


class ActionModule(ActionBase):
    """Reads files and writes a database on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("store_documents"))
        arguments = plain(validated)
        if self._task.check_mode:
            return result | {"changed": False, "skipped": True, "msg": "check mode: nothing is stored"}
        try:
            stored = store_runs(
                arguments["state_directory"],
                arguments["store_url"],
                run_id=arguments["run_id"],
                keep_days=arguments["keep_days"],
                now=datetime.now(timezone.utc),
            )
        except PatchError as error:
            return result | failed(error)
        for problem in stored.problems:
            Display().warning(problem)
        return result | {
            "changed": bool(stored.added or stored.forgotten),
            "runs": stored.runs,
            "added": stored.added,
            "known": stored.known,
            "forgotten": stored.forgotten,
            "problems": untrusted(stored.problems),
        }
