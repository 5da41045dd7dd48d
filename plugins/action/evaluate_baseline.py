# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge saved inventories by a baseline. Options and results are documented in plugins/modules/evaluate_baseline.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.named_files import base_folder
from ..plugin_utils.flow.replay import judge_saved
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.scan import utc_now


class ActionModule(ActionBase):
    """Works on the controller alone; the task's host is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("evaluate_baseline"))
        folder = base_folder(self._loader)
        try:
            return result | dict(untrusted(judge_saved(plain(arguments), now=utc_text(utc_now()), folder=folder)))
        except PatchError as error:
            return result | failed(error)
