# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboot a Windows host, or not: decide as everywhere, let win_reboot do it, and prove it by the host's boot time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..compliance.reboot_decision import decide_reboot, pending_titles, unknown_need
from ..errors import PatchError
from ..fleet.reboots import note_reboot, refuse_too_many
from ..fleet.run_directory import Run, utc_text
from ..host.windows_channel import WindowsChannel
from .ansible_windows import AnsibleWindows
from .opened_run import run_of_task
from .scan import utc_now

# Windows works the moment out from its clock and its uptime, so that it moves when the clock is set.
_SAME_BOOT = timedelta(seconds=60)


def same_boot(one: datetime | str | None, other: datetime | str | None) -> bool:
    """Whether two boot times are those of one boot; an unknown one is never the same."""
    first, second = _moment(one), _moment(other)
    return first is not None and second is not None and abs(first - second) < _SAME_BOOT


def reboot_and_prove(
    windows: AnsibleWindows,
    run: Run,
    host: str,
    *,
    before: datetime | str | None,
    look: Callable[[], datetime | str | None],
    entry: Mapping[str, Any],
    option: str,
    seconds: int,
    most: int,
    message: str = "Reboot after updates were installed",
) -> float:
    """Notes the reboot in the run, asks for it, waits, and looks; how many seconds it took.

    ``entry`` has ``reason``, ``comment`` and ``at``. Raises ``too_many_reboots``, ``reboot_failed`` or, where the host
    answers in the boot of before, ``did_not_go_down``.
    """
    refuse_too_many(run, host, most=most)
    note_reboot(run, host, {**entry, "at": utc_text(entry["at"]), "reboot_option": option, "boot_id": None})
    elapsed = windows.reboot(seconds=seconds, message=message)
    after = look()
    if _moment(after) is None or same_boot(before, after):
        raise PatchError(
            "did_not_go_down",
            "The host took the wish for a reboot, and its boot time"
            f" is {after or 'unknown'} now, which proves none. See its event log for what holds it up.",
        )
    return elapsed


class WindowsReboot:
    """One task's work on one Windows host; to the action the same as ``reboot.HostReboot``. ``read_need`` reads the
    host and tells its ``reboot``."""

    def __init__(
        self,
        arguments: Mapping[str, Any],
        *,
        host: str,
        channel: WindowsChannel,
        windows: AnsibleWindows,
        read_need: Callable[[], Mapping[str, Any]],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._arguments = arguments
        self._host = host
        self._channel = channel
        self._windows = windows
        self._read_need = read_need
        self._now = now
        self.known: dict[str, Any] = {"changed": False, "rebooted": False, "elapsed": 0, "warnings": []}
        """The result so far; a failed task returns it too."""

    def run(self, *, check_mode: bool) -> dict[str, Any]:
        """The result; raises ``PatchError`` and leaves what was found out in ``known``."""
        before = self._channel.booted_at()
        self.known["boot"] = {"before": utc_text(before), "after": None, "first_process_age": None}
        reboot, self.known["reason"] = self._decide(before)
        if not reboot:
            self.known["state"] = "not_rebooted"
            return self.known
        self._windows.check()
        run = run_of_task(self._arguments, now=self._now())
        most = self._arguments["max_reboots"]
        number = refuse_too_many(run, self._host, most=most)
        self.known["reboots"] = number - 1 if check_mode else number
        self.known["changed"] = True
        if check_mode:
            self.known["state"] = "would_reboot"
            return self.known
        elapsed = reboot_and_prove(
            self._windows,
            run,
            self._host,
            before=before,
            look=self._look,
            entry={"reason": self.known["reason"], "comment": self._arguments["comment"], "at": self._now()},
            option=self._arguments["reboot_option"],
            seconds=self._arguments["reboot_timeout"],
            most=most,
            message=self._arguments["message"],
        )
        self.known.update(state="rebooted", rebooted=True, elapsed=round(elapsed))
        return self.known

    def _look(self) -> datetime:
        after = self._channel.booted_at()
        self.known["boot"]["after"] = utc_text(after)
        return after

    def _decide(self, before: datetime) -> tuple[bool, str]:
        document = self._usable_document(before)
        need = document["reboot"] if document is not None else self._read_need()
        pending = pending_titles(document) if document is not None else _waiting(need)
        self.known["pending"] = pending
        self.known["required"] = need["required"]
        option = self._arguments["reboot_option"]
        warning = unknown_need(option, need["required"])
        if warning is not None:
            self.known["warnings"].append(warning)
        return decide_reboot(
            option,
            installed_now=self._arguments["installed_count"] or 0,
            pending=pending,
            os_required=need["required"],
            reasons=need["reasons"],
        )

    def _usable_document(self, before: datetime) -> Mapping[str, Any] | None:
        document: Mapping[str, Any] | None = self._arguments["document"]
        if document is None:
            return None
        if not all(isinstance(document.get(name), dict) for name in ("reboot", "findings", "summary")):
            raise PatchError(
                "bad_arguments",
                "document is not a compliance document: give the document that scan_host or install_patches returned.",
            )
        if same_boot(document.get("booted_at"), before):
            return document
        told = "The document given was not made in the present boot of this host, so the host was read instead."
        self.known["warnings"].append({"kind": "document_of_another_boot", "message": told})
        return None


def _waiting(need: Mapping[str, Any]) -> list[str]:
    """Updates that wait for a reboot, by what the reading says of them."""
    return [str(name) for reason in need["reasons"] for name in reason.get("packages") or []]


def _moment(value: datetime | str | None) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
