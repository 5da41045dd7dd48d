# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest set of updates that closes named CVEs or brings named advisories.

An extension of this project; Patch Manager's own lists name packages alone. Per package and architecture it is the
lowest available version that contains the fix: the version that a notice names, or, where the repositories have that
one no longer, the lowest newer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from ..errors import PatchError
from . import versions
from .candidates import Candidate

GONE_NOTICES = "gone_notices"
"""Key of a record: ``[{"version", "id", "cves"}]``, the notices about versions newer than the installed one and older
than the record's that no repository has any more."""


@dataclass(frozen=True)
class Wanted:
    """CVE ids and advisory ids to close."""

    cves: frozenset[str] = frozenset()
    advisories: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.cves or self.advisories)

    def ids(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self.cves | self.advisories)

    def named_by(self, candidate: Candidate) -> set[str]:
        """Those that a notice about this very version names."""
        found: set[str] = set()
        for notice in candidate.notices:
            found |= self.advisories & {notice.id} if notice.id else set()
            found |= self.cves.intersection(cve.upper() for cve in notice.cves)
        return found

    def contained_in(self, candidate: Candidate) -> set[str]:
        """Those too that a notice about an older version names which is gone."""
        found = self.named_by(candidate)
        for notice in _gone(candidate):
            found |= self.advisories & {notice.get("id")}
            found |= self.cves.intersection(str(cve).upper() for cve in notice.get("cves") or ())
        return found


def _gone(candidate: Candidate) -> list[dict[str, Any]]:
    listed = candidate.record.get(GONE_NOTICES) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise PatchError("bad_record", f"{candidate.identifier}: {GONE_NOTICES} must be a list of mappings")
    return listed


def fixing(candidates: Sequence[Candidate], wanted: Wanted, scheme: str) -> set[int]:
    """Positions of the versions to install, at most one per package and architecture.

    Records of what is installed may be among the candidates; what they contain needs no update.
    """
    if not wanted:
        return set()
    packages: dict[tuple[str, str], list[int]] = {}
    closed: dict[tuple[str, str], set[str]] = {}
    for position, candidate in enumerate(candidates):
        package = (candidate.name, candidate.arch)
        if candidate.present:
            closed.setdefault(package, set()).update(wanted.named_by(candidate))
        elif candidate.installed_version is not None and not candidate.outdated:
            packages.setdefault(package, []).append(position)
    chosen = set()

    def order(one: int, other: int) -> int:
        return versions.compare(candidates[one].version, candidates[other].version, scheme)

    for package, positions in packages.items():
        needed = None
        open_ids = set(wanted.ids()) - closed.get(package, set())
        # The lowest version for each id; the highest of those contains them all.
        for position in sorted(positions, key=cmp_to_key(order)):
            found = open_ids & wanted.contained_in(candidates[position])
            if found:
                open_ids -= found
                needed = position
        if needed is not None:
            chosen.add(needed)
    return chosen


def never_named(candidates: Iterable[Candidate], wanted: Wanted) -> list[str]:
    """Ids that nothing on the host or available for it names: already gone, not the host's, or not known there."""
    named: set[str] = set()
    for candidate in candidates:
        named |= wanted.contained_in(candidate)
    return [each for each in wanted.ids() if each not in named]
