# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a host with dnf 5 from the answer of the dnf5 reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.records import Inventory
from . import _rpm


def build_inventory(reading: dict[str, Any], *, mappings: Mapping[str, Any] | None = None) -> Inventory:
    """See ``_rpm.build_inventory``."""
    return _rpm.build_inventory(reading, manager="dnf5", api="libdnf5", mappings=mappings)
