# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for apt: which exact versions, what a simulation says of them, which commands to run.

Pure: commands are argument vectors, simulations are text that a reader carried home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import PatchRecord
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

# Nothing may ask: debconf, needrestart, ucf, apt-listchanges and apt-listbugs each have a switch of their own.
QUIET_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "NEEDRESTART_MODE": "l",
    "NEEDRESTART_SUSPEND": "1",
    "UCF_FORCE_CONFFOLD": "1",
    "APT_LISTCHANGES_FRONTEND": "none",
    "APT_LISTBUGS_FRONTEND": "none",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}

# Keep the local conffile; where the package has none of its own to prefer, take dpkg's default.
CONFFILE_OPTIONS = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")

MOST_TARGETS_PER_COMMAND = 1000


@dataclass(frozen=True)
class Target:
    """One package at the exact version that the baseline approved."""

    name: str
    arch: str
    version: str
    installed_version: str | None
    automatic: bool | None = None

    @property
    def package(self) -> str:
        """The name as apt takes it: ``libc6:i386`` for an architecture of its own, ``tzdata`` for ``all``."""
        return self.name if self.arch in ("", "all") else f"{self.name}:{self.arch}"

    @property
    def argument(self) -> str:
        """``curl:amd64=7.88.1-10+deb12u15``."""
        return f"{self.package}={self.version}"

    @property
    def patch(self) -> str:
        """The identifier that documents use."""
        return f"{self.name}.{self.arch} {self.version}"


@dataclass(frozen=True)
class Change:
    """One package that a simulation would install, upgrade, downgrade or remove."""

    name: str
    arch: str
    installed_version: str | None
    version: str | None


@dataclass
class Simulation:
    """What ``apt-get -s`` announced; ``error`` is its own refusal, None when it would go ahead."""

    changes: list[Change] = field(default_factory=list)
    removals: list[Change] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class Policy:
    """What may come along with an approved version.

    ``blocked`` and ``held`` say whether a change to (name, arch, version) touches a rejected package under BLOCK
    or a package that the host holds back; ``approved`` whether the baseline itself approves that version.
    """

    allow_removals: bool = False
    require_approved_dependencies: bool = False


def _install_words(targets: Sequence[Target]) -> list[str]:
    words = [target.argument for target in targets]
    if not words:
        raise PatchError("empty_plan", "There is nothing to install, so no apt command may be built from it.")
    return words


def simulation_command(targets: Sequence[Target], options: Sequence[str] = ()) -> list[str]:
    """``apt-get -s`` for exactly these versions; changes nothing and takes no lock."""
    return ["apt-get", "-s", "-y", "-q", *options, "-o", "Debug::NoLocking=true", "install", *_install_words(targets)]


def install_command(
    targets: Sequence[Target], *, allow_removals: bool, lock_timeout: int, options: Sequence[str] = ()
) -> list[str]:
    """``apt-get install`` for exactly these versions.

    ``--no-remove`` makes apt itself refuse a removal that a simulation did not show. ``lock_timeout`` (seconds) is
    understood by apt 1.9.11 and later and ignored by older ones.
    """
    guard = [] if allow_removals else ["--no-remove"]
    return [
        "apt-get", "-y", "-q", *guard, *options, *CONFFILE_OPTIONS,
        "-o", "Dpkg::Use-Pty=0",
        "-o", f"DPkg::Lock::Timeout={lock_timeout}",
        "install", *_install_words(targets),
    ]  # fmt: skip


def repair_command() -> list[str]:
    """Finish what an interrupted dpkg left half configured."""
    return ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]


def automatic_marks_command(targets: Iterable[Target]) -> list[str] | None:
    """Put back the automatic marks that naming a package on the command line takes away; None without any."""
    packages = [target.package for target in targets if target.automatic]
    return ["apt-mark", "auto", *packages] if packages else None


# Inst curl [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64]) []
# Inst libc6:i386 (2.36-9+deb12u10 Debian:12.9/stable, Debian-Security:12/stable-security [i386])
_INSTALL_LINE = re.compile(
    r"^Inst (?P<name>[^\s:\[(]+)(?::(?P<foreign>[^\s\[(]+))?(?: \[(?P<old>[^\]]+)\])?"
    r" \((?P<new>\S+)(?: [^\[]*)?\[(?P<arch>[^\]]+)\]\)"
)
# Remv acme-old [1.0] | Purg acme-old [1.0] | Remv libx:i386 [1.0] [libx:amd64 ]
_REMOVE_LINE = re.compile(r"^(?:Remv|Purg) (?P<name>[^\s:\[]+)(?::(?P<foreign>[^\s\[]+))? \[(?P<old>[^\]]+)\]")


def parse_simulation(answer: Mapping[str, Any]) -> Simulation:
    """A ``Simulation`` from ``{"rc", "stdout", "stderr"}`` of ``simulation_command``.

    A line that starts like a change and cannot be read is an error, never skipped: an unseen removal must not
    reach a host.
    """
    simulation = Simulation()
    for line in str(answer["stdout"]).splitlines():
        if line.startswith("Inst "):
            simulation.changes.append(_parse_install(line))
        elif line.startswith(("Remv ", "Purg ")):
            simulation.removals.append(_parse_removal(line))
    if answer["rc"] != 0:
        simulation.error = _reason(f"{answer['stdout']}\n{answer['stderr']}", int(answer["rc"]))
    return simulation


def _parse_install(line: str) -> Change:
    found = _INSTALL_LINE.match(line)
    if not found:
        raise PatchError("unreadable_simulation", f"apt-get -s printed a line that is not understood: {line[:200]!r}")
    return Change(found["name"], found["foreign"] or found["arch"], found["old"], found["new"])


def _parse_removal(line: str) -> Change:
    found = _REMOVE_LINE.match(line)
    if not found:
        raise PatchError("unreadable_simulation", f"apt-get -s printed a line that is not understood: {line[:200]!r}")
    return Change(found["name"], found["foreign"] or "", found["old"], None)


def _reason(text: str, code: int) -> str:
    """apt's own words: the ``E:`` lines and the unmet dependencies above them."""
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if line.startswith("E:")]
    unmet = [line for line in lines if " : " in line or line.startswith(("Depends:", "Breaks:", "Conflicts:"))]
    words = "; ".join([*unmet[:5], *errors[:5]])
    return words or f"apt-get ended with exit code {code} and gave no reason"


def _known_as(change: Change, wanted: Mapping[tuple[str, str], Target]) -> Target | None:
    return wanted.get((change.name, change.arch)) or wanted.get((change.name, "all"))


def pulled_in(simulation: Simulation, targets: Sequence[Target]) -> list[Change]:
    """What would come along although nobody asked for it by name."""
    wanted = {(target.name, target.arch): target for target in targets}
    return [change for change in simulation.changes if _known_as(change, wanted) is None]


def objections(
    simulation: Simulation,
    targets: Sequence[Target],
    policy: Policy,
    *,
    blocked: Iterable[tuple[str, str]] = (),
    held: Iterable[tuple[str, str]] = (),
    approved: Iterable[tuple[str, str, str | None]] = (),
) -> list[str]:
    """Why these targets may not be installed together as simulated; empty when they may.

    ``blocked`` and ``held`` are (name, arch); ``approved`` are (name, arch, version). Rules: Patch Manager user
    guide, rejected patches under BLOCK; host holds are never touched.
    """
    if simulation.error is not None:
        return [simulation.error]
    blocked_set, held_set, approved_set = set(blocked), set(held), set(approved)
    found: list[str] = []
    for change in simulation.removals:
        if not policy.allow_removals:
            found.append(f"would remove {change.name} {change.installed_version}")
    for change in pulled_in(simulation, targets):
        if (change.name, change.arch) in blocked_set:
            found.append(f"needs {change.name} {change.version}, which the baseline rejects (BLOCK)")
        elif (change.name, change.arch) in held_set:
            found.append(f"needs a change of {change.name}, which this host holds back")
        elif policy.require_approved_dependencies and (change.name, change.arch, change.version) not in approved_set:
            found.append(f"needs {change.name} {change.version}, which the baseline does not approve")
    wanted = {(target.name, target.arch): target for target in targets}
    for change in simulation.changes:
        target = _known_as(change, wanted)
        if target is not None and change.version != target.version:
            found.append(f"apt would install {change.name} {change.version} instead of {target.version}")
    return found


def targets_from(
    patches: Iterable[tuple[PatchRecord, Mapping[str, Any]]], automatic: Mapping[tuple[str, str], bool | None]
) -> list[Target]:
    """Targets for (record, decision) pairs that are approved, newer than what is installed, and neither held nor
    deferred by phasing; sorted by name so that the same decisions give the same plan."""
    chosen = [
        Target(
            name=record["name"],
            arch=record["arch"],
            version=record["version"],
            installed_version=record.get("installed_version"),
            automatic=automatic.get((record["name"], record["arch"])),
        )
        for record, decision in patches
        if decision["decision"] == "approved" and not record.get("held") and not record.get("deferred")
    ]
    return sorted(chosen, key=lambda target: (target.name, target.arch, target.version))
