# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry one request to a Windows host and bring one reading home.

The shell family of the connection decides (winrm, psrp, ssh with a PowerShell shell). The command line is a few words
of PowerShell, encoded as ansible-core encodes its own, so that every connection plugin knows it for a script; the
reader travels on standard input, since a Windows command line is too short for it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import frames
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import script
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.watch import bounded

READER = "windows_reader.ps1"
BOOT = "windows_boot.ps1"
DEFAULT_SECONDS = 900
DEFAULT_ANSWER_LIMIT = 64 * 1024 * 1024
_SEEN = 2000
_SECONDS_FOR_A_LOOK = 60
# What ansible-core 2.16 to 2.21 begin their own encoded commands with; connection plugins look for it.
_POWERSHELL = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand"
_AS_OTHER_USER = "ansible.windows.win_powershell"
# That module leaves a script out in check mode unless it says this; a reading changes nothing in either mode.
_IN_CHECK_MODE_TOO = b"[CmdletBinding(SupportsShouldProcess)]\nparam()\n$WhatIfPreference = $false\n"
# Core's winrm encodes a command once more before 2.19, and all of that has to fit into 8191 characters.
_START = '$text = @($input) -join "`n"\n& ([scriptblock]::Create($text))'


def is_windows(connection: Any) -> bool:
    """Whether what is behind a connection is Windows: its shell is PowerShell, or cmd, which starts it."""
    return getattr(getattr(connection, "_shell", None), "SHELL_FAMILY", None) in ("powershell", "cmd")


def is_runas(become: Any) -> bool:
    """Whether a connection's become plugin is the one of Windows."""
    return become is not None and str(become.name).rpartition(".")[2] == "runas"


def encoded_command(text: str) -> str:
    """The command line that runs a PowerShell text."""
    return f"{_POWERSHELL} {base64.b64encode(text.encode('utf-16-le')).decode()}"


def reading_script(options: Mapping[str, Any], mark: str, name: str = READER) -> bytes:
    """What travels on standard input; the options go as base64, so that none is ever PowerShell."""
    packed = base64.b64encode(json.dumps(dict(options)).encode()).decode()
    head = f"$OpenfleetMark = '{mark}'\n$OpenfleetOptions = '{packed}'\n"
    lines = script(name).splitlines()
    return head.encode() + b"\n".join(line for line in lines if line and not line.startswith(b"#")) + b"\n"


class WindowsChannel:
    """The way from an action to its Windows host, for one task.

    ``action`` is the running action plugin; ``seconds`` bounds each exec; ``answer_limit`` is in bytes. ``search`` may
    have ``server_selection`` (``default``, ``managed_server`` or ``windows_update``) and ``offline_file``, the path of
    a scan file on the host, which is read by the user that the task becomes by runas: the agent takes such files from
    local callers alone ("IUpdateServiceManager::AddScanPackageService", Windows Update Agent API).
    """

    last_system: dict[str, Any] | None = None
    """Windows tells what it is in the reading itself."""

    def __init__(
        self,
        action: ActionBase,
        *,
        seconds: int = DEFAULT_SECONDS,
        answer_limit: int = DEFAULT_ANSWER_LIMIT,
        search: Mapping[str, Any] | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> None:
        self._action = action
        self._task_vars = task_vars or {}
        self._search = dict(search or {})
        self._seconds = seconds
        self._limit = answer_limit

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reading: ``system`` (how was searched), ``reader`` and ``result``. Windows always asks its server, so
        that no option of the request (``refresh``) means anything here.

        Raises ``PatchError`` (``unsupported_connection``, ``bad_answer``, ``answer_too_large``, ``timed_out`` or the
        kind that the reader gave); Ansible's own unreachable error passes through.
        """
        result = self._ask(READER, self._seconds)
        return {"system": {"search": dict(self._search)}, "reader": "windows", "interpreter": None, "result": result}

    def booted_at(self) -> datetime:
        """When the host last booted; a look of a moment. Raises as ``call``."""
        found = str(self._ask(BOOT, min(self._seconds, _SECONDS_FOR_A_LOOK)).get("booted_at"))
        try:
            return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise PatchError(
                "bad_answer", f"The host's boot time is {frames.one_line(found, 60)!r}, which is no time."
            ) from None

    def reset(self) -> None:
        """Forget the connection; the next exec makes a new one."""
        with contextlib.suppress(AnsibleError):
            self._action._connection.reset()

    def task_environment(self) -> dict[str, str]:
        """The task's ``environment:``; Windows Update asks the host's own settings, so that nothing here uses it."""
        environment: dict[str, Any] = {}
        self._action._compute_environment_string(raw_environment_out=environment)
        return {str(name): str(value) for name, value in environment.items()}

    def _ask(self, name: str, seconds: int) -> dict[str, Any]:
        mark = "openfleet-" + secrets.token_hex(16)
        sent = reading_script(self._search, mark, name)
        if name == READER and self._search.get("offline_file") and is_runas(self._action._connection.become):
            output = self._run_as(sent, seconds)
        else:
            output = self._exec(encoded_command(_START), sent, seconds)
        text: str = output["stdout"]
        if len(text) > self._limit:
            raise frames.too_large(len(text), self._limit)
        answer = _answer(text, mark, seen=f"{output['stderr']}\n{text}", code=output["rc"])
        if not answer["ok"]:
            raise _failure(answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _exec(self, command: str, data: bytes, seconds: int) -> dict[str, Any]:
        connection = self._action._connection
        if not connection.has_pipelining:
            raise PatchError(
                "unsupported_connection",
                f"The connection {connection.transport} takes no standard input, which a Windows host is read by. Use"
                " winrm, psrp, or ssh with ansible_shell_type: powershell.",
            )
        with self._failing_in_words(), bounded(seconds=seconds, limit=self._limit):
            # The agent lets everybody search; runas would be a matter of modules, and sudo is none of Windows.
            output: dict[str, Any] = self._action._low_level_execute_command(command, sudoable=False, in_data=data)
            return output

    def _run_as(self, data: bytes, seconds: int) -> dict[str, Any]:
        """As ``_exec``, by the user that the task becomes: that is for ansible-core's wrapper of modules to do."""
        found = self._action._shared_loader_obj.module_loader.find_plugin_with_context(_AS_OTHER_USER, ".ps1")
        if not found.resolved:
            raise PatchError(
                "missing_collection",
                f"A scan file is read as another user by {_AS_OTHER_USER}, and the collection ansible.windows is not"
                " installed on the controller: ansible-galaxy collection install ansible.windows.",
            )
        script = (_IN_CHECK_MODE_TOO + data).decode("ascii")
        with self._failing_in_words(), bounded(seconds=seconds, limit=self._limit):
            result = self._action._execute_module(_AS_OTHER_USER, {"script": script}, task_vars=self._task_vars)
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(str(result.get("msg") or "the host cannot be reached"))
        lines = [each for each in result.get("output") or [] if isinstance(each, str)]
        told = [result.get("msg"), result.get("module_stderr"), result.get("exception")]
        return {
            "stdout": "\n".join(lines),
            "stderr": " ".join(str(each) for each in told if each),
            "rc": result.get("rc", 0),
        }

    @staticmethod
    @contextlib.contextmanager
    def _failing_in_words() -> Iterator[None]:
        try:
            yield
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            raise PatchError(
                "exec_failed", f"The reader could not be run: {frames.one_line(str(error), 600)}"
            ) from error


def _failure(error: dict[str, Any]) -> PatchError:
    kind = frames.one_line(str(error.get("kind") or "reader_error"), 60)
    told = frames.one_line(str(error.get("message")), 600)
    traceback = str(error.get("traceback") or "")[-_SEEN:]
    if kind != "offline_file_refused":
        return PatchError(kind, f"The windows reader failed: {told}", traceback=traceback)
    return PatchError(
        kind,
        f"The update agent did not take the scan file: {told}. It has to lie on the host, signed by Microsoft as it was"
        " downloaded. 0x80070005 means that this connection counts as a remote caller, from which the agent takes no"
        " scan file: run the task with become: true, become_method: runas, become_user: SYSTEM (as variables of the"
        " host: ansible_become_method, ansible_become_user), which needs the collection ansible.windows.",
        traceback=traceback,
    )


def _answer(text: str, mark: str, *, seen: str, code: int) -> dict[str, Any]:
    begin, end = f"{mark} begin answer", f"{mark} end answer"
    _before, found, rest = text.partition(begin)
    body, ended, _after = rest.partition(end)
    if not found or not ended:
        told = "half an answer" if found else "no answer"
        raise PatchError(
            "bad_answer",
            f"PowerShell on the host gave {told} (exit code {code}). Seen: {frames.one_line(seen, _SEEN) or 'nothing'}",
        )
    try:
        # Some hosts fold long lines at the width of a console.
        data = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PatchError("bad_answer", f"The answer of the host was damaged on its way: {error}.") from error
    return frames.read_answer(data)
