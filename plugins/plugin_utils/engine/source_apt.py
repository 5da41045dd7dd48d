# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alternative patch sources as an apt line or a deb822 stanza."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .source_repositories import MACHINE, NO, URL, Credential, Repository, split_address

_APT_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)\Z")
_STANZA_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)\Z")
_STANZA_START = re.compile(r"(Types|URIs|Suites|Components|Enabled|Architectures|Signed-By|X-[A-Za-z-]+):", re.I)
# apt's words for taking what nobody signed, or not well.
_UNCHECKED = ("trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure")
_ONE_LINE = "must be one line 'deb URI suite component...'"


def parse_apt(name: str, lines: Sequence[str]) -> tuple[list[Repository], list[str]]:
    """The one repository of a source, and what is wrong with it."""
    repository, rest = Repository(name), []
    for line in lines:
        machine = MACHINE.match(line.strip())
        if machine:
            repository.credentials.append(Credential(machine[1], machine[2], machine[3]))
        elif line.strip() and not line.lstrip().startswith("#"):
            rest.append(line)
    if rest and _STANZA_START.match(rest[0]):
        problems = _parse_stanza(repository, rest)
    elif len(rest) == 1:
        problems = _parse_line(repository, rest[0].strip())
    else:
        return [], [_ONE_LINE]
    if not problems and not all(URL.match(each) for each in repository.addresses):
        problems.append("has an address that is no URI such as https://deb.example.com/debian")
    for each in repository.credentials:
        if re.search(r"\s", each.login + each.password) or not each.login:
            problems.append("has credentials with a space, or without a login, which apt cannot use")
    return [repository], problems


def _parse_line(repository: Repository, line: str) -> list[str]:
    found = _APT_LINE.match(line)
    if found is None:
        return [_ONE_LINE]
    if not found["suite"].endswith("/") and not found["components"].strip():
        return [f"{_ONE_LINE}; it names no component"]
    options = (found["options"] or "").split()
    unchecked = [word for word in options if word.partition("=")[0].rstrip("+-").lower() in _UNCHECKED]
    if any(word.partition("=")[2].lower() not in NO for word in unchecked):
        return [f"has the option {unchecked[0].partition('=')[0]}, and what nobody signed is never installed"]
    address, credential = split_address(found["uri"])
    repository.addresses.append(address)
    repository.credentials += [credential] if credential else []
    words = [f"[{' '.join(options)}]"] if options else []
    repository.lines.append(" ".join(["deb", *words, address, found["suite"], *found["components"].split()]))
    return []


def _parse_stanza(repository: Repository, lines: Sequence[str]) -> list[str]:
    fields: dict[str, str] = {}
    for line in lines:
        head = _STANZA_FIELD.match(line)
        if head and line[0] not in " \t":
            key, text = head[1].lower(), head[2]
            if key in fields:
                return ["has a field twice; a source has one stanza"]
            fields[key] = text
        elif fields and line[0] in " \t":
            fields[key] += f"\n{line}"
        else:
            return ["has a line that belongs to no field of its stanza"]
        if head and head[1].lower() in _UNCHECKED and head[2].strip().lower() not in NO:
            return [f"has the field {head[1]}, and what nobody signed is never installed"]
    if not fields.get("uris", "").strip() or not fields.get("suites", "").strip():
        return ["needs the fields URIs and Suites in its stanza"]
    if fields.get("types", "").split() != ["deb"]:
        return ["needs the field 'Types: deb' in its stanza"]
    if fields.get("enabled", "yes").strip().lower() in NO:
        return ["has a stanza that is not enabled; leave it out"]
    for word in fields["uris"].split():
        address, credential = split_address(word)
        repository.addresses.append(address)
        repository.credentials += [credential] if credential else []
    fields["uris"] = " ".join(repository.addresses)
    names = {"uris": "URIs", "signed-by": "Signed-By"}
    for key, value in fields.items():
        repository.lines += f"{names.get(key, key.title())}: {value}".split("\n")
    return []


def machine_lines(credential: Credential) -> list[str]:
    """What auth.conf says of it.

    apt since 1.9.5 gives nothing away over http unless the address says http; older ones know hosts alone.
    """
    scheme, colon, rest = credential.address.rpartition("://")
    opens = f"login {credential.login} password {credential.password}\n"
    places = [rest] if scheme in ("", "https") else [f"{scheme}{colon}{rest}", rest]
    return [f"machine {place} {opens}" for place in places]
