# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short commands on a host, several in one trip: simulations, questions, a file of ours.

A program is POSIX sh on standard input; arguments stand in it in single quotes and are never parsed as shell text.
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
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import encode
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import environment_lines


class ProgramChannel(Protocol):
    """What carries a program; ``HostChannel`` is one."""

    def run_program(self, program: str, mark: str) -> str:
        """Run a shell program on the host; the text of its answer."""


@dataclass(frozen=True)
class CommandResult:
    """``output`` is standard output and standard error, in the order they came."""

    code: int
    output: str


_HEAD = (
    f"PATH={SEARCH_PATH}\n"
    + """\
export PATH
cd / || exit 1
of_hex() { od -An -v -tx1 | tr -d ' \\t\\n'; }
of_run() {
    of_out=$("$@" 2>&1 </dev/null)
    of_code=$?
    printf '\\n%s %s ' "$of_mark" "$of_code"
    printf '%s' "$of_out" | of_hex
    printf ' end\\n'
}
"""
)


def run_commands(
    channel: ProgramChannel, commands: Sequence[Sequence[str]], *, environment: Mapping[str, str]
) -> list[CommandResult]:
    """Runs them one after the other with standard input closed; for what changes nothing on the host.

    Raises ``bad_answer`` when not every command was answered, and what the channel raises.
    """
    mark = "openfleet-" + secrets.token_hex(16)
    lines = [f"of_mark={mark}\n", environment_lines(environment), _HEAD]
    lines += ["of_run " + " ".join(shlex.quote(word) for word in command) + "\n" for command in commands]
    return _results(channel.run_program("".join(lines) + "exit 0\n", mark), mark, len(commands))


def _results(text: str, mark: str, count: int) -> list[CommandResult]:
    found = re.findall(rf"^{mark} (\d{{1,3}}) ([0-9a-f]*) end\r?$", text, flags=re.MULTILINE)
    if len(found) != count:
        raise PatchError(
            "bad_answer",
            f"The host answered {len(found)} of {count} commands.",
            output=text[-2000:],
        )
    try:
        return [CommandResult(int(code), bytes.fromhex(output).decode("utf-8", "replace")) for code, output in found]
    except ValueError as error:
        raise PatchError("bad_answer", f"The host's answer to a command was damaged on its way: {error}.") from error


_STORE = """\
umask 077
of_folder=${of_path%/*}
mkdir -p "$of_folder" && printf '%b' "$of_content" >"$of_path.new" && mv -f "$of_path.new" "$of_path" || exit 1
printf '\\n%s stored\\n' "$of_mark"
"""


def store_file(channel: ProgramChannel, path: str, content: bytes) -> None:
    """Writes ``content`` to ``path`` on the host, complete or not at all, readable by root alone.

    Raises ``not_stored`` with what the host said.
    """
    mark = "openfleet-" + secrets.token_hex(16)
    program = f"of_mark={mark}\nof_path={shlex.quote(path)}\nof_content={shlex.quote(encode(content))}\n"
    output = channel.run_program(program + _HEAD + _STORE, mark)
    if f"{mark} stored" not in output:
        raise PatchError("not_stored", f"{path} could not be written on the host: {output.strip()[-300:]}")
