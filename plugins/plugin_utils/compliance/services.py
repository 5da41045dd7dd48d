# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services a host lost over a reboot, from two looks at its systemd."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_KEPT = frozenset({"enabled", "enabled-runtime", "generated", "alias", "linked", "linked-runtime", "indirect"})
"""States of unit files that systemd starts at boot; a static service comes when something asks for it."""
_PASSING = ("user@*.service", "session-*.scope", "user-runtime-dir@*.service", "openfleet-patch-*", "getty@*.service",
            "serial-getty@*.service", "console-getty.service", "container-getty@*.service")  # fmt: skip
"""Up while somebody is logged in, or while a job of ours runs."""
UP = "active"
DOWN = "failed"
_WANTED = ("Id", "ActiveState", "SubState", "UnitFileState", "Type")


@dataclass(frozen=True)
class Unit:
    """As ``systemctl show`` has it."""

    name: str
    active: str
    sub: str
    file_state: str
    kind: str

    @property
    def is_kept(self) -> bool:
        """Whether it is up and will be after a boot."""
        passing = any(fnmatch.fnmatchcase(self.name, pattern) for pattern in _PASSING)
        return self.active == UP and self.file_state in _KEPT and not passing


def parse_units(text: str) -> list[Unit]:
    """``systemctl show -p Id -p ActiveState ... '*.service'``: blocks of ``NAME=value`` between empty lines."""
    units = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("Id"):
            units.append(Unit(*(values.get(name, "") for name in _WANTED)))
    return units


def record(units: Iterable[Unit]) -> dict[str, list[str]]:
    """What the comparison needs of the look before: ``{"up": [...], "failed": [...]}``."""
    known = list(units)
    return {
        "up": sorted(unit.name for unit in known if unit.is_kept),
        "failed": sorted(unit.name for unit in known if unit.active == DOWN),
    }


def lost(before: Mapping[str, Any], after: Sequence[Unit]) -> list[str]:
    """Sentences on what was up before (see ``record``) and is not now, and on what failed since; none when all is well.

    A unit that is being started is not up yet. One that failed before may fail again.
    """
    now = {unit.name: unit for unit in after}
    found = [f"{name} was up and {state}" for name in before["up"] if (state := _not_up(now.get(name)))]
    known = {*before["up"], *before["failed"]}
    return found + [f"{unit.name} has failed" for unit in after if unit.active == DOWN and unit.name not in known]


def missing(wanted: Sequence[str], after: Sequence[Unit]) -> list[str]:
    """Sentences on those of ``wanted`` that are not up."""
    now = {unit.name: unit for unit in after}
    return [f"{name} {state}" for name in wanted if (state := _not_up(now.get(name)))]


def _not_up(unit: Unit | None) -> str:
    if unit is None:
        return "is not loaded"
    if unit.active == UP:
        return ""
    return f"is {unit.active} ({unit.sub})" if unit.sub not in ("", unit.active) else f"is {unit.active}"
