# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values in, values that nobody templates out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ..errors import PatchError


def plain(value: Any) -> Any:
    """Task arguments as built-in types, without Ansible's tags; YAML's dates as ISO text."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (datetime, date)):
        return str(value.isoformat())
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def untrusted(value: Any) -> Any:
    """What came from a host or a file, marked so that Ansible never templates it."""
    return wrap_var(value)


def failed(error: PatchError, **known: Any) -> dict[str, Any]:
    """A failed task result that keeps everything known so far."""
    result = {"failed": True, "changed": False, "msg": untrusted(error.message), "error": untrusted(error.as_result())}
    return result | {key: untrusted(value) for key, value in known.items() if value is not None}
