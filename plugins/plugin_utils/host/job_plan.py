# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a job, and its form on the wire (docs/journal.md).

A plan is data: argument vectors, never shell text. :func:`payload` writes the files of the journal that the runner
reads; every byte that is not plain becomes ``\\0ooo``, which any POSIX ``printf '%b'`` turns back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

STEP_LIMIT = 999
JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,+@%-")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Read-only in bash where it is /bin/sh, or of use to the runner.
_VARIABLES_REFUSED = re.compile(r"(?i:OPENFLEET_.*)|UID|EUID|PPID|SHELLOPTS|BASHOPTS|BASH_VERSINFO|IFS|OPTIND\Z")


class OnCrash(str, Enum):
    """What becomes of a step that was under way when its runner or its host died, its exit code unknown."""

    UNDO = "undo"
    """The job goes no further: cleanup steps, undo, result INTERRUPTED."""
    RETRY = "retry"
    """The step is run again (three attempts in all); then as UNDO."""
    REPORT = "report"
    """The step counts as failed; ``continue_on_failure`` decides what follows."""
    RESTART = "restart"
    """The step restarts the host: cut off by another boot it has done its work, else as REPORT."""


@dataclass(frozen=True)
class FileReference:
    """An argument that becomes ``prefix`` plus the absolute path of the plan's file ``name`` on the host."""

    name: str
    prefix: str = ""


Argument = str | FileReference


@dataclass(frozen=True)
class Undo:
    """What takes a step back. Both parts may be repeated after a crash, so an argument vector must bear that.

    ``files``: absolute paths, copied (content, owner, mode, time) before the step begins, put back afterwards; one that
    does not exist then is removed. A symbolic link is restored as a link, what it points to is not looked at.
    ``always``: also after SUCCEEDED and PARTIAL (what only lasts as long as the job), else only after other results.
    """

    files: tuple[str, ...] = ()
    argv: tuple[Argument, ...] = ()
    always: bool = True
    timeout: int = 300


@dataclass(frozen=True)
class Step:
    """One command. Times are in seconds. ``environment`` is readable in the journal; secrets go into the plan's.

    ``stdin`` names a file of the plan; without it the command reads ``/dev/null``.
    ``cleanup``: runs whatever happened before, even beyond the time of the job.
    """

    name: str
    argv: tuple[Argument, ...]
    timeout: int = 3600
    ok_codes: tuple[int, ...] = (0,)
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    continue_on_failure: bool = False
    cleanup: bool = False
    on_crash: OnCrash = OnCrash.UNDO
    undo: Undo | None = None


@dataclass(frozen=True)
class Plan:
    """A job. ``timeout`` (seconds, whole job) ends the step under way with result TIMED_OUT.

    ``secret_environment`` and ``secret_files`` exist on the host in files of mode 0600 for as long as the job has not
    ended; ``files`` stay with the journal. ``resume_after_crash``: a runner that died between two steps is followed by
    one that goes on (within ``timeout``), else by one that undoes.
    """

    job_id: str
    title: str
    steps: tuple[Step, ...]
    timeout: int = 14400
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    secret_files: Mapping[str, bytes] = field(default_factory=dict)
    resume_after_crash: bool = True
    boot_hook: bool = True
    log_limit: int = 4 * 1024 * 1024
    kill_grace: int = 10


def encode(value: str | bytes) -> str:
    """``value`` for ``printf '%b'``. Text is UTF-8; bytes a host reported (surrogate escapes) go back unchanged."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in raw)


def decode(text: str) -> str:
    """The opposite of :func:`encode`, as text."""
    raw = re.sub(rb"\\0([0-7]{3})", lambda match: bytes([int(match.group(1), 8) & 255]), text.encode("ascii"))
    return raw.decode("utf-8", "surrogateescape")


def payload(plan: Plan, *, search_path: str, shell: str = "/bin/sh") -> str:
    """The plan as lines for the runner's ``payload_unpack``. Raises ``bad_plan`` naming every problem."""
    problems = _problems(plan)
    if problems:
        raise PatchError(
            "bad_plan", f"The plan of job {plan.job_id!r} cannot be run: " + "; ".join(problems), problems=problems
        )
    lines = ["mkdir steps"]
    lines += _file(
        "plan",
        [
            f"title {encode(plan.title)}",
            f"timeout {plan.timeout}",
            f"on_crash {'resume' if plan.resume_after_crash else 'undo'}",
            f"boot_hook {'yes' if plan.boot_hook else 'no'}",
            f"log_limit {plan.log_limit}",
            f"kill_grace {plan.kill_grace}",
            f"search_path {encode(search_path)}",
            f"shell {shell}",
        ],
    )
    lines += _environment("environment", plan.environment)
    if plan.secret_environment or plan.secret_files:
        lines.append("mkdir secrets")
        lines += _environment("secrets/environment", plan.secret_environment)
        lines += [f"bytes secrets/{name}.file {encode(content)}" for name, content in plan.secret_files.items()]
    if plan.files:
        lines.append("mkdir files")
        lines += [f"bytes files/{name} {encode(content)}" for name, content in plan.files.items()]
    for number, step in enumerate(plan.steps, 1):
        lines += _step(plan, f"steps/{number:03d}", step)
    return "\n".join([*lines, "end"])


def _step(plan: Plan, directory: str, step: Step) -> list[str]:
    settings = [
        f"name {encode(step.name)}",
        f"timeout {step.timeout}",
        f"ok {' '.join(str(code) for code in step.ok_codes)}",
        f"continue {'yes' if step.continue_on_failure else 'no'}",
        f"cleanup {'yes' if step.cleanup else 'no'}",
        f"on_crash {step.on_crash.value}",
    ]
    argv = [_argument(plan, argument) for argument in step.argv]
    if step.stdin is not None:
        argv.append(f"stdin {_path_of(plan, step.stdin)}")
    lines = [f"mkdir {directory}", *_file(f"{directory}/argv", argv)]
    lines += _environment(f"{directory}/environment", step.environment)
    if step.undo is not None:
        settings += [f"undo_when {'always' if step.undo.always else 'failure'}", f"undo_timeout {step.undo.timeout}"]
        if step.undo.files:
            lines += _file(f"{directory}/undo_files", [encode(path) for path in step.undo.files])
        if step.undo.argv:
            lines += _file(f"{directory}/undo_argv", [_argument(plan, argument) for argument in step.undo.argv])
    return lines + _file(f"{directory}/settings", settings)


def _argument(plan: Plan, argument: Argument) -> str:
    if isinstance(argument, FileReference):
        return f"file {_path_of(plan, argument.name)} {encode(argument.prefix)}".rstrip()
    return f"arg {encode(argument)}".rstrip()


def _path_of(plan: Plan, name: str) -> str:
    return f"secrets/{name}.file" if name in plan.secret_files else f"files/{name}"


def _file(path: str, content: list[str]) -> list[str]:
    return [f"file {path}", *(f"= {line}" for line in content)]


def _environment(path: str, environment: Mapping[str, str]) -> list[str]:
    if not environment:
        return []
    return _file(path, [f"{name} {encode(value)}".rstrip() for name, value in environment.items()])


def _problems(plan: Plan) -> list[str]:
    problems = []
    if not JOB_ID.match(plan.job_id):
        problems.append(
            "the job id is not 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        )
    if not 1 <= len(plan.steps) <= STEP_LIMIT:
        problems.append(f"it has {len(plan.steps)} steps, not 1 to {STEP_LIMIT}")
    if set(plan.files) & set(plan.secret_files):
        problems.append("a file is both secret and not")
    problems += [f"file name {name!r}" for name in [*plan.files, *plan.secret_files] if not _FILE_NAME.match(name)]
    if min(plan.timeout, plan.kill_grace, plan.log_limit) < 1:
        problems.append("timeout, kill_grace and log_limit must be at least 1")
    problems += _environment_problems("the plan", {**plan.environment, **plan.secret_environment})
    for number, step in enumerate(plan.steps, 1):
        problems += _step_problems(plan, f"step {number}", step)
    return problems


def _step_problems(plan: Plan, where: str, step: Step) -> list[str]:
    undo = step.undo or Undo()
    problems = _environment_problems(where, step.environment)
    for argv in (step.argv, undo.argv):
        if argv and (not isinstance(argv[0], str) or not argv[0] or argv[0].startswith("-")):
            problems.append(f"{where}: the first argument is no program")
        problems += [f"{where}: an argument holds a NUL" for text in argv if isinstance(text, str) and "\0" in text]
    known = {**plan.files, **plan.secret_files}
    used = [argument.name for argument in (*step.argv, *undo.argv) if isinstance(argument, FileReference)]
    problems += [
        f"{where}: the plan has no file {name!r}"
        for name in [*used, step.stdin]
        if name is not None and name not in known
    ]
    if not step.argv:
        problems.append(f"{where}: no argument vector")
    problems += [
        f"{where}: {path!r} is not an absolute path of a file" for path in undo.files if not _is_file_path(path)
    ]
    if min(step.timeout, undo.timeout) < 1:
        problems.append(f"{where}: timeouts must be at least 1")
    if any(not 0 <= code <= 255 for code in step.ok_codes):
        problems.append(f"{where}: an exit code is not 0 to 255")
    return problems


def _is_file_path(path: str) -> bool:
    return path.startswith("/") and not path.endswith(("/", "/.", "/..")) and "\0" not in path


def _environment_problems(where: str, environment: Mapping[str, str]) -> list[str]:
    return [
        f"{where}: environment variable {name!r}"
        for name, value in environment.items()
        if not _VARIABLE.match(name) or _VARIABLES_REFUSED.match(name) or "\0" in value
    ]
