# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze the versions of a canary run: see ``plugins/modules/freeze_snapshot.py``."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.freezing import freeze_run, write_snapshot
from ..plugin_utils.flow.history import open_history
from ..plugin_utils.flow.named_files import path_of
from ..plugin_utils.flow.results import failed, plain, untrusted


class ActionModule(ActionBase):
    """Reads documents on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("freeze_snapshot"))
        arguments = plain(validated)
        try:
            history = open_history(arguments["state_directory"], arguments["store_url"])
            snapshot = freeze_run(
                history, arguments["run_id"], hosts=arguments["hosts"], comment=arguments["comment"] or ""
            )
            path = path_of(self._loader)(arguments["path"])
            changed = write_snapshot(path, snapshot, force=arguments["force"], check_mode=self._task.check_mode)
        except PatchError as error:
            return result | failed(error)
        return result | {
            "changed": changed,
            "path": path,
            "digest": snapshot["digest"],
            "snapshot": untrusted(snapshot),
        }
