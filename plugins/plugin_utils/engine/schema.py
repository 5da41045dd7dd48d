# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline schema as data: fields, values and limits of the SSM service model (2014-11-06)."""

from __future__ import annotations

import re

LEVELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")
"""Highest first."""
REJECTED_ACTIONS = ("ALLOW_AS_DEPENDENCY", "BLOCK")
COMPLIANCE_STATUSES = ("COMPLIANT", "NON_COMPLIANT")
UNAPPROVED_DEPENDENCIES = ("ALLOW", "REFUSE")
"""Ours: Patch Manager always allows what approved patches depend on."""

BASELINE_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}", re.ASCII)
SOURCE_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,50}", re.ASCII)
DESCRIPTION_LENGTH = 1024
FILTER_VALUE_LENGTH = 64
PATCH_ID_LENGTH = 100
PRODUCT_LENGTH = 128
CONFIGURATION_LENGTH = 1024
MAX_DELAY_DAYS = 360
ADVISED_DELAY_DAYS = 100

QUOTAS = {
    "filters": 4,
    "values": 20,
    "approval_rules": 10,
    "approved_patches": 50,
    "rejected_patches": 50,
    "products": 20,
}
"""Limits of the service; outside it they are advice."""

BASELINE_DEFAULTS: dict[str, object] = {
    "name": None,
    "operating_system": "WINDOWS",
    "description": None,
    "global_filters": {},
    "approval_rules": [],
    "approved_patches": [],
    "approved_patches_compliance_level": "UNSPECIFIED",
    "approved_patches_enable_non_security": False,
    "rejected_patches": [],
    "rejected_patches_action": "ALLOW_AS_DEPENDENCY",
    "unapproved_dependencies": "ALLOW",
    "sources": [],
    "available_security_updates_compliance_status": "COMPLIANT",
}
RULE_DEFAULTS: dict[str, object] = {
    "filters": {},
    "approve_after_days": None,
    "approve_until_date": None,
    "compliance_level": "UNSPECIFIED",
    "enable_non_security": False,
}
SOURCE_KEYS = ("name", "products", "configuration")
EXTRA_KEYS = ("aws_members", "tags", "client_token")
"""Accepted and without effect here; kept in ``aws_members`` so that an export loses nothing."""

WINDOWS_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Windows ?(Server|\d)"), "Windows"),
    (re.compile(r"(Microsoft )?Office \d"), "Office"),
    (re.compile(r"(Microsoft )?SQL Server \d"), "SQL Server"),
    (re.compile(r"(Microsoft )?Exchange Server \d"), "Exchange"),
)
"""Products whose family is certain; others are never called a mismatch."""
