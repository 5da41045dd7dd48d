# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the errata file that an operator names, once per run: every host of a run is judged by the same content."""

from __future__ import annotations

import hashlib

from ..engine.records import Inventory
from ..errors import PatchError
from ..fleet import files
from ..fleet.run_directory import Run
from ..managers.rpm_errata import MOST_PACKED, Errata, parse_errata
from ..managers.rpm_overlay import overlay
from . import named_files

_WHAT = "errata file"
_KIND = "bad_errata"
_LONGEST_WAIT = 600.0


class ErrataFile:
    """``source`` is a path on the controller or an https address; read when made, from the run where another host's
    turn has read it already. Raises ``PatchError`` ``bad_errata``."""

    def __init__(self, source: str, run: Run) -> None:
        try:
            self._read(source, run)
        except PatchError as error:
            # Whatever is wrong with it, the operator has to know where it was named.
            named = getattr(self, "source", None)
            told = error.message if named is None or named in error.message else f"{named}: {error.message}"
            raise PatchError(error.kind, f"Option errata (variable patch_errata): {told}", **error.details) from error

    def _read(self, source: str, run: Run) -> None:
        self.source = named_files.shown(source, what=_WHAT, kind=_KIND)
        folder = run.path / "errata"
        files.make_private_directory(folder)
        name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        with files.locked(folder / ".lock", timeout=_LONGEST_WAIT):
            kept = folder / f"{name}.json"
            if not kept.exists():
                content = named_files.content(source, what=_WHAT, kind=_KIND, most=MOST_PACKED)
                errata = parse_errata(content)
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
                files.write_new_json(folder, name, {"source": self.source, "digest": digest, **errata.to_dict()})
        data = files.read_json(kept)
        self.digest = str(data["digest"])
        self.errata = Errata.from_dict(data)

    def lay_over(self, inventory: Inventory) -> None:
        """See ``rpm_overlay.overlay``."""
        overlay(inventory, self.errata, source=self.source, digest=self.digest)
