# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for apt where the sources of a baseline replace the host's: the same commands, with lists of the run alone.

Pure: commands are argument vectors, which name folders and no credentials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..engine.changes import Argument, CommandStep, FileArgument, PrivateRepositories, Simulation, Target
from . import apt_plan


class PrivateAptPlan:
    """As the module ``apt_plan``, for which it stands."""

    def __init__(self, private: PrivateRepositories) -> None:
        self._private = private

    def __getattr__(self, name: str) -> Any:
        return getattr(apt_plan, name)

    def simulation_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        return [_with(self._words(), command) for command in apt_plan.simulation_commands(batches)]

    def parse_simulations(
        self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]
    ) -> list[Simulation]:
        return apt_plan.parse_simulations(batches, results)

    def install_steps(self, *args: Any, **options: Any) -> list[CommandStep]:
        words: list[Argument] = list(self._words())
        if self._private.netrc:
            secret = FileArgument("netrc", self._private.netrc.encode(), secret=True, prefix="Dir::Etc::netrc=")
            words += ["-o", secret]
        steps = apt_plan.install_steps(*args, **options)
        return [replace(step, argv=tuple(_with(words, step.argv))) for step in steps]

    def _words(self) -> list[str]:
        folder = self._private.folder
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{folder}/parts",
            "Dir::State::lists": f"{folder}/lists",
            "Dir::Cache::archives": f"{folder}/archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
        }
        return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _with(words: Sequence[Any], command: Sequence[Any]) -> list[Any]:
    """The options behind the word apt-get, where the command has it."""
    if "apt-get" not in command:
        return list(command)
    place = list(command).index("apt-get") + 1
    return [*command[:place], *words, *command[place:]]
