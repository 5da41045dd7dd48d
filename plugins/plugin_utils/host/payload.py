# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what one exec carries: a command line of a few bytes, and everything else on standard input.

The command line holds no secret, no newline and no ``!``, so that it means the same to every login shell, fish
and csh included. Standard input is: shell assignments and the task's environment, the bootstrap (these two are
what the command line's ``dd`` reads), then the bytes for Python: loader, request, readers.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

SCRIPTS = Path(__file__).parent / "scripts"
_ALL = ("reader_protocol.py", "run_workspace.py", "private_sources.py", "system_facts.py")
_DNF = (*_ALL, "rpm_system.py", "rpm_cache.py", "dnf_cache.py", "dnf_packages.py")
_DNF5 = (*_ALL, "rpm_system.py", "rpm_cache.py", "dnf5_cache.py", "dnf5_packages.py")
_YUM = (*_ALL, "rpm_system.py", "yum_cache.py", "yum_packages.py")
# What stands before NAME_reader.py or NAME_reader.sh in the text that travels; a part uses names of those before it.
READER_PARTS = {
    "apt": (*_ALL, "apt_cache.py", "apt_status.py", "apt_packages.py", "apt_lists.py"),
    "dnf": _DNF,
    "dnf5": _DNF5,
    "yum": _YUM,
    "zypper": ("sections.sh", "linux_facts.sh", "zypper_sources.sh", "zypper_metadata.sh"),
    "macos": ("sections.sh",),
}
# The same for the programs that act on a host, NAME.py or NAME.sh.
PROGRAM_PARTS = {
    "dnf_transaction": (*_DNF, "rpm_transaction.py", "dnf_solving.py"),
    "yum_transaction": (*_YUM, "rpm_transaction.py", "yum_solving.py"),
    "dnf5_transaction": (*_DNF5, "rpm_transaction.py", "dnf5_solving.py"),
    "zypper_transaction": ("zypper_sources.sh",),
}
# White space to Python. The loader compiles what stands between one by one, as its own PART_END says.
PART_END = b"\n\f\n"
# Exactly so many bytes, because Python reads on from there. dd gathers them from the pipe where it knows fullblock
# (coreutils, newer busybox); where it does not, it says so before it reads, and takes them one by one.
_COMMAND = (
    "/bin/sh -c 'eval \"$(dd bs={size} count=1 iflag=fullblock 2>/dev/null || dd bs=1 count={size} 2>/dev/null)\"'"
)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Payload:
    """One exec: ``command`` goes to the connection, ``data`` to its standard input (or into a file)."""

    command: str
    data: bytes
    mark: str


@cache
def script(name: str) -> bytes:
    """The bytes of one file under ``scripts/``."""
    return (SCRIPTS / name).read_bytes()


@cache
def _travelling(name: str) -> bytes:
    """A script without its comment lines: the bootstrap is read byte by byte, the stage shows in process lists."""
    lines = script(name).splitlines(keepends=True)
    return b"".join(line for line in lines if not line.lstrip().startswith(b"#"))


def reader_files(name: str) -> tuple[str, ...]:
    """The parts of a reader in their order, ``NAME_reader.py`` or ``NAME_reader.sh`` last."""
    ending = "sh" if (SCRIPTS / f"{name}_reader.sh").exists() else "py"
    return (*READER_PARTS.get(name, ()), f"{name}_reader.{ending}")


@cache
def reader_source(name: str) -> bytes:
    """A reader with its parts as one text, Python or sh; the latter without its comment lines."""
    if reader_files(name)[-1].endswith(".sh"):
        return b"\n".join(_travelling(part) for part in reader_files(name))
    return PART_END.join(script(part) for part in reader_files(name))


@cache
def program_source(name: str) -> bytes:
    """A program with its parts as one text; one in sh without its comment lines."""
    if (SCRIPTS / f"{name}.sh").exists():
        return b"\n".join(_travelling(part) for part in (*PROGRAM_PARTS[name], f"{name}.sh"))
    return b"\n".join(script(part) for part in (*PROGRAM_PARTS[name], f"{name}.py"))


@cache
def shipped_readers() -> tuple[str, ...]:
    """Names of the readers that travel to POSIX hosts, ``("apt", ...)``; the one in PowerShell goes its own way."""
    paths = (path for ending in ("py", "sh") for path in SCRIPTS.glob(f"*_reader.{ending}"))
    return tuple(sorted(path.stem[: -len("_reader")] for path in paths))


def _table(sections: Sequence[tuple[str, bytes]]) -> str:
    rows, start = [], 0
    for name, content in sections:
        rows.append(f"{name}:{start}:{len(content)}")
        start += len(content)
    return " ".join(rows)


def _options(request: Mapping[str, Any]) -> dict[str, str]:
    """The request's plain options as variables for readers in sh, ``of_option_refresh``."""
    plain = {name: value for name, value in request.get("options", {}).items() if isinstance(value, (str, int, float))}
    return {f"of_option_{name}": str(value) for name, value in plain.items() if _VARIABLE_NAME.match(name)}


def environment_lines(environment: Mapping[str, Any]) -> str:
    """``export NAME='value'`` for each variable; the values never stand on a command line.

    Raises ``PatchError("bad_environment")`` for a name that no shell can export.
    """
    lines = []
    for name, value in environment.items():
        if not _VARIABLE_NAME.match(str(name)):
            raise PatchError(
                "bad_environment",
                f"The task's environment has a variable named {str(name)!r}, which no shell can export. "
                "Use letters, digits and underscores, not starting with a digit.",
            )
        text = str(value)
        if "\0" in text:
            raise PatchError("bad_environment", f"The value of {name} in the task's environment holds a NUL byte.")
        lines.append(f"export {name}={shlex.quote(text)}\n")
    return "".join(lines)


def reading_command(size: int) -> str:
    """The command line that reads exactly ``size`` bytes of standard input and runs them as a shell program."""
    return _COMMAND.format(size=size)


def build(
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, Any],
    interpreters: Sequence[str],
    seconds: int,
    readers: Mapping[str, bytes] | None = None,
    mark: str | None = None,
) -> Payload:
    """The payload for one request; ``readers`` and ``mark`` are given by tests only."""
    mark = mark or "openfleet-" + secrets.token_hex(16)
    if readers is None:
        readers = {name: reader_source(name) for name in shipped_readers()}
    sections = [("loader", script("loader.py")), ("request", json.dumps(request).encode())]
    sections += sorted(readers.items())
    body = b"".join(content for _name, content in sections)
    assignments = {
        "of_mark": mark,
        "of_limit": str(int(seconds)),
        "of_total": str(len(body)),
        "of_stage": _travelling("stage.py").decode(),
        "of_table": _table(sections),
        **_options(request),
    }
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in assignments.items())
    head += "set -- " + " ".join(shlex.quote(path) for path in interpreters) + "\n"
    head += environment_lines(environment)
    text = head.encode("utf-8", "surrogateescape") + _travelling("bootstrap.sh")
    return Payload(
        command=reading_command(len(text)),
        data=text + body,
        mark=mark,
    )
