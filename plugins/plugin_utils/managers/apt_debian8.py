# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra steps of an installation on Debian 8 (Patch Manager user guide, installing patches on Debian Server).

Pure: what the host's source lists hold is bytes that were carried home, what is to be done is steps for the job runner.
Everything that a step changes in /etc is named in its ``undo_files``, so the runner restores it whatever happens.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..engine.changes import Argument, CommandStep, FileArgument
from ..engine.records import Inventory
from ..errors import PatchError
from .apt_plan import QUIET_ENVIRONMENT, install_option_words
from .apt_stretch_key import EXPIRED

SUITE = b"jessie-backports"
KEY_PATH = "/etc/apt/trusted.gpg.d/openfleet-patch-debian8.gpg"
_UPDATE_TIMEOUT = 1800

_BLANK = rb"[ \t\r\f\v]"
# A word of a one-line entry may hold blanks in quotes or brackets: cdrom:[Debian GNU/Linux 8.11 _Jessie_]/
_WORD = rb'(?:"[^"\n]*"|\[[^\]\n]*\]|[^\s"\[#])+'
_ENTRY = re.compile(
    rb"^%b*deb(?:-src)?(?:%b+|(?=\[))(?:\[[^\]\n]*\]%b*)?(?!\[)%b%b+(?P<suite>%b)(?=[\s#]|\Z)"
    % (_BLANK, _BLANK, _BLANK, _WORD, _BLANK, _WORD),
    re.M,
)
_FIELD = re.compile(rb"(?P<name>[A-Za-z][A-Za-z-]*)[ \t]*:(?P<value>[^\n]*)")
_OFF = (b"no", b"false", b"without", b"off", b"disable", b"0")

_LIST_SOURCES = """\
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    if [ -f "$file" ] && grep -q jessie-backports "$file"; then
        [ "$(wc -c <"$file")" -le 262144 ] || { printf '%s is too large\\n' "$file"; exit 1; }
        printf '%s %s\\n' "$(printf %s "$file" | base64 -w 0)" "$(base64 -w 0 <"$file")" || exit 1
    fi
done
"""
# Arguments in threes: path, what it held when the plan was made, what it is to hold. May be repeated after a crash.
_REPLACE = """\
while [ $# -gt 0 ]; do
    if ! cmp -s "$3" "$1"; then
        cmp -s "$2" "$1" || { printf 'E: %s changed after it was read\\n' "$1"; exit 1; }
        cp -p "$1" "$1.openfleet-new" && cat "$3" >"$1.openfleet-new" && mv -f "$1.openfleet-new" "$1" || exit 1
    fi
    shift 3
done
sync
"""
# apt-get update touches the folders of the lists even where it fails, and the next scan would take old lists for new.
_UPDATE = """\
stamp=$1 lists=/var/lib/apt/lists
shift
if [ ! -f "$stamp.partial" ]; then
    touch -r "$lists" "$stamp" && touch -r "$lists/partial" "$stamp.partial" || exit 1
fi
{ "$@" 2>&1; printf '%s\\n' "$?" >"$stamp.code"; } | tee "$stamp.log"
read -r code <"$stamp.code" || exit 1
if [ "$code" = 0 ] && ! grep -q '^[EW]: ' "$stamp.log"; then exit 0; fi
touch -r "$stamp" "$lists"
touch -r "$stamp.partial" "$lists/partial"
exit 100
"""
_RESUMABLE = 'dpkg --force-confdef --force-confold --configure -a; exec "$@"'


@dataclass(frozen=True)
class SourceFile:
    """One file of /etc/apt/sources.list or sources.list.d; ``path`` may hold bytes that are no UTF-8 (surrogates)."""

    path: str
    content: bytes

    @property
    def without_backports(self) -> bytes:
        """The content with every active entry of jessie-backports commented out, all other bytes as they were."""
        edit = _deb822_without if self.path.endswith(".sources") else _lines_without
        return edit(self.content)


def is_debian_8(inventory: Inventory) -> bool:
    return inventory.operating_system == "DEBIAN" and str(inventory.os.get("version") or "").partition(".")[0] == "8"


def is_debian_8_text(os_release: str) -> bool:
    """The same by the text of an os-release file, for a host that could not be read."""
    fields = dict(re.findall(r"^(ID|VERSION_ID)=[\"']?([^\"'\n]*)", os_release, re.M))
    return fields.get("ID") == "debian" and fields.get("VERSION_ID", "").split(".")[0] == "8"


def sources_command() -> list[str]:
    """Prints the source files that speak of jessie-backports, for :func:`parse_sources`; changes nothing."""
    return ["/bin/sh", "-c", _LIST_SOURCES]


def parse_sources(code: int, output: str) -> list[SourceFile]:
    """The files to edit, in a fixed order. Raises ``bad_answer`` for what is not understood."""
    if code != 0:
        said = "".join(output.splitlines()[-1:])[:300]
        raise PatchError("bad_answer", f"The host's apt sources could not be read: {said}")
    files = []
    for line in output.splitlines():
        try:
            path, content = (base64.b64decode(word, validate=True) for word in line.split(" "))
        except (ValueError, binascii.Error) as error:
            raise PatchError("bad_answer", f"The host's apt sources cannot be understood: {line[:100]!r}") from error
        file = SourceFile(path.decode("utf-8", "surrogateescape"), content)
        if not file.path.startswith("/etc/apt/sources.list") or "/../" in file.path or "\0" in file.path:
            raise PatchError("bad_answer", f"The host named a file that is no apt source: {file.path[:100]!r}")
        if file.without_backports != content:
            files.append(file)
    return sorted(files, key=lambda file: file.path)


def _lines_without(content: bytes) -> bytes:
    def edited(entry: re.Match[bytes]) -> bytes:
        return b"# " + entry[0] if entry["suite"].replace(b'"', b"") == SUITE else entry[0]

    return _ENTRY.sub(edited, content)


def _deb822_without(content: bytes) -> bytes:
    stanzas = re.split(rb"((?:^[ \t\r]*\n)+)", content, flags=re.M)
    return b"".join(_stanza_without(stanza) for stanza in stanzas)


def _stanza_without(stanza: bytes) -> bytes:
    """A stanza of this suite alone becomes a comment; of several suites, a Suites field without it takes its place."""
    lines = stanza.splitlines(keepends=True)
    values: dict[bytes, bytes] = {}
    suites_at: list[int] = []
    name = b""
    for number, line in enumerate(lines):
        if line.startswith(b"#"):
            continue
        field = _FIELD.match(line)
        if field is not None:
            name = field["name"].lower()
            values[name] = field["value"]
        elif line[:1] in (b" ", b"\t"):
            values[name] = values.get(name, b"") + b" " + line
        if name == b"suites":
            suites_at.append(number)
    suites = values.get(b"suites", b"").split()
    if SUITE not in suites or values.get(b"enabled", b"yes").strip().lower() in _OFF:
        return stanza
    rest = [suite for suite in suites if suite != SUITE]
    for number in suites_at if rest else range(len(lines)):
        if not lines[number].startswith(b"#"):
            lines[number] = b"# " + lines[number]
    if rest:
        last = suites_at[-1]
        end = b"" if lines[last].endswith(b"\n") else b"\n"
        lines[last] += end + b"Suites: " + b" ".join(rest) + (b"" if end else b"\n")
    return b"".join(lines)


def bracket_steps(sources: Sequence[SourceFile], key: bytes) -> list[CommandStep]:
    """What comes before anything else in a job on Debian 8. Undone when the job ends, whatever its end."""
    steps = []
    if sources:
        words: list[Argument] = []
        for number, file in enumerate(sources):
            # Addresses in sources may hold passwords.
            before = FileArgument(f"source-{number}-before", file.content, secret=True)
            during = FileArgument(f"source-{number}-during", file.without_backports, secret=True)
            words += [file.path, before, during]
        changed = [path for file in sources for path in (file.path, f"{file.path}.openfleet-new")]
        steps.append(_step("comment out jessie-backports", ("/bin/sh", "-c", _REPLACE, "sh", *words), changed))
    argv = ("install", "-m", "0644", FileArgument("signing-key", key), KEY_PATH)
    return [*steps, _step("import the signing key", argv, [KEY_PATH])]


def _step(name: str, argv: Sequence[Argument], changed: Sequence[str]) -> CommandStep:
    return CommandStep(name, tuple(argv), 300, undo_files=tuple(changed))


UPDATE_STEP = "refresh the package lists"
API_STEP = "bring python3-apt up to date"


def prepare_steps(
    inventory: Inventory | None, *, accept_expired_release: bool, lock_timeout: int, step_timeout: int
) -> list[CommandStep]:
    """Package lists, then python3-apt, of any version that the host's repositories offer; a held one is left alone.

    ``inventory`` is None where python3-apt is missing. Valid-Until is the only thing that ``accept_expired_release``
    passes over; signatures are checked always. Lists of commented sources stay on the host, as the sources do.
    """
    options = ["Acquire::http::Timeout=30", "Acquire::https::Timeout=30", "Acquire::Retries=1"]
    options += ["APT::Get::List-Cleanup=false", "Dpkg::Use-Pty=0"]
    if accept_expired_release:
        options.append("Acquire::Check-Valid-Until=false")
    update = ["apt-get", "-q", "update", *(word for option in options for word in ("-o", option))]
    argv: tuple[Argument, ...] = ("/bin/sh", "-c", _UPDATE, "sh", FileArgument("update", b""), *update)
    timeout = min(_UPDATE_TIMEOUT, step_timeout)
    steps = [CommandStep(UPDATE_STEP, argv, timeout, QUIET_ENVIRONMENT, continue_on_failure=True)]
    if inventory is not None and any(hold["name"] == "python3-apt" for hold in inventory.holds):
        return steps
    install = ["apt-get", "-y", "-q", "--no-remove", *install_option_words(lock_timeout), "install", "python3-apt"]
    argv = ("/bin/sh", "-c", _RESUMABLE, "sh", *install)
    steps.append(CommandStep(API_STEP, argv, step_timeout, QUIET_ENVIRONMENT, continue_on_failure=True))
    records = inventory.installed if inventory is not None else []
    if any(record["name"] == "python3-apt" and record.get("automatic") for record in records):
        mark = ("apt-mark", "auto", "python3-apt")
        steps.append(CommandStep("put the automatic mark back", mark, 300, QUIET_ENVIRONMENT, cleanup=True))
    return steps


def update_errors(log: str) -> list[str]:
    """apt's own words for what it could not refresh, without the passwords of addresses."""
    found: list[str] = []
    for line in log.splitlines():
        if line.startswith(("E: ", "W: ")) and "Some index files failed to download" not in line:
            words = re.sub(r"([a-z]+://)[^/@\s]*@", r"\1", " ".join(line.split()))[:1000]
            if words not in found:
                found.append(words)
    return found[:50]


_REPLACE_KEY = (
    "set debian8_signing_key and debian8_signing_key_fingerprint to the key of a repository that is still signed, "
    "such as your own mirror or extended support"
)
# apt 1.0 says KEYEXPIRED, later ones EXPKEYSIG, for a good signature by a key that has expired.
_ADVICE: Mapping[str, tuple[str, str]] = {
    "expired_signing_key": (
        r"\bEXPKEYSIG\b|\bKEYEXPIRED\b",
        "A repository is signed with a key that has expired, so apt refuses it"
        f" (the stretch security key that comes with this collection expired on {EXPIRED}); {_REPLACE_KEY}.",
    ),
    "bad_signature": (
        r"\bBADSIG\b|invalid signature|invalid: BAD|Splitting up .* failed|Clearsigned file isn't valid",
        "A repository's signature does not match its content; it was altered or damaged on its way. This is never "
        "accepted; repair the mirror or the proxy in between.",
    ),
    "unknown_signing_key": (
        r"\bNO_PUBKEY\b",
        f"A repository is signed with a key that this host does not trust; {_REPLACE_KEY}.",
    ),
    "archive_moved": (
        r"\b404\b|not have a Release file|no longer has a Release file",
        "A repository is not where the host's sources say. Debian 8 has left the ordinary mirrors: point the sources "
        "to archive.debian.org (debian and debian-security there), to your own mirror or to extended support.",
    ),
    "expired_release": (
        r"Release file .*expired",
        "A repository's Release file has expired (Valid-Until), as that of an archive which nobody updates any more "
        "does; set debian8_accept_expired_release to accept that, and only that, during this run.",
    ),
    "unsigned_repository": (
        r"is not signed",
        "A repository is not signed. This is never accepted; use a signed one.",
    ),
}


def advice(errors: Sequence[str]) -> list[dict[str, str]]:
    """What apt's refusals mean on Debian 8 and what to set: ``kind`` and ``message`` each."""
    text = "\n".join(errors)
    return [
        {"kind": kind, "message": message}
        for kind, (pattern, message) in _ADVICE.items()
        if re.search(pattern, text, re.I)
    ]
