# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for rpm systems: dnf 4, dnf 5 and yum have a program on the host each, and all are asked and answer alike.

The program (host/scripts/NAME_transaction.py) simulates batches of packages through the manager's own API, since what
the command prints for people wraps and shortens names. It also stands around the real run: it compares the transaction
that the manager worked out with what the simulation showed, and stops before anything else happens.

Pure: commands are argument vectors, simulations are text that was carried home.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine.changes import (
    Argument,
    Change,
    Choice,
    CommandStep,
    FileArgument,
    PrivateRepositories,
    Simulation,
    Target,
    families,
)
from ..errors import PatchError, without_passwords
from . import _rpm_answer
from ._answer import Part
from ._titles import BACK, INSTALL, back_title, install_title

_ANSWER = "openfleet-patch-answer "
_TOLD = "openfleet-patch: "
_UPGRADING = ("install", "beside", "upgrade", "reinstall")
_REPAIR = "finish interrupted transactions"
_STEPS = (INSTALL, _REPAIR, BACK)
# Packages in all batches of one command: a command line bears two MiB.
_MOST_PLACES = 20_000
# Once for all jobs of a run, and not again after a power cut. The last line says that the list is whole.
_NOTE_KEYS = """\
umask 077
grep -q -x end "$1" 2>/dev/null && exit 0
{ rpm -qa gpg-pubkey --qf '%{NAME}-%{VERSION}-%{RELEASE}\\n' && echo end; } >"$1"
"""
_DROP_KEYS = """\
grep -q -x end "$1" || exit 1
rpm -qa gpg-pubkey --qf '%{NAME}-%{VERSION}-%{RELEASE}\\n' | {
    code=0
    while read -r key; do
        grep -q -x -F "$key" "$1" || rpm -e --allmatches "$key" || code=1
    done
    exit "$code"
}
"""
# Nothing on the host may be named from outside: the program is read as text, or from the job's folder.
_ISOLATED = ("-B", "-I")
# New versions of configuration files beside those that were changed on the host, and old ones that were replaced.
CONFFILE_SUFFIXES = (".rpmnew", ".rpmsave", ".rpmorig")


def nevra_word(name: str, arch: str, version: str) -> str:
    """``acme-1:1.0-1.el9.noarch``, as every rpm tool understands it."""
    return f"{name}-{version}.{arch}"


class RpmPlan:
    """``interpreter`` has the manager's library; ``program`` is the source of its transaction program.

    A manager's own class adds the patterns of what its command prints.
    """

    LIBRARY: str | None = None
    QUIET_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C", "PYTHONUNBUFFERED": "1"}
    # rpm lets a transaction go on after a script was ended; killing rpm itself leaves old and new side by side.
    KILL_GRACE = 120
    # Whether the program keeps packages out of a transaction, so that others may serve in their place.
    AVOIDS = False
    # Whether dependencies may be named beside the targets.
    COMPANIONS = False
    OPTIONS: tuple[str, ...] = _ISOLATED
    # What the ids are called in documents that ``transactions_in`` finds.
    HISTORY = "transactions"
    STALE: tuple[str, ...] = ("is in no repository any more",)
    # Lines of a log that say why nothing, or not everything, was done.
    ERRORS: tuple[str, ...] = ("Error: ", "error: ", "RPM: error: ")
    # What failed of one package: named groups ``why``, and ``name`` (a NEVRA or a part of one) or ``bare`` (the name).
    PACKAGE_ERRORS: tuple[re.Pattern[str], ...] = ()
    # The same for scripts whose failing leaves the package installed.
    SCRIPT_ERRORS: tuple[re.Pattern[str], ...] = (
        # warning: %post(acme-badpost-1.1-1.el9.noarch) scriptlet failed, exit status 3
        re.compile(r"^warning: (?P<why>%\w+\((?P<name>[^)\s]+)\) scriptlet failed, [^\n]*)$", re.MULTILINE),
    )

    # Whether the manager itself brings the keys that a repository names to rpm.
    IMPORTS_KEYS = True

    def __init__(self, interpreter: str, program: str) -> None:
        self._interpreter = interpreter
        self._program = program
        self.private: PrivateRepositories | None = None
        """What replaces the host's repositories."""

    def simulation_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """As few commands as may be, since loading the metadata costs more than solving. They change nothing."""
        if not batches or not all(batches):
            raise PatchError("empty_plan", "There is nothing to install, so no simulation may be built from it.")
        return [self._simulation_command(group, "simulate", _word) for group in _groups(batches)]

    def avoiding_commands(self, batches: Sequence[Sequence[Target]], avoided: Iterable[Change]) -> list[list[str]]:
        """The same, with nothing of ``avoided`` pulled in; only where the manager ``AVOIDS``."""
        return [[*command, "/", *_arriving(avoided)] for command in self.simulation_commands(batches)]

    def _simulation_command(
        self, batches: Sequence[Sequence[Target]], operation: str, word: Callable[[Target], str]
    ) -> list[str]:
        places: dict[str, int] = {}
        numbers = [",".join(str(places.setdefault(word(each), len(places))) for each in batch) for batch in batches]
        return [self._interpreter, *self.OPTIONS, "-c", self._program, operation, *places, "/", *numbers]

    def parse_simulations(
        self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]
    ) -> list[Simulation]:
        """One simulation per batch. What is not exactly as the program writes it is an error, never skipped: an
        unseen removal must not reach a host."""
        found: list[Simulation] = []
        for group, (code, output) in zip(_groups(batches), results, strict=True):
            found += _simulations(len(group), _answered(code, output))
        return found

    def install_steps(
        self,
        choice: Choice,
        *,
        allow_removals: bool,
        lock_timeout: int,
        step_timeout: int,
        separately: bool = False,
    ) -> list[CommandStep]:
        """The steps that bring these versions to the host. The program refuses whatever the simulation of ``choice``
        did not show, so removals are in the order only where they were allowed when it was chosen.

        ``separately`` gives each family a step of its own, so that what fails does not keep the others away.
        """
        if not choice.targets:
            raise PatchError("empty_plan", "There is nothing to install, so no command may be built from it.")
        leaving = [*choice.simulation.retired, *(choice.simulation.removals if allow_removals else [])]
        order = {
            "arriving": sorted({_word(each) for each in choice.targets} | set(_arriving(choice.simulation.changes))),
            "leaving": sorted(nevra_word(each.name, each.arch, each.installed_version or "") for each in leaving),
            "avoided": sorted(_arriving(choice.simulation.avoided)),
            "erasing": allow_removals and bool(choice.simulation.removals),
            "lock_timeout": lock_timeout,
        }
        groups = families(choice.targets) if separately else [choice.targets]
        steps = []
        for number, group in enumerate(groups, 1):
            content = json.dumps({"targets": [_word(each) for each in group], **order}, sort_keys=True).encode()
            words = ("install", FileArgument(f"order-{number:03d}", content), *self._private_words())
            steps.append(self._step(install_title(group), words, step_timeout, continue_on_failure=separately))
        return self._with_keys_for_the_run(steps)

    def repair_steps(self, step_timeout: int) -> list[CommandStep]:
        """Brings to its end what an interrupted transaction left, as far as that is safe."""
        return self._with_keys_for_the_run([self._step(_REPAIR, ("repair", *self._private_words()), step_timeout)])

    def _private_words(self) -> tuple[Argument, ...]:
        return (self.private.file,) if self.private else ()

    def _with_keys_for_the_run(self, steps: list[CommandStep]) -> list[CommandStep]:
        """A key that a source names is trusted as long as the job lasts."""
        if self.private is None or not self.private.names_keys or not self.IMPORTS_KEYS:
            return steps
        note, drop = (("/bin/sh", "-c", text, "sh", f"{self.private.folder}/keys") for text in (_NOTE_KEYS, _DROP_KEYS))
        return [
            CommandStep("note the keys that rpm trusts", note, 300, self.QUIET_ENVIRONMENT),
            *steps,
            CommandStep("take away keys that came for the sources", drop, 300, self.QUIET_ENVIRONMENT, cleanup=True),
        ]

    def configure_steps(self, packages: Iterable[tuple[str, str, str]], step_timeout: int) -> list[CommandStep]:
        """rpm has no state between unpacked and installed, so there is never anything to configure alone."""
        raise PatchError("empty_plan", f"There is nothing to configure of {', '.join(each[0] for each in packages)}.")

    def look_commands(self, targets: Sequence[Target]) -> list[list[str]]:
        """Nothing has to be looked for before a simulation of taking back: that itself knows what is there."""
        return []

    def note_looks(self, targets: Sequence[Target], results: Sequence[tuple[int, str]]) -> None:
        """Nothing was looked for."""

    def back_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """Commands that simulate how packages go back to their versions, or go (those without a version)."""
        if not batches or not all(batches):
            raise PatchError("empty_plan", "There is nothing to take back, so no simulation may be built from it.")
        return [self._simulation_command(group, "simulate-back", _back_word) for group in _groups(batches)]

    def parse_backs(self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]) -> list[Simulation]:
        """As ``parse_simulations``."""
        return self.parse_simulations(batches, results)

    def back_steps(
        self,
        targets: Sequence[Target],
        *,
        transactions: Sequence[int],
        lock_timeout: int,
        step_timeout: int,
    ) -> list[CommandStep]:
        """Takes these packages back to their versions, and away those without one; nothing else may come or go.

        By the manager's own history where all of ``transactions`` (``transactions_in``) is to be taken back, else, and
        where the history cannot do it, by versions.
        """
        if not targets:
            raise PatchError("empty_plan", "There is nothing to take back.")
        order = {
            "arriving": sorted(_word(each) for each in targets if each.version),
            "leaving": sorted(_leaving_word(each) for each in targets if not each.version),
            "replaced": {
                _word(each): _leaving_word(each) for each in targets if each.version and each.installed_version
            },
            "transactions": sorted(set(transactions)),
            "downgrading": True,
            "lock_timeout": lock_timeout,
        }
        words = ("back", FileArgument("order-001", json.dumps(order, sort_keys=True).encode()))
        return [self._step(back_title(targets), words, step_timeout)]

    def _step(
        self, name: str, words: Sequence[Argument], timeout: int, *, continue_on_failure: bool = False
    ) -> CommandStep:
        program = FileArgument("transaction-program", self._program.encode())
        argv = (self._interpreter, *self.OPTIONS, program, *words)
        return CommandStep(name, argv, timeout, self.QUIET_ENVIRONMENT, continue_on_failure=continue_on_failure)

    def failure_reasons(self, log: str) -> tuple[dict[str, str], str]:
        """Why packages failed, by name, and the general reason, from the end of the log of a step."""
        reasons: dict[str, str] = {}
        for pattern in self.PACKAGE_ERRORS:
            for found in pattern.finditer(log):
                known = found.groupdict()
                name = known.get("bare") or name_of(known["name"])
                reasons.setdefault(name, " ".join(known["why"].split()))
        told = _errors(log, (*self.ERRORS, f"{_TOLD}error: "))
        return reasons, "; ".join(list(dict.fromkeys(told))[-5:])

    def transactions_in(self, log: str) -> list[int]:
        """Ids of the manager's history that a step made, by its log."""
        return [int(found) for found in re.findall(rf"^{_TOLD}transaction (\d+)$", log, flags=re.MULTILINE)]

    def acts(self, step: str) -> bool:
        """Whether a step of that name is one of ours, whose log tells of transactions."""
        return step.startswith(_STEPS)

    def script_failures(self, log: str) -> list[str]:
        """Scripts that failed after their package was installed, which rpm lets pass."""
        found = (match.groupdict() for pattern in self.SCRIPT_ERRORS for match in pattern.finditer(log))
        return [f"{name_of(each['name'])}: {' '.join(each['why'].split())}" for each in found]

    def is_stale(self, reason: str) -> bool:
        """The repository no longer has what the plan was made from, so a fresh reading may help."""
        return any(word in reason for word in self.STALE)

    def conffiles_command(self, newer_than: str) -> list[str]:
        """Lists files that rpm left beside configuration files in /etc after the file ``newer_than`` came."""
        names = [word for suffix in CONFFILE_SUFFIXES for word in ("-o", "-name", f"*{suffix}")][1:]
        return ["find", "/etc", "-xdev", "-type", "f", "(", *names, ")", "-cnewer", newer_than]


def name_of(told: str) -> str:
    """The name in ``acme-lib-1:1.0-1.el9.noarch``, ``acme-lib-1.0-1.el9`` or ``acme-lib``."""
    found = re.match(r"(?P<name>.+?)-(?:\d+:)?[^-:]*\d[^-]*-[^-]+\Z", told)
    return found["name"] if found else told


def _errors(log: str, starts: tuple[str, ...]) -> list[str]:
    """Lines that begin so, each with the indented lines below it: details follow there."""
    found: list[str] = []
    within = False
    for line in log.splitlines():
        words = " ".join(line.removeprefix(_TOLD).split())
        if line.startswith(starts):
            found.append(words)
            within = True
        elif within and line.startswith(" ") and words:
            found[-1] += f" {words}"
        else:
            within = False
    return found


def _word(target: Target) -> str:
    return nevra_word(target.name, target.arch, target.version)


def _leaving_word(target: Target) -> str:
    return nevra_word(target.name, target.arch, target.installed_version or "")


def _back_word(target: Target) -> str:
    """``+acme-1.0-1.noarch`` comes, ``-acme-new-1.0-1.noarch`` goes."""
    return f"+{_word(target)}" if target.version else f"-{_leaving_word(target)}"


def _arriving(changes: Iterable[Change]) -> list[str]:
    return [nevra_word(each.name, each.arch, each.version) for each in changes if each.version]


def _unreadable(what: str) -> PatchError:
    return PatchError("unreadable_simulation", f"The simulation on the host cannot be understood: {what}.")


def _answered(code: int, output: str) -> Part:
    lines = [line for line in output.splitlines() if line.startswith(_ANSWER)]
    if len(lines) != 1:
        raise _unreadable(
            f"it ended with exit code {code} and {len(lines)} answers: {without_passwords(output[-500:])!r}"
        )
    try:
        return Part.of(json.loads(lines[0][len(_ANSWER) :]), "simulation")
    except ValueError as error:
        raise _unreadable(f"its answer is no JSON ({error})") from error


def _groups(batches: Sequence[Sequence[Target]]) -> list[list[Sequence[Target]]]:
    """Batches in their order, so many together as one command line bears."""
    groups: list[list[Sequence[Target]]] = []
    room = 0
    for batch in batches:
        if not groups or len(batch) > room:
            groups.append([])
            room = _MOST_PLACES
        groups[-1].append(batch)
        room -= len(batch)
    return groups


def _simulations(count: int, answer: Part) -> list[Simulation]:
    if not answer.flag("ok"):
        reason = answer.part("error").text("message", 2000) or "it gave no reason"
        return [Simulation(error=f"the simulation failed: {without_passwords(reason)}") for _batch in range(count)]
    found = [_simulation(part) for part in answer.part("result").parts("simulations")]
    if len(found) != count:
        raise _unreadable(f"it answered {len(found)} of {count} batches")
    return found


def _simulation(part: Part) -> Simulation:
    problem = part.text("problem", 2000)
    simulation = Simulation(error=None if problem is None else without_passwords(problem))
    for index, row in enumerate(part.items("rows")):
        _add(simulation, row, f"{part.where}.rows[{index}]")
    return simulation


def _add(simulation: Simulation, row: Any, where: str) -> None:
    if not isinstance(row, list) or len(row) != 5:
        raise _unreadable(f"{where} is no list of five")
    fields = Part(dict(zip(("kind", "name", "arch", "version", "other"), row, strict=True)), where)
    package = _rpm_answer.package(fields)
    kind = fields.text("kind", 20)
    if kind in (*_UPGRADING, "downgrade") and _rpm_answer.is_odd(package):
        raise _unreadable(f"{where} brings a package whose name rpm does not allow")
    # What goes may be odd; it is in no order under the name that is shown here, so the program on the host stops at it.
    name, arch, version = map(_rpm_answer.shown, package)
    if kind in (*_UPGRADING, "downgrade"):
        before = fields.value["other"]
        if before is not None:
            before = _rpm_answer.shown(_rpm_answer.version(fields, "other"))
        change = Change(name, arch, before, version)
        simulation.changes.append(change)
        if kind == "downgrade":
            simulation.downgrades.append(change)
    elif kind == "retired":
        simulation.retired.append(Change(name, arch, version, None))
    elif kind in ("remove", "obsoleted"):
        simulation.removals.append(Change(name, arch, version, None))
    else:
        raise _unreadable(f"{where} has the kind {kind!r}")
