# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of a host's baseline in one run: what readers and plans are told of them, and what the document says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.changes import PrivateRepositories
from ..engine.operating_systems import operating_system
from ..engine.records import Inventory
from ..engine.sources import PatchSources, sources_for
from ..errors import without_passwords


class HostSources:
    """``before`` is the host as it is by itself, ``folder`` where the sources' metadata lies on it while the run lasts
    (None: no longer than a reading)."""

    def __init__(self, baseline: Mapping[str, Any], before: Inventory, folder: str | None) -> None:
        family = operating_system(before.operating_system).family
        self.folder = folder
        self._product = before.product
        self._named = [str(each["name"]) for each in baseline["sources"]]
        self._replaced = [
            {"id": str(each["id"]), "address": without_passwords(str(each["site"])) if each.get("site") else None}
            for each in before.repositories
            if each.get("enabled", True)
        ]
        self._sources: PatchSources | None = sources_for(baseline, product=before.product, family=family)

    @property
    def used(self) -> bool:
        return self._sources is not None

    def reader_options(self) -> dict[str, Any]:
        """What a reading is told, beside its other options."""
        if self._sources is None:
            return {}
        options = {"sources": self._sources.text(credentials=True), "sources_netrc": self._sources.netrc()}
        return options | ({"sources_folder": self.folder} if self.folder else {})

    def for_plans(self) -> PrivateRepositories | None:
        """The same for simulations and jobs; None where the host's own repositories count."""
        if self._sources is None or self.folder is None:
            return None
        return PrivateRepositories(
            folder=self.folder,
            text=self._sources.text(credentials=False),
            secret_text=self._sources.text(credentials=True),
            netrc=self._sources.netrc(),
            names_keys=self._sources.names_keys,
        )

    def for_document(self) -> dict[str, Any] | None:
        """Which sources replaced which repositories; None for a baseline without any."""
        if not self._named:
            return None
        used = self._sources.described() if self._sources else []
        names = {each["name"] for each in used}
        return {
            "used": used,
            "not_for_this_product": [name for name in self._named if name not in names],
            "replaced": self._replaced if used else [],
        }

    def warnings(self) -> list[dict[str, str]]:
        """Says so where the baseline has sources, and none for this host."""
        if not self._named or self._sources is not None:
            return []
        told = (
            f"none of the sources of the baseline ({', '.join(self._named)}) is for {self._product}; the host's own "
            "repositories count"
        )
        return [{"kind": "sources_not_used", "message": told}]
