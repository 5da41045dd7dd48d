# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay an errata file over the inventory of an rpm host: for what comes from repositories without notices of their own.

What a vendor's own notices say is never touched. A file that fits nothing on the host proves nothing, nor does one that
is older than what it speaks of: the doubt about missing security metadata stays.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import OPERATING_SYSTEMS
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory, PatchRecord

from . import _linux
from ._answer import Part
from ._linux import warning
from ._rpm_notices import Advisory, Nevra, attributes, read_notices
from .rpm_errata import Errata

_ADVISORY = ["id", "type", "severity", "issued", "updated", "reboot_suggested", "cves", "bugzillas"]
# Days of building and testing, and of updates that are no errata.
_MOST_BEHIND = 14 * 86400
_REPLACED = ("no_security_metadata", "repository_without_notices")


def overlay(inventory: Inventory, errata: Errata, *, source: str, digest: str) -> None:
    """Changes ``inventory``: its records, the repositories that the notices are for, ``findings.errata`` and warnings.

    ``source`` names the file without credentials; ``digest`` is ``sha256:<hex>`` of it.
    """
    found: dict[str, Any] = {
        "source": source, "digest": digest, "notices": len(errata.advisories), "newest": errata.newest(),
        "repositories": [], "versions": 0,
    }  # fmt: skip
    inventory.findings["errata"] = found
    if OPERATING_SYSTEMS[inventory.operating_system].family != "rpm":
        inventory.warnings.append(warning("errata_not_used", "an errata file is for hosts with rpm packages alone"))
        return
    without = {
        each["id"]: each for each in inventory.repositories if each["enabled"] and each["security_metadata"] is False
    }
    told = {each["id"] for each in inventory.repositories if each["enabled"] and each["security_metadata"]}
    notices = _notices(inventory, errata)
    spoken_of: set[str] = set()
    for record in inventory.candidates:
        from_them = without.keys() & {record["repository"], *record["repositories"]}
        if from_them and _apply(record, notices):
            found["versions"] += 1
            spoken_of |= from_them
    for record in inventory.installed:
        if record["repository"] not in told and _apply(record, notices):
            found["versions"] += 1
            spoken_of |= without.keys() & {record["repository"]}
    behind = _behind(inventory, errata.newest(), spoken_of or set(without))
    if found["versions"] and without and behind:
        # What it says is said; what it does not know yet looks like no security update.
        inventory.warnings.append(warning("errata_out_of_date", f"the errata file {source} {behind}"))
    elif found["versions"] and without:
        found["repositories"] = sorted(without)
        for each in without.values():
            each.update(security_metadata=True, notices_from=source)
        inventory.warnings = [each for each in inventory.warnings if each["kind"] not in _REPLACED]
        inventory.warnings.append(
            warning(
                "errata_overlay",
                f"which updates of {', '.join(sorted(without))} are security updates comes from the"
                f" errata file {source} ({found['notices']} notices, the newest of {found['newest'] or 'no date'}),"
                " not from the repositories",
            )  # fmt: skip
        )
    elif without:
        inventory.warnings.append(
            warning(
                "errata_do_not_fit",
                f"the errata file {source} names no version that this host has or could have; it is"
                " for another release, or out of date",
            )  # fmt: skip
        )


def _behind(inventory: Inventory, newest: str | None, repositories: set[str]) -> str | None:
    """Why a file whose newest notice has this date may lack notices about what these repositories have; None where
    nothing speaks for that. Vendors publish a notice after they have built the package."""
    if newest is None:
        return "has no dates, so nothing says that it is up to date"
    built = max(
        (
            str(record["build_time"])
            for record in (*inventory.candidates, *inventory.installed)
            if record["build_time"] and repositories & {record["repository"], *record.get("repositories", ())}
        ),
        default=newest,
    )
    if _linux.seconds(built) - _linux.seconds(newest) <= _MOST_BEHIND:
        return None
    return (
        f"ends on {newest[:10]}, and {', '.join(sorted(repositories))} has packages built up to {built[:10]}: get a"
        " newer one. Until then no repository counts as one that tells its security updates"
    )


def _notices(inventory: Inventory, errata: Errata) -> dict[Nevra, list[Advisory]]:
    names = {str(record["name"]) for record in (*inventory.installed, *inventory.candidates)}
    rows = [[name, *row] for name in names & errata.packages.keys() for row in errata.packages[name]]
    used = sorted({row[3] for row in rows})
    place = {number: index for index, number in enumerate(used)}
    tables = {
        "advisories": {
            "columns": _ADVISORY,
            "rows": [[*errata.advisories[number][:5], None, *errata.advisories[number][5:]] for number in used],
        },
        "notices": {
            "columns": ["name", "arch", "version", "advisory"],
            "rows": [[*row[:3], place[row[3]]] for row in rows],
        },
    }
    found = read_notices(Part(tables, "errata"), inventory.operating_system)
    for listed in found.values():
        for advisory in listed:
            advisory["source"] = "errata"
    return found


def _apply(record: PatchRecord, notices: dict[Nevra, list[Advisory]]) -> int:
    advisories = notices.get((str(record["name"]), str(record["arch"]), str(record["version"])))
    if record["advisories"] or not advisories:
        return 0
    record.update(attributes(advisories), security=True)
    return 1
