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
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import PatchError
from . import files
from .run_directory import utc_text

SeenKey = tuple[str, str, str, str, str]
"""Operating system, product, name, architecture, version; unknown is an empty string."""
_FIELDS = ("operating_system", "product", "name", "arch", "version")


class FirstSeenLedger:
    """The ledger in the file ``path``, whose folder is created; many processes may use it at once."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()

    def observe(
        self, records: Iterable[Mapping[str, Any]], *, now: datetime, operating_system: str
    ) -> dict[SeenKey, str]:
        """Note what is new and tell when each record was first seen (UTC text).

        A time once noted is never replaced by a later one. Raises ``state_unwritable`` or ``state_locked``.
        """
        wanted = {seen_key(record, operating_system) for record in records}
        moment = utc_text(now)
        known = self._read()
        if any(known.get(key, "~") > moment for key in wanted):
            files.make_private_directory(self.path.parent)
            with files.locked(self.path.with_name(self.path.name + ".lock")):
                # Another process may have written since the first look.
                known = self._read()
                unknown = sorted(key for key in wanted if known.get(key, "~") > moment)
                self._append(unknown, moment)
                known.update(dict.fromkeys(unknown, moment))
        return {key: known[key] for key in wanted}

    def first_seen(self, record: Mapping[str, Any], operating_system: str) -> str | None:
        """When this record's version was first seen, or None."""
        return self._read().get(seen_key(record, operating_system))

    def _read(self) -> dict[SeenKey, str]:
        known: dict[SeenKey, str] = {}
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
                known[key] = min(seen, known.get(key, seen))
        return known

    def _append(self, keys: list[SeenKey], moment: str) -> None:
        lines = "".join(
            json.dumps({**dict(zip(_FIELDS, key, strict=True)), "first_seen": moment}) + "\n" for key in keys
        )
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


def seen_key(record: Mapping[str, Any], operating_system: str) -> SeenKey:
    """The key of a patch record."""
    name = record.get("name") or record.get("kb") or record.get("title") or ""
    return (
        operating_system,
        str(record.get("product") or ""),
        str(name),
        str(record.get("arch") or ""),
        str(record.get("version") or ""),
    )


def _parsed(line: str) -> tuple[SeenKey, str] | None:
    try:
        entry = json.loads(line)
        key = tuple(entry[field] for field in _FIELDS)
        seen = entry["first_seen"]
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(part, str) for part in (*key, seen)):
        return None
    operating_system, product, name, arch, version = key
    return (operating_system, product, name, arch, version), seen
