# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many hosts at once, and after how many failures no further one starts: Patch Manager's meaning, as a model.

Source: Systems Manager user guide, using targets and rate controls. The model knows no clock and no host: it says,
for what has become of the hosts so far, which ones start now. Playbooks do what it says; tests compare them with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

RUNNING = "running"
OK = "ok"
LEFT_ALONE = "not_started"
"""A host that had its turn and was not started, as by a maintenance window: no error, and nothing to wait for."""
ERRORS = ("failed", "timed_out", "unreachable")
STATUSES = (RUNNING, OK, LEFT_ALONE, *ERRORS)


@dataclass(frozen=True)
class RatePlan:
    """What is asked for, resolved for one set of hosts."""

    hosts: tuple[str, ...]
    """The whole target set, in the order in which they start."""
    concurrency: int
    max_errors: int
    """So many hosts may end in an error; with the next one no further host starts."""
    waves: tuple[int, ...] = ()
    """How many hosts have had their turn at the end of each wave: growing, the last one all. Without any, one wave."""
    ramp_up: bool = False
    """Begin with one at a time, then two, four, and so on up to ``concurrency``."""
    batches: bool = False
    """Start the next hosts only when none is running, as Ansible's ``serial`` does, instead of as soon as one ends."""
    domain_of: Mapping[str, str] = field(default_factory=dict)
    max_per_domain: int | None = None
    """So many hosts of one failure domain at once; a host without a domain is bound by none."""

    def width(self, finished: int) -> int:
        """How many hosts may be under way when ``finished`` have ended.

        Ramping up, the width doubles when as many hosts have ended at the old width: 1, then 2 after 1, 4 after 3.
        """
        return min(self.concurrency, 1 << ((finished + 1).bit_length() - 1)) if self.ramp_up else self.concurrency

    def wave_ends(self) -> tuple[int, ...]:
        return self.waves or (len(self.hosts),)


@dataclass(frozen=True)
class Verdict:
    """What to do now."""

    start: tuple[str, ...]
    running: tuple[str, ...]
    errors: tuple[str, ...]
    waiting: tuple[str, ...]
    """Hosts whose turn has not come, ``start`` among them; when stopped, they are not started at all."""
    stopped: bool
    reason: str
    """Why no further host starts; empty while it goes on."""
    wave: int
    """The wave of the hosts to start next, from 0; the number of waves when all have had their turn."""
    gate: int | None = None
    """The wave that has ended and whose health check has to be answered before the next one starts."""

    @property
    def over(self) -> bool:
        """Nothing is under way and nothing more will start."""
        return not self.running and (self.stopped or not self.waiting)


def judge(plan: RatePlan, statuses: Mapping[str, str], *, gates: Sequence[bool] | None = None) -> Verdict:
    """``statuses`` has a word of ``STATUSES`` for each host that has had its turn.

    Hosts outside the plan do not count. ``gates``: the health checks after the waves so far, in order; None when
    there are no such checks. A check that failed stops as too many errors do.
    """
    known = {host: statuses[host] for host in plan.hosts if host in statuses}
    running = tuple(host for host, status in known.items() if status == RUNNING)
    # A word that nobody knows is no success.
    errors = tuple(host for host, status in known.items() if status not in (RUNNING, OK, LEFT_ALONE))
    waiting = tuple(host for host in plan.hosts if host not in known)
    wave = _ended_waves(plan, known)
    stop = _why_stopped(plan, errors, gates)
    gate = None
    start: tuple[str, ...] = ()
    if not stop and waiting:
        if gates is not None and len(gates) < wave:
            gate = len(gates)
        else:
            start = _to_start(plan, known, running, wave)
    return Verdict(start, running, errors, waiting, bool(stop), stop, wave, gate)


def _ended_waves(plan: RatePlan, known: Mapping[str, str]) -> int:
    """How many waves have ended for good, which is the number of the next one: it starts only then."""
    return sum(all(known.get(host, RUNNING) != RUNNING for host in plan.hosts[:end]) for end in plan.wave_ends())


def _why_stopped(plan: RatePlan, errors: Sequence[str], gates: Sequence[bool] | None) -> str:
    if len(errors) > plan.max_errors:
        named = ", ".join(errors[:5]) + (", ..." if len(errors) > 5 else "")
        return (
            f"{len(errors)} of {len(plan.hosts)} hosts failed, timed out or were unreachable ({named}), and"
            f" {plan.max_errors} are allowed: no further host starts"
        )
    if gates is not None and not all(gates):
        return f"the health check after wave {list(gates).index(False) + 1} failed: no further host starts"
    return ""


def _to_start(plan: RatePlan, known: Mapping[str, str], running: Sequence[str], wave: int) -> tuple[str, ...]:
    if plan.batches and running:
        return ()
    # Hosts that were left alone show nothing that would allow more at once.
    finished = sum(status not in (RUNNING, LEFT_ALONE) for status in known.values())
    room = plan.width(finished) - len(running)
    domains = Counter(plan.domain_of[host] for host in running if host in plan.domain_of)
    chosen: list[str] = []
    for host in plan.hosts[: plan.wave_ends()[wave]]:
        if len(chosen) >= room:
            break
        domain = plan.domain_of.get(host)
        full = domain is not None and plan.max_per_domain is not None and domains[domain] >= plan.max_per_domain
        if host in known or full:
            continue
        if domain is not None:
            domains[domain] += 1
        chosen.append(host)
    return tuple(chosen)


def batch_sizes(plan: RatePlan) -> list[int]:
    """The batches of hosts, in their order, when each begins after the one before has ended and all goes well.

    Hosts stay in order: where the next one's failure domain is full, the batch ends.
    """
    batched = replace(plan, batches=True)
    sizes: list[int] = []
    statuses: dict[str, str] = {}
    while len(statuses) < len(plan.hosts):
        start = judge(batched, statuses).start
        following = plan.hosts[len(statuses) :]
        size = next((number for number, host in enumerate(start) if host != following[number]), len(start))
        sizes.append(size)
        statuses |= dict.fromkeys(following[:size], OK)
    return sizes


@dataclass(frozen=True)
class Played:
    """How a run goes when every host's fate is known beforehand."""

    statuses: dict[str, str]
    started: tuple[str, ...]
    """In the order in which they started."""
    not_started: tuple[str, ...]
    peak: int
    """The most hosts that were under way at once."""
    stopped: bool
    reason: str


def play_out(
    plan: RatePlan,
    fates: Mapping[str, str],
    *,
    durations: Mapping[str, int] | None = None,
    healthy: Sequence[bool] | None = None,
) -> Played:
    """The whole run by the model: each host ends with its fate (default ok) after its duration (default 1).

    Hosts that end at the same moment end together. ``healthy``: the answers of the health checks, wave by wave.
    """
    durations = durations or {}
    statuses: dict[str, str] = {}
    ends: dict[str, int] = {}
    started: list[str] = []
    gates: list[bool] | None = None if healthy is None else []
    clock = peak = 0
    while True:
        verdict = judge(plan, statuses, gates=gates)
        if verdict.gate is not None and gates is not None and healthy is not None:
            gates.append(healthy[verdict.gate])
            continue
        for host in verdict.start:
            statuses[host] = RUNNING
            ends[host] = clock + durations.get(host, 1)
            started.append(host)
        peak = max(peak, len(ends))
        if not ends:
            return Played(statuses, tuple(started), verdict.waiting, peak, verdict.stopped, verdict.reason)
        clock = min(ends.values())
        for host in [each for each, end in ends.items() if end == clock]:
            del ends[host]
            statuses[host] = fates.get(host, OK)
