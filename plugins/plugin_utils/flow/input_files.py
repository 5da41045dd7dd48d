# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that variables name, read before any host is touched; addresses are looked at, not fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..engine.override_list import compile_override_list
from ..errors import PatchError
from ..fleet import operator_yaml
from ..fleet import snapshot as snapshots
from ..managers.rpm_errata import MOST_PACKED, parse_errata
from . import named_files

_MOST_LIST = 1024 * 1024
PathOf = Callable[[str], str]


def file_problem(name: str, value: Any, *, path_of: PathOf) -> PatchError | None:
    """What is wrong with the file that this variable names, or with what it holds."""
    try:
        CHECKS[name](value, path_of)
    except PatchError as error:
        return error
    return None


def _errata(value: str, path_of: PathOf) -> None:
    content = _content(value, "errata file", "bad_errata", MOST_PACKED, str)
    if content is not None:
        parse_errata(content)


def _override_list(value: Any, path_of: PathOf) -> None:
    if isinstance(value, str) and value:
        kind, what = "bad_override_list", "install override list"
        content = _content(value, what, kind, _MOST_LIST, path_of)
        if content is None:
            return
        value = operator_yaml.parse(content, named=f"The {what} {value}", kind=kind, most=_MOST_LIST)
    if value != "":
        compile_override_list(value, "rpm")


def _snapshot(value: str, path_of: PathOf) -> None:
    named = f"The snapshot {value}"
    content = _content(value, "snapshot", snapshots.KIND, snapshots.MOST_BYTES, path_of) if value else None
    if content is not None:
        raw = operator_yaml.parse(content, named=named, kind=snapshots.KIND, most=snapshots.MOST_BYTES)
        snapshots.parse_snapshot(raw, named=named)


def _content(source: str, what: str, kind: str, most: int, path_of: PathOf) -> bytes | None:
    if "://" in source:
        if not source.startswith("s3://"):
            named_files.shown(source, what=what, kind=kind)
        return None
    path = path_of(source)
    if not Path(path).expanduser().is_file():
        raise PatchError(kind, f"there is no file {path}")
    return named_files.content(path, what=what, kind=kind, most=most)


CHECKS: Mapping[str, Callable[[Any, PathOf], None]] = {
    "patch_errata": _errata,
    "patch_install_override_list": _override_list,
    "patch_snapshot": _snapshot,
}
