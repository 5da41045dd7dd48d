# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command of an operator on a host, as an argument vector, and bring home how it ended and what it said last.

All in ``sh``, so that it works on every host that can be patched; environment and arguments travel on standard input.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import SEARCH_PATH
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import environment_lines

_GRACE = 30
_ENDED_BY_CLOCK = (124, 137)


class ProgramChannel(Protocol):
    """What carries a program; ``HostChannel`` is one."""

    def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
        """Run a shell program on the host; the text of its answer."""


@dataclass(frozen=True)
class Ended:
    """``output`` is the end of standard output and standard error, in the order they came."""

    code: int
    output: str
    timed_out: bool


# What the command leaves running keeps no connection open: its output goes to a file, which is removed.
_PROGRAM = """\
export PATH
umask 022
of_hex() { od -An -v -tx1 | tr -d ' \\t\\n'; }
of_say() { printf '\\n%s %s %s ' "$of_mark" "$1" "$2"; of_hex; printf ' end\\n'; }
of_folder=$(umask 077; mktemp -d "${TMPDIR:-/tmp}/openfleet-hook.XXXXXX") || exit 1
trap 'rm -rf "$of_folder"' EXIT
trap 'exit 143' HUP INT TERM
: >"$of_folder/output"
cd "$of_chdir" 2>"$of_folder/output" || { of_say 126 0 <"$of_folder/output"; exit 0; }
of_began=$(date +%s)
if timeout -k 10 1 true 2>/dev/null; then
    timeout -k 10 "$of_seconds" "$@" >"$of_folder/output" 2>&1 </dev/null
elif command -v timeout >/dev/null 2>&1; then
    timeout "$of_seconds" "$@" >"$of_folder/output" 2>&1 </dev/null
else
    perl -e 'alarm shift; exec @ARGV; exit 127' "$of_seconds" "$@" >"$of_folder/output" 2>&1 </dev/null
fi
of_code=$?
tail -c 65536 "$of_folder/output" | of_say "$of_code" "$(($(date +%s) - of_began))"
exit 0
"""


def run_command(
    channel: ProgramChannel,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    chdir: str | None,
    seconds: int,
) -> Ended:
    """Runs it with standard input closed. A command that the host does not have ends with 127, as in a shell.

    Raises ``timed_out`` where the host could not end it in time, ``bad_answer``, and what the channel raises.
    """
    mark = "openfleet-" + secrets.token_hex(16)
    head = [
        f"of_mark={mark}\n",
        f"PATH={shlex.quote(SEARCH_PATH)}\n",
        environment_lines(environment),
        f"of_chdir={shlex.quote(chdir or '/')}\n",
        f"of_seconds={seconds}\n",
        "set -- " + " ".join(shlex.quote(word) for word in argv) + "\n",
    ]
    text = channel.run_program("".join(head) + _PROGRAM, mark, seconds=seconds + _GRACE)
    found = re.search(rf"^{mark} (\d{{1,3}}) (\d{{1,6}}) ([0-9a-f]*) end\r?$", text, re.MULTILINE)
    if found is None:
        raise PatchError("bad_answer", f"The host did not tell how the command ended: {text.strip()[-300:]}")
    code, took = int(found[1]), int(found[2])
    late = took >= seconds and (code in _ENDED_BY_CLOCK or code == 142)
    return Ended(code, bytes.fromhex(found[3]).decode("utf-8", "replace"), late)
