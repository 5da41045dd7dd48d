# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for yum 3: what all rpm systems share, and the words in which yum says what went wrong."""

from __future__ import annotations

import re

from ..engine.records import Inventory
from ._rpm_plan import RpmPlan


class YumPlan(RpmPlan):
    """See ``RpmPlan``; the program is host/scripts/yum_transaction.py."""

    # Python 2 has no -I; yum itself lies in site-packages.
    OPTIONS = ("-B", "-E", "-s")
    # Systems with yum 3 have no C.UTF-8.
    QUIET_ENVIRONMENT = {"LC_ALL": "C", "LANGUAGE": "C", "PYTHONUNBUFFERED": "1"}
    STALE = (*RpmPlan.STALE, "HTTP Error 404", "No more mirrors to try", "Package does not match intended download")
    PACKAGE_ERRORS = (
        # error: %prein(acme-badpre-1.1-1.el7.noarch) scriptlet failed, exit status 1
        re.compile(r"^error: (?P<why>%\w+\((?P<name>[^)\s]+)\.[^.)\s]+\) [^\n]+)$", re.MULTILINE),
        # RPM: error: Error in PREIN scriptlet in rpm package acme-badpre-1.1-1.el7.noarch
        re.compile(r"^RPM: error: (?P<why>Error in \S+ scriptlet) in rpm package (?P<name>\S+)$", re.MULTILINE),
        # openfleet-patch: failed acme-badpre-1.1-1.el7.noarch: yum went on without it
        re.compile(r"^openfleet-patch: failed (?P<name>\S+)\.[^.\s]+: (?P<why>[^\n]+)$", re.MULTILINE),
    )
    SCRIPT_ERRORS = (
        # RPM: error: Non-fatal POSTIN scriptlet failure in rpm package acme-badpost-1.1-1.el7.noarch
        re.compile(
            r"^RPM: error: (?P<why>Non-fatal \S+ scriptlet failure) in rpm package (?P<name>\S+)$", re.MULTILINE
        ),
    )


def plan_for(inventory: Inventory, program: str) -> YumPlan:
    """The plan of one host; ``program`` is the source of yum_transaction.py with its parts."""
    return YumPlan((inventory.interpreter or {}).get("path") or "/usr/bin/python", program)
