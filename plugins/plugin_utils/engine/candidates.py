# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patch records, checked and made ready for judging.

Records come from managed hosts and are untrusted: whatever has the wrong type is refused by name
(``patches[3].version: ...``) before any rule looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import PatchError
from . import versions
from .dates import parse_instant
from .operating_systems import OperatingSystem
from .problems import HUGE, show

_TEXT_KEYS = (
    "name arch version installed_version repository product product_family patch_set classification severity "
    "priority section msrc_severity kb title update_id patch_id".split()
)
_FLAG_KEYS = ("security", "installed", "applicable")
_DATE_KEYS = ("released", "updated", "issued", "build_time", "first_seen", "repository_date")


@dataclass
class Notice:
    """One update notice (advisory, zypper patch) that lists the version, or the bare record when none does."""

    id: str | None
    cves: tuple[str, ...]
    bugzillas: tuple[str, ...]
    classification: str | None
    severity: str | None
    released: int | None


@dataclass
class Candidate:
    """One checked record."""

    record: dict[str, Any]
    identifier: str
    name: str
    arch: str
    version: str
    evr: tuple[str, str, str]
    installed_version: str | None
    absent: bool
    """The host has no version of it."""
    present: bool
    """This very version is on the host."""
    outdated: bool
    """The host already has a newer version than this one."""
    security: bool
    notices: list[Notice]
    """At least one."""
    build_time: int | None
    first_seen: int | None
    repository_date: int | None = None
    windows_ids: tuple[str, ...] = ()
    superseded_by: tuple[str, ...] = ()
    own_ids: tuple[str, ...] = ()
    """Windows: the KB and the update id, without the bulletins that other updates share."""


def prepare(patches: Any, system: OperatingSystem) -> list[Candidate]:
    """Check every record; ``PatchError("bad_record")`` names the first wrong place."""
    if not isinstance(patches, (list, tuple)):
        raise PatchError("bad_record", f"patches: must be a list of records, not {type(patches).__name__}")
    dates: dict[Any, int | None] = {None: None}
    return [_prepare_one(record, f"patches[{index}]", system, dates) for index, record in enumerate(patches)]


def _refuse(where: str, expected: str, value: Any) -> PatchError:
    return PatchError("bad_record", f"{where}: must be {expected}, not {show(value)}", where=where)


def _prepare_one(record: Any, where: str, system: OperatingSystem, dates: dict[Any, int | None]) -> Candidate:
    if not isinstance(record, dict):
        raise _refuse(where, "a mapping", record)
    for key in _TEXT_KEYS:
        value = record.get(key)
        if value is not None and not isinstance(value, str):
            raise _refuse(f"{where}.{key}", "a string or null", value)
    for key in _FLAG_KEYS:
        if not isinstance(record.get(key), (bool, type(None))):
            raise _refuse(f"{where}.{key}", "true, false or null", record[key])
    stamps = {key: _instant(record.get(key), f"{where}.{key}", dates) for key in _DATE_KEYS if key in record}
    if system.family == "windows":
        return _windows(record, where, stamps, dates)
    return _package(record, where, system, stamps, dates)


def _instant(value: Any, where: str, dates: dict[Any, int | None]) -> int | None:
    if isinstance(value, str) and value in dates:
        return dates[value]
    if value is None:
        return None
    try:
        instant = parse_instant(value)
    except ValueError:
        raise _refuse(where, "an ISO 8601 date such as '2026-11-20T12:00:00Z' or null", value) from None
    if isinstance(value, str):
        dates[value] = instant
    return instant


def _first(stamps: dict[str, int | None], keys: Iterable[str]) -> int | None:
    return next((stamps[key] for key in keys if stamps.get(key) is not None), None)


def _required(record: dict[str, Any], key: str, where: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise _refuse(f"{where}.{key}", "a non-empty string", value)
    return value


def _package(
    record: dict[str, Any],
    where: str,
    system: OperatingSystem,
    stamps: dict[str, int | None],
    dates: dict[Any, int | None],
) -> Candidate:
    name, version = _required(record, "name", where), _required(record, "version", where)
    arch, installed = record.get("arch") or "", record.get("installed_version") or None
    order = None if installed is None else versions.compare(version, installed, system.version_scheme)
    released = _first(stamps, ("released", "updated", "issued"))
    notices = _notices(record, where, released, dates)
    security = record.get("security")
    return Candidate(
        record=record,
        identifier=f"{name}.{arch} {version}" if arch and system.family != "macos" else f"{name} {version}",
        name=name,
        arch=arch,
        version=version,
        evr=versions.split(version, system.version_scheme),
        installed_version=installed,
        absent=installed is None and not _is_softwareupdate(record, system),
        present=order == 0 if system.family != "macos" else version == installed,
        # softwareupdate and brew decide what is outdated; their version texts have no order to rely on.
        outdated=order is not None and order < 0 and system.family != "macos",
        security=bool(record.get("advisories")) if security is None else security,
        notices=notices,
        build_time=stamps.get("build_time"),
        first_seen=stamps.get("first_seen"),
        repository_date=stamps.get("repository_date"),
    )


def _is_softwareupdate(record: dict[str, Any], system: OperatingSystem) -> bool:
    """softwareupdate offers what fits the host and does not always tell what it replaces."""
    return system.family == "macos" and record.get("classification") == "softwareupdate"


def _notices(record: dict[str, Any], where: str, released: int | None, dates: dict[Any, int | None]) -> list[Notice]:
    classification, severity = record.get("classification"), record.get("severity")
    advisories = record.get("advisories")
    if not advisories and isinstance(advisories, (list, tuple, type(None))):
        return [Notice(None, (), (), classification, severity, released)]
    if not isinstance(advisories, (list, tuple)):
        raise _refuse(f"{where}.advisories", "a list", advisories)
    notices = []
    for index, advisory in enumerate(advisories):
        place = f"{where}.advisories[{index}]"
        if not isinstance(advisory, dict):
            raise _refuse(place, "a mapping", advisory)
        for key in ("id", "classification", "severity"):
            if not isinstance(advisory.get(key), (str, type(None))):
                raise _refuse(f"{place}.{key}", "a string or null", advisory[key])
        stamps = {
            key: _instant(advisory[key], f"{place}.{key}", dates)
            for key in ("updated", "released", "issued")
            if key in advisory
        }
        own_date = _first(stamps, ("updated", "released", "issued"))
        notices.append(
            Notice(
                advisory.get("id"),
                _texts(advisory.get("cves"), f"{place}.cves"),
                _texts(advisory.get("bugzillas"), f"{place}.bugzillas"),
                advisory.get("classification", classification),
                advisory.get("severity", severity),
                own_date if stamps else released,
            )
        )
    return notices


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """A list of strings; Bugzilla ids may be numbers."""
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise _refuse(where, "a list", value)
    for index, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, (str, int)):
            raise _refuse(f"{where}[{index}]", "a string or a number", item)
    return tuple(_decimal(item, where) if isinstance(item, int) else item for item in value)


def _decimal(number: int, where: str) -> str:
    if abs(number) >= HUGE:
        raise PatchError("bad_record", f"{where}: holds a number that no tracker uses", where=where)
    return str(number)


def _windows(
    record: dict[str, Any], where: str, stamps: dict[str, int | None], dates: dict[Any, int | None]
) -> Candidate:
    kb, title = record.get("kb") or None, record.get("title") or None
    if kb is None and title is None:
        raise _refuse(f"{where}.title", "a non-empty string where there is no kb", record.get("title"))
    bulletins = _text_or_list(record.get("msrc_number"), f"{where}.msrc_number")
    update_id = record.get("update_id")
    own_ids = _normal(text for text in (kb, update_id) if text)
    _texts(record.get("child_kbs"), f"{where}.child_kbs")
    _texts(record.get("products"), f"{where}.products")
    released = _first(stamps, ("released", "updated", "issued"))
    notices = _notices(record, where, released, dates)
    classification = record.get("classification")
    return Candidate(
        record=record,
        identifier=kb or str(title),
        name=str(title or kb),
        arch="",
        version="",
        evr=("0", "", ""),
        installed_version=None,
        absent=False,
        present=record.get("installed") is True,
        outdated=False,
        security=classification == "SecurityUpdates" or record.get("security") is True,
        notices=notices,
        build_time=None,
        first_seen=stamps.get("first_seen"),
        repository_date=stamps.get("repository_date"),
        windows_ids=(*own_ids, *_normal(bulletins)),
        own_ids=own_ids,
        superseded_by=_normal(_text_or_list(record.get("superseded_by"), f"{where}.superseded_by")),
    )


def _text_or_list(value: Any, where: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value, where)


def normal_windows_id(text: str) -> str:
    """``kb123``, ``123`` and ``KB123`` are one id; bulletin and update ids only ignore case."""
    upper = text.strip().upper()
    return "KB" + upper if upper.isdecimal() else upper


def _normal(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(normal_windows_id(text) for text in ids)
