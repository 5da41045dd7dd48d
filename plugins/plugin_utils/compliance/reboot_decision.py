# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is to be rebooted after its patches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REBOOT_IF_NEEDED = "RebootIfNeeded"
NO_REBOOT = "NoReboot"
ONLY_IF_REQUIRED = "OnlyIfRequired"
REBOOT_OPTIONS = (REBOOT_IF_NEEDED, NO_REBOOT, ONLY_IF_REQUIRED)
PENDING = "INSTALLED_PENDING_REBOOT"
_NAMED = 3


def decide_reboot(
    option: str,
    *,
    installed_now: int,
    pending: Sequence[str],
    os_required: bool | None,
    reasons: Iterable[Mapping[str, Any]] = (),
) -> tuple[bool, str]:
    """Whether to reboot, and a sentence why or why not.

    ``installed_now`` counts the patches that this run installed, ``pending`` names what was installed since the last
    boot. ``os_required`` (None: not known) and ``reasons`` (``kind``, ``detail``) are those of ``Inventory.reboot``.
    RebootIfNeeded does not look at these: it reboots for anything installed or pending (Patch Manager user guide,
    RebootOption). OnlyIfRequired is ours; where the need is not known it does not reboot, see ``unknown_need``.
    """
    if option == NO_REBOOT:
        return False, f"NoReboot never reboots{_left_open(installed_now, pending)}."
    if option == REBOOT_IF_NEEDED:
        return _if_needed(installed_now, pending)
    if option != ONLY_IF_REQUIRED:
        raise ValueError(f"{option!r} is none of {', '.join(REBOOT_OPTIONS)}")
    told = _named([str(reason.get("detail") or reason.get("kind")) for reason in reasons])
    if os_required is None:
        why = f" ({told})" if told else ""
        return (
            False,
            f"Whether the operating system needs a reboot is not known{why}, so OnlyIfRequired waits.",
        )
    if os_required:
        return True, f"The operating system needs a reboot{': ' + told if told else ''}."
    return False, f"The operating system does not need a reboot{_left_open(installed_now, pending)}."


def unknown_need(option: str, os_required: bool | None) -> dict[str, str] | None:
    """The warning that goes with OnlyIfRequired on a host whose need is not known: unknown is not no."""
    if option != ONLY_IF_REQUIRED or os_required is not None:
        return None
    return {
        "kind": "reboot_need_unknown",
        "message": "Whether this host needs a reboot is unknown. It was not rebooted, and what was installed since its"
        " last boot stays INSTALLED_PENDING_REBOOT. Read it as root with a Python that can load the package manager's"
        " library, or reboot it with RebootIfNeeded.",
    }


def _if_needed(installed_now: int, pending: Sequence[str]) -> tuple[bool, str]:
    if installed_now > 0:
        return True, f"This run installed {installed_now} {'patch' if installed_now == 1 else 'patches'}."
    if pending:
        return True, f"Installed since the last boot: {_named(list(pending))}."
    return False, "Nothing was installed by this run, and nothing waits for a reboot."


def _left_open(installed_now: int, pending: Sequence[str]) -> str:
    waiting = max(installed_now, len(pending))
    return f"; {waiting} installed {'patch stays' if waiting == 1 else 'patches stay'} pending" if waiting else ""


def _named(words: list[str]) -> str:
    rest = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def pending_titles(document: Mapping[str, Any]) -> list[str]:
    """What a document says is installed and waits for a reboot."""
    entries = document.get("patches") or ()
    return [str(entry.get("title") or entry.get("name")) for entry in entries if entry.get("state") == PENDING]
