# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed, bounded access to what the zypper reader answered: sections of raw output. The host may lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ..errors import PatchError
from . import _answer

_MOST_LINES = 400_000
# Characters that XML cannot hold: zypper passes on what descriptions have.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Sections:
    """``value`` is ``{"NAME": {"code": 0, "text": "..."}}``, as the channel checked it."""

    value: dict[str, Any]

    @classmethod
    def of(cls, result: dict[str, Any]) -> Sections:
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

    def xml(self, name: str, text: str | None = None) -> Element:
        """The document that zypper printed with ``--xmlout``."""
        return parse_stream(self.text(name) if text is None else text, f"sections.{name}")


def parse_stream(text: str, where: str) -> Element:
    """zypper's ``<stream>``; what is printed around it is not its. Declarations of entities are refused."""
    start, stop = text.find("<stream>"), text.rfind("</stream>")
    if start < 0 or stop < start or "<!" in text[start:stop].replace("<![CDATA[", ""):
        raise _answer.refuse(where, "what zypper prints with --xmlout", _answer.clean(text, 200))
    try:
        return ElementTree.fromstring(_NOT_XML.sub(" ", text[start:stop]) + "</stream>")
    except ElementTree.ParseError as error:
        raise PatchError(
            "bad_answer", f"The reader's answer is wrong: {where} is no XML ({error}).", where=where
        ) from error


def messages(stream: Element, *kinds: str) -> list[str]:
    """Texts of zypper's messages of these types (error, warning, info), each on one line."""
    found = [each for each in stream.iter("message") if each.get("type") in kinds]
    return [_answer.clean("".join(each.itertext()), 1000) for each in found]
