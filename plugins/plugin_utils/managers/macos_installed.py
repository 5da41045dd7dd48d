# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What macOS says is installed: InstallHistory.plist, receipts of pkgutil, and the system's version."""

from __future__ import annotations

import plistlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.parsers.expat import ExpatError

from . import _answer
from ._linux import utc

_MOST_ENTRIES = 50_000
_SW_VERS = re.compile(r"(ProductName|ProductVersion|ProductVersionExtra|BuildVersion):\s*(\S.*?)\s*\Z")
_VERSION = re.compile(r"\d+(?:\.\d+){0,3}\Z")
# Who wrote the entry tells the source; anything else is inventory like a package of the installer.
_SOURCES = {
    "softwareupdated": "softwareupdate",
    "softwareupdate": "softwareupdate",
    "Software Update": "softwareupdate",
    "macOS Installer": "system",
    "OS X Installer": "system",
    "storedownloadd": "app store",
    "appstoreagent": "app store",
    "App Store": "app store",
}


@dataclass(frozen=True)
class Entry:
    """One installation. ``version`` is empty where the history has none; ``source`` is softwareupdate, system (a whole
    macOS), app store or installer."""

    name: str
    version: str
    installed_at: str
    source: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    package: str
    version: str
    installed_at: str


def read_system(text: str) -> dict[str, str]:
    """``ProductName``, ``ProductVersion`` and ``BuildVersion`` of ``sw_vers``."""
    fields = {}
    for line in text.splitlines():
        match = _SW_VERS.match(line.strip())
        if match is None and line.strip():
            raise _answer.refuse("sections.sw_vers", "what sw_vers prints", line)
        if match is not None:
            fields[match.group(1)] = match.group(2)
    for key in ("ProductVersion", "BuildVersion"):
        if key not in fields:
            raise _answer.refuse("sections.sw_vers", f"lines, one of them {key}", text)
    _answer.check(fields["ProductVersion"], _VERSION, "sections.sw_vers, ProductVersion", "a version of macOS")
    return fields


def read_history(text: str) -> list[Entry]:
    """Entries of /Library/Receipts/InstallHistory.plist, oldest first; the file itself is in no order."""
    rows = _plist(text, "sections.history")
    if not isinstance(rows, list) or len(rows) > _MOST_ENTRIES:
        raise _answer.refuse("sections.history", f"a list of at most {_MOST_ENTRIES} entries", rows)
    return sorted((_entry(row, f"sections.history[{n}]") for n, row in enumerate(rows)), key=lambda e: e.installed_at)


def _entry(row: Any, where: str) -> Entry:
    if not isinstance(row, dict) or not isinstance(row.get("date"), datetime):
        raise _answer.refuse(where, "an entry with a date", row)
    name = _text(row, "displayName", where)
    packages = row.get("packageIdentifiers", [])
    if not isinstance(packages, list) or not all(isinstance(each, str) for each in packages):
        raise _answer.refuse(f"{where}.packageIdentifiers", "a list of texts", packages)
    cleaned = tuple(_answer.clean(each, 300) for each in packages[:1000])
    if not name and not cleaned:
        raise _answer.refuse(f"{where}.displayName", "text where there is no packageIdentifiers", name)
    source = _SOURCES.get(_text(row, "processName", where), "installer")
    moment = row["date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return Entry(name or cleaned[0], _text(row, "displayVersion", where), moment, source, cleaned)


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise _answer.refuse(f"{where}.{key}", "text", value)
    return _answer.clean(value, 500)


def read_receipts(text: str) -> list[Receipt]:
    """What ``pkgutil --pkg-info-plist`` printed for each package, one document after the other."""
    found = []
    for index, document in enumerate(re.findall(r"<\?xml .*?</plist>", text, re.DOTALL)):
        where = f"sections.receipts[{index}]"
        row = _plist(document, where)
        if not isinstance(row, dict):
            raise _answer.refuse(where, "a receipt", row)
        moment = _answer.integer(row.get("install-time"), f"{where}.install-time", 0, 2**33)
        package, version = (_text(row, key, where) for key in ("pkgid", "pkg-version"))
        if not package:
            raise _answer.refuse(f"{where}.pkgid", "text", package)
        found.append(Receipt(package, version, utc(moment)))
    if not found and text.strip():
        raise _answer.refuse("sections.receipts", "receipts of pkgutil", text)
    return found


def _plist(text: str, where: str) -> Any:
    try:
        return plistlib.loads(text.strip().encode(), fmt=plistlib.FMT_XML)
    except (ExpatError, ValueError, TypeError, AttributeError, IndexError, plistlib.InvalidFileException) as error:
        raise _answer.refuse(where, "a property list", text) from error
