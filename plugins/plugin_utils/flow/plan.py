# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the steps that a manager planned to a job for the runner on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..engine.changes import Argument, Change, CommandStep, FileArgument
from ..host import job_plan as wire
from ..host.job_client import SEARCH_PATH, STATE_DIRECTORY
from ..host.job_plan import FileReference, OnCrash, Plan, Step, Undo
from .inventory import pending_line

# Written before anything is installed, so that it is true even if nobody comes back; one file per boot. The second
# time, at the end, it does something after a power cut alone: what the next boot installs belongs to that one.
_NOTE_PENDING = """\
umask 077
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null ||
    boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null | tr A-F a-f)
[ -n "$boot" ] || exit 1
[ "$boot" != "$3" ] || exit 0
mkdir -p "$1" && cat "$2" >>"$1/$boot" && sync || exit 1
for other in "$1"/*; do
    [ "$other" = "$1/$boot" ] || rm -f "$other"
done
"""


def job_plan(
    job_id: str,
    steps: Sequence[CommandStep],
    *,
    changes: Iterable[Change],
    boot_id: str | None,
    environment: Mapping[str, str],
    timeout: int,
    title: str = "",
    kill_grace: int = 10,
    record: bytes = b"",
) -> Plan:
    """The job. ``changes`` is what it may bring (noted on the host for the states of later scans, where the boot is
    known); ``environment`` is the task's, which may hold secrets; ``timeout`` in seconds for all of it, ``kill_grace``
    between TERM and KILL. ``record``: what is kept of it, so that it can be taken back (engine.install_records)."""
    lines = [pending_line(each.name, each.arch, each.version, each.restart) for each in changes if each.version]
    first, last = [], []
    if boot_id and lines:
        first = [_note("note what is installed", but_not_in="")]
        # What a step restarts the host for is in force when it is back.
        if all(step.on_crash != OnCrash.RESTART.value for step in steps):
            last = [_note("note it again after a power cut", but_not_in=boot_id)]
    return Plan(
        job_id=job_id,
        title=title or f"install {len(lines)} packages",
        steps=(*first, *(_step(step) for step in steps), *last),
        timeout=timeout,
        kill_grace=kill_grace,
        secret_environment=_with_search_path(environment),
        files={
            "pending": "".join(lines).encode(),
            **({"record": record} if record else {}),
            **_files(steps, secret=False),
        },
        secret_files=_files(steps, secret=True),
    )


def _with_search_path(environment: Mapping[str, str]) -> dict[str, str]:
    """A PATH of the task's without the system's own folders would leave package managers without their tools."""
    if "PATH" not in environment:
        return dict(environment)
    folders = [*environment["PATH"].split(":"), *SEARCH_PATH.split(":")]
    return {**environment, "PATH": ":".join(dict.fromkeys(filter(None, folders)))}


def _files(steps: Sequence[CommandStep], *, secret: bool) -> dict[str, bytes]:
    words = [word for step in steps for word in step.argv if isinstance(word, FileArgument)]
    return {word.name: word.content for word in words if word.secret is secret}


def _word(word: Argument) -> wire.Argument:
    return FileReference(word.name, word.prefix) if isinstance(word, FileArgument) else word


def _note(name: str, *, but_not_in: str) -> Step:
    """``but_not_in``: the boot in which there is nothing to note."""
    words = (f"{STATE_DIRECTORY}/pending", FileReference("pending"), but_not_in)
    argv = ("/bin/sh", "-c", _NOTE_PENDING, "sh", *words)
    return Step(name, argv, timeout=60, on_crash=OnCrash.RETRY, cleanup=bool(but_not_in))


def _step(step: CommandStep) -> Step:
    return Step(
        name=step.name,
        argv=tuple(_word(word) for word in step.argv),
        timeout=step.timeout,
        ok_codes=step.ok_codes,
        environment=step.environment,
        continue_on_failure=step.continue_on_failure,
        cleanup=step.cleanup,
        on_crash=OnCrash(step.on_crash),
        undo=Undo(files=step.undo_files) if step.undo_files else None,
    )
