# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for dnf 5: what all rpm systems share, and the words in which libdnf5 says what went wrong."""

from __future__ import annotations

import re

from ..engine.records import Inventory
from ._rpm_plan import RpmPlan


class Dnf5Plan(RpmPlan):
    """See ``RpmPlan``; the program is host/scripts/dnf5_transaction.py."""

    STALE = (*RpmPlan.STALE, "Status code: 404", "Checksum doesn't match")
    PACKAGE_ERRORS = (
        # openfleet-patch: error: package acme-badpre-0:1.1-1.fc42.noarch: its pre-install scriptlet failed
        re.compile(r"^openfleet-patch: error: package (?P<name>\S+): (?P<why>[^\n]*)$", re.MULTILINE),
    )
    SCRIPT_ERRORS = (re.compile(r"^openfleet-patch: script: package (?P<name>\S+): (?P<why>[^\n]*)$", re.MULTILINE),)


def plan_for(inventory: Inventory, program: str) -> Dnf5Plan:
    """The plan of one host; ``program`` is the source of dnf5_transaction.py with its parts."""
    return Dnf5Plan((inventory.interpreter or {}).get("path") or "/usr/bin/python3", program)
