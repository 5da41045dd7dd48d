# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the library that a host is read by, where an installation meets a host without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engine.records import Inventory
from ..errors import PatchError
from ..host.channel import HostChannel
from ..host.commands import run_commands
from ..managers import apt_plan
from ..managers.apt_debian8 import is_debian_8_text
from .install_jobs import InstallJobs
from .inventory import only_known

_KINDS = ("no_interpreter", "no_native_library")


class NativeLibrary:
    """For hosts with apt (Patch Manager user guide, prerequisites on Debian and Ubuntu: python3-apt)."""

    def __init__(
        self, channel: HostChannel, jobs: InstallJobs, arguments: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        self._channel = channel
        self._jobs = jobs
        self._arguments = arguments
        self._tell = tell
        self._installed_before: set[tuple[str, ...]] | None = None

    def is_missing(self, error: PatchError) -> bool:
        """Whether a reading failed for want of it, and it may be brought. Debian 8 has its own way."""
        system = self._channel.last_system or {}
        ours = system.get("reader") == "apt" and not is_debian_8_text(str(system.get("os_release") or ""))
        return error.kind in _KINDS and ours and system.get("uid") == 0 and self._installed_before is None

    def bring(self, error: PatchError) -> None:
        """Installs it by a job; raises ``error`` with the reason where that does not work."""
        form = "${Package} ${Architecture} ${Version}\\n"
        [found] = run_commands(self._channel, [["dpkg-query", "-W", "-f", form]], environment={"LC_ALL": "C"})
        self._installed_before = {tuple(line.split(" ")) for line in found.output.splitlines()}
        self._tell(f"the host cannot be read without {apt_plan.LIBRARY}; installing it")
        steps = apt_plan.library_steps(
            refresh=self._arguments["refresh"] != "never",
            lock_timeout=self._arguments["lock_timeout"],
            step_timeout=self._arguments["step_timeout"],
        )
        state = self._jobs.run(apt_plan, None, steps, title=steps[-1].name)
        if state.result not in ("SUCCEEDED", "PARTIAL"):
            message = f"{error.message} Installing {apt_plan.LIBRARY} did not work: {self._jobs.reason}"
            raise PatchError(error.kind, message, **error.details) from error

    def before(self, inventory: Inventory) -> Inventory:
        """What to compare with afterwards: without what came along with the library."""
        return only_known(inventory, self._installed_before)
