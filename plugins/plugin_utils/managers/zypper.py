# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a host with zypper from the sections of the zypper reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.records import Inventory
from . import _rpm
from ._answer import Part
from ._linux import warning
from .zypper_answer import ZypperAnswer, unreadable
from .zypper_metadata import Patch

_SILENT = "repository_without_notices"
_FLAGS = {
    "reboot": "asks for a reboot",
    "restart": "the package manager starts anew after it",
    "message": "has a message to read first",
    "licence": "has a licence to agree to",
}


def build_inventory(reading: dict[str, Any], *, mappings: Mapping[str, Any] | None = None) -> Inventory:
    """See ``_rpm.build_inventory``; the answer is put into the form of other rpm systems first.

    Also raises ``zypper_failed`` and ``rpm_failed`` with what these said on the host. Candidates that need more than
    a yes of zypper's carry ``interactive``, a list of reboot, restart, message and licence.
    """
    answer = ZypperAnswer(Part.of(Part.of(reading, "reading").value.get("result"), "result").value)
    whole = {"system": reading.get("system"), "reader": "zypper", "interpreter": None, "result": answer.result}
    inventory = _rpm.build_inventory(
        whole, manager="zypper", api="zypper --xmlout", family="suse", mappings=mappings
    )  # fmt: skip
    inventory.interpreter = None
    flags = _flags(answer)
    for record in inventory.candidates:
        key = (record["name"], record["arch"], record["version"])
        record["manager_choice"] = key in answer.chosen
        record["interactive"] = [word for word in _FLAGS if word in flags.get(key, ())]
    if answer.reboot_needed:
        reason = {"kind": "reboot_needed_file", "detail": "an installed package asked for it (/run/reboot-needed)",
                  "packages": []}  # fmt: skip
        inventory.reboot = {"required": True, "reasons": [*inventory.reboot["reasons"], reason]}
    inventory.warnings = _without_pools(inventory)
    inventory.findings["kept_back"] = {"lock": [str(lock) for lock in answer.locks]}
    inventory.findings["snapshots"] = answer.snapshots
    cut_off = [each for each in inventory.installed if each.get("unfinished")]
    if cut_off and "lock" not in inventory.findings:
        left = [f"{each['name']}.{each['arch']} {each['version']} {each['unfinished']}" for each in cut_off]
        inventory.findings["unfinished"] = {"packages": left}
        told = f"rpm was cut off while it replaced {', '.join(left[:10])}"
        inventory.warnings.append(warning("unfinished_transaction", told))
    del inventory.findings["modules"], inventory.findings["protected"]
    inventory.warnings += [
        warning(
            "metadata_unreadable", f"{name} of {repository} could not be read; is the program that unpacks it there?"
        )
        for repository, name in unreadable(answer.metadata)
    ]
    return inventory


def _without_pools(inventory: Inventory) -> list[dict[str, str]]:
    """SUSE's pools hold releases and never have patches; only a repository with something newer is worth a word."""
    newer = {each["repository"] for each in inventory.candidates}
    silent = [str(each["id"]) for each in inventory.repositories if each["security_metadata"] is False]
    told = [each for each in inventory.warnings if each["kind"] != _SILENT]
    offering = [name for name in silent if name in newer]
    if offering and len(told) < len(inventory.warnings):
        message = (
            f"{', '.join(offering)}: has updates and no patches, so a rule for security updates takes nothing there"
        )
        told.append(warning(_SILENT, message))
    return told


def _flags(answer: ZypperAnswer) -> dict[tuple[str, str, str], set[str]]:
    found: dict[tuple[str, str, str], set[str]] = {key: {"licence"} for key in answer.licensed}
    patches: list[Patch] = [patch for part in answer.metadata for patch in part.patches]
    for patch in patches:
        for package in patch.packages:
            found.setdefault(package, set()).update(patch.flags)
    return found
