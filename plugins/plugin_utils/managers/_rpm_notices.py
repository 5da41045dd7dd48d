# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Update notices (updateinfo) as the attributes of the versions that they name.

Patch Manager user guide, how security patches are selected: packages have no classification and no severity of their
own; whatever a notice names is security, also where the notice is a bugfix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import _rpm_answer
from ._answer import Part

Advisory = dict[str, Any]
Nevra = tuple[str, str, str]

_CLASSIFICATIONS = ("Security", "Bugfix", "Enhancement", "Recommended", "Newpackage")
_SEVERITIES = ("Critical", "Important", "Moderate", "Medium", "Low")
# There a notice may say that it has none, and filters may ask for that.
_NONE_IS_A_SEVERITY = ("AMAZON_LINUX_2022", "AMAZON_LINUX_2023")
_NOTICE = {"name", "arch", "version", "advisory"}
_ADVISORY = {"id", "type", "severity", "issued", "updated", "reboot_suggested", "cves", "bugzillas"}
_MOST_REFERENCES = 20_000


def read_notices(result: Part, operating_system: str) -> dict[Nevra, list[Advisory]]:
    """The notices of each version, by name, architecture and version; ordered by id."""
    advisories = [_advisory(part, operating_system) for part in result.rows("advisories", _ADVISORY)]
    found: dict[Nevra, list[Advisory]] = {}
    for part in result.rows("notices", _NOTICE):
        index = part.integer("advisory", 0, len(advisories) - 1)
        found.setdefault(_rpm_answer.package(part), []).append(advisories[index])
    for listed in found.values():
        listed.sort(key=lambda advisory: (str(advisory["id"]), str(advisory["updated"])))
    return found


def attributes(advisories: list[Advisory]) -> dict[str, Any]:
    """What a version takes over from its notices: Security before all else, the worst severity, the earliest date."""
    dates = [(advisory[kind], kind) for advisory in advisories for kind in [_date_of(advisory)] if kind is not None]
    released, source = min(dates, default=(None, None))
    return {
        "classification": _first(_CLASSIFICATIONS, (advisory["classification"] for advisory in advisories)),
        "severity": _first(_SEVERITIES, (advisory["severity"] for advisory in advisories)),
        "advisories": [dict(advisory) for advisory in advisories],
        "released": released,
        "released_source": source,
    }


def _date_of(advisory: Advisory) -> str | None:
    """Which of its dates counts: that of the last update, else that of the issue."""
    return next((kind for kind in ("updated", "issued") if advisory[kind]), None)


def _advisory(part: Part, operating_system: str) -> Advisory:
    kind, severity = part.text("type", 40), part.text("severity", 40)
    word = severity.capitalize() if severity else None
    if word == "None" and operating_system not in _NONE_IS_A_SEVERITY:
        word = None
    return {
        "id": part.text("id", 200),
        "classification": kind.capitalize() if kind else None,
        "severity": word,
        "issued": part.instant("issued"),
        "updated": part.instant("updated"),
        "reboot_suggested": part.maybe_flag("reboot_suggested"),
        "cves": part.texts("cves", 64, _MOST_REFERENCES),
        "bugzillas": part.texts("bugzillas", 64, _MOST_REFERENCES),
    }


def _first(order: tuple[str, ...], words: Iterable[str | None]) -> str | None:
    """The word that stands first in ``order``, else any other."""
    present = {word for word in words if word}
    return next((word for word in order if word in present), min(present, default=None))
