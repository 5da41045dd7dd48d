# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to take back of an installation, by its record and what is on the host now, and what may not be.

What counts is the host: a package is to go back only while it has the version that the installation brought. So an
undoing that was cut off goes on where it stopped, and one that is over has nothing left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .changes import Change, Choice, Simulation, Target
from .install_records import Installation, RecordedChange, folded
from .records import Inventory, PackageKey, PatchRecord

GONE = ""
"""The version of a target that is to be removed."""


@dataclass
class Undoing:
    """``targets`` are to be taken back (version: the one before, ``GONE``: none). ``refused``: what cannot be, with the
    reason for each. ``kept``: what the installation brought along and stays, since somebody wants it by now.
    ``back``: how many are as they were before."""

    targets: list[Target] = field(default_factory=list)
    refused: dict[Target, list[str]] = field(default_factory=dict)
    kept: dict[Target, list[str]] = field(default_factory=dict)
    back: int = 0
    along: frozenset[PackageKey] = frozenset()
    """New packages that the installation brought along."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was taken back before and nothing stays."""
        return not (self.refused or self.kept or self.back)


def undoing(installation: Installation, inventory: Inventory) -> Undoing:
    """What of an installation is left to take back on this host."""
    present: dict[PackageKey, dict[str, PatchRecord]] = {}
    for record in inventory.installed:
        present.setdefault((record["name"], record["arch"]), {})[record["version"]] = record
    undone = {change.key for job in installation.rollbacks if job.result == "SUCCEEDED" for change in job.changes}
    found = Undoing()
    along = set()
    known = folded(installation.jobs)
    brought = {change.key for change, afters in known if afters}
    for change, afters in known:
        there = present.get(change.key, {})
        if not afters and change.key in brought and change.before not in there:
            # Of packages that stay beside each other, one that made room.
            there = {}
        pieces = _pieces(change, afters, there, taken_back=change.key in undone)
        found.back += not pieces
        for target, reason in pieces:
            reasons = [each for each in (reason, _why_not(target, inventory)) if each]
            if reasons:
                found.refused[target] = reasons
            elif change.before is None and target.automatic is False:
                found.kept[target] = ["somebody asked for it since"]
            else:
                found.targets.append(target)
                if change.before is None:
                    along.add(change.key)
    found.targets.sort(key=lambda each: (each.name, each.arch, each.version))
    found.along = frozenset(along)
    return found


def _pieces(
    change: RecordedChange, afters: Sequence[str], there: Mapping[str, PatchRecord], *, taken_back: bool
) -> list[tuple[Target, str | None]]:
    """What is to be done about one package, with the reason against it; nothing where it is as it was before."""
    brought = [version for version in afters if version in there]
    if not afters:
        if change.before in there:
            return []
        if there:
            return [(_target(change, _named(there), change.before), f"{_named(there)} was installed since")]
        return [(_target(change, None, change.before), None)]
    if not brought:
        if change.before in there or not there and change.before is None:
            return []
        now = f"it is {_named(there)} now" if there else "it was removed since"
        return [(_target(change, _named(there) or None, change.before), f"somebody changed it since: {now}")]
    if taken_back:
        reason = "it was taken back before, and somebody installed it again since"
        return [(_target(change, brought[0], change.before), reason)]
    if change.before is None or change.before in there:
        # Packages that stay beside each other: the one before is there still.
        return [(_target(change, version, None, there), None) for version in brought]
    others = [version for version in there if version not in brought]
    if others:
        reason = f"somebody changed it since: {change.before} is gone and {', '.join(others)} is there"
        return [(_target(change, brought[0], change.before), reason)]
    return [(_target(change, brought[0], change.before, there), None)]


def _named(there: Mapping[str, PatchRecord]) -> str:
    return ", ".join(sorted(there))


def _target(
    change: RecordedChange, now: str | None, before: str | None, there: Mapping[str, PatchRecord] | None = None
) -> Target:
    record = (there or {}).get(now or "", {})
    return Target(
        name=change.name,
        arch=change.arch,
        version=GONE if before is None else before,
        installed_version=now,
        automatic=record.get("automatic") if there else change.automatic,
        family=record.get("source_package") or change.name,
    )


def _why_not(target: Target, inventory: Inventory) -> str | None:
    if target.installed_version is None:
        return None
    if any(hold.get("kind") == "hold" and hold.get("name") == target.name for hold in inventory.holds):
        return "this host holds it back by now"
    running = (inventory.findings.get("kernels") or {}).get("running")
    if running and target.version == GONE and _is_of_kernel(target, running, inventory):
        return f"it belongs to the kernel that runs ({running}); boot another one first"
    return None


def _is_of_kernel(target: Target, running: str, inventory: Inventory) -> bool:
    # linux-image-6.1.0-2-amd64, linux-modules-6.8.0-31-generic
    if target.name.startswith("linux-") and target.name.endswith(f"-{running}"):
        return True
    return target.name.startswith("kernel") and any(
        (each.get("release"), each.get("version")) == (running, target.installed_version)
        for each in inventory.findings["kernels"].get("installed") or []
    )


def objections(simulation: Simulation, targets: Sequence[Target]) -> list[str]:
    """Why these may not be taken back together as simulated: whatever would come or go beside them, or not at all."""
    if simulation.error is not None:
        return [simulation.error]
    arriving = {(each.name, each.arch): each for each in targets if each.version != GONE}
    leaving = [each for each in targets if each.version == GONE]
    found, done = [], set()
    for change in simulation.changes:
        target = arriving.get((change.name, change.arch)) or arriving.get((change.name, "all"))
        if target is None or target.version != change.version:
            found.append(f"would also bring {change.name} {change.version}")
        else:
            done.add(target)
    for change in (*simulation.removals, *simulation.retired):
        gone = [each for each in leaving if _is_meant(change, each)]
        done.update(gone)
        if not gone:
            found.append(f"would also remove {change.name} {change.installed_version}")
    for target in targets:
        if target not in done:
            what = f"remove {target.installed_version}" if target.version == GONE else f"bring {target.version}"
            found.append(f"the package manager would not {what} of {target.name}")
    return found


def _is_meant(change: Change, target: Target) -> bool:
    """apt tells no architecture of what it removes, unless it is a foreign one."""
    same = (change.name, change.installed_version) == (target.name, target.installed_version)
    return same and change.arch in ("", target.arch)


def settled(undo: Undoing, choice: Choice) -> Undoing:
    """``undo`` after the simulations: what they refused is refused, or kept where it only came along."""
    found = replace(undo, targets=list(choice.targets), refused=dict(undo.refused), kept=dict(undo.kept))
    for target, reasons in choice.refused.items():
        kept = target.version == GONE and (target.name, target.arch) in undo.along
        (found.kept if kept else found.refused)[target] = reasons
    return found


def changes_of(targets: Iterable[Target]) -> list[Change]:
    """What taking these back changes, each with its version now and then."""
    return [Change(each.name, each.arch, each.installed_version, each.version or None) for each in targets]
