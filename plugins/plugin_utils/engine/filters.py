# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter groups: keys are ANDed, the values of one key ORed (Patch Manager user guide, custom baselines).

A value is exact and case-sensitive; a lone ``*``, an empty list and an absent key match everything, an absent
attribute included; any other value never matches an absent attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .candidates import Candidate, Notice, normal_windows_id
from .operating_systems import OperatingSystem

Values = tuple[str, ...]


def _record(key: str) -> Callable[[Candidate, Notice], Values]:
    def extract(candidate: Candidate, _notice: Notice) -> Values:
        value = candidate.record.get(key)
        return (value,) if value else ()

    return extract


def _one(value: str | None) -> Values:
    return (value,) if value else ()


def _patch_ids(candidate: Candidate, notice: Notice) -> Values:
    own = _one(candidate.record.get("patch_id"))
    return (*own, *candidate.windows_ids, *_one(notice.id))


def _products(candidate: Candidate, _notice: Notice) -> Values:
    """One Windows update may be for several products."""
    return (*_one(candidate.record.get("product")), *(candidate.record.get("products") or ()))


EXTRACTORS: dict[str, Callable[[Candidate, Notice], Values]] = {
    "arch": lambda candidate, _notice: _one(candidate.arch),
    "advisory_id": lambda _candidate, notice: _one(notice.id),
    "bugzilla_id": lambda _candidate, notice: notice.bugzillas,
    "patch_set": _record("patch_set"),
    "product": _products,
    "product_family": _record("product_family"),
    "classification": lambda _candidate, notice: _one(notice.classification),
    "cve_id": lambda _candidate, notice: notice.cves,
    "epoch": lambda candidate, _notice: _one(candidate.evr[0]),
    "msrc_severity": _record("msrc_severity"),
    "name": lambda candidate, _notice: _one(candidate.name),
    "patch_id": _patch_ids,
    "section": _record("section"),
    "priority": _record("priority"),
    "repository": _record("repository"),
    "release": lambda candidate, _notice: _one(candidate.evr[2]),
    "severity": lambda _candidate, notice: _one(notice.severity),
    "security": lambda candidate, _notice: ("true" if candidate.security else "false",),
    # The version part as in rpm's own queries, or the whole as the record carries it: apt knows but one version.
    "version": lambda candidate, _notice: (*_one(candidate.evr[1]), *_one(candidate.version)),
}
"""Every PatchFilterKey, in lower case, to the values that a record has for it."""


@dataclass(frozen=True)
class FilterGroup:
    """A compiled filter group."""

    conditions: tuple[tuple[str, frozenset[str]], ...]

    def matches(self, values: Mapping[str, Values]) -> bool:
        """Whether the values of one record and notice pass every condition."""
        return all(not allowed.isdisjoint(values[key]) for key, allowed in self.conditions)


def compile_group(filters: Mapping[str, list[str]], system: OperatingSystem) -> FilterGroup:
    """Compile a canonical filter mapping for one operating system."""
    conditions = []
    for key, wanted in filters.items():
        if not wanted or "*" in wanted:
            continue
        allowed = set(wanted)
        for value in wanted:
            allowed.update(system.value_synonyms.get((key, value), ()))
        if key == "patch_id" and system.family == "windows":
            allowed = {normal_windows_id(value) for value in wanted}
        if key == "security":
            allowed = {value.lower() for value in wanted}
        conditions.append((key, frozenset(allowed)))
    return FilterGroup(tuple(conditions))


def compile_rule_group(filters: Mapping[str, list[str]], system: OperatingSystem) -> FilterGroup:
    """As ``compile_group``; a Windows rule that names no PATCH_SET speaks of the operating system only."""
    if system.family == "windows" and "patch_set" not in filters:
        return compile_group({**filters, "patch_set": ["OS"]}, system)
    return compile_group(filters, system)


def values_of(candidate: Candidate, notice: Notice, keys: tuple[str, ...]) -> dict[str, Values]:
    """The values of just the keys that a baseline asks for."""
    return {key: EXTRACTORS[key](candidate, notice) for key in keys}
