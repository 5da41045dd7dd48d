# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of approved_patches and rejected_patches (Patch Manager user guide, package name formats).

A list is compiled once; matching a record is then set look-ups on the forms its name can be written in.
"""

from __future__ import annotations

from dataclasses import dataclass

from .candidates import Candidate, normal_windows_id


@dataclass(frozen=True)
class NameList:
    """A compiled list of entries for one operating system family."""

    family: str
    exact: frozenset[str]
    wildcards: tuple[tuple[str, str], ...]
    """Text before and after the one ``*``."""
    bugzillas: frozenset[str]

    def matches(self, candidate: Candidate) -> bool:
        """Whether any entry names the candidate."""
        if not (self.exact or self.wildcards or self.bugzillas):
            return False
        if not self.exact.isdisjoint(names := name_forms(candidate, self.family)):
            return True
        if self.bugzillas and any(not self.bugzillas.isdisjoint(n.bugzillas) for n in candidate.notices):
            return True
        if self.exact and self.family == "rpm" and any(self._names_notice(n.id, n.cves) for n in candidate.notices):
            return True
        return any(
            len(name) >= len(head) + len(tail) and name.startswith(head) and name.endswith(tail)
            for head, tail in self.wildcards
            for name in names
        )

    def _names_notice(self, notice_id: str | None, cves: tuple[str, ...]) -> bool:
        return notice_id in self.exact or not self.exact.isdisjoint(cves)


def compile_names(entries: list[str], family: str) -> NameList:
    """Compile a list; an entry with more than one ``*`` matches nothing, on macOS and Windows a ``*`` is literal."""
    exact: set[str] = set()
    wildcards: list[tuple[str, str]] = []
    bugzillas: set[str] = set()
    for entry in entries:
        if family == "windows":
            exact.add(normal_windows_id(entry))
        elif family == "macos" or "*" not in entry:
            # Every all-digit entry of a yum or dnf list is a Bugzilla id, never a version.
            (bugzillas if family == "rpm" and entry.isdecimal() else exact).add(entry)
        elif entry.count("*") == 1:
            head, _star, tail = entry.partition("*")
            wildcards.append((head, tail))
    return NameList(family, frozenset(exact), tuple(wildcards), frozenset(bugzillas))


def name_forms(candidate: Candidate, family: str) -> tuple[str, ...]:
    """Every way in which a list of this family can write the candidate."""
    if family == "rpm":
        return _rpm_forms(candidate)
    if family == "suse":
        ids = tuple(notice.id for notice in candidate.notices if notice.id)
        _epoch, version, release = candidate.evr
        return (*ids, f"{candidate.name}-{version}-{release}.{candidate.arch}.rpm")
    if family == "windows":
        return candidate.windows_ids
    return (candidate.name,)


def _rpm_forms(candidate: Candidate) -> tuple[str, ...]:
    """The twelve constructions; those without epoch ignore it, an epoch that is not written is 0."""
    name, arch = candidate.name, candidate.arch
    epoch, version, release = candidate.evr
    full = f"{version}-{release}" if release else version
    return (
        name,
        f"{name}.{arch}",
        f"{name}-{version}",
        f"{name}-{full}",
        f"{name}-{full}.{arch}",
        version,
        full,
        f"{epoch}:{full}",
        f"{name}-{epoch}:{full}",
        f"{name}-{epoch}:{full}.{arch}",
        f"{epoch}:{name}-{full}.{arch}",
        f"{name}.{arch}:{epoch}:{full}",
    )
