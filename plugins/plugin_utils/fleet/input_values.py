# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single variables may be, beyond the type that a role declares for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.dates import parse_instant
from ..engine.identity import check_mappings
from ..engine.problems import show
from ..errors import PatchError

LEAST: Mapping[str, float] = {
    "patch_lock_timeout": 0,
    "patch_step_timeout": 1,
    "patch_host_timeout": 1,
    "patch_reconnect_timeout": 0,
    "patch_run_timeout": 1,
    "patch_timeout": 1,
    "patch_metadata_max_age": 0,
    "patch_metadata_stale_after": 0,
    "patch_reboot_timeout": 0,
    "patch_reboot_connect_timeout": 0,
    "patch_reboot_pre_delay": 0,
    "patch_reboot_post_delay": 0,
    "patch_reboot_lock_timeout": 0,
    "patch_max_reboots": 0,
    "patch_report_trend_runs": 0,
}
"""The smallest number that makes sense; seconds but for the last two."""
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STORES = ("sqlite", "postgresql")


def value_problem(name: str, value: Any) -> str | None:
    """Why this value makes no sense, None where it does."""
    if name in LEAST:
        least = LEAST[name]
        return None if value >= least else f"{show(value)}; it cannot be less than {least:g}"
    check = CHECKS.get(name)
    return check(value) if check is not None else None


def _instant(value: Any) -> str | None:
    try:
        parse_instant(value)
    except ValueError:
        return f"{show(value)} is no time such as 2026-11-20T12:00:00Z"
    return None


def _run_id(value: Any) -> str | None:
    return None if _RUN_ID.fullmatch(value) else f"{show(value)} is no UUID; uuidgen makes one"


def _mappings(value: Any) -> str | None:
    try:
        check_mappings(value)
    except PatchError as error:
        return error.message
    return None


def _store(value: Any) -> str | None:
    scheme, separator, _rest = value.partition("://")
    if not value:
        return "is empty; leave it out, or name an SQLite file or a PostgreSQL URL"
    # The address may hold a password, and is not shown.
    known = not separator or scheme.partition("+")[0] in _STORES
    return None if known else "is neither the path of an SQLite file nor a URL of PostgreSQL"


CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "patch_as_of": _instant,
    "patch_run_id": _run_id,
    "patch_rollback_run": _run_id,
    "patch_os_mappings": _mappings,
    "patch_store_url": _store,
}
