# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has rebooted: another boot id, and a first process younger than the wish for a reboot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import PatchError
from ..host.frames import one_line
from ..host.reboot_probe import HostState


class Proof:
    """Looks at one host until it has rebooted. ``clock`` is the controller's, in seconds, and never set.

    The age of PID 1 is compared with the time since the reboot was asked for, so that no wall clock takes part: a host
    without a clock of its own may well start in the past.
    """

    def __init__(
        self,
        before: HostState,
        *,
        asked_at: float,
        look: Callable[[], HostState],
        clock: Callable[[], float],
    ) -> None:
        self._before = before
        self.asked_at = asked_at
        self._look = look
        self._clock = clock
        self._last: HostState | None = None
        self._trouble: str | None = None
        self._looks = 0

    def observe(self) -> str:
        """The boot id, a new one only when both proofs hold. Whatever ``look`` raises passes."""
        self._looks += 1
        try:
            self._last = self._look()
            self._trouble = None
        except Exception as error:
            self._trouble = one_line(str(error)) or type(error).__name__
            raise
        if self._last.boot_id != self._before.boot_id and not self._first_process_is_new(self._last):
            return self._before.boot_id
        return self._last.boot_id

    def _first_process_is_new(self, state: HostState) -> bool:
        age = state.first_process_age
        return age is not None and age <= self._clock() - self.asked_at

    def told(self) -> dict[str, Any]:
        """``after`` (boot id) and ``first_process_age`` (seconds) as last seen."""
        if self._last is None:
            raise AssertionError("told() comes after the first look at the host")
        return {"after": self._last.boot_id, "first_process_age": self._last.first_process_age}

    def failure(self, seconds: int) -> PatchError:
        """``did_not_go_down`` if the host was there when it was last looked at, else ``did_not_come_back``."""
        if self._trouble is None and self._last is not None:
            return PatchError("did_not_go_down", self._still_up(self._last, seconds), looks=self._looks)
        if self._last is not None and self._last.boot_id != self._before.boot_id:
            seen = "It came back once and could then not be reached again"
        else:
            seen = "It has not been reached since it went down"
        return PatchError(
            "did_not_come_back",
            f"The host did not come back within {seconds} seconds (reboot_timeout). {seen}. Last: {self._trouble}."
            " Look at its console. If it only takes longer, raise reboot_timeout.",
            looks=self._looks,
        )

    def _still_up(self, last: HostState, seconds: int) -> str:
        if last.boot_id == self._before.boot_id:
            seen = f"It answers, and its boot id is still {last.boot_id}"
        elif last.first_process_age is None:
            seen = "Its boot id has changed, but the start of its first process cannot be seen, so that proves nothing"
        else:
            seen = (
                f"Its boot id has changed, but its first process has run for {last.first_process_age:.0f} seconds,"
                " longer than since the reboot was asked for"
            )
        return (
            f"The host took the wish for a reboot and did not go down within {seconds} seconds (reboot_timeout)."
            f" {seen}. Something holds it up: see systemctl list-jobs, systemd-inhibit --list and journalctl -b there."
        )
