# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the job runner: requests as shell programs, answers as records.

A request is one self-contained program for ``/bin/sh`` (on its stdin or in a file): the runner's own text, the data of
the request in single quotes, the call. A program cut short calls nothing, since the call is its last line.
An answer is looked for between two marked lines, so banners and warnings around it do no harm.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import JOB_ID, Plan, decode, payload
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import script

STATE_DIRECTORY = "/var/lib/openfleet-patch"
# The system's own programs first: on an Intel Mac /usr/local/bin belongs to the owner of Homebrew.
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
JOURNAL_VERSION = 1
LAST = -1
ANSWER_LIMIT = 4 * 1024 * 1024

_PARTS = ("job_journal.sh", "job_processes.sh", "mac_processes.sh", "job_steps.sh", "job_course.sh", "job_runner.sh")
_UNIT = re.compile(r"(steps|undo)/[0-9]{3}\Z")
_ABSOLUTE = re.compile(r"(/[A-Za-z0-9._-]+)+\Z")
_STATES = ("none", "starting", "running", "undoing", "interrupted", "finished")
_DISPOSITIONS = ("idle", "poll", "started", "attached", "busy", "recovering", "undo")
_RESULTS = ("SUCCEEDED", "PARTIAL", "FAILED", "TIMED_OUT", "INTERRUPTED", "CANCELLED")
_UNIT_STATES = ("waiting", "running", "ended", "crashed", "refused")


@dataclass(frozen=True)
class JobRequest:
    """``program`` goes to the host's ``/bin/sh``; ``nonce`` marks its answer."""

    program: str
    nonce: str


@dataclass(frozen=True)
class LogCursor:
    """How far a log has been read: ``unit`` is ``steps/NNN`` or ``undo/NNN``, ``offset`` counts bytes ever written;
    ``LAST`` asks for the end of the log."""

    unit: str
    offset: int = 0


@dataclass(frozen=True)
class UnitState:
    """A step, or the undo of a step. Times are the host's epoch seconds.

    ``state``: ``waiting``, ``running``, ``ended`` (``exit_code`` is known), ``crashed`` (it never will be), or
    ``refused`` (not begun, because what it may change could not be saved). ``ended_by``: ``step`` (its own timeout),
    ``job`` (the job's), ``cancel``, or None. ``hung``: the processes it had then, one line each.
    """

    number: int
    name: str
    state: str
    exit_code: int | None
    started: int | None
    ended: int | None
    attempts: int
    ended_by: str | None
    hung: str = ""


@dataclass(frozen=True)
class JobState:
    """What a host says about a job.

    ``disposition``: ``started``, ``attached`` (the job existed), ``busy`` (this is another job that runs),
    ``recovering`` (this is an earlier job, being finished first: ask again), ``undo``, ``poll`` or ``idle``.
    ``state``: ``interrupted`` means unfinished with nobody at work on it: ask for ``recover``.
    ``undo_result``: ``none``, ``done`` or ``failed``, once the job has finished.
    """

    disposition: str
    state: str
    job_id: str = ""
    title: str = ""
    result: str | None = None
    result_step: int | None = None
    undo_result: str | None = None
    created: int = 0
    now: int = 0
    ended: int | None = None
    runners: int = 0
    detached: str = ""
    boot_hook: str = ""
    steps: tuple[UnitState, ...] = ()
    undos: tuple[UnitState, ...] = ()
    log: bytes = b""
    cursor: LogCursor | None = None

    @property
    def finished(self) -> bool:
        return self.state == "finished"

    @property
    def elapsed(self) -> int:
        """Seconds by the host's wall clock."""
        return max(0, (self.now if self.ended is None else self.ended) - self.created)

    @property
    def current_step(self) -> UnitState | None:
        """The step under way, else the last one that began."""
        begun = [step for step in self.steps if step.state != "waiting"]
        return begun[-1] if begun else None


def runner_text() -> str:
    """The parts of the runner as one script."""
    return "\n".join(script(part).decode() for part in _PARTS)


def start_request(
    plan: Plan, *, state_directory: str = STATE_DIRECTORY, search_path: str = SEARCH_PATH, shell: str = "/bin/sh"
) -> JobRequest:
    """Writes the plan on the host and launches it; the same job id a second time attaches."""
    data = payload(plan, search_path=search_path, shell=shell)
    return _request(["start", plan.job_id], state_directory, search_path, data)


def poll_request(
    job_id: str, cursor: LogCursor | None = None, *, wait: int = 0, state_directory: str = STATE_DIRECTORY
) -> JobRequest:
    """Asks for the state and for log bytes after ``cursor``; with ``wait`` (seconds) after a change."""
    _check_job_id(job_id)
    words = ["wait", job_id, str(int(wait))] if wait else ["poll", job_id]
    if cursor is not None:
        if not _UNIT.match(cursor.unit) or cursor.offset < LAST:
            raise PatchError("bad_request", f"{cursor} is no place in a log")
        words += [cursor.unit, str(cursor.offset)]
    return _request(words, state_directory, SEARCH_PATH)


def current_request(*, state_directory: str = STATE_DIRECTORY) -> JobRequest:
    """The host's latest job, whatever its id; changes nothing."""
    return _request(["current"], state_directory, SEARCH_PATH)


def recover_request(*, state_directory: str = STATE_DIRECTORY) -> JobRequest:
    """If the latest job is unfinished and nobody works on it: launch a runner that finishes or undoes it."""
    return _request(["recover"], state_directory, SEARCH_PATH)


def undo_request(job_id: str, *, state_directory: str = STATE_DIRECTORY) -> JobRequest:
    """End a running job and undo it; of a finished job, try again what could not be undone."""
    _check_job_id(job_id)
    return _request(["undo", job_id], state_directory, SEARCH_PATH)


def _check_job_id(job_id: str) -> None:
    if not JOB_ID.match(job_id):
        raise PatchError("bad_request", f"{job_id!r} is no job id")


def _request(words: list[str], state_directory: str, search_path: str, data: str = "") -> JobRequest:
    if not _ABSOLUTE.match(state_directory):
        raise PatchError(
            "bad_request",
            f"State directory {state_directory!r}: an absolute path of letters, digits, '.', '_' and '-' is needed",
        )
    nonce = secrets.token_hex(16)
    lines = [
        f"BASE={_quote(state_directory)}",
        f"PATH={_quote(search_path)}; export PATH",
        f"NONCE={nonce}",
        f"OPENFLEET_PAYLOAD={_quote(data)}",
        f"OPENFLEET_RUNNER={_quote(runner_text())}",
        "set -- " + " ".join(_quote(word) for word in words),
        '{ eval "$OPENFLEET_RUNNER"; } </dev/null; exit',
    ]
    return JobRequest("\n".join(lines) + "\n", nonce)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def parse_answer(text: str, nonce: str) -> JobState:
    """The state in ``text``, what the program printed. Raises the host's own refusal, or ``bad_answer``."""
    if len(text) > ANSWER_LIMIT:
        raise PatchError("answer_too_large", f"The job runner's answer has {len(text)} characters")
    answer = _Answer(_frame(text, nonce))
    if answer.fields.get("journal") != str(JOURNAL_VERSION):
        raise PatchError(
            "bad_answer", f"The host's journal has format {answer.fields.get('journal')!r}, not {JOURNAL_VERSION}"
        )
    if answer.fields.get("ok") == "no":
        message = answer.raw.get("message", b"").decode("utf-8", "replace")
        raise PatchError(answer.fields.get("kind", "bad_answer"), message)
    return answer.state()


def _frame(text: str, nonce: str) -> list[str]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    begin, end = f"openfleet-patch-answer {nonce} begin", f"openfleet-patch-answer {nonce} end"
    if begin not in lines or end not in lines[lines.index(begin) :]:
        raise PatchError(
            "bad_answer", "The host's shell gave no complete answer of the job runner", output=text[-2000:]
        )
    first = lines.index(begin)
    return lines[first + 1 : lines.index(end, first)]


@dataclass
class _Answer:
    """The lines of one answer, sorted by kind; anything that does not fit is refused."""

    lines: list[str]
    fields: dict[str, str] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    units: list[tuple[str, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for line in self.lines:
            name, _space, value = line.partition(" ")
            if name in ("steps", "undo"):
                self.units.append((name, value.split(" ")))
            elif name.endswith(".hex"):
                try:
                    self.raw[name[:-4]] = bytes.fromhex(value)
                except ValueError:
                    raise _bad(line) from None
            elif re.fullmatch(r"[a-z_]+", name) and name not in self.fields:
                self.fields[name] = value
            else:
                raise _bad(line)

    def state(self) -> JobState:
        disposition, state = self.one_of("disposition", _DISPOSITIONS), self.one_of("state", _STATES)
        if state == "none":
            return JobState(disposition, state)
        if self.fields.get("end") != "yes":
            raise PatchError("bad_answer", "The job runner's answer stops early")
        job_id = self.fields.get("job", "")
        if not JOB_ID.match(job_id):
            raise _bad(f"job {job_id}")
        result, result_step, undo_result, ended = self.result()
        return JobState(
            disposition=disposition,
            state=state,
            job_id=job_id,
            title=_decode(self.fields.get("title", "")),
            result=result,
            result_step=result_step,
            undo_result=undo_result,
            created=self.number("created"),
            now=self.number("now"),
            ended=ended,
            runners=self.optional("runners") or 0,
            detached=self.word("detached"),
            boot_hook=self.word("boot_hook"),
            steps=self.units_of("steps"),
            undos=self.units_of("undo"),
            log=self.raw.get("log", b""),
            cursor=self.cursor(),
        )

    def result(self) -> tuple[str | None, int | None, str | None, int | None]:
        text = self.fields.get("result", "-")
        if text == "-":
            return None, None, None, None
        words = text.split(" ")
        if len(words) != 4 or words[0] not in _RESULTS or words[2] not in ("none", "done", "failed"):
            raise _bad(f"result {text}")
        return words[0], _integer(words[1]), words[2], _integer(words[3])

    def cursor(self) -> LogCursor | None:
        text = self.fields.get("log_from")
        if text is None:
            return None
        unit, _space, offset = text.partition(" ")
        start = _integer(offset)
        if not _UNIT.match(unit) or start is None:
            raise _bad(f"log_from {text}")
        return LogCursor(unit, start + len(self.raw.get("log", b"")))

    def units_of(self, kind: str) -> tuple[UnitState, ...]:
        return tuple(self.unit(kind, words) for name, words in self.units if name == kind)

    def unit(self, kind: str, words: list[str]) -> UnitState:
        if len(words) != 8 or words[1] not in _UNIT_STATES or not words[0].isascii() or not words[0].isdigit():
            raise _bad(f"{kind} {' '.join(words)}")
        hung = self.raw.get(f"hung.{kind}.{words[0]}", b"").decode("utf-8", "replace")
        return UnitState(
            number=int(words[0]),
            name=_decode(words[7]),
            state=words[1],
            exit_code=_integer(words[2]),
            started=_integer(words[3]),
            ended=_integer(words[4]),
            attempts=_integer(words[5]) or 0,
            ended_by=None if words[6] == "-" else words[6],
            hung=hung,
        )

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.fields.get(name, "")
        if value not in allowed:
            raise _bad(f"{name} {value}")
        return value

    def word(self, name: str) -> str:
        value = self.fields.get(name, "-")
        return "" if value == "-" else value

    def optional(self, name: str) -> int | None:
        return _integer(self.fields.get(name, "-"))

    def number(self, name: str) -> int:
        value = self.optional(name)
        if value is None:
            raise _bad(f"{name} is missing")
        return value


def _decode(text: str) -> str:
    try:
        return decode(text)
    except UnicodeEncodeError:
        raise _bad(text) from None


def _integer(text: str) -> int | None:
    if text == "-":
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise _bad(text)
    return int(text)


def _bad(line: str) -> PatchError:
    return PatchError("bad_answer", f"The job runner's answer has a line that does not fit: {line[:200]!r}")
