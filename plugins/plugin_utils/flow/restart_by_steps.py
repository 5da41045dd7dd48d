# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is restarted by what is being installed: its new boot is waited for, and proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ..errors import PatchError
from ..host.channel import HostChannel
from ..host.job_client import JobState
from ..host.job_driver import JobDriver
from ..host.reboot_probe import RebootProbe

RESTART_SECONDS = 5400
"""How long a host may be away: a Mac installs updates of its system before it comes back."""
_ANNOUNCED_SECONDS = 900
_PAUSE = 5


class RestartBySteps:
    """``restarted`` says whether the boot that was there before a job is over."""

    def __init__(
        self,
        channel: HostChannel,
        driver: JobDriver,
        *,
        tell: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = RebootProbe(channel)
        self._channel = channel
        self._driver = driver
        self._tell = tell
        self._sleep = sleep
        self._clock = clock
        self.restarted = False

    def wait(self, boot_id: str | None, state: JobState, manager: Any) -> None:
        """Until the host is in another boot; at once where no step has announced one, or it never begins.

        A command may end before the restart that it asked for begins. Raises Ansible's own unreachable error when the
        host goes away and does not come back in time.
        """
        announced = any(
            step.state == "ended" and manager.waits_for_restart(step.name, self._driver.log_end(state.job_id, step))
            for step in state.steps
        )
        until = self._clock() + (_ANNOUNCED_SECONDS if announced else 0)
        gone: AnsibleConnectionFailure | None = None
        while True:
            try:
                self.restarted = self._probe.look().boot_id != boot_id
                gone = None
            except (AnsibleConnectionFailure, PatchError) as error:
                if isinstance(error, PatchError) and error.kind not in ("timed_out", "bad_answer"):
                    raise
                if gone is None:
                    self._tell("the host went away to restart")
                    until = self._clock() + RESTART_SECONDS
                gone = AnsibleConnectionFailure(f"The host did not come back from its restart: {error}")
                self._channel.reset()
            if self.restarted:
                return
            if self._clock() >= until:
                if gone is not None:
                    raise gone
                return
            self._sleep(_PAUSE)
