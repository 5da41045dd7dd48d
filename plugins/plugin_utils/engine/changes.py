# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation would change, and whether it may: the same words for every package manager.

A manager turns targets into a simulation of its own tool and reads the answer into these records; what may be
installed is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .records import PackageKey, PatchRecord, package_key
from .versions import compare

UNVERSIONED = "unversioned"
"""Stands for a version that the package manager does not tell."""


@dataclass(frozen=True)
class Target:
    """One package at the exact version that was approved. ``family``: the source package, whose binary packages
    often fit only each other; the name where it is unknown."""

    name: str
    arch: str
    version: str
    installed_version: str | None
    automatic: bool | None = None
    family: str = ""
    kind: str = ""
    """Where packages have no architecture: what stands in its place, see ``records.package_key``."""

    @property
    def patch(self) -> str:
        """The identifier that decisions use."""
        return f"{self.name} {self.version}" if self.kind else f"{self.name}.{self.arch} {self.version}"


@dataclass(frozen=True)
class Change:
    """One package that a simulation installs, upgrades, downgrades (``version``) or removes (None)."""

    name: str
    arch: str
    installed_version: str | None
    version: str | None
    restart: bool = False
    """It asks for a restart of the host by itself."""


@dataclass
class Simulation:
    """What the package manager announced; ``error`` is its own refusal, None when it would go ahead.

    ``retired``: old instances of packages that stay beside each other (kernels), which go because the host keeps only
    so many of them. ``downgrades``: installed packages that would get an older version.
    ``avoided``: what was kept out of it because it may not come along, so that something else may serve instead.
    ``companions``: what comes along at this version because it was named beside the targets; the manager's own choice
    of version may not.
    """

    changes: list[Change] = field(default_factory=list)
    removals: list[Change] = field(default_factory=list)
    retired: list[Change] = field(default_factory=list)
    downgrades: list[Change] = field(default_factory=list)
    avoided: list[Change] = field(default_factory=list)
    companions: list[Target] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class Policy:
    """What may come along with approved versions.

    ``is_blocked``: the baseline rejects this change under BLOCK (Patch Manager user guide, rejected patches).
    ``is_held``: the host itself holds the package. ``is_approved``: the baseline approves this very version; asked
    only with ``require_approved_dependencies``. ``authority`` is what approves: ``baseline`` or ``snapshot``.
    ``why_kept``: what the host says of an installed package that nothing may take away ("is locked ..."), whatever
    ``allow_removals`` says; None of others.
    """

    is_blocked: Callable[[Change], bool]
    is_held: Callable[[Change], bool]
    is_approved: Callable[[Change], bool]
    allow_removals: bool = False
    require_approved_dependencies: bool = False
    authority: str = "baseline"
    why_kept: Callable[[Change], str | None] = lambda _change: None

    def refuses(self, change: Change) -> bool:
        """Whether this may not come along, for the sake of what is approved and rejected."""
        return self.is_blocked(change) or (self.require_approved_dependencies and not self.is_approved(change))


@dataclass
class Choice:
    """``targets`` may be installed together, ``simulation`` is theirs; ``refused`` tells why each other may not."""

    targets: list[Target]
    simulation: Simulation
    refused: dict[Target, list[str]]


@dataclass(frozen=True)
class FileArgument:
    """An argument that is the path of a file with this content, which comes to the host with the plan; one that is
    ``secret`` goes when the job ends."""

    name: str
    content: bytes
    secret: bool = False
    prefix: str = ""
    """Stands before the path in the argument."""


Argument = str | FileArgument


@dataclass(frozen=True)
class PrivateRepositories:
    """Repositories that replace those of the host for one run, for plans: see ``engine.sources``.

    ``folder`` is where their metadata lies on the host, ``text`` the file of repositories without what opens them,
    ``secret_text`` and ``netrc`` with it; ``names_keys``: whether rpm may come to trust keys for them.
    """

    folder: str
    text: str
    secret_text: str
    netrc: str = ""
    names_keys: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """For simulations: a command line would show it to everybody."""
        return {"OPENFLEET_PATCH_SOURCES": self.text, "OPENFLEET_PATCH_SOURCES_FOLDER": self.folder}

    @property
    def file(self) -> FileArgument:
        """For a job, on the host as long as that lasts: the folder in the first line, the repositories below."""
        return FileArgument("sources", f"{self.folder}\n{self.secret_text}".encode(), secret=True)


@dataclass(frozen=True)
class CommandStep:
    """One command of a plan: an argument vector, seconds, and what becomes of the rest when it fails.

    ``on_crash``: ``undo``, ``retry`` or ``report``, as the job runner knows them. ``cleanup`` runs whatever happened.
    ``undo_files``: files that it changes for the time of the job alone; put back as they were when the job ends.
    """

    name: str
    argv: tuple[Argument, ...]
    timeout: int
    environment: Mapping[str, str] = field(default_factory=dict)
    continue_on_failure: bool = False
    cleanup: bool = False
    on_crash: str = "retry"
    ok_codes: tuple[int, ...] = (0,)
    undo_files: tuple[str, ...] = ()


def targets_from(
    decided: Iterable[tuple[PatchRecord, Mapping[str, Any]]],
    *,
    skip: Callable[[PatchRecord], bool],
    automatic: Mapping[PackageKey, bool | None],
    scheme: str,
) -> list[Target]:
    """Targets for (record, decision) pairs that are approved and not skipped (held, deferred); in a fixed order, so
    that the same decisions give the same plan. Of several approved versions of one package (an override list may
    name them) the newest by ``scheme`` (rpm, deb, plain)."""
    chosen: dict[PackageKey, Target] = {}
    for record, decision in decided:
        if decision["decision"] != "approved" or skip(record):
            continue
        key = package_key(record)
        if key in chosen and compare(record["version"], chosen[key].version, scheme) <= 0:
            continue
        chosen[key] = Target(
            name=record["name"],
            arch=key[1],
            version=record["version"],
            installed_version=record.get("installed_version"),
            automatic=automatic.get(key),
            family=record.get("source_package") or record["name"],
            kind=record.get("kind") or "",
        )
    return [chosen[key] for key in sorted(chosen)]


def wanted_by(change: Change, targets: Mapping[PackageKey, Target]) -> Target | None:
    """The target behind a change; a package for all architectures may be told with the native one."""
    return targets.get((change.name, change.arch)) or targets.get((change.name, "all"))


def _by_key(targets: Iterable[Target]) -> dict[PackageKey, Target]:
    return {(target.name, target.arch): target for target in targets}


def pulled_in(simulation: Simulation, targets: Sequence[Target]) -> list[Change]:
    """What would come along although nobody asked for it by name."""
    wanted = _by_key(targets)
    return [change for change in simulation.changes if wanted_by(change, wanted) is None]


def objections(simulation: Simulation, targets: Sequence[Target], policy: Policy) -> list[str]:
    """Why these targets may not be installed together as simulated; empty when they may."""
    if simulation.error is not None:
        return [simulation.error]
    found = []
    for change in (*simulation.removals, *simulation.retired):
        kept = policy.why_kept(change)
        if kept is not None:
            found.append(f"would remove {change.name} {change.installed_version}, which {kept}")
    for change in simulation.removals:
        if policy.why_kept(change) is not None:
            continue
        if not policy.allow_removals:
            found.append(f"would remove {change.name} {change.installed_version}")
        elif policy.is_held(change):
            found.append(f"would remove {change.name} {change.installed_version}, which this host holds back")
    found += [
        f"would downgrade {each.name} from {each.installed_version} to {each.version}" for each in simulation.downgrades
    ]
    for change in pulled_in(simulation, targets):
        if policy.is_blocked(change):
            found.append(f"needs {change.name} {change.version}, which the baseline rejects (BLOCK)")
        elif policy.is_held(change):
            found.append(f"needs {change.name} {change.version}, which this host holds back")
        elif policy.require_approved_dependencies and not policy.is_approved(change):
            found.append(f"needs {change.name} {change.version}, which the {policy.authority} does not approve")
    wanted = _by_key(targets)
    announced = set()
    for change in simulation.changes:
        target = wanted_by(change, wanted)
        if target is None:
            continue
        announced.add(target)
        if change.version != target.version:
            found.append(f"the package manager takes {change.name} {change.version} instead of {target.version}")
    return found + [f"{WOULD_NOT_INSTALL} {t.patch}" for t in targets if t not in announced]


WOULD_NOT_INSTALL = "the package manager would not install"
"""How an objection begins where a simulation did not fail and left a target out: it may be there by now."""


def choose(
    targets: Sequence[Target],
    simulate: Callable[[list[list[Target]]], list[Simulation]],
    policy: Policy,
    *,
    rounds: int = 20,
) -> Choice:
    """The targets that may be installed together, as ``choose_by`` finds them, by ``objections``."""
    return choose_by(targets, simulate, lambda found, asked: objections(found, asked, policy), rounds=rounds)


def choose_by(
    targets: Sequence[Target],
    simulate: Callable[[list[list[Target]]], list[Simulation]],
    against: Callable[[Simulation, Sequence[Target]], list[str]],
    *,
    rounds: int = 20,
) -> Choice:
    """The targets of whose simulation nothing is said ``against``, by as few simulations as it takes.

    All at once first. When something speaks against that, the families are tried one by one beside what is already
    accepted, then the members of those that failed; so one bad package does not keep the others from a host.
    ``simulate`` takes several sets at a time, since each call is a trip to the host.
    """
    whole = simulate([list(targets)])[0]
    found = against(whole, targets)
    if not found:
        return Choice(list(targets), whole, {})
    accepted: list[Target] = []
    reasons: dict[Target, list[str]] = dict.fromkeys(targets, found)
    for units in (families(targets), [[target] for target in targets]):
        waiting = [unit for unit in units if not any(target in accepted for target in unit)]
        for _round in range(rounds):
            grown, reasons_now = _grow(accepted, waiting, simulate, against)
            reasons.update(reasons_now)
            if grown == accepted:
                break
            accepted = grown
            waiting = [unit for unit in waiting if not any(target in accepted for target in unit)]
    simulation = simulate([accepted])[0] if accepted else Simulation()
    # It becomes the order, and the host may have changed since the one that was judged.
    found = against(simulation, accepted)
    if found:
        reasons.update(dict.fromkeys(accepted, found))
        accepted, simulation = [], Simulation()
    refused = {target: reasons[target] for target in targets if target not in accepted}
    return Choice(accepted, simulation, refused)


def simulate_without_blocked(
    batches: Sequence[Sequence[Target]],
    simulate: Callable[[Sequence[Sequence[Target]], Sequence[Change]], list[Simulation]],
    policy: Policy,
    *,
    rounds: int = 5,
) -> list[Simulation]:
    """Simulations in which what the policy refuses is replaced by something else that serves, where there is such.

    ``simulate`` takes batches and what to keep out of them. A batch that does not work without what is refused keeps
    its first simulation, which shows what it needs (rejected packages under BLOCK are never installed, and what needs
    them is not either: Patch Manager user guide, rejected patches).
    """
    found = simulate(batches, [])
    avoided: list[Change] = []
    given_up: set[int] = set()
    for _round in range(rounds):
        blocked = {
            number: [change for change in pulled_in(each, batches[number]) if policy.refuses(change)]
            for number, each in enumerate(found)
            if number not in given_up
        }
        again = [number for number, changes in blocked.items() if changes]
        if not again:
            break
        avoided = list(dict.fromkeys([*avoided, *(change for number in again for change in blocked[number])]))
        for number, other in zip(again, simulate([batches[number] for number in again], avoided), strict=True):
            if other.error is None:
                other.avoided = list(avoided)
                found[number] = other
            else:
                given_up.add(number)
    return found


def simulate_with_companions(
    batches: Sequence[Sequence[Target]],
    simulate: Callable[[Sequence[Sequence[Target]]], list[Simulation]],
    policy: Policy,
    companion: Callable[[Change], Target | None],
    *,
    rounds: int = 5,
) -> list[Simulation]:
    """Simulations in which a dependency whose version the policy refuses comes at the one that ``companion`` knows.

    For managers that keep nothing out of a transaction, and take a version that is named. A batch that does not work
    with companions keeps its first simulation.
    """
    found = simulate(batches)
    given_up: set[int] = set()
    for _round in range(rounds):
        more: dict[int, list[Target]] = {}
        for number, each in enumerate(found):
            refused = [change for change in pulled_in(each, batches[number]) if policy.refuses(change)]
            known = [target for change in refused if (target := companion(change)) is not None]
            if number not in given_up and (new := [target for target in known if target not in each.companions]):
                more[number] = [*each.companions, *new]
        if not more:
            break
        tried = simulate([[*batches[number], *companions] for number, companions in more.items()])
        for (number, companions), other in zip(more.items(), tried, strict=True):
            if other.error is None:
                other.companions = companions
                found[number] = other
            else:
                given_up.add(number)
    return found


def families(targets: Iterable[Target]) -> list[list[Target]]:
    """Targets by source package, in the order of their first member."""
    grouped: dict[str, list[Target]] = {}
    for target in targets:
        grouped.setdefault(target.family or target.name, []).append(target)
    return list(grouped.values())


def _grow(
    accepted: list[Target],
    units: list[list[Target]],
    simulate: Callable[[list[list[Target]]], list[Simulation]],
    against: Callable[[Simulation, Sequence[Target]], list[str]],
) -> tuple[list[Target], dict[Target, list[str]]]:
    """``accepted`` with every unit that fits, and why each other unit does not."""
    reasons: dict[Target, list[str]] = {}
    fitting = []
    if not units:
        return accepted, reasons
    for unit, simulation in zip(units, simulate([accepted + unit for unit in units]), strict=True):
        found = against(simulation, accepted + unit)
        reasons.update(dict.fromkeys(unit, found))
        if not found:
            fitting.append(unit)
    prefixes = [sum(fitting[: count + 1], list(accepted)) for count in range(len(fitting))]
    best = accepted
    for prefix, simulation in zip(prefixes, simulate(prefixes) if prefixes else [], strict=True):
        found = against(simulation, prefix)
        if found:
            reasons.update(dict.fromkeys(fitting[prefixes.index(prefix)], found))
            break
        best = prefix
    return best, reasons
