# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for a Mac: one label of softwareupdate or one name of Homebrew a step, and what their logs say.

An exit code of 0 proves nothing here: what is installed is for the next reading to tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.changes import Argument, Change, Choice, CommandStep, FileArgument, Simulation, Target
from ..engine.records import Inventory, PatchRecord, package_key
from ..errors import PatchError
from . import _answer, macos_along, macos_homebrew
from .macos_titles import is_system, release

_SOFTWAREUPDATE = "/usr/sbin/softwareupdate"
# What the first word names becomes standard input: the password is on no command line.
_WITH_INPUT = 'exec "$@" <"$0"'
# From macOS 11 on, an update of the system is only prepared where the restart is not part of it.
_RESTARTS_ITSELF = (11, 0)
_PROGRESS = re.compile(r"\s*(?:Downloading: \d+(?:\.\d+)?%|[\d.]+ [KMG]B of .*|About .*|Less than a .*)\s*\Z")
_FAILURES = (
    ("disk_space", re.compile(r"^(Not enough free disk space: .*)$", re.MULTILINE)),
    ("not_authenticated", re.compile(r"^(Failed to authenticate.*)$", re.MULTILINE)),
    ("no_such_update", re.compile(r"^(.*: No such update|No updates are available\.)$", re.MULTILINE)),
    ("download_failed", re.compile(r"^(Error downloading .*)$", re.MULTILINE)),
    ("pinned", re.compile(r"^Error: (Not upgrading \d+ pinned package.*)$", re.MULTILINE)),
    ("brew_failed", re.compile(r"^Error: (.*)$", re.MULTILINE)),
)
_RESTART = re.compile(r"requires?\s+that\s+you\s+restart\s+your\s+computer|^Restarting\.\.\.$", re.MULTILINE)
_ITEM = re.compile(r"^(Downloaded:|Installed|Done with) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class VolumeOwner:
    """A user with a secure token, whom Apple silicon asks before it lets the system be replaced."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"VolumeOwner({self.name!r})"


@dataclass(frozen=True)
class Told:
    """What a step's log says. ``prepared``: downloaded and not installed, as without --restart."""

    failures: tuple[tuple[str, str], ...]
    restart_wanted: bool
    prepared: bool


class MacPlan:
    """Plans for one Mac. ``may_restart`` is None where it may, else why it may not; ``owner`` is the volume's.

    softwareupdate simulates nothing: what a step would bring is what its label says, and what cannot succeed is refused
    before anything is downloaded. Homebrew is asked once per plan what it would bring along (``macos_along``).
    """

    QUIET_ENVIRONMENT: Mapping[str, str] = {}
    KILL_GRACE = 30
    AVOIDS = False
    COMPANIONS = False
    LIBRARY = None
    ALONE = True
    """Every target has a step of its own from the start."""

    def __init__(self, inventory: Inventory, *, may_not_restart: str | None, owner: VolumeOwner | None) -> None:
        self._host = inventory
        self._may_not_restart = may_not_restart
        self._owner = owner
        self._records = {(*package_key(each), str(each["version"])): each for each in inventory.candidates}
        self._of_step = {_title(each): f"{each['kind']} {each['name']}" for each in inventory.candidates}
        self._along: macos_along.Along | None = None

    def simulation_commands(self, batches: Sequence[Sequence[Target]]) -> list[list[str]]:
        """Questions to Homebrew, for the first batches that concern it; the answers serve all later ones."""
        kinds = {target.kind for batch in batches for target in batch}
        if self._along is not None or kinds.isdisjoint(macos_along.KINDS):
            return []
        return macos_along.questions(self._host)

    def parse_simulations(
        self, batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]
    ) -> list[Simulation]:
        """One for each batch; with an error where one of its targets cannot be installed from here."""
        if results:
            self._along = macos_along.answers(self._host, results)
        return [self._simulation(batch) for batch in batches]

    def _simulation(self, batch: Sequence[Target]) -> Simulation:
        simulation = Simulation()
        for target in batch:
            record = self._record(target)
            simulation.error = simulation.error or self.refusal(record)
            change = Change(
                target.name, target.arch, target.installed_version, target.version, restart=bool(record.get("action"))
            )
            simulation.changes.append(change)
        brewed = [(target.name, target.arch) for target in batch if target.kind in macos_along.KINDS]
        if brewed:
            if self._along is None:
                raise PatchError("bad_plan", "Homebrew was not asked what it would bring along.")
            more, why_not = self._along.along_with(brewed)
            simulation.changes += more
            simulation.error = simulation.error or why_not
        return simulation

    def _record(self, target: Target) -> PatchRecord:
        return self._records[target.name, target.arch, target.version]

    def refusal(self, record: Mapping[str, Any]) -> str | None:
        """Why a candidate cannot be installed; None when it can."""
        if record["kind"] != "update":
            return None
        if not self._host.privileged:
            return "softwareupdate installs for root alone"
        if record["action"] == "shut down":
            return "it shuts the host down, and nobody could switch it on again from here"
        if not self._restarts(record):
            return None
        if self._may_not_restart is not None:
            return f"it is installed by a restart, which this run may not make: {self._may_not_restart}"
        if self._host.os["arch"] == "arm64" and self._owner is None:
            return (
                "a Mac with Apple silicon asks for a volume owner before it updates macOS: set volume_owner and "
                "volume_owner_password, or let its device management (declarative management) install it"
            )
        return None

    def _restarts(self, record: Mapping[str, Any]) -> bool:
        running = release(str(self._host.os["version"]))
        new = running is not None and running >= _RESTARTS_ITSELF
        return new and (record["action"] == "restart" or is_system(str(record["name"])))

    def install_steps(
        self,
        choice: Choice,
        *,
        allow_removals: bool,
        lock_timeout: int,
        step_timeout: int,
        separately: bool = False,
    ) -> list[CommandStep]:
        """A step for each target, those that restart the host last; one that fails does not keep the others away.

        Raises ``refused`` for what ``refusal`` names: it must have been left out before.
        """
        records = [self._record(target) for target in choice.targets]
        refused = [why for why in map(self.refusal, records) if why]
        if refused or not records:
            raise PatchError("refused", f"Nothing may be installed: {refused or 'there is nothing to install'}.")
        return [self._step(record, step_timeout) for record in sorted(records, key=self._restarts)]

    def _step(self, record: PatchRecord, timeout: int) -> CommandStep:
        restarts = self._restarts(record)
        argv: tuple[Argument, ...]
        if record["kind"] == "update":
            argv = (_SOFTWAREUPDATE, "--install", "--no-scan", "--verbose")
            if restarts:
                argv += ("--restart",)
                if self._host.os["arch"] == "arm64" and self._owner is not None:
                    secret = FileArgument("volume-owner", f"{self._owner.password}\n".encode(), secret=True)
                    argv = ("/bin/sh", "-c", _WITH_INPUT, secret, *argv, "--user", self._owner.name, "--stdinpass")
            argv += (record["label"],)
        else:
            brew = self._host.findings["homebrew"]
            argv = tuple(macos_homebrew.as_owner(brew, "upgrade", f"--{record['kind']}", record["full_name"]))
        return CommandStep(
            _title(record),
            argv,
            timeout,
            continue_on_failure=True,
            on_crash="restart" if restarts else "report",
            # Whether the restart came before the command could end in peace says nothing.
            ok_codes=(0, 137, 143) if restarts else (0,),
        )

    def reasons_of_step(self, title: str, log: str) -> tuple[dict[str, str], str]:
        """Why what a step was to bring is not there, should that be so, and the same without the name."""
        told = read_log(log)
        said = "; ".join(words for _kind, words in told.failures)
        if not said and told.prepared:
            said = "it was downloaded and prepared, and not installed: that takes a restart that softwareupdate makes"
        if not said:
            last = _answer.clean(" ".join(without_progress(log)[-2:]), 200) or "nothing"
            said = f"its installation ended and it is still offered; the last words were: {last}"
        patch = self._of_step.get(title)
        return ({patch: said} if patch else {}), said

    def waits_for_restart(self, title: str, log: str) -> bool:
        """Whether a step of these ended and the restart that it announced is yet to come."""
        told = read_log(log)
        return title in self._of_step and told.restart_wanted and not told.failures

    def is_stale(self, _reason: str) -> bool:
        return False

    def conffiles_command(self, _since: str) -> list[str]:
        """Homebrew and softwareupdate keep no copies of configuration files."""
        return ["true"]


def _title(record: Mapping[str, Any]) -> str:
    return f"install {record['kind']} {record['name']} {record['version']}"


def plan_for(inventory: Inventory, *, arguments: Mapping[str, Any]) -> MacPlan:
    """The plan of one Mac within what the task allows."""
    name, password = arguments.get("volume_owner"), arguments.get("volume_owner_password")
    owner = VolumeOwner(str(name), str(password)) if name and password else None
    reason = None
    if arguments.get("reboot_option") == "NoReboot":
        reason = "reboot_option is NoReboot"
    elif arguments.get("local"):
        reason = "it is the controller itself"
    return MacPlan(inventory, may_not_restart=reason, owner=owner)


def read_log(log: str) -> Told:
    """What softwareupdate or brew said in a step, without its progress, which it draws over itself."""
    text = "\n".join(without_progress(log))
    failures: list[tuple[str, str]] = []
    for kind, pattern in _FAILURES:
        for found in pattern.findall(text):
            said = _answer.clean(found, 400)
            if said not in [known for _kind, known in failures]:
                failures.append((kind, said))
    words = {word for word, _item in _ITEM.findall(text)}
    return Told(tuple(failures), _RESTART.search(text) is not None, words == {"Downloaded:"})


def without_progress(log: str) -> list[str]:
    """Lines that say something: carriage returns begin new ones."""
    return [line for line in re.split(r"[\r\n]+", log) if line.strip() and not _PROGRESS.match(line)]
