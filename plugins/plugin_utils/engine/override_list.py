# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install override list: replaces the baseline for what one Install run installs.

Source: Patch Manager user guide, InstallOverrideList. Shape: ``{"patches": [{"id": ..., "title": ...}]}``;
further keys inform the reader only. In place of ``id`` an entry of ours has ``cve``, ``advisory`` or ``kb``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import PatchError
from .candidates import Candidate, normal_windows_id
from .fixes import Wanted
from .problems import show

_WAYS = ("id", "cve", "advisory", "kb")
_FORMS = {
    "cve": re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}", re.IGNORECASE),
    "kb": re.compile(r"(KB)?[0-9]+", re.IGNORECASE),
}
_SAMPLES = {"cve": "CVE-2026-1234", "advisory": "RHSA-2026:1234", "kb": "KB5012345"}
_LONGEST = 1000
MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class Glob:
    """A text with any number of ``*``, matched in linear time whatever the host calls its packages."""

    parts: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Whether the whole text fits."""
        head, *middle = self.parts
        if not middle:
            return text == head
        tail = middle.pop()
        if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
            return False
        position, end = len(head), len(text) - len(tail)
        for part in middle:
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True


@dataclass(frozen=True)
class OverrideList:
    """A compiled list for one operating system family."""

    family: str
    entries: tuple[tuple[Glob, Glob | None], ...]
    exact: frozenset[str]
    wanted: Wanted = Wanted()
    """What is to be closed, by whatever versions that takes."""

    def lists(self, candidate: Candidate) -> bool:
        """Whether an entry names the candidate."""
        if self.family == "windows":
            # An update without KB id is outside all operations.
            named = not self.exact.isdisjoint(candidate.windows_ids)
            named = named or (not candidate.present and bool(self.wanted.named_by(candidate)))
            return bool(candidate.record.get("kb")) and named
        if self.family == "macos":
            return candidate.name in self.exact or f"{candidate.name}.{candidate.version}" in self.exact
        ids = (candidate.name, f"{candidate.name}.{candidate.arch}")
        titles = _titles(candidate, self.family)
        return any(
            any(id_glob.matches(text) for text in ids)
            and (title_glob is None or any(title_glob.matches(text) for text in titles))
            for id_glob, title_glob in self.entries
        )


def _titles(candidate: Candidate, family: str) -> tuple[str, ...]:
    """``name.arch:epoch:version-release`` (apt: the version as written), and the same without what is before."""
    epoch, version, release = candidate.evr
    short = f"{version}-{release}" if release else version
    full = candidate.version if family == "deb" else f"{epoch}:{short}"
    return (f"{candidate.name}.{candidate.arch}:{full}", f"{epoch}:{short}", short)


def compile_override_list(raw: Any, family: str) -> OverrideList | None:
    """None when no list is in force; ``PatchError("bad_override_list")`` with all problems for a wrong shape."""
    if raw is None:
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("patches"), list):
        raise PatchError(
            "bad_override_list",
            "install_override_list: must be a mapping with a list 'patches' of {id, title}, {cve}, {advisory} or {kb}",
        )
    problems = list(_problems(raw["patches"]))
    if problems:
        text = "; ".join(f"{problem['where']}: {problem['message']}" for problem in problems)
        raise PatchError("bad_override_list", text, problems=problems)
    wanted = Wanted(
        frozenset(entry["cve"].upper() for entry in raw["patches"] if "cve" in entry),
        frozenset(entry["advisory"] for entry in raw["patches"] if "advisory" in entry),
    )
    entries = [entry for entry in raw["patches"] if "id" in entry]
    if family == "windows":
        ids = [entry["id"] for entry in entries] + [entry["kb"] for entry in raw["patches"] if "kb" in entry]
        return OverrideList(family, (), frozenset(normal_windows_id(each) for each in ids), wanted)
    if family == "macos":
        return OverrideList(family, (), frozenset(entry["id"] for entry in entries), wanted)
    compiled = tuple((_glob(entry["id"]), _glob(entry["title"]) if entry.get("title") else None) for entry in entries)
    return OverrideList(family, compiled, frozenset(), wanted)


def _glob(text: str) -> Glob:
    return Glob(tuple(text.split("*")))


def _problems(entries: list[Any]) -> list[dict[str, str]]:
    if len(entries) > MOST_ENTRIES:
        told = f"has {len(entries)} entries; {MOST_ENTRIES} are the most"
        return [{"where": "install_override_list.patches", "message": told}]
    found = []
    for index, entry in enumerate(entries):
        where = f"install_override_list.patches[{index}]"
        if not isinstance(entry, dict):
            found.append({"where": where, "message": "must be a mapping such as {id: openssl.x86_64}"})
            continue
        ways = [way for way in _WAYS if way in entry]
        if len(ways) > 1:
            told = f"has {' and '.join(ways)}; one entry names its patches in one way, so make it {len(ways)} entries"
            found.append({"where": where, "message": told})
        for way in ways or ["id"]:
            told = _why_not(way, entry.get(way))
            if told:
                found.append({"where": f"{where}.{way}", "message": told})
        if not isinstance(entry.get("title"), (str, type(None))):
            found.append({"where": f"{where}.title", "message": "must be a string (quote numbers)"})
        elif len(entry.get("title") or "") > _LONGEST:
            found.append({"where": f"{where}.title", "message": f"has more than {_LONGEST} characters"})
    return found


def _why_not(way: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        return "must be a non-empty string (quote numbers)"
    if len(value) > _LONGEST:
        return f"has more than {_LONGEST} characters"
    if way in _FORMS and not _FORMS[way].fullmatch(value):
        return f"must be like {_SAMPLES[way]}, not {show(value)}"
    return f"must be one id like {_SAMPLES[way]}; there are no wildcards" if way == "advisory" and "*" in value else ""
