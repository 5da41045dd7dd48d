# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that a task takes part in, by its options."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..fleet.controller import controller_key
from ..fleet.run_directory import Run, open_run


def run_of_task(arguments: Mapping[str, Any], *, now: datetime | None = None, create: bool = True) -> Run:
    """The run of this ansible-playbook, or the one that ``run_id`` names. ``now`` is when it is made; ``as_of`` counts
    for tasks that have that option. Raises what ``fleet.run_directory.open_run`` raises."""
    return open_run(
        arguments["state_directory"],
        run_id=arguments["run_id"],
        as_of=arguments.get("as_of"),
        now=now or datetime.now(timezone.utc),
        controller_key=controller_key(),
        create=create,
    )
