# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run comes to for somebody who is told about it: plain values for a template, made printable.

Names, versions and messages come from hosts; what a mail program or a chat might act on is escaped here or there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .outcomes import FAILED, NOT_STARTED, TIMED_OUT, UNREACHABLE
from .overview import Overview, PatchGroup
from .text import visible

_WRONG = (FAILED, TIMED_OUT, UNREACHABLE)
_ORDER = (*_WRONG, NOT_STARTED, "stale", "never_scanned", "non_compliant", "unknown", "ready", "compliant")


def events_of(counts: Mapping[str, int], *, stopped: bool) -> tuple[str, ...]:
    """What is true of a run, of ``finish``, ``failure``, ``threshold`` and ``non_compliant``.

    ``stopped``: no further host was started, as too many had failed or a health check had.
    """
    found = ["finish"]
    if stopped or any(counts.get(status) for status in _WRONG):
        found.append("failure")
    if stopped:
        found.append("threshold")
    if any(number for status, number in counts.items() if status not in ("compliant", "ready")):
        found.append("non_compliant")
    return tuple(found)


def headline(counts: Mapping[str, int], *, stopped: bool) -> str:
    """``stopped``, ``failed``, ``non-compliant``, ``unknown`` or ``compliant``: the run in a word."""
    if stopped:
        return "stopped"
    if any(counts.get(status) for status in _WRONG):
        return "failed"
    if counts.get("non_compliant"):
        return "non-compliant"
    wanting = any(number for status, number in counts.items() if status not in ("compliant", "ready"))
    return "unknown" if wanting else "ready" if counts.get("ready") else "compliant"


def facts(
    overview: Overview | None,
    counts: Mapping[str, int],
    *,
    operation: str,
    run: Mapping[str, str] | None,
    stopped: str,
    summary: str,
) -> dict[str, Any]:
    """The variables of a template, documented in docs/notifications.md. ``overview`` is None for a report."""
    made: dict[str, Any] = {
        "operation": operation,
        "events": list(events_of(counts, stopped=bool(stopped))),
        "verdict": headline(counts, stopped=bool(stopped)),
        "run": {name: visible(value) for name, value in (run or {}).items()},
        "counts": {name: counts[name] for name in _ORDER if counts.get(name)},
        "total": sum(counts.values()),
        "stopped": visible(stopped),
        "data": {},
        "summary": summary,
        "hosts": [],
        "failures": [],
        "not_started": [],
        "missing": [],
        "failed_patches": [],
        "reboot": [],
        "warnings": [],
    }
    return made if overview is None else made | _of(overview)


def _of(overview: Overview) -> dict[str, Any]:
    statuses = overview.statuses
    names = sorted(statuses, key=lambda name: (_ORDER.index(statuses[name]), name))
    given = {"comment": overview.run_data["comments"], "requested by": overview.run_data["requested_by"]}
    return {
        "data": {name: visible("; ".join(map(str, values))) for name, values in given.items() if values},
        "hosts": [
            {"name": visible(name), "status": statuses[name], "facts": visible(overview.facts.get(name, ""))}
            for name in names
        ],
        "failures": [
            {"status": status, "message": visible(message), "hosts": _names(hosts)}
            for (status, message), hosts in overview.failures.items()
        ],
        "not_started": [
            {"message": visible(message), "hosts": _names(hosts)} for message, hosts in overview.not_started.items()
        ],
        "missing": [_patch(group) for group in overview.groups("MISSING")],
        "failed_patches": [_patch(group) for group in overview.groups("FAILED")],
        "reboot": _names(overview.reboot),
        "warnings": [
            {"message": visible(message), "hosts": _names(hosts)} for message, hosts in overview.warnings.items()
        ],
    }


def _patch(group: PatchGroup) -> dict[str, Any]:
    entry = group.entry
    return {
        "id": visible(entry["id"]),
        "installed_version": visible(entry["installed_version"] or ""),
        "version": visible(entry["version"] or ""),
        "level": entry["level"] or "",
        "cves": _names(entry["cves"]),
        "advisories": _names(entry["advisories"]),
        "failure": visible(entry["failure"] or ""),
        "hosts": _names(group.hosts),
    }


def _names(names: Sequence[str]) -> list[str]:
    return [visible(name) for name in names]
