# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive a job on a host to its end, over connections that come and go.

The job runs on its own; what happens here is asking. Interrupting the controller leaves it running, and whoever
asks next is told how it stands.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Protocol

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import job_client
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.frames import one_line
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import (
    JobRequest,
    JobState,
    LogCursor,
    UnitState,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan

# A poll answers within its wait and a moment; one that does not has lost its connection.
_POLL_SECONDS = 60
_LEAST_SECONDS = 5
_RETRY_SECONDS = 3
_GARBLED_ANSWERS = 5
_RECOVERIES = 5
_LOG_KEPT = 200_000
# "Setting up curl (7.88.1-10+deb12u15) ..." of dpkg, "  Upgrading : acme-1.1-1.x86_64  3/9" of dnf and yum
_PACKAGE_LINE = re.compile(r"^\s*(Unpacking|Setting up|Removing|Upgrading|Installing|Updating) +:? *(\S+)")


class JobChannel(Protocol):
    """What carries requests; ``HostChannel`` is one."""

    def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
        """Run a shell program on the host; the text of its answer."""

    def reset(self) -> None:
        """Drop the connection, so that the next request makes a new one."""


class JobDriver:
    """Starts, follows and recovers jobs of one host.

    ``tell`` gets a line when something changes. ``reconnect_seconds``: how long a host may be out of reach while a
    job runs. ``wait`` is how long one question may wait for a change, in seconds.
    """

    def __init__(
        self,
        channel: JobChannel,
        *,
        tell: Callable[[str], None],
        reconnect_seconds: int,
        wait: int = 10,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channel = channel
        self._tell = tell
        self._reconnect = reconnect_seconds
        self._wait = wait
        self._clock = clock
        self._sleep = sleep
        self._told = ("", "")

    def be_patient(self, seconds: int) -> None:
        """From now on the host may be out of reach for so long, if that is longer."""
        self._reconnect = max(self._reconnect, seconds)

    def settle(self) -> JobState | None:
        """Follow or finish an earlier job; its final state, or None when there was nothing left to do.

        The first question of a run: a host that does not answer it is unreachable at once.
        """
        state = self._ask(job_client.current_request(), patient=False)
        if state.state in ("none", "finished"):
            return None
        if state.state == "interrupted":
            self._tell(f"an earlier job, {state.title}, was cut off; finishing or undoing it first")
            state = self._ask(job_client.recover_request())
        else:
            self._tell(f"an earlier job, {state.title}, is still running; waiting for its end")
        return self._follow(state)

    def run(self, plan: Plan) -> JobState:
        """The final state of ``plan``. Raises ``job_busy`` when another job keeps the host."""
        request = job_client.start_request(plan)
        for _attempt in range(3):
            state = self._ask(request)
            if state.job_id == plan.job_id:
                return self._follow(state)
            self._tell(f"job {state.title} is in the way; waiting for its end")
            self._follow(state)
        raise PatchError(
            "job_busy",
            f"Other jobs ({state.title}) keep starting on this host; the plan was not started.",
            job=state.title,
        )

    def _follow(self, state: JobState) -> JobState:
        cursor: LogCursor | None = None
        log = ""
        recoveries = 0
        while not state.finished:
            self._report(state, log)
            if state.state == "interrupted":
                recoveries += 1
                if recoveries > _RECOVERIES:
                    raise _stuck(state)
                state = self._ask(job_client.recover_request())
            state = self._ask(job_client.poll_request(state.job_id, cursor, wait=self._wait))
            if state.cursor is None or (cursor is not None and state.cursor.unit != cursor.unit):
                log = ""
            log = (log + state.log.decode("utf-8", "replace"))[-_LOG_KEPT:]
            # The log of a unit that has ended, read to its end, makes room for that of the next one.
            cursor = state.cursor if state.log or _runs(state, state.cursor) else None
        self._report(state, log)
        return state

    def log_end(self, job_id: str, step: UnitState) -> str:
        """The last 32 KiB that a step of a job printed."""
        cursor = LogCursor(f"steps/{step.number:03d}", job_client.LAST)
        return self._ask(job_client.poll_request(job_id, cursor)).log.decode("utf-8", "replace")

    def _report(self, state: JobState, log: str) -> None:
        where, doing = progress(state, log)
        self._tell_once((where, doing), f"{where}, {state.elapsed} s: {doing}")

    def _ask(self, request: JobRequest, *, patient: bool = True) -> JobState:
        """The answer, from a new connection where the old one broke. Requests may be repeated: a job that exists is
        attached to, never started twice."""
        # One question that hangs must leave time for another over a new connection.
        seconds = self._wait + max(_LEAST_SECONDS, min(_POLL_SECONDS, self._reconnect // 3))
        deadline = self._clock() + self._reconnect
        garbled = 0
        while True:
            try:
                output = self._channel.run_program(request.program, request.nonce, seconds=seconds)
                return job_client.parse_answer(output, request.nonce)
            except AnsibleConnectionFailure as error:
                if not patient:
                    raise
                lost: Exception = error
            except PatchError as error:
                garbled += error.kind == "bad_answer"
                if not patient or error.kind not in ("timed_out", "bad_answer") or garbled > _GARBLED_ANSWERS:
                    raise
                lost = error
            if self._clock() >= deadline:
                raise self._unreachable(lost) from lost
            waiting = f"no answer; a job that has begun goes on, asking again for up to {self._reconnect} s"
            self._tell_once(("lost", ""), waiting)
            self._channel.reset()
            self._sleep(_RETRY_SECONDS)

    def _tell_once(self, what: tuple[str, str], line: str) -> None:
        if what != self._told:
            self._told = what
            self._tell(line)

    def _unreachable(self, error: Exception) -> AnsibleConnectionFailure:
        """The end of patience is Ansible's own kind of failure, whichever way the host stopped answering."""
        return AnsibleConnectionFailure(
            f"The host did not answer for {self._reconnect} seconds. A job that has begun there goes on; run this "
            f"again to follow it to its end. Last seen: {one_line(str(error))}"
        )


def _stuck(state: JobState) -> PatchError:
    return PatchError(
        "job_stuck",
        f"Job {state.job_id} ({one_line(state.title, 80)}) was cut off, and what finishes or undoes it ends as well. "
        f"See {job_client.STATE_DIRECTORY}/jobs/{state.job_id} on the host.",
        job=state.job_id,
    )


def progress(state: JobState, log: str) -> tuple[str, str]:
    """Where a job stands and what it does: ``("step 2 of 3", "install curl 7.88 (Setting up curl)")``."""
    if state.finished:
        return "finished", str(state.result)
    step = state.current_step
    if step is None:
        return "starting", one_line(state.title, 80)
    words = _last_package(log)
    doing = f" ({words})" if words else ""
    return f"step {step.number} of {len(state.steps)}", one_line(step.name, 80) + doing


def _runs(state: JobState, cursor: LogCursor | None) -> bool:
    return cursor is not None and any(
        unit.state == "running" and cursor.unit == f"{kind}/{unit.number:03d}"
        for kind, units in (("steps", state.steps), ("undo", state.undos))
        for unit in units
    )


def _last_package(log: str) -> str:
    for line in reversed(log[-4000:].splitlines()):
        found = _PACKAGE_LINE.match(line)
        if found:
            return one_line(f"{found[1]} {found[2]}", 80)
    return ""
