# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install override lists and snapshots that are set for hosts, checked before the first host is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.override_list import compile_override_list
from ..errors import PatchError
from . import snapshot as snapshots

LIST, SNAPSHOT = "patch_install_override_list", "patch_snapshot"
SELECTION = (LIST, SNAPSHOT, "patch_snapshot_unavailable")
BOTH = "install_override_list and snapshot are both given; one run can follow only one."


@dataclass(frozen=True)
class Kind:
    """What a named file is called in messages, the kind of its errors, and the most bytes it may have."""

    what: str
    error: str
    most: int


LISTS = Kind("install override list", "bad_override_list", 1024 * 1024)
SNAPSHOTS = Kind("snapshot", snapshots.KIND, snapshots.MOST_BYTES)
Read = Callable[[str, Kind], tuple[Any, str]]
"""Value and place as shown of the file at a path or an address."""


def is_given(value: Any) -> bool:
    """A text without a character is what templates give for nothing; a list without ``patches`` is an error."""
    return value is not None and value != ""


def selection_errors(values: Mapping[str, Any], read: Read) -> list[PatchError]:
    """Everything wrong with the variables of one host, each problem with its place."""
    given, snapshot = values.get(LIST), values.get(SNAPSHOT)
    errors = []
    if is_given(given) and is_given(snapshot):
        errors.append(PatchError("bad_option", BOTH, problems=[{"where": LIST, "message": BOTH}]))
    checks = (
        (given, LIST, LISTS, _check_list),
        (snapshot, SNAPSHOT, SNAPSHOTS, lambda raw: snapshots.parse_snapshot(raw, named="it")),
    )
    for value, variable, kind, check in checks:
        if is_given(value):
            errors += _errors(value, variable, kind, check, read)
    return errors


def _check_list(raw: Any) -> None:
    # Every family's rules are the same but Windows' own ids, which any text is.
    if raw is None:
        raise PatchError(LISTS.error, "is empty; it must be a mapping with a list 'patches'")
    compile_override_list(raw, "rpm")


def _errors(value: Any, variable: str, kind: Kind, check: Callable[[Any], Any], read: Read) -> list[PatchError]:
    place = variable
    try:
        if isinstance(value, str):
            value, shown = read(value, kind)
            place = f"{variable} ({shown})"
        check(value)
    except PatchError as error:
        message = error.message.removeprefix("install_override_list: ").removeprefix("it was ")
        found = error.details.get("problems") or [{"where": "", "message": message}]
        return [PatchError(error.kind, error.message, problems=[_placed(each, place) for each in found])]
    return []


def _placed(problem: Mapping[str, str], place: str) -> dict[str, str]:
    within = problem["where"].removeprefix("install_override_list").lstrip(".")
    return {"where": f"{place}.{within}" if within else place, "message": problem["message"]}
