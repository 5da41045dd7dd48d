# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of what the apt reader answers, beside the access that all managers share."""

from __future__ import annotations

import re

from ._answer import INSTANT, Part, check, clean, integer, refuse

__all__ = [
    "ARCH", "INSTANT", "NAME", "VERSION", "Part", "architecture", "check", "clean", "integer", "package_name",
    "refuse", "version",
]  # fmt: skip

# What dpkg itself accepts (lib/dpkg, pkg_name_is_illegal and parseversion); Debian Policy 5.6 is narrower.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,199}\Z")
# The reader leaves out what has another form (FORM in host/scripts/apt_status.py) and says so.
ARCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,255}\Z")


def package_name(part: Part) -> str:
    return part.matching("name", NAME, "a package name")


def architecture(part: Part) -> str:
    return part.matching("arch", ARCH, "an architecture")


def version(part: Part, key: str = "version") -> str:
    return part.matching(key, VERSION, "a package version")
