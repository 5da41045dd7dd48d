# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rounds of one Windows installation took, claimed and left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..managers.windows_plan import Outcome


class Rounds:
    """``taken`` has the update ids that each call was to install, ``left`` why approved ones are in no call."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = 0.0
        self._jobs: list[dict[str, Any]] = []
        self._reasons: dict[str, str] = {}
        self.taken: list[frozenset[str]] = []
        self.left: dict[str, str] = {}
        self.waiting: frozenset[str] = frozenset()
        """Approved, and not installed before a reboot that is not to be."""
        self.reboots = 0
        self.timed_out = False

    def begin(self, ids: frozenset[str]) -> None:
        self.taken.append(ids)
        self._began = self._clock()

    def end(self, outcome: Outcome) -> None:
        """What a call said; what an earlier one said of the same updates no longer counts."""
        for name in self.taken[-1]:
            self._reasons.pop(name, None)
        self._reasons.update(outcome.failed)
        self._job("FAILED" if outcome.error or outcome.failed else "SUCCEEDED", outcome.error)

    def lose(self, ids: Iterable[str], reason: str) -> None:
        self.explain(ids, reason)
        self._job("INTERRUPTED", reason)

    def explain(self, ids: Iterable[str], reason: str) -> None:
        self._reasons.update(dict.fromkeys(ids, reason))

    def leave(self, left: Mapping[str, str]) -> None:
        self.left.update(left)

    def wait_for_reboot(self, ids: frozenset[str]) -> None:
        self.waiting = ids

    def why_not(self, update_id: str) -> str:
        """Why an approved update is still not there: Windows' own words first."""
        own, left = self._reasons.get(update_id), self.left.get(update_id)
        if own and left:
            return f"{own} ({left})"
        if own or left:
            return str(own or left)
        if self.timed_out:
            return "the time of the host was up"
        return "it became available while others were being installed"

    def told(self, *, changes: int, lacking: int) -> dict[str, Any]:
        """``result`` and ``jobs`` of the document's ``installation``; a job is one round."""
        return {"result": self._result(changes, lacking), "jobs": self._jobs, "reboots": self.reboots}

    def _result(self, changes: int, lacking: int) -> str:
        if self.timed_out:
            return "TIMED_OUT"
        if not self.taken:
            return "NOTHING_TO_DO" if not lacking else "REFUSED" if self.left else "FAILED"
        if not lacking:
            return "SUCCEEDED"
        return "PARTIAL" if changes else "FAILED"

    def _job(self, result: str, error: str | None) -> None:
        number, updates = len(self.taken), len(self.taken[-1])
        self._jobs.append(
            {
                "job": f"round-{number}",
                "title": f"install {updates} {'update' if updates == 1 else 'updates'}",
                "result": result,
                "undo_result": None,
                "seconds": round(self._clock() - self._began),
                "detached": False,
                "steps": [],
                "undone": [],
                "error": error,
            }
        )
