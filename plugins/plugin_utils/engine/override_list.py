# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install override list: replaces the baseline for what one Install run installs.

Source: Patch Manager user guide, InstallOverrideList. Shape: ``{"patches": [{"id": ..., "title": ...}]}``;
further keys inform the reader only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import PatchError
from .candidates import Candidate, normal_windows_id


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

    def lists(self, candidate: Candidate) -> bool:
        """Whether an entry names the candidate."""
        if self.family == "windows":
            # An update without KB id is outside all operations.
            return bool(candidate.record.get("kb")) and not self.exact.isdisjoint(candidate.windows_ids)
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
            "bad_override_list", "install_override_list: must be a mapping with a list 'patches' of {id, title}"
        )
    problems = list(_problems(raw["patches"]))
    if problems:
        text = "; ".join(f"{problem['where']}: {problem['message']}" for problem in problems)
        raise PatchError("bad_override_list", text, problems=problems)
    entries = raw["patches"]
    if family == "windows":
        return OverrideList(family, (), frozenset(normal_windows_id(entry["id"]) for entry in entries))
    if family == "macos":
        return OverrideList(family, (), frozenset(entry["id"] for entry in entries))
    compiled = tuple((_glob(entry["id"]), _glob(entry["title"]) if entry.get("title") else None) for entry in entries)
    return OverrideList(family, compiled, frozenset())


def _glob(text: str) -> Glob:
    return Glob(tuple(text.split("*")))


def _problems(entries: list[Any]) -> list[dict[str, str]]:
    found = []
    for index, entry in enumerate(entries):
        where = f"install_override_list.patches[{index}]"
        if not isinstance(entry, dict):
            found.append({"where": where, "message": "must be a mapping such as {id: openssl.x86_64}"})
            continue
        if not isinstance(entry.get("id"), str) or not entry["id"]:
            found.append({"where": f"{where}.id", "message": "must be a non-empty string (quote numbers)"})
        if not isinstance(entry.get("title"), (str, type(None))):
            found.append({"where": f"{where}.title", "message": "must be a string (quote numbers)"})
    return found
