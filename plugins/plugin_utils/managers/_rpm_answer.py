# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of what the readers of rpm systems answer, beside the access that all managers share."""

from __future__ import annotations

import re

from ._answer import Part, check, refuse

__all__ = ["ARCH", "NAME", "VERSION", "Part", "check", "installed_version", "package", "refuse", "version"]

# What rpm itself accepts (build/parsePreamble.c, ALLOWED_CHARS_*); an epoch stands in front of a version.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,255}\Z")
ARCH = re.compile(r"[a-z0-9_]{1,40}\Z")
VERSION = re.compile(r"(?:\d{1,10}:)?[A-Za-z0-9._+~^]{1,200}-[A-Za-z0-9._+~^]{1,200}\Z")


def package(part: Part) -> tuple[str, str, str]:
    """Name, architecture and ``[epoch:]version-release`` of a row."""
    return (
        part.matching("name", NAME, "a package name"),
        part.matching("arch", ARCH, "an architecture"),
        version(part),
    )


def version(part: Part) -> str:
    return part.matching("version", VERSION, "a package version")


def installed_version(part: Part) -> str:
    return part.matching("installed_version", VERSION, "a package version")
