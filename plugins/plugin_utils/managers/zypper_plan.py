# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for zypper: exact versions through host/scripts/zypper_transaction.sh, and what it announces and says.

Pure: commands are argument vectors, simulations are text that was carried home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ..engine.changes import Argument, Change, Choice, CommandStep, FileArgument, Simulation, Target, families
from ..engine.records import Inventory
from ..errors import PatchError
from . import _answer
from ._rpm_answer import ARCH, NAME, VERSION, shown
from ._rpm_plan import RpmPlan
from ._titles import back_title, install_title
from .zypper_sections import messages, parse_stream

# SUSE's update stack: zypper stops after a patch of it and wants to be started anew (exit code 103).
UPDATE_STACK = frozenset("zypper libzypp libsolv-tools libsolv-tools-base rpm yast2-pkg-bindings PackageKit".split())
_MARK = "openfleet-patch-"
_BATCH = re.compile(rf"^{_MARK}batch (\d+)\n(.*?)\n{_MARK}code (\d{{1,3}})$", re.MULTILINE | re.DOTALL)
_ARRIVING = ("to-upgrade", "to-downgrade", "to-install", "to-reinstall", "to-change-arch")
_GROUPS = (*_ARRIVING, "to-remove", "to-change-vendor")
# All well, or news of updates, a reboot, a restart and repositories that were left out (zypper(8), exit codes).
_AGREED = (0, 100, 101, 102, 103, 106)


class ZypperPlan(RpmPlan):
    """``first``: packages that are installed before all others, by a run of their own. ``allowed``: what the task
    allows of ``agree`` (to licences), ``locks`` and ``vendors`` (of the host's, which are not to count)."""

    OPTIONS = ()
    # It asks about each key, and takes any that the server shows when told not to ask.
    IMPORTS_KEYS = False
    HISTORY = "snapshots"
    QUIET_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
    STALE = ("No provider of", "not found on medium", "404 error", "Wrong digest", "wrong checksum")
    ERRORS = ("error: ", "Error: ", "Problem: ", "Aborting installation", "rpm: error: ")
    PACKAGE_ERRORS = (
        # error: %prein(acme-badpre-1.1-150600.3.1.noarch) scriptlet failed, exit status 3
        re.compile(r"^error: (?P<why>%\w+\((?P<name>[^)\s]+)\) scriptlet failed.*)$", re.MULTILINE),
        # acme-stranger-1.1-150600.3.1.noarch (SLE-Updates): Signature verification failed [4-Signatures ...]
        re.compile(r"^(?P<name>\S+) \([^)\n]*\): (?P<why>Signature verification failed.*)$", re.MULTILINE),
        #   from install of\n     acme-clash-1.1-1.noarch (SLE-Updates)\n  conflicts with file from package\n ...
        re.compile(
            r"^\s+from install of\s+(?P<name>\S+) \([^)\n]*\)\s+(?P<why>conflicts with file from \w+\s+\S+)",
            re.MULTILINE,
        ),
        # Download (curl) error for 'http://rpm.lab/updates/acme-x-1.1-1.noarch.rpm':\nError code: Curl error 52\n...
        re.compile(
            r"^(?P<why>Download \(curl\) error for '[^'\n]*?(?P<name>[^/'\n]+)\.rpm':(?:\nError [^\n]*)*)", re.MULTILINE
        ),
        # File './acme-x-1.1-1.noarch.rpm' not found on medium 'http://rpm.lab/updates'
        re.compile(r"^(?P<why>File '[^'\n]*?(?P<name>[^/'\n]+)\.rpm' not found on medium.*)$", re.MULTILINE),
        # Installation of acme-x-1.1-1.noarch failed:\nError: Subprocess failed. Error: RPM failed: ...
        re.compile(r"^Installation of (?P<name>\S+) failed:\n(?P<why>.*)$", re.MULTILINE),
    )

    def __init__(self, program: str, first: Iterable[str] = (), allowed: Sequence[str] = ()) -> None:
        super().__init__("/bin/sh", program)
        self._first = UPDATE_STACK | set(first)
        self._allowed = tuple(allowed)

    def simulation_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """One command for all batches, which share a copy of zypper's caches. It changes nothing."""
        if not batches or not all(batches):
            raise PatchError("empty_plan", "There is nothing to install, so no simulation may be built from it.")
        words: list[str] = []
        for batch in batches:
            words += [*(["/"] if words else []), *map(word_of, batch)]
        return [["/bin/sh", "-c", self._program, "sh", "simulate", *self._allowed, "--", *words]]

    def parse_simulations(
        self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]
    ) -> list[Simulation]:
        """One simulation per batch. What is not as zypper writes it is an error, never skipped: an unseen removal must
        not reach a host."""
        [(code, output)] = results
        found = _BATCH.findall(output)
        if code != 0 or [number for number, _text, _code in found] != [str(n + 1) for n in range(len(batches))]:
            raise _unreadable(f"it ended with exit code {code} and {len(found)} of {len(batches)} answers")
        return [
            self._simulation(text, int(number), batch) for (_n, text, number), batch in zip(found, batches, strict=True)
        ]

    def _simulation(self, text: str, code: int, batch: Sequence[Target]) -> Simulation:
        simulation = Simulation()
        stream = parse_stream(text, "simulation")
        for summary in stream.iter("install-summary"):
            for group in summary:
                _add(simulation, group)
        if code not in _AGREED:
            simulation.error = _refusal(stream, code)
        elif "vendors" not in self._allowed:
            changed = [_solvable(each).name for each in stream.iterfind(".//to-change-vendor/solvable")]
            if changed:
                simulation.error = f"would change the vendor of {', '.join(sorted(changed))}"
        return simulation

    def install_steps(
        self,
        choice: Choice,
        *,
        allow_removals: bool,
        lock_timeout: int,
        step_timeout: int,
        separately: bool = False,
    ) -> list[CommandStep]:
        """The steps that bring these versions to the host: the update stack, the rest, automatic marks.

        The program refuses whatever the simulation of ``choice`` did not show. ``separately`` gives each family a step
        of its own, so that what fails does not keep the others away.
        """
        if not choice.targets:
            raise PatchError("empty_plan", "There is nothing to install, so no command may be built from it.")
        stack = [target for target in choice.targets if target.name in self._first]
        rest = [target for target in choice.targets if target.name not in self._first]
        common = [f"allow {each}" for each in self._allowed] + [f"lock_timeout {lock_timeout}"]
        for change in choice.simulation.changes:
            common.append(f"expect arrive {change.name} {change.arch} {change.version}")
        if allow_removals:
            for change in choice.simulation.removals:
                common.append(f"expect leave {change.name} {change.arch} {change.installed_version}")
        steps = []
        groups = [stack, *(families(rest) if separately else [rest])]
        for number, group in enumerate([group for group in groups if group], 1):
            lines = [f"target {word_of(target)}" for target in group] + common
            content = "".join(f"{line}\n" for line in lines).encode()
            order = FileArgument(f"order-{number:03d}", content)
            words = ("install", order, *self._private_words())
            steps.append(self._step(install_title(group), words, step_timeout, continue_on_failure=separately))
        automatic = sorted({target.name for target in choice.targets if target.automatic})
        return [*steps, *self._marking(automatic)]

    def back_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """One command for all batches; it changes nothing."""
        if not batches or not all(batches):
            raise PatchError("empty_plan", "There is nothing to take back, so no simulation may be built from it.")
        words: list[str] = []
        for batch in batches:
            words += [*(["/"] if words else []), *map(_back_word, batch)]
        return [["/bin/sh", "-c", self._program, "sh", "simulate", "back", *self._allowed, "--", *words]]

    def back_steps(
        self,
        targets: Sequence[Target],
        *,
        transactions: Sequence[int],
        lock_timeout: int,
        step_timeout: int,
    ) -> list[CommandStep]:
        """Takes these packages back by their versions; zypper keeps no history that could be taken back. The program
        refuses whatever else zypper would do."""
        if not targets:
            raise PatchError("empty_plan", "There is nothing to take back.")
        lines = [f"target {_back_word(target)}" for target in targets]
        lines += ["allow back", *(f"allow {each}" for each in self._allowed), f"lock_timeout {lock_timeout}"]
        for each in targets:
            change = f"arrive {each.name} {each.arch} {each.version}"
            if not each.version:
                change = f"leave {each.name} {each.arch} {each.installed_version}"
            lines.append(f"expect {change}")
        order = FileArgument("order-001", "".join(f"{line}\n" for line in lines).encode())
        automatic = sorted({target.name for target in targets if target.version and target.automatic})
        return [self._step(back_title(targets), ("install", order), step_timeout), *self._marking(automatic)]

    def _marking(self, automatic: Sequence[str]) -> list[CommandStep]:
        """Naming a package takes away the mark that it is there for the sake of others."""
        if not automatic:
            return []
        program = FileArgument("transaction-program", self._program.encode())
        argv: tuple[Argument, ...] = ("/bin/sh", program, "mark", *automatic)
        return [CommandStep("put automatic marks back", argv, 300, self.QUIET_ENVIRONMENT, cleanup=True)]

    def transactions_in(self, log: str) -> list[int]:
        """Numbers of the btrfs snapshots that snapper made for a step, by its log."""
        return [int(found) for found in re.findall(r"^openfleet-patch: snapshot (\d{1,9})$", log, flags=re.MULTILINE)]


def plan_for(inventory: Inventory, program: str, arguments: Mapping[str, Any]) -> ZypperPlan:
    """The plan of one host; ``program`` is the source of zypper_transaction.sh, ``arguments`` are the task's."""
    first = {each["name"] for each in inventory.candidates if "restart" in each.get("interactive", ())}
    allowed = ["agree"] if arguments.get("auto_agree_with_licenses") else []
    if not arguments.get("honour_host_excludes", True):
        allowed += ["locks", "vendors"]
    return ZypperPlan(program, first, allowed)


def word_of(target: Target) -> str:
    """``acme.noarch=1:1.0-1``, the capability that only this version has."""
    return f"{target.name}.{target.arch}={target.version}"


def _back_word(target: Target) -> str:
    """As ``word_of``; ``!acme.noarch=1.0-1`` goes."""
    return word_of(target) if target.version else f"!{target.name}.{target.arch}={target.installed_version}"


def _unreadable(what: str) -> PatchError:
    return PatchError("unreadable_simulation", f"zypper's simulation on the host cannot be understood: {what}.")


def _add(simulation: Simulation, group: Element) -> None:
    if group.tag not in _GROUPS:
        # Sums for people: <download-size>, notes about support.
        if group.tag.startswith("to-"):
            raise _unreadable(f"it announces {_answer.clean(group.tag, 40)!r}")
        return
    for solvable in group:
        # Patches, products and patterns bring nothing of their own.
        if solvable.get("type") != "package" or group.tag == "to-change-vendor":
            continue
        change = _solvable(solvable)
        if group.tag == "to-remove":
            simulation.removals.append(Change(change.name, change.arch, change.version, None))
            continue
        if change not in simulation.changes:
            simulation.changes.append(change)
        if group.tag == "to-downgrade":
            simulation.downgrades.append(change)


def _solvable(solvable: Element) -> Change:
    where = "simulation"
    old = solvable.get("edition-old")
    return Change(
        _answer.check(solvable.get("name"), NAME, where, "a package name"),
        _answer.check(solvable.get("arch"), ARCH, where, "an architecture"),
        # What is replaced may be odd; it is named in no command.
        None if old is None else shown(old),
        _answer.check(solvable.get("edition"), VERSION, where, "a package version"),
    )


_LICENCE = re.compile(r"In order to install .(?P<name>[^'\u2019]+).?, you must agree")


def _refusal(stream: Element, code: int) -> str:
    """zypper's own words: licences, problems of its solver, errors."""
    for told in messages(stream, "info"):
        licence = _LICENCE.match(told)
        if licence:
            return (
                f"{licence['name']} has a licence that somebody has to agree to; read it on the host, and set "
                "auto_agree_with_licenses to agree with all that come"
            )
    problems = [
        _answer.clean("".join(each.itertext()).partition("Solution 1:")[0], 400)
        for each in stream.iterfind(".//prompt/description")
    ]
    for conflict in stream.iter("fileconflict"):
        names = [conflict.findtext(f"{side}/solvable/name") or "a package" for side in ("lhs", "rhs")]
        path = conflict.findtext("lhs/file") or "a file"
        problems.append(_answer.clean(f"{path} of {names[0]} is in {names[1]} as well", 400))
    errors = [each for each in messages(stream, "error") if not each.startswith("Problem occurred during or after")]
    words = "; ".join([*(each for each in problems if each)][:5] + errors[:5])
    return words or f"zypper ended with exit code {code} and gave no reason"
