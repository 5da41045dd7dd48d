# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a host: the shell family of its connection says which of the two there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ansible.plugins.action import ActionBase

from ..host.channel import HostChannel
from ..host.windows_channel import WindowsChannel, is_windows


class Channel(Protocol):
    """What every task asks of it; what comes beyond belongs to one system (``HostChannel.run_program``)."""

    last_system: dict[str, Any] | None

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """One reading."""

    def reset(self) -> None:
        """Forget the connection."""


def open_channel(action: ActionBase, task_vars: dict[str, Any], arguments: Mapping[str, Any]) -> Channel:
    """``arguments`` are the task's: ``timeout`` bounds each exec, ``interpreters`` are those to try first, and how a
    Windows host searches is in ``windows_server_selection`` and ``windows_offline_file``."""
    if is_windows(action._connection):
        search = {
            "server_selection": arguments.get("windows_server_selection") or "default",
            "offline_file": arguments.get("windows_offline_file"),
        }
        return WindowsChannel(action, seconds=arguments["timeout"], search=search, task_vars=task_vars)
    return posix_channel(action, task_vars, arguments)


def posix_channel(action: ActionBase, task_vars: dict[str, Any], arguments: Mapping[str, Any]) -> HostChannel:
    return HostChannel(action, task_vars, seconds=arguments["timeout"], interpreters=arguments["interpreters"] or ())
