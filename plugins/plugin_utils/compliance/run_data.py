# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people gave a run: their words or a change number, who they are, how long it may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

GIVEN = "requested_by"
OF_AWX = ("awx_user_name", "tower_user_name")
"""Variables of every job of AWX and automation controller that a person launched."""
JOBS_OF_AWX = ("awx_job_id", "tower_job_id")
"""The number of such a job; AWX gives both names to every one."""
LOGIN = "login"
TIMEOUTS = ("run_timeout", "host_timeout")
NAMES = ("comment", "requested_by", "requested_by_source", *TIMEOUTS)
_GATHERED = {
    "comments": "comment",
    "requested_by": "requested_by",
    "run_timeouts": "run_timeout",
    "host_timeouts": "host_timeout",
}
_MOST = 20
_LONGEST = 2000


def run_data(arguments: Mapping[str, Any], variables: Mapping[str, Any], *, login: str | None) -> dict[str, Any]:
    """``run.data`` of a document: ``comment``, ``requested_by`` and where that name is from, ``job_id`` of AWX,
    ``run_timeout`` and ``host_timeout`` in seconds; what is not set is absent.

    ``arguments`` of the task, ``variables`` of its host, ``login``: who runs the play on the controller.
    """
    named = {GIVEN: arguments.get(GIVEN), **{name: variables.get(name) for name in OF_AWX}, LOGIN: login}
    data: dict[str, Any] = {}
    if arguments.get("comment"):
        data["comment"] = str(arguments["comment"])
    for source, name in named.items():
        if name:
            data |= {"requested_by": str(name)[:_LONGEST], "requested_by_source": source}
            break
    job = next((variables[name] for name in JOBS_OF_AWX if variables.get(name)), None)
    if job is not None:
        data["job_id"] = str(job)[:_LONGEST]
    return data | {name: arguments[name] for name in TIMEOUTS if arguments.get(name) is not None}


def gather(parts: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """All that the hosts of a run say, each once, in the order met: ``comments``, ``requested_by``, ``run_timeouts``,
    ``host_timeouts``; no more than 20 of each."""
    found: dict[str, list[Any]] = {name: [] for name in _GATHERED}
    for part in parts:
        add(found, part)
    return found


def add(found: dict[str, list[Any]], part: Mapping[str, Any]) -> None:
    """One more host for what ``gather`` returned."""
    for name, key in _GATHERED.items():
        value = part.get(key)
        if isinstance(value, (str, int)) and value not in found[name] and len(found[name]) < _MOST:
            found[name].append(value)


def spoken(found: Mapping[str, list[Any]]) -> list[str]:
    """``comment: CHG-4711``, ``requested by alice``; an empty list where nothing is known."""
    told = [f"comment: {'; '.join(map(str, found['comments']))}"] if found["comments"] else []
    if found["requested_by"]:
        told.append(f"requested by {', '.join(map(str, found['requested_by']))}")
    for name, what in (("run_timeouts", "the run"), ("host_timeouts", "a host")):
        if found[name]:
            told.append(f"{what} may take {', '.join(map(str, found[name]))} s")
    return told
