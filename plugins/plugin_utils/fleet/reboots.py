# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often this run has rebooted a host: noted before each reboot, so that a killed controller counts too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import PatchError
from . import files
from .run_directory import Run

FOLDER = "reboots"


def count_reboots(run: Run, host: str) -> int:
    """Reboots of one host in this run, those that went wrong included."""
    return len(files.numbered_paths(run.path / FOLDER, files.safe_name(host)))


def refuse_too_many(run: Run, host: str, *, most: int) -> int:
    """The number that the next reboot will have; raises ``too_many_reboots`` past ``most``."""
    earlier = count_reboots(run, host)
    if earlier >= most:
        raise PatchError(
            "too_many_reboots",
            f"This run has rebooted {host} {earlier} {'time' if earlier == 1 else 'times'} already, and max_reboots is"
            f" {most}. A host that wants one reboot after the other is probably in a loop: {run.path / FOLDER} has the"
            " reason of each; see what is installed anew every time. To go on, start a new run or raise max_reboots.",
            reboots=earlier,
            max_reboots=most,
        )
    return earlier + 1


def note_reboot(run: Run, host: str, entry: Mapping[str, Any]) -> None:
    """Put a reboot that is about to be asked for on record."""
    directory = run.path / FOLDER
    files.make_private_directory(directory)
    files.write_new_json(directory, files.safe_name(host), {**entry, "host": host, "run_id": run.run_id})
