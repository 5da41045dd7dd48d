# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed, bounded access to what a reader in sh answered: sections of raw output. The host may lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from . import _answer

_MOST_LINES = 400_000
_Kind = TypeVar("_Kind", bound="Sections")


@dataclass(frozen=True)
class Sections:
    """``value`` is ``{"NAME": {"code": 0, "text": "..."}}``, as the channel checked it."""

    value: dict[str, Any]

    @classmethod
    def of(cls: type[_Kind], result: dict[str, Any]) -> _Kind:
        value = result.get("sections")
        if not isinstance(value, dict):
            raise _answer.refuse("result.sections", "an object", value)
        return cls(value)

    def text(self, name: str) -> str:
        section = self._section(name)
        if not isinstance(section.get("text"), str):
            raise _answer.refuse(f"sections.{name}.text", "text", section.get("text"))
        return str(section["text"])

    def code(self, name: str) -> int:
        """The exit code of what made the section."""
        return _answer.integer(self._section(name).get("code"), f"sections.{name}.code", 0, 255)

    def _section(self, name: str) -> dict[str, Any]:
        section = self.value.get(name)
        if not isinstance(section, dict):
            raise _answer.refuse(f"sections.{name}", "a section", section)
        return section

    def lines(self, name: str) -> list[str]:
        lines = [line for line in self.text(name).split("\n") if line]
        if len(lines) > _MOST_LINES:
            raise _answer.refuse(f"sections.{name}", f"at most {_MOST_LINES} lines", f"{len(lines)} lines")
        return lines

    def rows(self, name: str, *counts: int) -> list[list[str]]:
        """Lines of tab-separated fields, of which there may be as many as ``counts`` says."""
        rows = [line.split("\t") for line in self.lines(name)]
        for index, row in enumerate(rows):
            if len(row) not in counts:
                raise _answer.refuse(f"sections.{name}, line {index + 1}", f"{counts[0]} fields", f"{len(row)} fields")
        return rows

    def fields(self, name: str) -> dict[str, str]:
        """Lines ``name=value``; others are left out."""
        pairs = (line.partition("=") for line in self.lines(name))
        return {key: value for key, equals, value in pairs if equals}
