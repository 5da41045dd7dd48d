# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on the terminal while hosts are worked on: what a host does, and how many have had their turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.utils.display import Display

from ..compliance.text import turn_line
from ..errors import PatchError
from ..fleet.run_directory import Run
from ..fleet.turn_count import count_turn
from .results import plain

COUNTED = ("Scan", "Install", "Rollback")
"""Operations whose playbooks give every host one turn."""


def teller(task_vars: Mapping[str, Any], *, quiet: bool) -> Callable[[str], None]:
    """What shows a line about the host of a task; a quiet one needs ``-vv``."""
    host = task_vars.get("inventory_hostname")
    return lambda line: _show(f"{host}: {line}", quiet=quiet)


def tell_turn(
    run: Run,
    task_vars: Mapping[str, Any],
    outcome: Mapping[str, Any],
    document: Mapping[str, Any] | None,
    *,
    quiet: bool,
) -> None:
    """Say how the turn of the task's host ended, and of how many hosts of the play; once for each of them.

    A play of one host has its end to tell that. That nothing can be counted is no reason to fail.
    """
    host, hosts = str(task_vars.get("inventory_hostname")), plain(task_vars.get("ansible_play_hosts_all") or [])
    if len(hosts) < 2:
        return
    try:
        place = count_turn(run, host, play=str(task_vars.get("ansible_play_name")), hosts=hosts)
    except (PatchError, OSError) as error:
        Display().vv(f"{host}: not counted: {error}")
        return
    if place is not None:
        _show(f"{place} of {len(hosts)} hosts: {turn_line(host, outcome, document)}", quiet=quiet)


def _show(line: str, *, quiet: bool) -> None:
    display = Display()
    if quiet:
        display.vv(line)
    else:
        display.display(line)
