# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the zypper reader answered: sections of raw output, some of them zypper's XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ..errors import PatchError
from . import _answer, _sections

# Characters that XML cannot hold: zypper passes on what descriptions have.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Sections(_sections.Sections):
    """With the documents that zypper prints."""

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
