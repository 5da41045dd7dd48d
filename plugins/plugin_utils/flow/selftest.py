# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one real host of a system in preview says, in a form that can be shown to anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ..compliance.redaction import redact, scrub
from ..errors import PatchError
from ..managers.windows_categories import CLASSIFICATIONS, FAMILIES, PRODUCTS
from .channels import open_channel
from .inventory import build_inventory, read_request

FORM = 1
IN_PREVIEW = ("windows", "macos")


def selftest(action: ActionBase, task_vars: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``form``, ``ansible_core``, ``connection``, the redacted ``reading``, and what this collection makes of it:
    ``understood`` or ``error``. Raises ``PatchError`` where the host could not be read, or is of no such system."""
    options = {"refresh": "never", "brew_path": arguments.get("macos_brew_path") or ""}
    reading = open_channel(action, task_vars, arguments).call(read_request(options))
    if reading["reader"] not in IN_PREVIEW:
        raise PatchError(
            "unsupported_os", f"The self test is for Windows and macOS; this host is read by {reading['reader']}."
        )
    shown = redact(reading, names=_names(action, task_vars), categories={*CLASSIFICATIONS, *PRODUCTS, *FAMILIES})
    return {
        "form": FORM,
        "ansible_core": core_version,
        "connection": str(action._connection.transport),
        "reading": shown,
        **_understood({**shown, "system": _without_path(reading["system"])}, arguments),
    }


def _understood(reading: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        inventory = build_inventory(reading, mappings=None, arguments=arguments)
    except PatchError as error:
        return {"error": {"kind": error.kind, "message": scrub(error.message)}}
    return {
        "understood": {
            "operating_system": inventory.operating_system,
            "product": inventory.product,
            "candidates": len(inventory.candidates),
            "installed": len(inventory.installed),
            "classifications": dict(Counter(str(each.get("classification")) for each in inventory.candidates)),
            "reboot": inventory.reboot["required"],
            "warnings": sorted({str(each["kind"]) for each in inventory.warnings}),
        }
    }


def _without_path(system: Any) -> Any:
    search = (system or {}).get("search")
    return (
        {**system, "search": {**search, "offline_file": "SCAN-FILE"}} if search and search["offline_file"] else system
    )


def _names(action: ActionBase, task_vars: Mapping[str, Any]) -> list[str]:
    """Of the host and of who connects, in every part of a dotted or a domain name."""
    variables = ("inventory_hostname", "ansible_host", "ansible_user", "ansible_ssh_user", "ansible_winrm_user",
                 "ansible_psrp_user", "ansible_become_user", "ansible_winrm_realm")  # fmt: skip
    whole = [str(task_vars.get(name) or "") for name in variables]
    whole += [str(action._play_context.remote_addr or ""), str(action._play_context.remote_user or "")]
    return [part for each in whole for part in (each, *each.replace("\\", ".").replace("@", ".").split("."))]
