# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain a host's newest document: see ``plugins/modules/explain_host.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.compliance.explained import entries_named, explain_document
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.files import read_json, safe_name
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted


class ActionModule(ActionBase):
    """Reads one file on the controller; the task's host is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("explain_host"))
        host = str(self._task.delegate_to or (task_vars or {}).get("inventory_hostname"))
        try:
            return result | _explain(host, plain(arguments))
        except PatchError as error:
            return result | failed(error)


def _explain(host: str, arguments: dict[str, Any]) -> dict[str, Any]:
    path = Path(arguments["state_directory"]).expanduser() / "hosts" / f"{safe_name(host)}.json"
    if not path.exists():
        message = f"There is no document of {host} in {path.parent} yet; scan it."
        return {"changed": False, "found": False, "msg": message}
    document = read_json(path)
    found = entries_named(document, arguments["patches"])
    text = explain_document(document, found)
    if arguments["show"]:
        Display().display("\n" + text)
    return {
        "changed": False,
        "found": True,
        "document": str(path),
        "baseline": untrusted(document["baseline"]),
        "as_of": document["run"]["as_of"],
        "patches": untrusted({word: [dict(entry) for entry in entries] for word, entries in found.items()}),
        "text": untrusted(text.splitlines()),
    }
