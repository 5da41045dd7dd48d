# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks ask of a host after its reboot: its units, what listens, whether an address answers. All in ``sh``."""

from __future__ import annotations

import re
import secrets
import shlex
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.commands import CommandResult, run_commands
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import SEARCH_PATH

_PROPERTIES = ("Id", "ActiveState", "SubState", "UnitFileState", "Type")
_SHOW = ("systemctl", "show", "--no-pager", *(word for name in _PROPERTIES for word in ("-p", name)), "*.service")
_LISTENING = "0A"
_SECONDS_FOR_URL = 30


def read_units(channel: Any) -> str:
    """What ``systemctl show`` says of all services that are loaded; ``no_systemd`` where there is no such thing."""
    [found] = run_commands(channel, [_SHOW], environment={"LC_ALL": "C"})
    if found.code != 0 or "Id=" not in found.output:
        raise PatchError(
            "no_systemd",
            "Which services are up is asked of systemd, and this host's does not answer:"
            f" {_told(found)}. Give it another check, such as a port or a command.",
        )
    return found.output


def listens(channel: Any, port: int) -> bool:
    """Whether anything on the host listens at this TCP port, over IPv4 or IPv6."""
    commands = [("cat", "/proc/net/tcp"), ("cat", "/proc/net/tcp6")]
    tables = run_commands(channel, commands, environment={"LC_ALL": "C"})
    if all(table.code != 0 for table in tables):
        told = f"Listeners are read from /proc/net/tcp: {_told(tables[0])}. Use on: controller."
        raise PatchError("no_proc_net", told)
    return any(port in listening_ports(table.output) for table in tables)


def listening_ports(table: str) -> set[int]:
    """Of ``/proc/net/tcp``: ``0: 00000000:0016 00000000:0000 0A ...`` listens at port 22."""
    rows = re.findall(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) ", table, re.MULTILINE)
    return {int(port, 16) for port, state in rows if state == _LISTENING}


# The address stands in a file: a password in it is for no list of processes.
_FETCH = """\
export PATH
umask 077
of_hex() { od -An -v -tx1 | tr -d ' \\t\\n'; }
of_folder=$(mktemp -d "${TMPDIR:-/tmp}/openfleet-url.XXXXXX") || exit 1
trap 'rm -rf "$of_folder"' EXIT
of_status=-
: >"$of_folder/body"
if command -v curl >/dev/null 2>&1; then
    printf 'url = "%s"\\nmax-time = %s\\n' "$of_url" "$of_seconds" >"$of_folder/config"
    [ "$of_verify" = yes ] || echo insecure >>"$of_folder/config"
    of_status=$(curl -sS -q -K "$of_folder/config" -o "$of_folder/body" -w '%{http_code}' 2>"$of_folder/said")
elif command -v wget >/dev/null 2>&1; then
    printf '%s\\n' "$of_url" >"$of_folder/config"
    set --
    [ "$of_verify" = yes ] || set -- --no-check-certificate
    wget -q -S -T "$of_seconds" -t 1 "$@" -i "$of_folder/config" -O "$of_folder/body" 2>"$of_folder/said"
    of_status=$(sed -n 's/^ *HTTP\\/[0-9.]* \\([0-9][0-9][0-9]\\).*/\\1/p' "$of_folder/said" | tail -n 1)
else
    echo 'neither curl nor wget is installed; use on: controller' >"$of_folder/said"
fi
touch "$of_folder/said"
printf '\\n%s %s ' "$of_mark" "${of_status:--}"
tail -c 2000 "$of_folder/said" | of_hex
printf ' '
head -c 1048576 "$of_folder/body" | of_hex
printf ' end\\n'
exit 0
"""


def fetch(channel: Any, url: str, *, verify: bool) -> tuple[int | None, str, str]:
    """HTTP status (None without an answer), what the client said, and the first MiB of the body."""
    mark = "openfleet-" + secrets.token_hex(16)
    head = [
        f"of_mark={mark}\n",
        f"PATH={shlex.quote(SEARCH_PATH)}\n",
        f"of_url={shlex.quote(url.replace(chr(92), '%5C').replace(chr(34), '%22'))}\n",
        f"of_seconds={_SECONDS_FOR_URL}\n",
        f"of_verify={'yes' if verify else 'no'}\n",
    ]
    text = channel.run_program("".join(head) + _FETCH, mark)
    found = re.search(rf"^{mark} (\S+) ([0-9a-f]*) ([0-9a-f]*) end\r?$", text, re.MULTILINE)
    if found is None:
        raise PatchError("bad_answer", f"The host did not tell what the address answered: {text.strip()[-300:]}")
    status = int(found[1]) if re.fullmatch(r"[1-5]\d\d", found[1]) else None
    said, body = (bytes.fromhex(part).decode("utf-8", "replace") for part in found.groups()[1:])
    return status, said.strip(), body


def _told(found: CommandResult) -> str:
    return f"exit code {found.code}, {' '.join(found.output.split())[-300:] or 'nothing said'}"
