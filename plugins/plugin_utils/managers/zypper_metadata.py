# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the zypper reader took from the metadata of repositories: versions, patches and the packages that they bring."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from . import _answer, _linux

Nevra = tuple[str, str, str]

_FIELDS = {"D": 2, "M": 2, "V": 2, "P": 11, "p": 1, "U": 9, "R": 3, "K": 6, "u": 1, "L": 6, "X": 2}
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d))?(?: ?UTC|Z)?\Z")
_LATEST = 2**33
RETRACTED = "retracted"


@dataclass(frozen=True)
class Package:
    """A version that a repository has; times in seconds, sizes in bytes."""

    name: str
    arch: str
    version: str
    build: int | None
    size: int
    installed_size: int
    vendor: str | None
    source: str | None

    @property
    def nevra(self) -> Nevra:
        return self.name, self.arch, self.version


@dataclass
class Patch:
    """An update of updateinfo.xml, with those of its packages whose names are installed.

    ``flags``: reboot, restart (of the package manager), relogin and message, as far as it has them.
    """

    id: str
    type: str | None
    status: str | None
    severity: str | None
    issued: str | None
    updated: str | None
    flags: tuple[str, ...]
    cves: list[str] = field(default_factory=list)
    bugzillas: list[str] = field(default_factory=list)
    packages: list[Nevra] = field(default_factory=list)


@dataclass
class Metadata:
    """The cache of one repository; ``folder`` is its alias, with _ for /."""

    folder: str
    current_at: int | None = None
    """When it was last known to be current, in seconds."""
    revision: int | None = None
    complete: bool = False
    """Whether its list of packages was read to its end."""
    has_patches: bool = False
    packages: list[Package] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    licensed: set[Nevra] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)


def read_metadata(lines: Iterable[str]) -> list[Metadata]:
    """From the lines of the section; see zypper_metadata.sh for their form."""
    found: list[Metadata] = []
    for number, line in enumerate(lines, 1):
        words = [_answer.clean(unescape(word), 500) for word in line.split("\t")]
        where = f"sections.metadata, line {number}"
        if _FIELDS.get(words[0]) != len(words) or (words[0] != "D" and not found):
            raise _answer.refuse(where, "a line of the reader", _answer.clean(line, 80))
        if words[0] == "D":
            found.append(Metadata(words[1]))
        else:
            _take(found[-1], words[0], words[1:], where)
    return found


def _take(metadata: Metadata, kind: str, words: list[str], where: str) -> None:
    if kind == "M":
        metadata.current_at = whole(words[0])
    elif kind == "V":
        metadata.revision = whole(words[0])
    elif kind == "P":
        metadata.packages.append(_package(words))
    elif kind == "p":
        metadata.complete = True
    elif kind == "U":
        metadata.patches.append(_patch(words, where))
    elif kind == "u":
        metadata.has_patches = True
    elif kind == "L":
        metadata.licensed.add(nevra(words))
    elif kind == "X":
        metadata.unreadable.append(words[0])
    elif not metadata.patches:
        raise _answer.refuse(where, "part of a patch", kind)
    elif kind == "K":
        metadata.patches[-1].packages.append(nevra(words))
    else:
        _refer(metadata.patches[-1], *words)


def _refer(patch: Patch, kind: str, identifier: str) -> None:
    listed = patch.cves if kind == "cve" else patch.bugzillas
    # "CVE-2024-1234 at SUSE" has been seen as an id
    identifier = identifier.split(" ")[0]
    if identifier and identifier not in listed:
        listed.append(identifier)


def _package(words: list[str]) -> Package:
    name, arch, version = nevra(words[:5])
    build, size, installed, vendor, source = words[5:]
    return Package(
        name, arch, version, whole(build), whole(size) or 0, whole(installed) or 0, vendor or None,
        source_name(source),
    )  # fmt: skip


def _patch(words: list[str], where: str) -> Patch:
    identifier, _number, kind, status, severity, issued, updated, flags = words
    if not identifier:
        raise _answer.refuse(where, "a patch with an id", "")
    return Patch(
        id=identifier[:200],
        type=kind or None,
        status=status or None,
        # SUSE's word for none.
        severity=None if severity.lower() in ("", "unspecified", "none") else severity.lower(),
        issued=instant(issued),
        updated=instant(updated),
        flags=tuple(flags.split()),
    )


def nevra(words: list[str]) -> Nevra:
    """Name, architecture and ``[epoch:]version-release`` from name, arch, epoch, version, release."""
    name, arch, epoch, version, release = words
    evr = f"{version}-{release}" if epoch in ("", "0", "(none)") else f"{epoch}:{version}-{release}"
    # What of it is odd is for _rpm to see.
    return name, arch, evr


def source_name(text: str) -> str | None:
    """acme-1.0-1.src.rpm -> acme"""
    found = re.match(r"(.+)-[^-]+-[^-]+\.(?:no)?src\.rpm\Z", text)
    return found[1] if found else None


def instant(text: str) -> str | None:
    """``2026-01-10T00:00:00Z`` from seconds (SUSE's way) or a date; None for anything else."""
    seconds = whole(text)
    if seconds is not None:
        return _linux.utc(seconds)
    found = _DATE.match(text)
    return f"{found[1]}T{found[2] or '00:00:00'}Z" if found else None


def whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,11}", text) and int(text) < _LATEST else None


def advisory_rows(patches: Iterable[Patch]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The tables ``advisories`` and ``notices`` of an rpm reader's answer."""
    advisories: list[list[Any]] = []
    notices: list[list[Any]] = []
    for patch in patches:
        if patch.status == RETRACTED:
            continue
        for package in patch.packages:
            notices.append([*package, len(advisories)])
        reboot = "reboot" in patch.flags
        advisories.append([patch.id, patch.type, patch.severity, patch.issued, patch.updated, reboot, patch.cves,
                           patch.bugzillas])  # fmt: skip
    return advisories, notices
