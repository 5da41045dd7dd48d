# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When was each version first seen by any scan of this fleet?

Some vendors publish no release dates (Debian, macOS, Homebrew). The ledger is the clock that delays can be
counted from there. It is one file of JSON lines, appended to under a lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..engine.sightings import KEY_FIELDS, SeenKey, Sighting, news
from ..errors import PatchError
from . import files


class FirstSeenLedger:
    """The ledger in the file ``path``, whose folder is created; many processes may use it at once."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()

    def look(self, keys: Iterable[SeenKey]) -> dict[SeenKey, Sighting]:
        """What is known of these; nothing is written."""
        known = self._read()
        return {key: known[key] for key in keys if key in known}

    def keep(self, seen: Mapping[SeenKey, Sighting]) -> None:
        """Note what is new. A time once noted is never replaced by a later one.

        Raises ``state_unwritable`` or ``state_locked``.
        """
        if not news(seen, self._read()):
            return
        files.make_private_directory(self.path.parent)
        with files.locked(self.path.with_name(self.path.name + ".lock")):
            # Another process may have written since the first look.
            self._append(news(seen, self._read()))

    def everything(self) -> dict[SeenKey, Sighting]:
        """All that is known."""
        return self._read()

    def _read(self) -> dict[SeenKey, Sighting]:
        known: dict[SeenKey, Sighting] = {}
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return known
        except OSError as error:
            raise PatchError(
                "bad_state_file",
                f"cannot read the first-seen ledger {self.path}: {error.strerror}",
                path=str(self.path),
            ) from error
        for line in text.split("\n"):
            entry = _parsed(line)
            if entry is not None:
                key, seen = entry
                known[key] = seen.earliest(known.get(key))
        return known

    def _append(self, seen: Mapping[SeenKey, Sighting]) -> None:
        lines = "".join(json.dumps(_line(key, seen[key])) + "\n" for key in sorted(seen))
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "ab") as stream:
                if self._ends_in_half_a_line():
                    stream.write(b"\n")
                stream.write(lines.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise PatchError(
                "state_unwritable",
                f"cannot write the first-seen ledger {self.path} ({error.strerror}); free space or mend permissions",
                path=str(self.path),
            ) from error

    def _ends_in_half_a_line(self) -> bool:
        """A process killed in mid-write leaves half a line; it must not swallow the next one."""
        with self.path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            if size == 0:
                return False
            stream.seek(size - 1)
            return stream.read(1) != b"\n"


def _line(key: SeenKey, seen: Sighting) -> dict[str, str]:
    dated = {"repository_date": seen.repository_date} if seen.repository_date else {}
    return {**dict(zip(KEY_FIELDS, key, strict=True)), "first_seen": seen.first_seen, **dated}


def _parsed(line: str) -> tuple[SeenKey, Sighting] | None:
    try:
        entry = json.loads(line)
        key = tuple(entry[field] for field in KEY_FIELDS)
        seen, dated = entry["first_seen"], entry.get("repository_date")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(isinstance(part, str) for part in (*key, seen)) or not isinstance(dated, (str, type(None))):
        return None
    operating_system, product, name, arch, version = key
    return (operating_system, product, name, arch, version), Sighting(seen, dated)
