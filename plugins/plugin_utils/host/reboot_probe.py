# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a host before and after a reboot, ask it for one, restart services: all in ``sh``, no Python on the host."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.channel import HostChannel
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.frames import one_line
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import SEARCH_PATH, STATE_DIRECTORY
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import decode
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import script

_PARTS = ("job_journal.sh", "mac_processes.sh", "reboot_host.sh")
_BOOT_ID = re.compile(r"[0-9a-f-]{32,36}\Z")
_REFUSALS = frozenset(
    "unsupported_host other_boot no_privilege job_running packages_locked no_systemd bad_request".split()
)
MESSAGE_LIMIT = 400
_MOST_PENDING = 20000


@dataclass(frozen=True)
class HostState:
    """One look at a host."""

    boot_id: str
    uid: int
    first_process_age: float | None
    """Seconds since PID 1 started, by a clock that nobody sets; None where /proc hides it."""
    job: str | None = None
    """The patch job that is at work, in words."""
    lock: str | None = None
    """Who holds a lock of the package manager, in words."""
    pending: tuple[str, ...] = ()
    """What installs of ours put there since the boot, ``name arch version``."""


@dataclass(frozen=True)
class UnitRestart:
    """``code`` 0 is success; None: not restarted, for the reason in ``said``."""

    unit: str
    code: int | None
    said: str = ""


_LEFT = {
    "carries": "this connection would end with it",
    "sessions": "its main process runs the new files, sessions that it started before do not",
}


class RebootProbe:
    """Requests to one host; each raises what ``HostChannel.call`` raises, and the host's own refusals."""

    def __init__(self, channel: HostChannel, *, state_directory: str = STATE_DIRECTORY) -> None:
        self._channel = channel
        self._state_directory = state_directory

    def look(self) -> HostState:
        """Changes nothing."""
        return _state(self._ask("look"))

    def warn(self, message: str) -> None:
        """Tell whoever is logged in."""
        self._ask("warn", _text(message))

    def go(self, boot_id: str, message: str, *, when: str = "now") -> tuple[int, str]:
        """Ask for the reboot of the boot ``boot_id``: exit code and output of the command, if the host still tells.

        Refuses with ``job_running``, ``packages_locked`` or, when it has booted meanwhile, ``other_boot``.
        """
        rows = self._ask("go", boot_id, when, _text(message))
        said = _hex(_one(rows, "output.hex", ""))
        return _number(_one(rows, "code")), one_line(said, 600)

    def restart(self, units: Mapping[str, Sequence[int]], *, reexec: bool) -> list[UnitRestart]:
        """Restart services that run, one after the other, each given with its stale processes.

        ``reexec``: the first process executes itself anew; it is the unit ``.``.
        """
        words = [f"{unit}={','.join(map(str, pids))}" for unit, pids in units.items()]
        rows = self._ask("restart", *words, *(["."] if reexec else []))
        done = []
        for name, value in rows:
            words = value.split(" ")
            if name in _LEFT:
                done.append(UnitRestart(value, None, _LEFT[name]))
            elif name == "unit" and len(words) == 3:
                done.append(UnitRestart(words[1], _number(words[0]), one_line(_hex(words[2]))))
        return done

    def _ask(self, *words: str) -> list[tuple[str, str]]:
        nonce = secrets.token_hex(16)
        text = program(words, nonce=nonce, state_directory=self._state_directory)
        return rows_of(self._channel.run_program(text, nonce), nonce)


def program(words: Sequence[str], *, nonce: str, state_directory: str = STATE_DIRECTORY) -> str:
    """A whole program for ``/bin/sh``: the scripts, and the request as positional parameters."""
    head = [
        f"BASE={_quote(state_directory)}",
        f"PATH={_quote(SEARCH_PATH)}; export PATH",
        f"NONCE={nonce}",
        "set -- " + " ".join(_quote(word) for word in words),
    ]
    return "\n".join([*head, *(script(part).decode() for part in _PARTS)])


def rows_of(text: str, nonce: str) -> list[tuple[str, str]]:
    """The ``name value`` lines of an answer; raises the host's refusal, or ``bad_answer``."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    begin, end = f"openfleet-patch-answer {nonce} begin", f"openfleet-patch-answer {nonce} end"
    if begin not in lines or end not in lines[lines.index(begin) :]:
        raise PatchError(
            "bad_answer", f"The host's shell gave no complete answer. Seen: {one_line(text[-2000:]) or 'nothing'}"
        )
    first = lines.index(begin) + 1
    rows = [(name, value) for name, _space, value in (line.partition(" ") for line in lines[first : lines.index(end)])]
    if _one(rows, "ok") != "yes":
        kind = _one(rows, "kind", "")
        raise PatchError(
            kind if kind in _REFUSALS else "bad_answer", one_line(_hex(_one(rows, "message.hex", "")), 600) or "refused"
        )
    return rows


def _state(rows: list[tuple[str, str]]) -> HostState:
    boot_id = _one(rows, "boot")
    if not _BOOT_ID.match(boot_id):
        raise PatchError("bad_answer", f"The host's boot id is {one_line(boot_id, 60)!r}")
    pending = [value for name, value in rows if name == "pending"][:_MOST_PENDING]
    return HostState(
        boot_id=boot_id,
        uid=_number(_one(rows, "uid")),
        first_process_age=first_process_age(_one(rows, "uptime", "-"), _one(rows, "first", "-")),
        job=_job(_one(rows, "job", "")),
        lock=_lock(_one(rows, "lock", "")),
        pending=tuple(one_line(value) for value in pending),
    )


def first_process_age(uptime: str, first: str) -> float | None:
    """``("1234.56", "120000 100")`` -> 34.56: uptime in seconds, start of PID 1 in ticks and ticks per second.

    In a container both count from the machine's boot. Where the container's uptime is made up (LXCFS) and PID 1
    seems to start in the future, that uptime is the age.
    """
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)/([0-9]{1,18}) ([1-9][0-9]{0,5})", f"{uptime}/{first}")
    if match is None:
        return None
    up, ticks, per_second = float(match[1]), int(match[2]), int(match[3])
    age = up - ticks / per_second
    return age if age >= 0 else up


def _job(value: str) -> str | None:
    if not value:
        return None
    job_id, role, title = (value.split(" ", 2) + ["", ""])[:3]
    if role == "reboot":
        return "another reboot that was just asked for"
    return _titled(job_id, title)


def _titled(job_id: str, title: str) -> str:
    try:
        told = "" if title in ("", "-") else decode(title)
    except UnicodeEncodeError:
        told = ""
    name = f"job {one_line(job_id, 70)}"
    return f"{one_line(told, 100)} ({name})" if told else name


def _lock(value: str) -> str | None:
    if not value:
        return None
    pid, path, name = (value.split(" ", 2) + ["", ""])[:3]
    return f"{one_line(name, 20)} (pid {one_line(pid, 12)}) holds {one_line(path, 60)}"


def _one(rows: list[tuple[str, str]], name: str, default: str | None = None) -> str:
    found = [value for key, value in rows if key == name]
    if len(found) == 1:
        return found[0]
    if found or default is None:
        raise PatchError("bad_answer", f"The host's answer has {len(found)} lines {name}")
    return default


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise PatchError("bad_answer", f"The host's answer has {one_line(text, 60)!r} where a number should be")
    return int(text)


def _hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode("utf-8", "replace")
    except ValueError:
        raise PatchError("bad_answer", f"The host's answer has {one_line(text, 60)!r} where hex should be") from None


def _text(message: str) -> str:
    """One line: a newline in it would end a line of a terminal, or of a log."""
    return one_line(message, MESSAGE_LIMIT)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
