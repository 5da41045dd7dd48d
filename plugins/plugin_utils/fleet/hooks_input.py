# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks and checks after the reboot as people write them; every mistake is told at once, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..engine.problems import Problems, show

PRE_INSTALL = "pre_install"
POST_INSTALL = "post_install"
ON_EXIT = "on_exit"
AFTER_REBOOT = "after_reboot"
VARIABLES = {
    PRE_INSTALL: "patch_pre_install",
    POST_INSTALL: "patch_post_install",
    ON_EXIT: "patch_on_exit",
    AFTER_REBOOT: "patch_after_reboot_checks",
}
SECONDS_OF_COMMAND = 600
SECONDS_OF_CHECK = 300
HOST, CONTROLLER = "host", "controller"
_FORMS = ("command", "tasks", "role")
_CHECKS = ("services", "port", "url")
_COMMON = ("name", "check_mode")
_KEYS = {
    "command": ("timeout", "chdir", "environment", "on", "secrets", "no_log"),
    "tasks": (),
    "role": ("tasks_from",),
    "services": ("timeout",),
    "port": ("timeout", "on", "address"),
    "url": ("timeout", "on", "status", "contains", "validate_certs"),
}
# What a program on the host does, started by a shell of POSIX, and what there is in its place on Windows.
_ON_WINDOWS = {
    "command": f"write a task file or a role, or set on: {CONTROLLER}",
    "services": "write a task file",
    "port": f"set on: {CONTROLLER}, or write a task file",
    "url": f"set on: {CONTROLLER}, or write a task file",
}
_FLAGS = ("check_mode", "no_log", "validate_certs", "required")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROLE = re.compile(r"[A-Za-z0-9_./~-]{1,500}")
_MOST_SECONDS = 86400
FindFile = Callable[[str], "Path | None"]


@dataclass(frozen=True)
class Hook:
    """One hook or check. ``number`` is its place, from 0, in the variable of its ``kind``."""

    kind: str
    number: int
    how: str
    """``command``, ``tasks``, ``role``; a check may also be ``services``, ``port`` or ``url``."""
    name: str
    in_check_mode: bool = False
    required: bool = True
    """A check that is not only warns."""
    on: str = HOST
    timeout: int = SECONDS_OF_COMMAND
    argv: tuple[str, ...] = ()
    chdir: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    no_log: bool = False
    path: str | None = None
    """Of the task file, on the controller, absolute."""
    role: str | None = None
    tasks_from: str = "main"
    units: tuple[str, ...] = ()
    """Services that must be up whatever was up before."""
    port: int = 0
    address: str | None = None
    url: str = ""
    statuses: tuple[int, ...] = (200,)
    contains: str | None = None
    validate_certs: bool = True


def parse_hooks(given: Mapping[str, Any], *, find: FindFile) -> dict[str, list[Hook]]:
    """All hooks by kind. ``given``: kind to what its variable holds (None, one hook or a list); ``find`` says where a
    task file is on the controller. Raises ``bad_hooks`` with all problems."""
    problems = Problems()
    found: dict[str, list[Hook]] = {}
    for kind, variable in VARIABLES.items():
        raw = given.get(kind)
        entries = [] if raw is None else list(raw) if isinstance(raw, (list, tuple)) else [raw]
        one = [raw is not None and not isinstance(raw, (list, tuple))]
        places = [variable if one[0] else f"{variable}[{number}]" for number in range(len(entries))]
        parsed = [
            _Entry(kind, number, place, problems, find).parse(entry)
            for number, (entry, place) in enumerate(zip(entries, places, strict=True))
        ]
        found[kind] = [hook for hook in parsed if hook is not None]
    problems.raise_if_any("bad_hooks", "hooks")
    return found


def refuse_on_windows(hooks: Mapping[str, Sequence[Hook]]) -> None:
    """Raises ``bad_hooks`` with every hook and check that would have to run a program on a Windows host."""
    problems = Problems()
    for kind, some in hooks.items():
        for hook in some:
            if hook.on == HOST and hook.how in _ON_WINDOWS:
                told = f"{hook.how} runs on POSIX hosts alone, and this is a Windows host; {_ON_WINDOWS[hook.how]}"
                problems.add(f"{VARIABLES[kind]}[{hook.number}]", told)
    problems.raise_if_any("bad_hooks", "hooks")


def find_file(folders: Sequence[Path]) -> FindFile:
    """A task file by its path: absolute, or in the first of ``folders`` that has it."""

    def find(path: str) -> Path | None:
        wanted = Path(path).expanduser()
        places = [wanted] if wanted.is_absolute() else [folder / wanted for folder in folders]
        return next((place.resolve() for place in places if place.is_file()), None)

    return find


@dataclass
class _Entry:
    kind: str
    number: int
    where: str
    problems: Problems
    find: FindFile

    def parse(self, raw: Any) -> Hook | None:
        if isinstance(raw, str):
            raw = {"tasks": raw}
        if not isinstance(raw, Mapping):
            self._wrong("", f"{show(raw)} is neither the path of a task file nor a mapping")
            return None
        forms = (*_FORMS, *_CHECKS) if self.kind == AFTER_REBOOT else _FORMS
        named = [form for form in forms if form in raw]
        if len(named) != 1:
            told = f"has {' and '.join(named)}" if named else "says nothing that can be done"
            self._wrong("", f"{told}; give one of {', '.join(forms)}")
            return None
        how = named[0]
        more = ("required",) if self.kind == AFTER_REBOOT else ()
        before = len(self.problems.found)
        self.problems.unknown_keys(self.where, raw, (how, *_COMMON, *_KEYS[how], *more))
        values = self._common(raw, how) | getattr(self, f"_{how}")(raw)
        return Hook(self.kind, self.number, how, **values) if len(self.problems.found) == before else None

    def _common(self, raw: Mapping[str, Any], how: str) -> dict[str, Any]:
        for flag in _FLAGS:
            if flag in raw and not isinstance(raw[flag], bool):
                self._wrong(flag, f"{show(raw[flag])} is neither true nor false")
        name = raw.get("name")
        if name is not None and not (isinstance(name, str) and 0 < len(name) <= 200):
            self._wrong("name", f"{show(name)} is no name of up to 200 characters")
        seconds = raw.get("timeout", SECONDS_OF_COMMAND if how == "command" else SECONDS_OF_CHECK)
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= _MOST_SECONDS:
            self._wrong("timeout", f"{show(seconds)}; it must be from 1 to {_MOST_SECONDS} seconds")
        on = raw.get("on", CONTROLLER if how == "url" else HOST)
        if on not in (HOST, CONTROLLER):
            self._wrong("on", f"{show(on)}; use {HOST} or {CONTROLLER}")
        return {
            "name": str(name or _name_of(how, raw[how])),
            "in_check_mode": raw.get("check_mode", False),
            "required": raw.get("required", True),
            "timeout": seconds,
            "on": on,
        }

    def _command(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        argv = raw["command"]
        if not isinstance(argv, (list, tuple)) or not argv or not all(_is_word(word) for word in argv):
            hint = "a list of words such as [/usr/local/sbin/drain, web1]; no shell takes part"
            self._wrong("command", f"{show(argv)} is not {hint}")
            argv = ()
        chdir = raw.get("chdir")
        if chdir is not None and not (isinstance(chdir, str) and chdir.startswith("/")):
            self._wrong("chdir", f"{show(chdir)} is no absolute path")
        environment = raw.get("environment", {})
        if not isinstance(environment, Mapping) or not all(
            isinstance(name, str) and _VARIABLE.fullmatch(name) and _is_word(value)
            for name, value in environment.items()
        ):
            self._wrong("environment", "is no mapping of names that a shell can export to texts")
            environment = {}
        secrets = raw.get("secrets", [])
        if not isinstance(secrets, (list, tuple)) or not all(isinstance(each, str) for each in secrets):
            self._wrong("secrets", "is no list of texts")
            secrets = ()
        return {
            "argv": tuple(str(word) for word in argv),
            "chdir": chdir,
            "environment": {str(name): str(value) for name, value in environment.items()},
            "secrets": tuple(secrets),
            "no_log": raw.get("no_log", False),
        }

    def _tasks(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        path = raw["tasks"]
        if not isinstance(path, str) or not path:
            self._wrong("tasks", f"{show(path)} is no path of a task file")
            return {}
        found = self.find(path)
        if found is None:
            self._wrong(
                "tasks",
                f"there is no file {path} on the controller; a path that is not absolute begins in the folder of the"
                " playbook, else of the inventory, else where the command is run",
            )
        return {"path": str(found)}

    def _role(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        for key in ("role", "tasks_from"):
            value = raw.get(key, "main")
            if not (isinstance(value, str) and _ROLE.fullmatch(value)):
                self._wrong(key, f"{show(value)} is no name")
        return {"role": raw["role"], "tasks_from": raw.get("tasks_from", "main")}

    def _services(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        units = raw["services"]
        if units is True:
            return {}
        if not isinstance(units, (list, tuple)) or not all(isinstance(unit, str) and unit for unit in units):
            self._wrong("services", f"{show(units)} is neither true nor a list of services")
            return {}
        return {"units": tuple(unit if "." in unit else f"{unit}.service" for unit in units)}

    def _port(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        port, address = raw["port"], raw.get("address")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
            self._wrong("port", f"{show(port)} is no TCP port from 1 to 65535")
        if address is not None and not (isinstance(address, str) and address):
            self._wrong("address", f"{show(address)} is no host name or address")
        if address is not None and raw.get("on", HOST) == HOST:
            self._wrong("address", f"goes with on: {CONTROLLER}; on the host any listener at the port counts")
        return {"port": port, "address": address}

    def _url(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        url = raw["url"]
        if not (isinstance(url, str) and re.fullmatch(r"https?://[!-~]+", url)):
            self._wrong("url", f"{show(url)} is no address of http or https")
        statuses = raw.get("status", [200])
        statuses = statuses if isinstance(statuses, (list, tuple)) else [statuses]
        if not statuses or not all(isinstance(each, int) and 100 <= each <= 599 for each in statuses):
            self._wrong("status", f"{show(raw.get('status'))} is no HTTP status, nor a list of them")
        contains = raw.get("contains")
        if contains is not None and not (isinstance(contains, str) and contains):
            self._wrong("contains", f"{show(contains)} is no text")
        return {
            "url": url,
            "statuses": tuple(statuses),
            "contains": contains,
            "validate_certs": raw.get("validate_certs", True),
        }

    def _wrong(self, key: str, message: str) -> None:
        self.problems.add(f"{self.where}.{key}" if key else self.where, message)


def _is_word(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and "\0" not in str(value)


def _name_of(how: str, value: Any) -> str:
    """What needs no name of its own; arguments and passwords of an address stay out of it."""
    if how == "command":
        return PurePosixPath(str(value[0])).name if isinstance(value, (list, tuple)) and value else "command"
    if how == "tasks":
        return Path(str(value)).stem
    if how == "url" and isinstance(value, str):
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if how == "services":
        return "services" if value is True else f"services {', '.join(map(str, value))}"[:200]
    return f"port {value}" if how == "port" else str(value)
