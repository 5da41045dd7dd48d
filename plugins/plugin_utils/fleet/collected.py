# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that come home from hosts: put where they would be, had the controller kept them.

A controller that forgets its files writes a document into a folder that is gone tomorrow; the host has its own copy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ..engine.digests import canonical_digest
from ..errors import PatchError
from . import files
from .run_directory import Run, adopt_run

ADDED = "added"
KNOWN = "known"
DIFFERS = "differs"
_SLACK = timedelta(days=1)
"""How far clocks of two controllers may be apart."""


def bring_home(
    state_directory: Path,
    host: str,
    document: Any,
    *,
    now: datetime,
    why_not: Callable[[Any], str | None],
) -> tuple[str, str]:
    """``(added | known | differs, run id)`` for a document that ``host`` says was made of it.

    ``differs``: the run is known and its documents of this host are others; nothing is added then. Raises
    ``bad_document`` for one that is of another host, of no time that can be, or no document. ``why_not`` says what is
    wrong with a value that should be one.
    """
    problem = why_not(document)
    if problem is not None:
        raise PatchError("bad_document", f"what {host} kept is no document: {problem}")
    if document["host"] != host:
        other = str(document["host"])[:100]
        told = f"what {host} kept is of '{other}': the host was renamed in the inventory, or is a copy"
        raise PatchError("bad_document", told)
    _check_times(host, document, now)
    of = document["run"]
    run = adopt_run(state_directory, of["id"], as_of=of["as_of"], started_at=of["started_at"])
    name = files.safe_name(host)
    with files.locked(run.path / ".lock"):
        known = [_digest(path) for path in files.numbered_paths(run.path / "hosts", name)]
        if canonical_digest(document) in known:
            return KNOWN, run.run_id
        if known:
            return DIFFERS, run.run_id
        run.write_document(host, document, newest=_is_newest(state_directory, name, document))
    if not files.numbered_paths(run.path / "outcomes", name):
        _note_outcome(run, host, document)
    return ADDED, run.run_id


def _check_times(host: str, document: dict[str, Any], now: datetime) -> None:
    """A document from tomorrow would be the newest one for as long as it likes."""
    told = {"run.as_of": document["run"]["as_of"], "run.started_at": document["run"]["started_at"]}
    told |= {f"times.{name}": document["times"][name] for name in ("started_at", "finished_at")}
    for place, text in told.items():
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise PatchError("bad_document", f"what {host} kept has no time in {place}: {text[:40]!r}") from None
        if place != "run.as_of" and moment > now + _SLACK:
            raise PatchError("bad_document", f"what {host} kept is of the future: {place} is {text}")


def _digest(path: Path) -> str | None:
    try:
        return canonical_digest(files.read_json(path))
    except (FileNotFoundError, PatchError):
        return None


def _is_newest(state_directory: Path, name: str, document: dict[str, Any]) -> bool:
    try:
        newest = files.read_json(state_directory / "hosts" / f"{name}.json")
        return bool(newest["times"]["finished_at"] <= document["times"]["finished_at"])
    except (FileNotFoundError, PatchError, KeyError, TypeError):
        return True


def _note_outcome(run: Run, host: str, document: dict[str, Any]) -> None:
    error = document["error"]
    run.record_outcome(
        host,
        {
            "status": "ok" if error is None else "failed",
            "verdict": document["verdict"],
            "kind": None if error is None else error.get("kind"),
            "message": None if error is None else error.get("message"),
            "operation": document["operation"],
            "collected": True,
            "at": document["times"]["finished_at"],
        },
    )
