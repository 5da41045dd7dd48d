# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for dnf 4: what all rpm systems share, and the words in which dnf 4 says what went wrong."""

from __future__ import annotations

import re

from ..engine.records import Inventory
from ._rpm_plan import RpmPlan


class DnfPlan(RpmPlan):
    """See ``RpmPlan``; the program is host/scripts/dnf_transaction.py."""

    AVOIDS = True
    STALE = (*RpmPlan.STALE, "Status code: 404", "No match for argument", "Checksum doesn't match")
    PACKAGE_ERRORS = (
        # error: %prein(acme-badpre-1.1-1.el9.noarch) scriptlet failed, exit status 3
        re.compile(r"^error: (?P<why>%\w+\((?P<name>[^)\s]+)\) scriptlet failed, [^\n]*)$", re.MULTILINE),
        # Error in PREIN scriptlet in rpm package acme-badpre
        re.compile(r"^(?P<why>Error in \S+ scriptlet in rpm package (?P<bare>\S+))$", re.MULTILINE),
        # Package acme-unsigned-1.1-1.el9.noarch.rpm is not signed
        re.compile(r"^(?P<why>Package (?P<name>\S+)\.rpm is not signed)$", re.MULTILINE),
        # The GPG keys listed for the "Lab baseos" repository are already installed but they are not correct for this
        # package.\nCheck that the correct key URLs are configured for this repository.. Failing package is: acme-1.1-1
        re.compile(r"^(?P<why>[^\n]*GPG key[^\n]*\n?[^\n]*)\. Failing package is: (?P<name>\S+)$", re.MULTILINE),
        # Public key for acme-1.1-1.el9.noarch.rpm is not installed. Failing package is: acme-1.1-1.el9.noarch
        re.compile(r"^(?P<why>Public key for [^\n]*)\. Failing package is: (?P<name>\S+)$", re.MULTILINE),
        #   file /x from install of acme-thief-1.1-1.el9.noarch conflicts with file from package acme-owner-1.0
        re.compile(r"^\s+(?P<why>file \S+ from install of (?P<name>\S+) conflicts with [^\n]*)$", re.MULTILINE),
        #   installing package acme-big-1.1-1.el9.noarch needs 5MB more space on the / filesystem
        re.compile(r"^\s+(?P<why>installing package (?P<name>\S+) needs [^\n]*)$", re.MULTILINE),
        # [MIRROR] acme-1.1-1.el9.noarch.rpm: Status code: 404 for http://... | ...: Curl error (28): ...
        re.compile(r"^\[MIRROR\] (?P<name>\S+)\.rpm: (?P<why>[^\n]*)$", re.MULTILINE),
    )


def plan_for(inventory: Inventory, program: str) -> DnfPlan:
    """The plan of one host; ``program`` is the source of dnf_transaction.py with its parts."""
    # The packages were chosen there, so they have to be found there.
    if inventory.findings.get("judged_release"):
        program = program.replace("\nRELEASE = None\n", "\nRELEASE = 'latest'\n", 1)
    return DnfPlan((inventory.interpreter or {}).get("path") or "/usr/bin/python3", program)
