# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that bring packages to one host, or take them back: one after the other, within the time that it has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..engine.changes import Change, CommandStep
from ..engine.install_records import INSTALL
from ..host.job_client import JobState
from ..host.job_driver import JobDriver
from .job_report import failures_of_job, told_by_job
from .plan import job_plan


class InstallJobs:
    """``seconds`` is the time for all jobs together; ``environment`` is the task's and may hold secrets."""

    def __init__(
        self,
        driver: JobDriver,
        *,
        seconds: int,
        environment: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
        kind: str = INSTALL,
    ) -> None:
        self._kind = kind
        self.session = uuid.uuid4().hex[:16]
        """What the records of these jobs are known by together."""
        self._driver = driver
        self._seconds = seconds
        self._environment = environment
        self._clock = clock
        self._began: float | None = None
        self.done: list[JobState] = []
        self.reasons: dict[str, str] = {}
        """Why a package failed, by its name (with its kind before, where packages have one), in the package manager's
        words."""
        self.transactions: dict[str, dict[str, list[int]]] = {}
        """Ids of the package manager's history by job id."""
        self.script_failures: list[str] = []
        """Scripts that failed in packages that count as installed, in the package manager's words."""
        self.reason = ""
        """Why the last job that failed did, for what has no reason of its own."""
        self.failures: list[str] = []
        """Each job that did not succeed, with the steps of it that failed."""

    def run(
        self,
        manager: Any,
        boot_id: str | None,
        steps: Sequence[CommandStep],
        *,
        changes: Iterable[Change] = (),
        title: str = "",
        record: bytes = b"",
    ) -> JobState:
        """The job's final state; why it failed is noted. ``manager`` is the module that planned the steps, ``record``
        what the journal keeps of what the job may change."""
        if self._began is None:
            self._began = self._clock()
        plan = job_plan(
            f"{self._kind}-{uuid.uuid4().hex[:16]}",
            steps,
            changes=changes,
            boot_id=boot_id,
            environment=self._environment(),
            timeout=max(1, self.seconds_left),
            title=title,
            kill_grace=manager.KILL_GRACE,
            record=record,
        )
        state = self._driver.run(plan)
        self.done.append(state)
        failed = state.result != "SUCCEEDED"
        if failed or hasattr(manager, "reasons_of_step"):
            reasons, self.reason = failures_of_job(state, self._driver, manager)
            self.reasons.update(reasons)
        if failed:
            self.failures.append(f"'{plan.title}' ended as {state.result}: {self.reason}")
            self.failures = list(dict.fromkeys(self.failures))
        self.note(manager, state)
        return state

    def note(self, manager: Any, state: JobState) -> None:
        """Keeps what the logs of a job tell, one of an earlier run included."""
        transactions, failed = told_by_job(state, self._driver, manager)
        if transactions:
            self.transactions[state.job_id] = {manager.HISTORY: transactions}
        self.script_failures += failed

    @property
    def seconds_left(self) -> int:
        """What is left for further jobs."""
        return int(self._seconds - (0 if self._began is None else self._clock() - self._began))

    @property
    def result(self) -> str | None:
        """How the last job ended; None without one."""
        return str(self.done[-1].result) if self.done else None

    @property
    def hung(self) -> bool:
        """Whether any job had a step that did not end by itself."""
        return any(_hung(job) for job in self.done)

    @property
    def last_hung(self) -> bool:
        """The same of the last job."""
        return bool(self.done) and _hung(self.done[-1])

    def may_go_on(self) -> bool:
        """Whether something is left to try, and time for it."""
        return self.result in ("FAILED", "PARTIAL", "INTERRUPTED") and self.seconds_left > 0


def _hung(job: JobState) -> bool:
    return any(step.ended_by == "step" for step in job.steps)
