# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that variables name, read before any host is touched; addresses are looked at, not fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import PatchError
from . import named_files


def file_problem(name: str, value: Any) -> PatchError | None:
    """What is wrong with the file that this variable names, or with what it holds."""
    try:
        {**CHECKS, **HOLDING}[name](value)
    except PatchError as error:
        return error
    return None


# What few set is imported where it is checked: Ansible compiles what a task imports at each of its starts.
def _errata(value: str) -> None:
    from ..managers.rpm_errata import MOST_PACKED, parse_errata

    content = _content(value, "errata file", "bad_errata", MOST_PACKED)
    if content is not None:
        parse_errata(content)


def _content(source: str, what: str, kind: str, most: int) -> bytes | None:
    if "://" in source:
        named_files.shown(source, what=what, kind=kind)
        return None
    path = named_files.shown(source, what=what, kind=kind)
    if "\0" in path or not Path(path).is_file():
        raise PatchError(kind, f"there is no file {source}")
    return named_files.content(source, what=what, kind=kind, most=most)


def _title_rules(value: Any) -> None:
    from ..managers.macos_titles import title_rules

    title_rules(value)


CHECKS: Mapping[str, Callable[[Any], None]] = {"patch_errata": _errata}
HOLDING: Mapping[str, Callable[[Any], object]] = {"patch_macos_title_rules": _title_rules}
"""Those that name no file and hold what a manager reads."""
