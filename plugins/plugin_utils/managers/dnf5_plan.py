# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for dnf 5: what all rpm systems share, and the words in which libdnf5 says what went wrong."""

from __future__ import annotations

import re

from ..engine.records import Inventory
from ._rpm_plan import RpmPlan


class Dnf5Plan(RpmPlan):
    """See ``RpmPlan``; the program is host/scripts/dnf5_transaction.py."""

    AVOIDS = True
    STALE = (*RpmPlan.STALE, "Status code: 404", "Checksum doesn't match")
    PACKAGE_ERRORS = (
        # openfleet-patch: error: package acme-badpre-1.1-1.fc42.noarch: its %pre scriptlet failed: cannot prepare
        re.compile(r"^openfleet-patch: error: package (?P<name>\S+): (?P<why>[^\n]*)$", re.MULTILINE),
        # OpenPGP check for package "acme-1.1-1.fc42.noarch" (/var/cache/...) from repo "fedora" has failed: The ...
        re.compile(r'PGP check for package "(?P<name>[^"]+)"[^\n]* has failed: (?P<why>[^\n]*)$', re.MULTILINE),
        # file /x from install of acme-thief-1.1-1.fc42.noarch conflicts with file from package acme-owner-1.0-1.fc42
        re.compile(r"error: (?P<why>file \S+ from install of (?P<name>\S+) conflicts with [^\n]*)$", re.MULTILINE),
        # installing package acme-big-1.1-1.fc42.noarch needs 5MB more space on the / filesystem
        re.compile(r"error: (?P<why>installing package (?P<name>\S+) needs [^\n]*)$", re.MULTILINE),
    )
    SCRIPT_ERRORS = (re.compile(r"^openfleet-patch: script: package (?P<name>\S+): (?P<why>[^\n]*)$", re.MULTILINE),)


def plan_for(inventory: Inventory, program: str) -> Dnf5Plan:
    """The plan of one host; ``program`` is the source of dnf5_transaction.py with its parts."""
    return Dnf5Plan((inventory.interpreter or {}).get("path") or "/usr/bin/python3", program)
