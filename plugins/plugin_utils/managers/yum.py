# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a host with yum 3 from the answer of the yum reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.records import Inventory
from . import _rpm

# The repositories of topics that `amazon-linux-extras` enables.
_EXTRAS = "amzn2extra-"


def build_inventory(reading: dict[str, Any], *, mappings: Mapping[str, Any] | None = None) -> Inventory:
    """See ``_rpm.build_inventory``; on Amazon Linux 2 the finding ``extras`` lists the topics that are switched on."""
    inventory = _rpm.build_inventory(reading, manager="yum", api="yum", mappings=mappings)
    enabled = [str(each["id"]) for each in inventory.repositories if each["enabled"]]
    topics = sorted(each.removeprefix(_EXTRAS) for each in enabled if each.startswith(_EXTRAS))
    if topics:
        inventory.findings["extras"] = topics
    return inventory
