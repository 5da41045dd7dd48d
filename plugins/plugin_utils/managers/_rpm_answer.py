# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of what the readers of rpm systems answer, beside the access that all managers share."""

from __future__ import annotations

import re

from ._answer import Part, check, refuse

__all__ = ["ARCH", "NAME", "VERSION", "Part", "check", "is_odd", "package", "refuse", "shown", "version"]

# What rpm itself accepts (build/parsePreamble.c, ALLOWED_CHARS_*); an epoch stands in front of a version.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,255}\Z")
ARCH = re.compile(r"[a-z0-9_]{1,40}\Z")
_ANY = re.compile(r".{1,500}\Z", re.DOTALL)
VERSION = re.compile(r"(?:\d{1,10}:)?[A-Za-z0-9._+~^]{1,200}-[A-Za-z0-9._+~^]{1,200}\Z")
_NONE = "(none)"
_MASKED = re.compile(r"^[^A-Za-z0-9_(]|[^A-Za-z0-9_.:+~^()-]")

Nevra = tuple[str, str, str]


def package(part: Part) -> Nevra:
    """Name, architecture and ``[epoch:]version-release`` of a row, as they are: a host may have packages that no rpm of
    today would build (1.0-1%{dist}, no architecture), and one of them must not hide the others. See ``is_odd``."""
    # rpm's own word where a package has none, as keys that were imported.
    name, arch = (_NONE if part.value.get(key) in (None, "") else _text(part, key) for key in ("name", "arch"))
    return name, arch, version(part)


def version(part: Part, key: str = "version") -> str:
    return _text(part, key)


def is_odd(nevra: Nevra) -> bool:
    """Whether it has a part that rpm itself would not accept: it is listed, and named in no command."""
    return not all(form.match(word) for form, word in zip((NAME, ARCH, VERSION), nevra, strict=True))


def shown(word: str) -> str:
    """A part of a name as it may stand in documents, whatever characters it has: ``1.0-1??dist?``."""
    return _MASKED.sub("?", word)


def _text(part: Part, key: str) -> str:
    return part.matching(key, _ANY, "text of at most 500 characters")
