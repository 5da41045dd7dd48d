# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the tasks of a maintenance window: in the run, and over all runs of one opening.

``RUN/window/plan.json`` has the plan, ``RUN/window/turns.jsonl`` what was begun and how it ended;
``STATE/windows/NAME/OPENS.jsonl`` which host had which task in an opening, so that no other run starts it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PatchError
from . import files
from .rate_control import ERRORS, LEFT_ALONE, OK, RUNNING
from .run_directory import Run

_WORST = (*reversed(ERRORS), LEFT_ALONE, RUNNING, OK)
"""From the worst word on a host to the best."""


@dataclass
class TaskLog:
    """One task so far; times in UTC text."""

    began_at: str | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def errors(self) -> list[str]:
        return [host for host, status in self.statuses.items() if status in ERRORS]


class WindowRun:
    """The tasks of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.path / "window"

    def start(self, plan: Mapping[str, Any]) -> None:
        """Keep what is planned; turns of an earlier plan of this run stay, so that it can be gone on with."""
        files.make_private_directory(self._folder)
        files.write_json(self._folder / "plan.json", dict(plan))

    def plan(self) -> dict[str, Any]:
        """Raises ``no_plan``."""
        path = self._folder / "plan.json"
        if not path.exists():
            raise PatchError("no_plan", "Nothing was planned in this run: openfleet.patch.plan_window comes first.")
        found: dict[str, Any] = files.read_json(path)
        return found

    def note(self, task: str, host: str, status: str, *, at: str, message: str | None = None) -> None:
        files.make_private_directory(self._folder)
        event = {"at": at, "task": task, "host": host, "status": status, "message": message}
        with files.locked(self._folder / ".lock"):
            files.append_line(self._folder / "turns.jsonl", json.dumps(event))

    def logs(self) -> dict[str, TaskLog]:
        """Task to what became of it."""
        found: dict[str, TaskLog] = {}
        for event in _events(self._folder / "turns.jsonl"):
            log = found.setdefault(event["task"], TaskLog())
            if event["status"] == RUNNING and log.began_at is None:
                log.began_at = event["at"]
            log.statuses[event["host"]] = event["status"]
            log.messages[event["host"]] = event.get("message") or ""
        return found

    def worst(self, host: str) -> tuple[str, str, str] | None:
        """Task, status and message of the worst that this host had; None where it had nothing."""
        had = [
            (name, log.statuses[host], log.messages[host]) for name, log in self.logs().items() if host in log.statuses
        ]
        return min(had, key=lambda each: _WORST.index(each[1])) if had else None


def claim(state_directory: Path, wanted: Iterable[tuple[str, str, str, str]], *, run_id: str) -> set[tuple[str, ...]]:
    """Those of ``(window, opens, task, host)`` that no other run has had; they are this run's from now on."""
    granted: set[tuple[str, ...]] = set()
    by_opening: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for window, opens, task, host in wanted:
        by_opening.setdefault((window, opens), []).append((task, host))
    for (window, opens), pairs in by_opening.items():
        folder = state_directory / "windows" / files.safe_name(window)
        files.make_private_directory(state_directory / "windows")
        files.make_private_directory(folder)
        path = folder / f"{files.safe_name(opens)}.jsonl"
        with _locked(path):
            taken = {(each["task"], each["host"]): each["run_id"] for each in _events(path)}
            for task, host in pairs:
                owner = taken.setdefault((task, host), "")
                if not owner:
                    files.append_line(path, json.dumps({"task": task, "host": host, "run_id": run_id}))
                if owner in ("", run_id):
                    granted.add((window, opens, task, host))
    return granted


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with files.locked(path.with_suffix(".lock")):
        yield


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            # Half a line of a process that was killed.
            continue
        if isinstance(event, dict):
            yield event
