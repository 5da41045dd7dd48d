# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for a Mac: one label of softwareupdate or one name of Homebrew a step, and what their logs say.

An exit code of 0 proves nothing here: what is installed is for the next reading to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..engine.changes import Argument, CommandStep, FileArgument
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from . import _answer
from .macos_titles import is_system, release

_SOFTWAREUPDATE = "/usr/sbin/softwareupdate"
# What the first word names becomes standard input: the password is on no command line.
_WITH_INPUT = 'exec "$@" <"$0"'
# brew runs as the owner of its folder, with an environment of its own; $0 is the owner.
_AS_OWNER = (
    'run=\'exec env -i "HOME=$HOME" "USER=$(id -un)" "LOGNAME=$(id -un)" PATH=/usr/bin:/bin:/usr/sbin:/sbin '
    "LC_ALL=en_US.UTF-8 HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ANALYTICS=1 HOMEBREW_NO_ENV_HINTS=1 "
    'HOMEBREW_NO_INSTALL_CLEANUP=1 HOMEBREW_NO_ASK=1 HOMEBREW_NO_COLOR=1 "$@"\'; '
    'if [ "$(id -u)" = 0 ]; then exec sudo -n -H -u "$0" -- /bin/sh -c "$run" sh "$@"; '
    'else exec /bin/sh -c "$run" sh "$@"; fi'
)
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


def refusals(
    records: Iterable[PatchRecord], inventory: Inventory, *, may_restart: bool, owner: VolumeOwner | None
) -> dict[str, str]:
    """Names of candidates that cannot be installed, and why; judged before anything is downloaded."""
    found = {}
    for record in records:
        why = _refusal(record, inventory, may_restart, owner)
        if why is not None:
            found[f"{record['classification']} {record['name']} {record['version']}"] = why
    return found


def _refusal(
    record: Mapping[str, object], inventory: Inventory, may_restart: bool, owner: VolumeOwner | None
) -> str | None:
    if record["classification"] != "softwareupdate":
        return None
    if not inventory.privileged:
        return "softwareupdate installs for root alone"
    if record["action"] == "shut down":
        return "it shuts the host down, and nobody could switch it on again from here"
    if not _restarts_itself(record, inventory):
        return None
    if not may_restart:
        return "it is installed by a restart, which this run may not make"
    if inventory.os["arch"] == "arm64" and owner is None:
        return (
            "a Mac with Apple silicon asks for a volume owner before it updates macOS: give name and password of one, "
            "or let its device management (declarative management) install it"
        )
    return None


def _restarts_itself(record: Mapping[str, object], inventory: Inventory) -> bool:
    running = release(str(inventory.os["version"]))
    new = running is not None and running >= _RESTARTS_ITSELF
    return new and (record["action"] == "restart" or is_system(str(record["name"])))


def install_steps(
    records: Sequence[PatchRecord],
    inventory: Inventory,
    *,
    may_restart: bool,
    owner: VolumeOwner | None,
    step_timeout: int,
) -> list[CommandStep]:
    """A step for each record, those that restart the host last; one that fails does not keep the others away.

    Raises ``refused`` for what ``refusals`` names: it must have been left out before.
    """
    refused = refusals(records, inventory, may_restart=may_restart, owner=owner)
    if refused or not records:
        raise PatchError("refused", f"Nothing may be installed: {refused or 'there is nothing to install'}.")
    ordered = sorted(records, key=lambda each: _restarts_itself(each, inventory))
    return [_step(record, inventory, owner, step_timeout) for record in ordered]


def _step(record: PatchRecord, inventory: Inventory, owner: VolumeOwner | None, timeout: int) -> CommandStep:
    argv: tuple[Argument, ...]
    if record["classification"] == "softwareupdate":
        argv = (_SOFTWAREUPDATE, "--install", "--no-scan", "--verbose")
        if _restarts_itself(record, inventory):
            argv += ("--restart",)
            if inventory.os["arch"] == "arm64" and owner is not None:
                secret = FileArgument("volume-owner", f"{owner.password}\n".encode(), secret=True)
                argv = ("/bin/sh", "-c", _WITH_INPUT, secret, *argv, "--user", owner.name, "--stdinpass")
        argv += (record["label"],)
    else:
        brew = inventory.findings["homebrew"]
        kind = "--cask" if record["classification"] == "brew cask" else "--formula"
        argv = ("/bin/sh", "-c", _AS_OWNER, brew["owner"], brew["path"], "upgrade", kind, record["full_name"])
    return CommandStep(
        f"install {record['name']} {record['version']}", argv, timeout, continue_on_failure=True, on_crash="report"
    )


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
