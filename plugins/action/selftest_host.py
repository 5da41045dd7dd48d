# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a host of a system in preview and show what came, redacted: see ``plugins/modules/selftest_host.py``."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.selftest import selftest


class ActionModule(ActionBase):
    """Reads as a scan does; changes nothing on the host, keeps nothing on the controller."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("selftest_host"))
        try:
            found = selftest(self, task_vars or {}, plain(arguments))
        except PatchError as error:
            return result | failed(error)
        Display().display(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=True))
        return result | {"changed": False, "selftest": untrusted(found)}
