# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that nobody has looked at for too long: their last verdict proves nothing any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Document = Mapping[str, Any]


def utc_time(text: str) -> datetime:
    """``2026-11-20T12:00:00Z`` as an aware time."""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def is_stale(scanned_at: str | None, *, now: datetime, days: float) -> bool:
    """Older than ``days`` before ``now`` (aware), or never. Exactly that old is not stale."""
    return scanned_at is None or now - utc_time(scanned_at) > timedelta(days=days)


def not_scanned(
    reached: Mapping[str, str], *, now: datetime, days: float, hosts: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Hosts whose last successful reading is older than ``days``, and hosts without any; the longest first.

    ``reached``: host to the end of its newest readable scan, see ``last_readings``. ``hosts``: all that should have
    been scanned, the inventory; without it those of ``reached``.
    """
    names = list(hosts) if hosts is not None else sorted(reached)
    late = [
        {
            "host": host,
            "last_scan": reached.get(host),
            "days": None if host not in reached else (now - utc_time(reached[host])).days,
        }
        for host in names
        if is_stale(reached.get(host), now=now, days=days)
    ]
    return sorted(late, key=lambda each: (each["last_scan"] or "", each["host"]))


def last_readings(documents: Iterable[Document]) -> dict[str, str]:
    """Host to the end of its newest document that could be read; any order, any number per host."""
    reached: dict[str, str] = {}
    for document in documents:
        if document["error"] is None:
            host, at = str(document["host"]), str(document["times"]["finished_at"])
            reached[host] = max(at, reached.get(host, ""))
    return reached
