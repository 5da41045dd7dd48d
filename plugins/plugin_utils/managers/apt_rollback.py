# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for taking an installation back with apt: exact earlier versions, from the repositories or from the packages
that apt keeps in its archive folder, and removal of what had come along.

Pure: commands are argument vectors, simulations are text that was carried home.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..engine.changes import Argument, CommandStep, FileArgument, Simulation, Target
from ..engine.records import Inventory
from ..engine.versions import compare
from ..errors import PatchError
from . import apt_plan
from ._titles import back_title

ARCHIVES = "/var/cache/apt/archives"
# Before 1.1 apt has neither --allow-downgrades nor names of files among the packages.
_KNOWS_DOWNGRADES = "1.1"
_NOT_FOUND = re.compile(r"E: Version '(?P<version>[^']*)' for '(?P<name>[^']*)' was not found")
# Of PATH NAME VERSION ARCHITECTURE WORD, prints the files that are that package, where no repository has it any more.
_LOOK = """\
while [ $# -ge 5 ]; do
    if [ -f "$1" ] && [ -z "$(apt-cache show "$5" 2>/dev/null)" ]; then
        found=$(dpkg-deb -f "$1" Package Version Architecture 2>/dev/null | sort | tr '\\n' ' ')
        [ "$found" != "Architecture: $4 Package: $2 Version: $3 " ] || printf '%s\\n' "$1"
    fi
    shift 5
done
exit 0
"""
# Simulates once more right before it acts, and does not where apt would do anything that is not in the file.
_ACT = """\
expected=$1
answer=$2
shift 2
dpkg --force-confdef --force-confold --configure -a
if ! announced=$("$@" -s -o Debug::NoLocking=true -o Dir::Log::Planner=/dev/null 2>&1); then
    printf '%s\\n' "$announced"
    exit 92
fi
changes=$(printf '%s\\n' "$announced" | sed -n 's/^\\(Inst\\|Remv\\|Purg\\) \\([^ ]*\\) .*/\\1 \\2/p')
beyond=$(printf '%s\\n' "$changes" | grep -v -x -F -f "$expected" | grep .)
if [ -n "$beyond" ]; then
    printf 'E: stopped before anything was changed, since apt would do more than what was planned: %s\\n' "$beyond"
    exit 91
fi
if [ "$answer" = yes ]; then
    exec "$@" -y
fi
printf '%s\\n' "$answer" | "$@"
"""


class AptRollback:
    """What ``apt_plan`` says of steps and logs holds here, too."""

    QUIET_ENVIRONMENT = apt_plan.QUIET_ENVIRONMENT
    KILL_GRACE = apt_plan.KILL_GRACE

    def __init__(self, inventory: Inventory) -> None:
        version = str(inventory.manager.get("version") or "")
        self._old = not version or compare(version, _KNOWS_DOWNGRADES, "deb") < 0
        self._files: dict[Target, str] = {}
        self.failure_reasons = apt_plan.failure_reasons

    def look_commands(self, targets: Sequence[Target]) -> list[list[str]]:
        """What finds earlier versions among the packages that apt has kept."""
        wanted = [each for each in targets if each.version]
        if not wanted or self._old:
            return []
        words = [word for each in wanted for word in _looked_for(each)]
        return [["/bin/sh", "-c", _LOOK, "sh", *words]]

    def note_looks(self, targets: Sequence[Target], results: Sequence[tuple[int, str]]) -> None:
        """Remembers which of ``targets`` are there, by what ``look_commands`` printed."""
        paths = {_archive(each): each for each in targets if each.version}
        for _code, output in results:
            self._files.update({paths[line]: line for line in output.splitlines() if line in paths})

    def back_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """Commands that simulate each batch; they take no lock and change nothing."""
        quiet = ["-s", "-o", "Debug::NoLocking=true", "-o", "Dir::Log::Planner=/dev/null"]
        return [self._command(batch, quiet if self._old else [*quiet, "-y"]) for batch in batches]

    def parse_backs(self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]) -> list[Simulation]:
        """One simulation per batch."""
        found = []
        for _batch, (code, output) in zip(batches, results, strict=True):
            simulation = apt_plan.parse_simulation(code, output)
            missing = [f"{each['name']} {each['version']}" for each in _NOT_FOUND.finditer(output)]
            if missing:
                where = "in no repository" + ("" if self._old else f" and not in {ARCHIVES}")
                simulation.error = f"{', '.join(missing[:5])} is {where} any more"
            found.append(simulation)
        return found

    def back_steps(
        self,
        targets: Sequence[Target],
        *,
        transactions: Sequence[int],
        lock_timeout: int,
        step_timeout: int,
    ) -> list[CommandStep]:
        """The steps that take these back: one run of apt, and automatic marks as they were. apt keeps no history that
        could be taken back, so ``transactions`` say nothing."""
        lines = []
        for each in targets:
            word = "Inst" if each.version else "Remv"
            lines += [f"{word} {each.name}\n", f"{word} {each.name}:{each.arch}\n"]
        expected = FileArgument("expected", "".join(lines).encode())
        # An older apt takes a downgrade only from somebody who answers; one answer never reaches a second question.
        answer = "y" if self._old else "yes"
        command = self._command(targets, apt_plan.install_option_words(lock_timeout))
        argv: tuple[Argument, ...] = ("/bin/sh", "-c", _ACT, "sh", expected, answer, *command)
        steps = [CommandStep(back_title(targets), argv, step_timeout, self.QUIET_ENVIRONMENT)]
        marks = apt_plan.automatic_marks_command([each for each in targets if each.version])
        if marks:
            put_back = "put automatic marks back"
            steps.append(CommandStep(put_back, tuple(marks), 300, self.QUIET_ENVIRONMENT, cleanup=True))
        return steps

    def _command(self, targets: Sequence[Target], more: Sequence[str] = ()) -> list[str]:
        if not targets:
            raise PatchError("empty_plan", "There is nothing to take back, so no apt command may be built from it.")
        allowed = [] if self._old else ["--allow-downgrades"]
        words = [self._word(each) for each in targets]
        return ["apt-get", "-q", *allowed, "--no-install-recommends", *more, "install", *words]

    def _word(self, target: Target) -> str:
        if target.version:
            return self._files.get(target) or f"{apt_plan.package(target)}={target.version}"
        return f"{apt_plan.package(target)}-"


def _looked_for(target: Target) -> tuple[str, ...]:
    word = f"{apt_plan.package(target)}={target.version}"
    return (_archive(target), target.name, target.version, target.arch, word)


def _archive(target: Target) -> str:
    """``/var/cache/apt/archives/acme_1%3a1.0-1_amd64.deb``: apt quotes the colon of an epoch."""
    return f"{ARCHIVES}/{target.name}_{target.version.replace(':', '%3a')}_{target.arch}.deb"
