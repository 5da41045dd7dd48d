# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository of an alternative patch source: its address, and what opens it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..errors import without_passwords

NO = ("0", "no", "false", "off")
YES = ("1", "yes", "true", "on")
OPTION = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)\s*=\s*(.*)\Z", re.DOTALL)
SECRET_OPTIONS = ("username", "password", "proxy_username", "proxy_password")
MACHINE = re.compile(r"machine\s+(\S+)\s+login\s+(\S+)\s+password\s+(\S+)\Z")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*[^\s/]")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<info>[^/\s@]*(?:@[^/\s@]*)*)@(?P<rest>[^\s]*)")


@dataclass(frozen=True)
class Credential:
    """Who opens an address, which has none of it: ``http://rpm.example/x``, login and password as they are."""

    address: str
    login: str
    password: str


@dataclass
class Repository:
    """One repository of a source. ``lines`` are those of its section, line or stanza, without credentials."""

    id: str
    lines: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    credentials: list[Credential] = field(default_factory=list)

    @property
    def options(self) -> dict[str, str]:
        """Those of a section of a repository file."""
        pairs = (line.partition("=") for line in self.lines)
        return {key: value for key, equals, value in pairs if equals}


def without_credentials(configuration: str) -> str:
    """The configuration as it may be written down: still valid, and nothing that opens anything."""
    kept = []
    within = False
    for line in configuration.replace("\r\n", "\n").split("\n"):
        option = OPTION.match(line.strip())
        goes_on = within and line[:1] in (" ", "\t") and not option
        within = goes_on or bool(option and option[1].lower() in SECRET_OPTIONS)
        if within or MACHINE.match(line.strip()):
            continue
        kept.append(shown(line))
    return "\n".join(kept)


def shown(address: str) -> str:
    """An address without what opens it."""
    return without_passwords(_USERINFO.sub(r"\g<scheme>://\g<rest>", address))


def split_address(address: str) -> tuple[str, Credential | None]:
    """``https://user:word@host/x`` -> ``https://host/x`` and who opens it."""
    found = _USERINFO.match(address)
    if found is None:
        return address, None
    login, _colon, password = found["info"].partition(":")
    plain = f"{found['scheme']}://{found['rest']}"
    return plain, Credential(plain, unquoted(login), unquoted(password))


_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quoted(text: str) -> str:
    """p@ss -> p%40ss"""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def unquoted(text: str) -> str:
    """p%40ss -> p@ss"""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode("utf-8", "replace")
