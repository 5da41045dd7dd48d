# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for dnf 4: what all rpm systems share, and the words in which dnf 4 says what went wrong."""

from __future__ import annotations

import re

from ..engine.records import Inventory
from ._rpm_plan import RpmPlan


class DnfPlan(RpmPlan):
    """See ``RpmPlan``; the program is host/scripts/dnf_transaction.py."""

    STALE = (*RpmPlan.STALE, "Status code: 404", "No match for argument", "Checksum doesn't match")
    PACKAGE_ERRORS = (
        # Error in PREIN scriptlet in rpm package acme-badpre
        re.compile(r"^Error in (?P<why>\S+ scriptlet in rpm package (?P<name>\S+))$", re.MULTILINE),
    )


def plan_for(inventory: Inventory, program: str) -> DnfPlan:
    """The plan of one host; ``program`` is the source of dnf_transaction.py with its parts."""
    return DnfPlan((inventory.interpreter or {}).get("path") or "/usr/bin/python3", program)
