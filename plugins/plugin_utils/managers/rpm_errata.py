# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An errata file of the operator's, for systems whose repositories have no update notices: its content as tables.

Two forms, either as it is or packed with gzip, bzip2 or xz: ``updateinfo.xml`` as repositories have it, and JSON,
``{"errata": [{"id", "type", "severity", "issued", "updated", "cves", "bugzillas",
"packages": ["bash-0:4.4.20-2.el8.x86_64"]}]}``. Pure; the content is untrusted and bounded.
"""

from __future__ import annotations

import bz2
import json
import lzma
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from xml.parsers import expat

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

from . import _rpm_answer

MOST_PACKED = 64 << 20
"""Bytes of a file as it is stored."""
MOST_UNPACKED = 512 << 20
_MOST_NOTICES = 100_000
_MOST_PACKAGES = 2_000_000
_MOST_TEXT = 1000
_DEEPEST = 40
_TYPES = ("security", "bugfix", "enhancement", "newpackage", "recommended", "optional", "feature", "document", "yast")
_KEYS = {"id", "type", "severity", "issued", "updated", "cves", "bugzillas", "packages"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}\Z")
_WORD = re.compile(r"[A-Za-z0-9/ ._-]{1,40}\Z")
_NEVRA = re.compile(r"(?P<name>.+)-(?:(?P<epoch>\d+):)?(?P<version>[^-:]+)-(?P<release>[^-:]+)\.(?P<arch>[^-.]+)\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?(?: ?(?:Z|UTC|\+00:00))?\Z")


@dataclass
class Errata:
    """``advisories``: rows id, type, severity, issued, updated, CVEs, Bugzilla ids. ``packages``: name to rows of
    architecture, version (``[epoch:]version-release``) and the index of its advisory."""

    advisories: list[list[Any]] = field(default_factory=list)
    packages: dict[str, list[list[Any]]] = field(default_factory=dict)

    def newest(self) -> str | None:
        """The date of the newest notice."""
        return max((date for row in self.advisories for date in row[3:5] if date), default=None)

    def to_dict(self) -> dict[str, Any]:
        return {"advisories": self.advisories, "packages": self.packages}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Errata:
        return cls(list(data["advisories"]), dict(data["packages"]))


def parse_errata(content: bytes) -> Errata:
    """Raises ``PatchError`` ``bad_errata`` saying what is wrong and where: nothing is left out silently."""
    text = _unpacked(content)
    first = text[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first == b"<":
        collected = _Updateinfo().parse(text)
    elif first in (b"{", b"["):
        collected = _from_json(text)
    else:
        raise _bad("it is neither XML nor JSON, packed or not")
    if not collected.packages:
        raise _bad("it names no package at all")
    return collected


def _bad(why: str) -> PatchError:
    return PatchError("bad_errata", f"The errata file cannot be used: {why}.")


def _unpacked(content: bytes) -> bytes:
    if len(content) > MOST_PACKED:
        raise _bad(f"it is larger than {MOST_PACKED >> 20} MiB")
    if content.startswith(b"\x1f\x8b"):
        return _bounded(zlib.decompressobj(zlib.MAX_WBITS | 16).decompress, content)
    if content.startswith(b"BZh"):
        return _bounded(bz2.BZ2Decompressor().decompress, content)
    if content.startswith(b"\xfd7zXZ\x00"):
        return _bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 << 20).decompress, content)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        raise _bad("it is packed with Zstandard; unpack it, or pack it with gzip, bzip2 or xz")
    return content


def _bounded(unpack: Callable[[bytes, int], bytes], content: bytes) -> bytes:
    try:
        text = unpack(content, MOST_UNPACKED + 1)
    except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise _bad(f"it cannot be unpacked ({error})") from None
    if len(text) > MOST_UNPACKED:
        raise _bad(f"it is larger than {MOST_UNPACKED >> 20} MiB when unpacked")
    return text


class _Collector:
    """Checks notices one by one and puts them into tables."""

    def __init__(self) -> None:
        self.errata = Errata()
        self._count = 0

    def add(self, notice: Mapping[str, Any], where: str) -> None:
        if len(self.errata.advisories) >= _MOST_NOTICES:
            raise _bad(f"it has more than {_MOST_NOTICES} notices")
        identifier = _matching(notice.get("id"), _ID, f"{where}: id")
        where = f"{where} ({identifier})"
        kind = str(notice.get("type") or "").lower()
        if kind not in _TYPES:
            raise _bad(f"{where}: type must be one of {', '.join(_TYPES)}, not {notice.get('type')!r:.60}")
        severity = notice.get("severity")
        self.errata.advisories.append([
            identifier, kind, _matching(severity, _WORD, f"{where}: severity") if severity else None,
            _instant(notice.get("issued"), f"{where}: issued"), _instant(notice.get("updated"), f"{where}: updated"),
            [_matching(each, _ID, f"{where}: cves") for each in notice.get("cves") or []],
            [_matching(each, _ID, f"{where}: bugzillas") for each in notice.get("bugzillas") or []],
        ])  # fmt: skip
        for name, arch, version in notice["packages"]:
            self._package(name, arch, version, where)

    def _package(self, name: Any, arch: Any, version: Any, where: str) -> None:
        self._count += 1
        if self._count > _MOST_PACKAGES:
            raise _bad(f"it names more than {_MOST_PACKAGES} packages")
        if arch in ("src", "nosrc"):
            return
        _matching(name, _rpm_answer.NAME, f"{where}: package name")
        _matching(arch, _rpm_answer.ARCH, f"{where}: architecture of {name}")
        _matching(version, _rpm_answer.VERSION, f"{where}: version of {name}")
        row = [arch, version, len(self.errata.advisories) - 1]
        listed = self.errata.packages.setdefault(name, [])
        # A package may be listed in several collections of one notice.
        if row not in listed[-50:]:
            listed.append(row)


def _matching(value: Any, pattern: re.Pattern[str], where: str) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise _bad(f"{where} cannot be {value!r:.80}")
    return value


def _instant(value: Any, where: str) -> str | None:
    """``2026-01-10 00:00:00``, ``2026-01-10``, ISO 8601 in UTC or seconds since 1970 as ``2026-01-10T00:00:00Z``."""
    if value in (None, ""):
        return None
    found = _TIME.match(value) if isinstance(value, str) else None
    if found is None:
        if isinstance(value, str) and re.fullmatch(r"\d{9,10}", value):
            return datetime.fromtimestamp(int(value), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise _bad(f"{where} must be a date in UTC, not {value!r:.60}")
    whole = f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}"
    try:
        datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise _bad(f"{where} is no date: {value!r:.60}") from None
    return f"{whole}Z"


def _from_json(text: bytes) -> Errata:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"it is not JSON ({error})") from None
    listed = data.get("errata") if isinstance(data, dict) else None
    if not isinstance(listed, list) or set(data) != {"errata"}:
        raise _bad('as JSON it must be {"errata": [...]}')
    collector = _Collector()
    for index, notice in enumerate(listed):
        where = f"errata[{index}]"
        if not isinstance(notice, dict) or set(notice) - _KEYS:
            raise _bad(f"{where} must be an object with no other keys than {', '.join(sorted(_KEYS))}")
        for key in ("cves", "bugzillas", "packages"):
            if not isinstance(notice.get(key, []), list):
                raise _bad(f"{where}.{key} must be a list")
        collector.add({**notice, "packages": [_split(each, where) for each in notice.get("packages", [])]}, where)
    return collector.errata


def _split(text: Any, where: str) -> tuple[str, str, str]:
    """bash-0:4.4.20-2.el8.x86_64 -> bash, x86_64, 4.4.20-2.el8"""
    found = _NEVRA.match(text) if isinstance(text, str) and len(text) < _MOST_TEXT else None
    if found is None:
        raise _bad(f"{where}: a package must be written as name-[epoch:]version-release.architecture, not {text!r:.80}")
    return found["name"], found["arch"], _evr(found["epoch"], found["version"], found["release"])


def _evr(epoch: str | None, version: str | None, release: str | None) -> str:
    if not version or not release:
        return ""
    prefix = f"{int(epoch)}:" if epoch and epoch.isdigit() and int(epoch) else ""
    return f"{prefix}{version}-{release}"


class _Updateinfo:
    """Reads updateinfo.xml event by event, so that a large one is never a tree in memory. A document type is refused:
    without one there are no entities."""

    def __init__(self) -> None:
        self._collector = _Collector()
        self._path: list[str] = []
        self._text: list[str] = []
        self._notice: dict[str, Any] | None = None
        self._number = 0

    def parse(self, text: bytes) -> Errata:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.buffer_text = True
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise _bad(f"it is not well-formed XML ({error})") from None
        return self._collector.errata

    def _doctype(self, *_declaration: Any) -> None:
        raise _bad("it has a document type declaration, which an updateinfo.xml does not need")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text = []
        if len(self._path) == 1 and name != "updates":
            raise _bad(f"its root element must be updates, not {name:.60}")
        if len(self._path) > _DEEPEST:
            raise _bad("its elements are nested too deeply")
        if name == "update" and len(self._path) == 2:
            self._number += 1
            self._notice = {"type": attributes.get("type"), "cves": [], "bugzillas": [], "packages": []}
        elif self._notice is not None:
            self._inside(self._notice, name, attributes)

    @staticmethod
    def _inside(notice: dict[str, Any], name: str, attributes: dict[str, str]) -> None:
        if name in ("issued", "updated"):
            notice[name] = attributes.get("date")
        elif name == "reference" and attributes.get("type") in ("cve", "bugzilla") and attributes.get("id"):
            notice["cves" if attributes["type"] == "cve" else "bugzillas"].append(attributes["id"])
        elif name == "package":
            evr = _evr(attributes.get("epoch"), attributes.get("version"), attributes.get("release"))
            notice["packages"].append((attributes.get("name"), attributes.get("arch"), evr))

    def _characters(self, text: str) -> None:
        if self._notice is not None and self._path[2:] in (["id"], ["severity"]) and len(self._text) < 100:
            self._text.append(text[:_MOST_TEXT])

    def _end(self, name: str) -> None:
        if self._notice is not None:
            if self._path[2:] in (["id"], ["severity"]):
                self._notice[name] = "".join(self._text).strip()
            elif len(self._path) == 2:
                self._collector.add(self._notice, f"update {self._number}")
                self._notice = None
        self._path.pop()
