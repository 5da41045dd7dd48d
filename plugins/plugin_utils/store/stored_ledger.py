# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first-seen ledger in the store: one for all controllers that share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..engine.sightings import KEY_FIELDS, SeenKey, Sighting, news
from .database import Database, sqlalchemy, tables

_LOCK = 0x66697273
_AT_ONCE = 500
"""SQLite takes only so many values in one statement."""


class StoredLedger:
    """As ``fleet.first_seen.FirstSeenLedger``, in the tables of ``ComplianceStore.database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, keys: Iterable[SeenKey]) -> dict[SeenKey, Sighting]:
        """What is known of these; nothing is written."""
        with self._database.reading() as connection:
            return _known(connection, set(keys))

    def keep(self, seen: Mapping[SeenKey, Sighting]) -> None:
        """Note what is new, all of it or nothing. A time once noted is never replaced by a later one."""
        if not news(seen, self.look(seen)):
            return
        table = tables().first_seen
        with self._database.writing(_LOCK) as connection:
            # Another writer may have been faster.
            new = news(seen, _known(connection, set(seen)))
            for keys in _chunks(sorted(new)):
                connection.execute(table.delete().where(_are(table, keys)))
                connection.execute(table.insert(), [_row(key, new[key]) for key in keys])


def _known(connection: Any, keys: set[SeenKey]) -> dict[SeenKey, Sighting]:
    table = tables().first_seen
    columns = [table.c[field] for field in (*KEY_FIELDS, "first_seen", "repository_date")]
    found: dict[SeenKey, Sighting] = {}
    for some in _chunks(sorted(keys)):
        for *key, seen, dated in connection.execute(sqlalchemy().select(*columns).where(_are(table, some))):
            operating_system, product, name, arch, version = key
            found[operating_system, product, name, arch, version] = Sighting(seen, dated)
    return found


def _are(table: Any, keys: list[SeenKey]) -> Any:
    return sqlalchemy().tuple_(*(table.c[field] for field in KEY_FIELDS)).in_(keys)


def _row(key: SeenKey, seen: Sighting) -> dict[str, Any]:
    times = {"first_seen": seen.first_seen, "repository_date": seen.repository_date}
    return dict(zip(KEY_FIELDS, key, strict=True)) | times


def _chunks(keys: list[SeenKey]) -> Iterator[list[SeenKey]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
