# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan a host for patches. Options and results are documented in plugins/modules/scan_host.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.scan import HostScan


class ActionModule(ActionBase):
    """Reads, decides, writes down; changes nothing on the host, so check mode is no different."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("scan_host"))
        scan = None
        try:
            scan = HostScan(self, task_vars or {}, plain(arguments))
            document = scan.scan()
        except PatchError as error:
            return result | failed(error, document=scan.document if scan else None)
        saved = {"inventory_file": scan.inventory_file} if scan.inventory_file else {}
        return result | {
            **saved,
            "changed": False,
            "document": untrusted(document),
            "compliant": document["compliant"],
            "verdict": document["verdict"],
            "summary": document["summary"],
            "run_id": document["run"]["id"],
        }
