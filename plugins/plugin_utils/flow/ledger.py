# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one scan sees of every version: looked up before it is judged, kept once the scan has gone well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ..engine.delay_clock import LEDGER_CLOCKS
from ..engine.records import Inventory
from ..engine.sightings import SeenKey, Sighting, seen_key, sightings
from ..fleet.first_seen import FirstSeenLedger
from ..store.compliance_store import ComplianceStore
from ..store.stored_ledger import StoredLedger

LEDGER = "first_seen.jsonl"


class Ledger(Protocol):
    """The file and the table."""

    def look(self, keys: Iterable[SeenKey]) -> dict[SeenKey, Sighting]:
        """What is known of these; nothing is written."""

    def keep(self, seen: Mapping[SeenKey, Sighting]) -> None:
        """Note what is new."""


class ScanLedger:
    """The ledger of one scan: in the store where there is one and a delay counts from what was seen, else the file
    below the state directory, which the task ``store_documents`` takes over into the store."""

    def __init__(self, state_directory: Path, *, delay_clock: str, store_url: str | None) -> None:
        self._path = state_directory / LEDGER
        self._needed = delay_clock in LEDGER_CLOCKS
        self._store_url = store_url if self._needed else None
        self._seen: dict[SeenKey, Sighting] = {}

    def date(self, inventory: Inventory, *, now: str) -> None:
        """Give every record its ``first_seen`` and its earliest ``repository_date``. What is installed already matters
        only where delays count from them."""
        records = inventory.candidates + (inventory.installed if self._needed else [])
        system = inventory.operating_system
        seen = sightings(records, now=now, operating_system=system)
        with self._opened() as ledger:
            known = ledger.look(seen)
        dated = {key: sighting.earliest(known.get(key)) for key, sighting in seen.items()}
        for record in records:
            sighting = dated[seen_key(record, system)]
            record["first_seen"] = sighting.first_seen
            if sighting.repository_date is not None:
                record["repository_date"] = sighting.repository_date
        for key, sighting in dated.items():
            self._seen[key] = sighting.earliest(self._seen.get(key))

    def keep(self) -> None:
        """Note what was seen."""
        if self._seen:
            with self._opened() as ledger:
                ledger.keep(self._seen)

    @contextmanager
    def _opened(self) -> Iterator[Ledger]:
        if self._store_url is None:
            yield FirstSeenLedger(self._path)
            return
        store = ComplianceStore(self._store_url)
        try:
            yield StoredLedger(store.database)
        finally:
            store.close()
