# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that the roles of this collection declare, from the files that Ansible itself reads."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_ROLES = Path(__file__).resolve().parents[3] / "roles"
_TAKEN = ("type", "elements", "choices", "options")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
HANDED_OVER = frozenset({"patch_install_document", "patch_reboot_document", "patch_reboot_installed_count"})
"""What one role gives another while a host is worked on; nobody sets them for hosts."""


@cache
def role_variables() -> dict[str, dict[str, Any]]:
    """Variable to what an argument spec says of its type; every role means the same by a variable."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(_ROLES.glob("*/meta/argument_specs.yml")):
        specs = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)["argument_specs"]
        for entry_point in specs.values():
            for name, option in (entry_point.get("options") or {}).items():
                found[name] = {key: option[key] for key in _TAKEN if key in option}
    return {name: spec for name, spec in found.items() if name not in HANDED_OVER}
