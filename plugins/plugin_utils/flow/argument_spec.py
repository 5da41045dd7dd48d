# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs out of the documentation that users read, so that the two cannot differ."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import yaml

_PLUGINS = "ansible_collections.openfleet.patch.plugins"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAKEN = ("type", "elements", "required", "default", "choices", "aliases")
# Documentation has no word for it.
_SECRET = ("volume_owner_password",)


@cache
def argument_spec(module: str) -> dict[str, Any]:
    """The spec for ``ActionBase.validate_argument_spec``; ``module`` is a file name in ``plugins/modules``."""
    documentation = yaml.load(import_module(f"{_PLUGINS}.modules.{module}").DOCUMENTATION, Loader=_Loader)
    options: dict[str, Any] = {}
    for fragment in documentation.get("extends_documentation_fragment", []):
        options.update(_fragment_options(fragment))
    options.update(documentation.get("options", {}))
    return {name: _spec(option) | ({"no_log": True} if name in _SECRET else {}) for name, option in options.items()}


def _fragment_options(fragment: str) -> dict[str, Any]:
    """Options of ``openfleet.patch.NAME`` or ``openfleet.patch.NAME.PART``."""
    _namespace, _collection, name, *part = fragment.split(".")
    attribute = part[0].upper() if part else "DOCUMENTATION"
    text = getattr(import_module(f"{_PLUGINS}.doc_fragments.{name}").ModuleDocFragment, attribute)
    options: dict[str, Any] = yaml.load(text, Loader=_Loader).get("options", {})
    return options


def _spec(option: dict[str, Any]) -> dict[str, Any]:
    spec = {key: option[key] for key in _TAKEN if key in option}
    if "suboptions" in option:
        spec["options"] = {name: _spec(suboption) for name, suboption in option["suboptions"].items()}
    return spec
