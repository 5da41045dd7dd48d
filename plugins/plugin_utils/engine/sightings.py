# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scan sees of a version, so that delays can count from the first time that any scan saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SeenKey = tuple[str, str, str, str, str]
"""Operating system, product, name, architecture, version; unknown is an empty string."""
KEY_FIELDS = ("operating_system", "product", "name", "arch", "version")


@dataclass(frozen=True)
class Sighting:
    """Times in UTC text, ``2026-11-20T12:00:00Z``, which compare as text."""

    first_seen: str
    repository_date: str | None = None
    """The earliest date that a repository file had in which the version was seen. That of the newest file would
    start the delay again with every publication of the repository."""

    def earliest(self, other: Sighting | None) -> Sighting:
        """What both know together."""
        if other is None:
            return self
        dates = [each for each in (self.repository_date, other.repository_date) if each]
        return Sighting(min(self.first_seen, other.first_seen), min(dates, default=None))


def sightings(records: Iterable[Mapping[str, Any]], *, now: str, operating_system: str) -> dict[SeenKey, Sighting]:
    """What one scan saw at ``now``."""
    seen: dict[SeenKey, Sighting] = {}
    for record in records:
        key = seen_key(record, operating_system)
        seen[key] = Sighting(now, record.get("repository_date")).earliest(seen.get(key))
    return seen


def news(seen: Mapping[SeenKey, Sighting], known: Mapping[SeenKey, Sighting]) -> dict[SeenKey, Sighting]:
    """What is earlier than what is known, or not known at all."""
    merged = {key: sighting.earliest(known.get(key)) for key, sighting in seen.items()}
    return {key: sighting for key, sighting in merged.items() if sighting != known.get(key)}


def seen_key(record: Mapping[str, Any], operating_system: str) -> SeenKey:
    """The key of a patch record. A Mac's product changes with every update of it, and is no part of the key. On Windows
    the update id stands for a version: some KBs (definitions, the removal tool) come back with ever new updates."""
    name = record.get("name") or record.get("kb") or record.get("title") or ""
    return (
        operating_system,
        "" if operating_system == "MACOS" else str(record.get("product") or ""),
        str(name),
        str(record.get("arch") or record.get("kind") or ""),
        str(record.get("version") or record.get("update_id") or ""),
    )
