# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboot a host after its patches. Options and results are documented in plugins/modules/reboot_host.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action.reboot import ActionModule as BuiltinReboot

from ..plugin_utils.engine.records import Inventory
from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.ansible_windows import AnsibleWindows
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.inventory import build_inventory, read_request
from ..plugin_utils.flow.reboot import HostReboot
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.windows_reboot import WindowsReboot
from ..plugin_utils.host.channel import HostChannel
from ..plugin_utils.host.reboot_probe import HostState, RebootProbe
from ..plugin_utils.host.windows_channel import WindowsChannel, is_windows

SECONDS_FOR_A_LOOK = 30
SECONDS_FOR_RESTARTS = 900


class ActionModule(BuiltinReboot):
    """The builtin's patience (its retries, its pauses, its resets of the connection) around looks of our own.

    What the builtin asks by modules, of the host's Python, is asked by ``sh`` here.
    """

    _VALID_ARGS: frozenset[str] = frozenset()
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(BuiltinReboot, self).run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("reboot_host"))
        arguments = plain(validated)
        reboot = None
        try:
            reboot = self._host_reboot(arguments, task_vars or {})
            with self._connect_timeout(arguments["connect_timeout"]):
                found = reboot.run(check_mode=self._task.check_mode)
            result.update(untrusted(_shown(found)))
        except PatchError as error:
            result.update(failed(error))
            result.update(untrusted(_shown(reboot.known)) if reboot else {})
        return result

    def _host_reboot(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> HostReboot | WindowsReboot:
        for name in ("reboot_timeout", "pre_reboot_delay", "post_reboot_delay", "lock_timeout", "max_reboots"):
            if arguments[name] < 0:
                raise PatchError("bad_arguments", f"{name} is {arguments[name]}; it cannot be less than 0.")

        if is_windows(self._connection):
            return self._windows_reboot(arguments, task_vars)

        def channel(seconds: int) -> HostChannel:
            return HostChannel(self, task_vars, seconds=seconds, interpreters=arguments["interpreters"] or ())

        def read() -> Inventory:
            reading = channel(SECONDS_FOR_RESTARTS).call(read_request({"refresh": "never"}))
            return build_inventory(reading, mappings=arguments["os_mappings"])

        return HostReboot(
            arguments,
            host=str(self._task.delegate_to or task_vars.get("inventory_hostname")),
            probe=_Probe(RebootProbe(channel(SECONDS_FOR_A_LOOK)), RebootProbe(channel(SECONDS_FOR_RESTARTS))),
            read=read,
            wait=self._wait,
            local=self._connection.transport == "local",
        )

    def _windows_reboot(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> WindowsReboot:
        channel = WindowsChannel(self, seconds=SECONDS_FOR_RESTARTS)

        def need() -> dict[str, Any]:
            reading = channel.call(read_request({"refresh": "never"}))
            return build_inventory(reading, mappings=arguments["os_mappings"]).reboot

        return WindowsReboot(
            arguments,
            host=str(self._task.delegate_to or task_vars.get("inventory_hostname")),
            channel=channel,
            windows=AnsibleWindows(self, task_vars, tell=lambda _line: None, seconds_left=lambda: SECONDS_FOR_RESTARTS),
            read_need=need,
        )

    def _wait(self, observe: Callable[[], str], before: str) -> bool:
        self._observe = observe
        answer: dict[str, Any] = self.validate_reboot({}, action_kwargs={"previous_boot_time": before})
        return not answer.get("failed")

    def check_boot_time(self, distribution: dict[str, Any], previous_boot_time: str) -> None:
        """Called by the builtin until it raises nothing any more."""
        if self._seen() == previous_boot_time:
            raise ValueError("the host has not rebooted yet")

    def run_test_command(self, distribution: dict[str, Any], **_kwargs: Any) -> None:
        """Called by the builtin once the host is back: it must stay."""
        self._seen()

    def _seen(self) -> str:
        try:
            return self._observe()
        except PatchError as error:
            # A kept connection to a host that has gone stays silent for as long as nobody ends it.
            if error.kind == "timed_out":
                self._connection.reset()
            raise

    @contextlib.contextmanager
    def _connect_timeout(self, seconds: int | None) -> Iterator[None]:
        """The option is called differently by the connection plugins, and not every ansible-core tries both names."""
        connection = self._connection
        for name in ("connection_timeout", "timeout") if seconds else ():
            try:
                before = connection.get_option(name)
                connection.set_option(name, seconds)
            except (KeyError, AnsibleError):
                continue
            try:
                yield
            finally:
                connection.set_option(name, before)
            return
        yield


class _Probe:
    """Looks give up early, so that a host that hangs is found out; restarts may take their time."""

    def __init__(self, quick: RebootProbe, patient: RebootProbe) -> None:
        self.look: Callable[[], HostState] = quick.look
        self.warn = quick.warn
        self.go = quick.go
        self.restart = patient.restart


def _shown(known: dict[str, Any]) -> dict[str, Any]:
    """Ansible prints the strings of ``warnings``; as in documents, ours have a kind too."""
    return known | {"warnings": [warning["message"] for warning in known["warnings"]]}
