# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the errata file that an operator names, once per run: every host of a run is judged by the same content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UrlsError
from ansible.module_utils.urls import open_url

from ..engine.records import Inventory
from ..errors import PatchError
from ..fleet import files
from ..fleet.run_directory import Run
from ..managers.rpm_errata import MOST_PACKED, Errata, parse_errata
from ..managers.rpm_overlay import overlay

_SECONDS = 60
_LONGEST_WAIT = 600.0


class ErrataFile:
    """``source`` is a path on the controller or an https address; read when made, from the run where another host's
    turn has read it already. Raises ``PatchError`` ``bad_errata``."""

    def __init__(self, source: str, run: Run) -> None:
        self.source = _checked(source)
        folder = run.path / "errata"
        files.make_private_directory(folder)
        name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        with files.locked(folder / ".lock", timeout=_LONGEST_WAIT):
            kept = folder / f"{name}.json"
            if not kept.exists():
                content = _content(source)
                errata = parse_errata(content)
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
                files.write_new_json(folder, name, {"source": self.source, "digest": digest, **errata.to_dict()})
        data = files.read_json(kept)
        self.digest = str(data["digest"])
        self.errata = Errata.from_dict(data)

    def lay_over(self, inventory: Inventory) -> None:
        """See ``rpm_overlay.overlay``."""
        overlay(inventory, self.errata, source=self.source, digest=self.digest)


def _checked(source: str) -> str:
    """The source as documents show it."""
    if "://" not in source:
        return str(Path(source).expanduser())
    address = urlsplit(source)
    if address.scheme != "https" or not address.hostname:
        raise PatchError("bad_errata", f"The errata file must be a path or an https address, not {address.scheme}://.")
    if "@" in address.netloc:
        raise PatchError(
            "bad_errata", "The address of the errata file has credentials in it; put them into the netrc file of the"
            " user who runs Ansible.",
        )  # fmt: skip
    return f"https://{address.netloc}{address.path}"


def _content(source: str) -> bytes:
    """At most one byte more than is allowed, which the parser then refuses."""
    try:
        if "://" in source:
            with open_url(source, timeout=_SECONDS, follow_redirects="safe", http_agent="openfleet.patch") as response:
                if urlsplit(response.geturl()).scheme != "https":
                    raise PatchError("bad_errata", f"{_checked(source)} leads to an address that is not https.")
                content: bytes = response.read(MOST_PACKED + 1)
                return content
        with open(os.path.expanduser(source), "rb") as handle:
            return handle.read(MOST_PACKED + 1)
    except (OSError, ValueError, URLError, UrlsError) as error:
        why = str(error).replace(source, _checked(source))
        raise PatchError("bad_errata", f"The errata file {_checked(source)} cannot be read: {why}.") from error
