# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the questions, as Patch Manager documents them for its Describe calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..compliance.summary import STATES
from ..engine.operating_systems import OPERATING_SYSTEMS
from ..errors import PatchError

Row = Mapping[str, Any]
MOST_FILTERS = 4
"""Service limit of DescribeInstancePatchStatesForPatchGroup."""
COUNT_KEYS = (
    "InstalledCount",
    "InstalledOtherCount",
    "InstalledPendingRebootCount",
    "InstalledRejectedCount",
    "MissingCount",
    "FailedCount",
    "UnreportedNotApplicableCount",
    "NotApplicableCount",
)
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "Equal": lambda count, value: count == value,
    "NotEqual": lambda count, value: count != value,
    "LessThan": lambda count, value: count < value,
    "GreaterThan": lambda count, value: count > value,
}
PATCH_KEYS = ("Classification", "KBId", "Severity", "State")
_FIELD_OF = {"Classification": "classification", "KBId": "id", "Severity": "severity", "State": "state"}


def count_filter(raw: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, int | None]], bool]:
    """A test for a host's counts (``summary`` of a document).

    ``raw``: at most four ``{key, values, type}``, all of which must hold. An unknown count (null) fits no filter,
    NotEqual included: what is not known is not different. Raises ``bad_filter``.
    """
    if len(raw) > MOST_FILTERS:
        raise PatchError("bad_filter", f"{len(raw)} filters given; Patch Manager takes at most {MOST_FILTERS}")
    checks = [_one_count_filter(each, f"filters[{index}]") for index, each in enumerate(raw)]
    return lambda counts: all(check(counts) for check in checks)


def _one_count_filter(raw: Mapping[str, Any], where: str) -> Callable[[Mapping[str, int | None]], bool]:
    key, values, operator = _parts(raw)
    if key not in COUNT_KEYS:
        raise PatchError("bad_filter", f"{where}: key {key!r} is none of {', '.join(COUNT_KEYS)}")
    if operator not in OPERATORS:
        raise PatchError("bad_filter", f"{where}: type {operator!r} is none of {', '.join(OPERATORS)}")
    if len(values) != 1 or not re.fullmatch(r"[0-9]{1,18}", values[0]):
        raise PatchError("bad_filter", f"{where}: values must be exactly one whole number from 0, not {values!r}")
    name, wanted, compare = count_name(key), int(values[0]), OPERATORS[operator]

    def check(counts: Mapping[str, int | None]) -> bool:
        count = counts.get(name)
        return count is not None and compare(count, wanted)

    return check


def patch_filter(raw: Sequence[Mapping[str, Any]], operating_system: str | None) -> Callable[[Row], bool]:
    """A test for an entry of ``patches``: all filters must hold, of a filter's values any one.

    Values are exact; KB ids ignore case. A state that there is not is refused: it would fit nothing, which looks like
    good news. On Amazon Linux 2022 and 2023 severity Medium takes Moderate as well.
    Raises ``bad_filter``.
    """
    system = OPERATING_SYSTEMS.get(operating_system or "")
    synonyms = system.value_synonyms if system else {}
    checks: list[tuple[str, frozenset[str]]] = []
    for index, each in enumerate(raw):
        key, values, _operator = _parts(each)
        if key not in PATCH_KEYS:
            raise PatchError("bad_filter", f"filters[{index}]: key {key!r} is none of {', '.join(PATCH_KEYS)}")
        if not values:
            raise PatchError("bad_filter", f"filters[{index}]: {key} has no values")
        unknown = [value for value in values if key == "State" and value not in STATES]
        if unknown:
            raise PatchError("bad_filter", f"filters[{index}]: state {unknown[0]!r} is none of {', '.join(STATES)}")
        wanted = {value.casefold() if key == "KBId" else value for value in values}
        for value in values:
            wanted.update(synonyms.get((_FIELD_OF[key], value), ()))
        checks.append((_FIELD_OF[key], frozenset(wanted)))

    def fits(entry: Row) -> bool:
        for name, wanted in checks:
            value = entry[name]
            if (value.casefold() if name == "id" else value) not in wanted:
                return False
        return True

    return fits


def count_name(key: str) -> str:
    """``installed_other_count`` for ``InstalledOtherCount``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()


def members(names: Iterable[str]) -> dict[str, str]:
    """Our count names to Patch Manager's member names."""
    return {name: "".join(part.capitalize() for part in name.split("_")) for name in names}


def _parts(raw: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Key, values, type; written in lower case or as the service writes them."""
    told = {str(name).lower(): value for name, value in raw.items()}
    values = told.get("values", [])
    listed = values if isinstance(values, (list, tuple)) else [values]
    return str(told.get("key")), [str(value) for value in listed], str(told.get("type") or "Equal")
