# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play lost sight of: hosts out of reach while a hook ran.

In plays with ``ignore_unreachable`` a task that cannot reach its host is passed over, and what comes next runs: nothing
tells a later task of it. The callback beside the playbooks notes it here, in ansible-playbook's own process; the
workers that it forks for later tasks have it in their memory.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """``of_host``: the host of the task itself, and not one that the task was delegated to."""

    of_host: bool
    message: str


_losses: dict[str, list[Loss]] = {}
_watching: list[str] = []


def begin(who: str) -> None:
    """Called by whoever will note losses."""
    _watching.append(who)


def is_watched() -> bool:
    """Whether somebody notes them."""
    return bool(_watching)


def note(host: str, loss: Loss) -> None:
    """A task of ``host`` could not reach where it was to work."""
    _losses.setdefault(host, []).append(loss)


def losses(host: str) -> list[Loss]:
    """All of a host so far, in order."""
    return list(_losses.get(host, ()))
