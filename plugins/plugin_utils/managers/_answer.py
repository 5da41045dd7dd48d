# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed, bounded access to what a reader answered. The host may lie: every refusal names its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
MOST_ROWS = 200_000
MOST_ITEMS = 20_000


def refuse(where: str, expected: str, value: Any) -> PatchError:
    """The error for a value that no reader of ours sends."""
    shown = f"a {type(value).__name__}" if isinstance(value, (dict, list)) else clean(repr(value), 60)
    return PatchError("bad_answer", f"The reader's answer is wrong: {where} must be {expected}, not {shown}.",
                      where=where)  # fmt: skip


def clean(text: str, limit: int) -> str:
    """One line without control characters."""
    return " ".join(_CONTROL.sub(" ", text[: limit * 4]).split())[:limit]


@dataclass(frozen=True)
class Part:
    """A JSON object of the answer and where it stands."""

    value: dict[str, Any]
    where: str

    @classmethod
    def of(cls, value: Any, where: str) -> Part:
        if not isinstance(value, dict):
            raise refuse(where, "an object", value)
        return cls(value, where)

    def part(self, key: str) -> Part:
        return Part.of(self.value.get(key), f"{self.where}.{key}")

    def maybe_part(self, key: str) -> Part | None:
        return None if self.value.get(key) is None else self.part(key)

    def parts(self, key: str) -> list[Part]:
        return [Part.of(item, f"{self.where}.{key}[{index}]") for index, item in enumerate(self.items(key))]

    def items(self, key: str, most: int = MOST_ITEMS) -> list[Any]:
        value = self.value.get(key)
        if not isinstance(value, list):
            raise refuse(f"{self.where}.{key}", "a list", value)
        if len(value) > most:
            raise refuse(f"{self.where}.{key}", f"a list of at most {most} items", f"{len(value)} items")
        return value

    def text(self, key: str, limit: int = 200) -> str | None:
        """Free text on one line; None for null and for text that is empty."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, str):
            raise refuse(f"{self.where}.{key}", "text or null", value)
        return clean(value, limit) or None if value else None

    def texts(self, key: str, limit: int = 200, most: int = 1000) -> list[str]:
        found = []
        for index, item in enumerate(self.items(key, most)):
            if not isinstance(item, str):
                raise refuse(f"{self.where}.{key}[{index}]", "text", item)
            found.append(clean(item, limit))
        return found

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        return check(self.value.get(key), pattern, f"{self.where}.{key}", expected)

    def instant(self, key: str) -> str | None:
        """``2026-11-20T12:00:00Z`` or None."""
        value = self.value.get(key)
        return None if value is None else check(value, INSTANT, f"{self.where}.{key}", "a UTC time")

    def flag(self, key: str) -> bool:
        value = self.value.get(key)
        if not isinstance(value, bool):
            raise refuse(f"{self.where}.{key}", "true or false", value)
        return value

    def maybe_flag(self, key: str) -> bool | None:
        return None if self.value.get(key) is None else self.flag(key)

    def integer(self, key: str, least: int = 0, most: int = 2**63) -> int:
        return integer(self.value.get(key), f"{self.where}.{key}", least, most)

    def maybe_integer(self, key: str, least: int = 0, most: int = 2**63) -> int | None:
        return None if self.value.get(key) is None else self.integer(key, least, most)

    def rows(self, key: str, columns: set[str]) -> Iterator[Part]:
        """Every row of a ``{"columns": [...], "rows": [[...]]}`` table as an object that has at least ``columns``."""
        table = self.part(key)
        names = table.texts("columns", 40, 60)
        missing = sorted(columns - set(names))
        if missing or len(set(names)) != len(names):
            raise refuse(f"{table.where}.columns", f"different names, among them {', '.join(missing)}", names)
        for index, row in enumerate(table.items("rows", MOST_ROWS)):
            where = f"{table.where}.rows[{index}]"
            if not isinstance(row, list) or len(row) != len(names):
                raise refuse(where, f"a list of {len(names)} values", row)
            yield Part(dict(zip(names, row, strict=True)), where)


def check(value: Any, pattern: re.Pattern[str], where: str, expected: str) -> str:
    """The text, when it is text of that form."""
    if not isinstance(value, str) or not pattern.match(value):
        raise refuse(where, expected, value)
    return value


def integer(value: Any, where: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refuse(where, f"a whole number from {least} to {most}", value)
    return value
