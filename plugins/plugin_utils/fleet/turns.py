# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is in a run with rate control: asked for by many processes at once, answered by one log under a lock.

``STATE/runs/RUN_ID/turns/PROCESS.jsonl`` has one line per event: the plan, a host that began, a host that ended, a
wave that ended, the answer of its health check, and that no further host starts. A new plan begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import PatchError
from . import files
from .rate_control import LEFT_ALONE, RUNNING, RatePlan, Verdict, judge
from .run_directory import Run

STUCK_AFTER = 300.0
"""Seconds. Every host of a sliding window asks within moments of getting its slot; one that has not by then, while
none runs and none begins, was lost."""


@dataclass(frozen=True)
class Between:
    """What happens between waves."""

    pause: float = 0
    """Seconds."""
    health_check: bool = False
    timeout: float = 1800
    """Seconds to wait for its answer."""

    @property
    def anything(self) -> bool:
        return self.health_check or self.pause > 0


@dataclass
class Wave:
    """A wave whose hosts have all ended. Times are seconds since 1970."""

    ended: float
    asked: float | None = None
    healthy: bool | None = None


@dataclass
class Log:
    """What the events so far come to."""

    plan: RatePlan
    between: Between
    statuses: dict[str, str] = field(default_factory=dict)
    waves: dict[int, Wave] = field(default_factory=dict)
    stopped: str = ""
    last: float = 0
    """When the last event was."""

    def gates(self) -> list[bool] | None:
        """The waves that were let through or stopped, in order; None where nothing comes between waves."""
        if not self.between.anything:
            return None
        answers = [self.waves[number].healthy for number in sorted(self.waves)]
        return [answer for answer in answers if answer is not None]

    def why_stopped(self) -> str:
        """Empty where nothing was held back; hosts that were under way may have added errors since."""
        return self.stopped and (judge(self.plan, self.statuses, gates=self.gates()).reason or self.stopped)


@dataclass(frozen=True)
class Turn:
    """What a host or a batch is told."""

    go: bool
    wait: float | None = None
    """Seconds after which to ask again; None when this is the last word. Thousands ask less often."""
    check_wave: int | None = None
    """The wave, from 0, whose health the asking host has to check before it asks again."""
    wave_hosts: tuple[str, ...] = ()
    """All hosts that had their turn so far, when there is something to check."""
    reason: str = ""
    errors: tuple[str, ...] = ()


class Turns:
    """The log of one ansible-playbook in its run."""

    def __init__(self, run: Run) -> None:
        self._path = run.path / "turns" / f"{run.process}.jsonl"

    def start(self, plan: RatePlan, between: Between, *, now: float) -> None:
        """From here on this plan counts."""
        files.make_private_directory(self._path.parent)
        with self._locked():
            self._note(now, plan=asdict(plan), between=asdict(between))

    def read(self) -> Log | None:
        """None when nothing was planned."""
        log: Log | None = None
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        for line in lines:
            log = _after(log, files.read_event(line, self._path))
        return log

    def ask(self, host: str, *, now: float, lost: Iterable[str] = ()) -> Turn:
        """May this host of a sliding window begin? If so it has begun.

        ``lost``: hosts that are no longer in the play; those that never began are left alone.
        """
        with self._locked():
            log = self._planned()
            known = log.statuses | {each: LEFT_ALONE for each in lost if each not in log.statuses}
            if RUNNING not in known.values() and now - log.last > STUCK_AFTER:
                before = log.plan.hosts[: log.plan.hosts.index(host)]
                known |= {each: LEFT_ALONE for each in before if each not in known}
            verdict = judge(log.plan, known, gates=log.gates())
            if host in verdict.start:
                self._note(now, host=host, status=RUNNING)
                return Turn(True, errors=verdict.errors)
            if verdict.stopped or verdict.gate is None:
                return self._held(log, verdict, now)
            # The first host of the next wave checks the one before; the others wait for its answer.
            return self._between(log, verdict, known, now, may_check=verdict.waiting[0] == host)

    def look(self, statuses: Mapping[str, str], *, now: float) -> Turn:
        """May the next batch begin? ``statuses``: of all hosts of earlier batches."""
        with self._locked():
            log = self._planned()
            verdict = judge(log.plan, statuses, gates=log.gates())
            if verdict.stopped:
                return self._held(log, verdict, now)
            if verdict.gate is None:
                return Turn(True, errors=verdict.errors)
            wave = log.waves.get(verdict.gate)
            if wave is not None and wave.asked is not None:
                # Nobody else could still answer: the check lost its host.
                self._note(now, wave=verdict.gate, healthy=False)
                gates = [*(log.gates() or []), False]
                return self._held(log, judge(log.plan, statuses, gates=gates), now)
            return self._between(log, verdict, statuses, now, may_check=True)

    def end(self, host: str, status: str, *, now: float) -> bool:
        """The host has ended; False when it had not begun."""
        with self._locked():
            if self._planned().statuses.get(host) != RUNNING:
                return False
            self._note(now, host=host, status=status)
            return True

    def answer(self, wave: int, healthy: bool, *, now: float) -> None:
        """What the health check after this wave says."""
        with self._locked():
            self._note(now, wave=wave, healthy=healthy)

    def _held(self, log: Log, verdict: Verdict, now: float) -> Turn:
        if not verdict.stopped:
            return Turn(False, wait=_patience(log), errors=verdict.errors)
        if not log.stopped:
            self._note(now, stopped=verdict.reason)
        return Turn(False, reason=verdict.reason, errors=verdict.errors)

    def _between(self, log: Log, verdict: Verdict, statuses: Mapping[str, str], now: float, *, may_check: bool) -> Turn:
        number = -1 if verdict.gate is None else verdict.gate
        wave = log.waves.get(number)
        if wave is None:
            self._note(now, wave=number, ended=now)
            wave = Wave(now)
        left = wave.ended + log.between.pause - now
        if left > 0:
            return Turn(False, wait=max(min(left, 5), _patience(log)), errors=verdict.errors)
        if not log.between.health_check:
            self._note(now, wave=number, healthy=True)
            return Turn(False, wait=0, errors=verdict.errors)
        if wave.asked is None and may_check:
            self._note(now, wave=number, asked=now)
            hosts = tuple(host for host in log.plan.hosts if host in statuses)
            return Turn(False, check_wave=number, wave_hosts=hosts, errors=verdict.errors)
        if wave.asked is not None and now - wave.asked > log.between.timeout:
            self._note(now, wave=number, healthy=False)
            return Turn(False, wait=0, errors=verdict.errors)
        return Turn(False, wait=_patience(log), errors=verdict.errors)

    def _planned(self) -> Log:
        log = self.read()
        if log is None:
            message = "Nothing was planned in this run: openfleet.patch.plan_rates comes first, once for all hosts."
            raise PatchError("no_plan", message)
        return log

    @contextmanager
    def _locked(self) -> Iterator[None]:
        files.make_private_directory(self._path.parent)
        with files.locked(self._path.with_suffix(".lock")):
            yield

    def _note(self, now: float, **event: Any) -> None:
        files.append_line(self._path, json.dumps({"at": round(now, 3), **event}))


def read_turns(run: Run) -> Log | None:
    """What was planned and what came of it; None without rate control."""
    return Turns(run).read()


def _patience(log: Log) -> float:
    return max(0.1, len(log.plan.hosts) / 500)


def _after(log: Log | None, event: Mapping[str, Any]) -> Log | None:
    if "plan" in event:
        return Log(_plan(event["plan"]), Between(**event["between"]), last=event["at"])
    if log is None:
        return None
    log.last = event["at"]
    if "host" in event:
        log.statuses[event["host"]] = event["status"]
    elif "stopped" in event:
        log.stopped = event["stopped"]
    elif "wave" in event:
        wave = log.waves.setdefault(event["wave"], Wave(event["at"]))
        wave.asked = event.get("asked", wave.asked)
        wave.healthy = event.get("healthy", wave.healthy)
    return log


def _plan(raw: Mapping[str, Any]) -> RatePlan:
    return RatePlan(**{**raw, "hosts": tuple(raw["hosts"]), "waves": tuple(raw["waves"])})
