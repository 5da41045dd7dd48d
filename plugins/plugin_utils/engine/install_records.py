# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal of a host keeps of each installation, so that it can be taken back: written before the job begins,
as the file ``record`` of its plan, and read back as text that may be damaged or strange."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import PatchError
from .changes import Change
from .records import PackageKey, PatchRecord

FORMAT = 1
INSTALL, ROLLBACK = "install", "rollback"
_MOST_CHANGES = 20_000
# What dpkg or rpm accepts; nothing that a program could take for an option.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,255}\Z")
_ARCH = re.compile(r"[a-z0-9_][a-z0-9_-]{0,39}\Z")
_VERSION = re.compile(r"[A-Za-z0-9._+~^][A-Za-z0-9.+:~^_-]{0,420}\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_JOB = re.compile(r"job (?P<id>\S{1,64}) (?P<created>\d{1,12}) (?P<result>[A-Z_]+|-)\Z")
_TOLD = re.compile(r"told (?P<what>transaction|snapshot) (?P<number>\d{1,9})\Z")


@dataclass(frozen=True)
class RecordedChange:
    """A package before (None: not there) and after (None: gone). ``automatic``: whether it was there for the sake of
    others, before; None where that is not known."""

    name: str
    arch: str
    before: str | None
    after: str | None
    automatic: bool | None = None

    @property
    def key(self) -> PackageKey:
        return (self.name, self.arch)


@dataclass(frozen=True)
class JournalJob:
    """A job with a record. ``session``: shared by all jobs of one host's turn; ``of``: the session that a rollback
    takes back. ``result``: as docs/journal.md has it, None while it is not over. ``created``: seconds since 1970 by the
    host's clock. ``told``: numbers of the package manager's history and of snapshots, by its log."""

    job_id: str
    created: int
    result: str | None
    kind: str
    session: str
    run: str | None
    of: str | None
    changes: tuple[RecordedChange, ...]
    told: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Installation:
    """What one turn installed, all of its jobs together, and the jobs that took it back so far."""

    session: str
    run: str | None
    jobs: tuple[JournalJob, ...]
    rollbacks: tuple[JournalJob, ...]

    @property
    def created(self) -> int:
        """When its first job was written, seconds since 1970 by the host's clock."""
        return self.jobs[0].created

    def told(self, what: str) -> list[int]:
        """``transaction`` or ``snapshot`` numbers of all its jobs, in their order."""
        return sorted({number for job in self.jobs for number in job.told.get(what, ())})


def record(
    kind: str,
    session: str,
    run: str,
    changes: Iterable[Change],
    *,
    installed: Iterable[PatchRecord],
    of: str | None = None,
) -> bytes:
    """One line of ASCII. ``changes``: all that the job may do; ``installed``: the packages as they are before it."""
    there: dict[str, dict[str, bool | None]] = {}
    versions: dict[PackageKey, str] = {}
    for each in installed:
        there.setdefault(each["name"], {})[each["arch"]] = each.get("automatic")
        versions[each["name"], each["arch"]] = each["version"]
    rows = []
    for change in changes:
        marks = there.get(change.name, {})
        # apt names no architecture where it is the host's own or none.
        arch = change.arch or (next(iter(marks)) if len(marks) == 1 else "")
        rows.append(
            {
                "name": change.name,
                "arch": arch,
                # zypper calls a kernel that comes beside others a new package.
                "before": change.installed_version or versions.get((change.name, arch)),
                "after": change.version or None,
                "automatic": marks.get(arch),
            }
        )
    content = {"format": FORMAT, "kind": kind, "session": session, "run": run, "of": of, "changes": rows}
    return json.dumps(content, sort_keys=True).encode("ascii")


# Prints what ``parse_journal`` reads, of the folder that is its argument.
JOURNAL_PROGRAM = r"""
cd "$1/jobs" 2>/dev/null || exit 0
for job in *; do
    [ -f "$job/plan" ] && [ -f "$job/files/record" ] || continue
    created=0 result=-
    read -r created _ <"$job/created"
    [ ! -s "$job/result" ] || read -r result _ <"$job/result"
    printf 'job %s %s %s\n' "$job" "$created" "$result"
    printf 'record '
    cat "$job/files/record"
    printf '\n'
    cat "$job"/steps/*/log 2>/dev/null | sed -n -e 's/^openfleet-patch: transaction \([0-9]*\)$/told transaction \1/p' \
        -e 's/^openfleet-patch: snapshot \([0-9]*\)$/told snapshot \1/p'
done
count=0
for job in *; do
    [ ! -f "$job/plan" ] || count=$((count + 1))
done
printf 'jobs %s\n' "$count"
"""


@dataclass(frozen=True)
class Journal:
    """The jobs with a record, oldest first, and how many jobs there are in all: the oldest make room for new ones."""

    jobs: tuple[JournalJob, ...]
    count: int

    def installations(self) -> list[Installation]:
        """In the order in which they began."""
        sessions: dict[str, list[JournalJob]] = {}
        for job in self.jobs:
            if job.kind == INSTALL:
                sessions.setdefault(job.session, []).append(job)
        return [
            Installation(
                session,
                jobs[0].run,
                tuple(jobs),
                tuple(job for job in self.jobs if job.kind == ROLLBACK and job.of == session),
            )
            for session, jobs in sessions.items()
        ]


def parse_journal(text: str) -> Journal:
    """Raises ``bad_journal`` for a record that does not fit: what is not understood is not taken back."""
    jobs: list[JournalJob] = []
    head: re.Match[str] | None = None
    content: Mapping[str, Any] | None = None
    told: dict[str, list[int]] = {}
    count = 0

    def end() -> None:
        if head is not None:
            if content is None:
                raise _bad(head["id"], "it has no content")
            jobs.append(_job(head, content, {what: tuple(numbers) for what, numbers in told.items()}))

    for line in text.splitlines():
        word, _space, rest = line.partition(" ")
        if word == "job":
            end()
            head, content, told = _JOB.match(line), None, {}
            if head is None or not _WORD.match(head["id"]):
                raise _bad(line[:100], "its line cannot be read")
        elif word == "record" and head is not None:
            try:
                content = json.loads(rest)
            except ValueError as error:
                raise _bad(head["id"], f"it is no JSON ({error})") from error
        elif word == "told" and (found := _TOLD.match(line)):
            told.setdefault(found["what"], []).append(int(found["number"]))
        elif word == "jobs" and rest.isdigit():
            count = int(rest)
    end()
    return Journal(tuple(sorted(jobs, key=lambda job: (job.created, job.job_id))), count)


def _job(head: re.Match[str], content: Any, told: Mapping[str, tuple[int, ...]]) -> JournalJob:
    job_id = head["id"]
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _bad(job_id, f"it has another format than {FORMAT}")
    changes = content.get("changes")
    if content.get("kind") not in (INSTALL, ROLLBACK) or not isinstance(changes, list) or len(changes) > _MOST_CHANGES:
        raise _bad(job_id, "it has no list of changes")
    return JournalJob(
        job_id=job_id,
        created=int(head["created"]),
        result=None if head["result"] == "-" else head["result"],
        kind=content["kind"],
        session=_text(content, "session", _WORD, job_id) or "",
        run=_text(content, "run", _WORD, job_id, optional=True),
        of=_text(content, "of", _WORD, job_id, optional=True),
        changes=tuple(_change(each, job_id) for each in changes),
        told=told,
    )


def _change(row: Any, job_id: str) -> RecordedChange:
    if not isinstance(row, dict):
        raise _bad(job_id, "a change is no object")
    automatic = row.get("automatic")
    change = RecordedChange(
        name=_text(row, "name", _NAME, job_id) or "",
        arch=_text(row, "arch", _ARCH, job_id) if row.get("arch") else "",
        before=_text(row, "before", _VERSION, job_id, optional=True),
        after=_text(row, "after", _VERSION, job_id, optional=True),
        automatic=automatic if isinstance(automatic, bool) else None,
    )
    if change.before is None and change.after is None:
        raise _bad(job_id, f"{change.name} has no version")
    return change


def _text(
    content: Mapping[str, Any], key: str, pattern: re.Pattern[str], job_id: str, *, optional: bool = False
) -> Any:
    value = content.get(key)
    if value is None and optional:
        return None
    if not isinstance(value, str) or not pattern.match(value):
        raise _bad(job_id, f"its {key} cannot be used")
    return value


def _bad(job_id: str, why: str) -> PatchError:
    return PatchError(
        "bad_journal", f"The record of job {job_id} in the host's journal cannot be used, so nothing is undone: {why}."
    )


def folded(jobs: Sequence[JournalJob]) -> list[tuple[RecordedChange, tuple[str, ...]]]:
    """Each package that jobs changed: how it was before the first of them, and every version that any may have brought
    (none for one that went)."""
    found: dict[tuple[PackageKey, str | None], tuple[RecordedChange, list[str]]] = {}
    for job in jobs:
        for change in job.changes:
            # Of packages that stay beside each other one may have come and another gone.
            gone = change.before if change.after is None else None
            _first, afters = found.setdefault((change.key, gone), (change, []))
            if change.after is not None and change.after not in afters:
                afters.append(change.after)
    return [(first, tuple(afters)) for first, afters in found.values()]
