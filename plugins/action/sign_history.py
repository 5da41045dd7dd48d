# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign the documents of a run: see ``plugins/modules/sign_history.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain
from ..plugin_utils.flow.verifying import sign_history


class ActionModule(ActionBase):
    """Works with files of the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("sign_history"))
        arguments = plain(validated)
        if self._task.check_mode:
            return result | {"changed": False, "skipped": True, "msg": "check mode: nothing is signed"}
        now = utc_text(datetime.now(timezone.utc))
        try:
            signed = sign_history(arguments["state_directory"], arguments["run_id"], arguments["key"], at=now)
        except PatchError as error:
            return result | failed(error)
        return result | {"changed": any(signed.values()), "signed": signed}
