"""The way to a Windows host: what goes over, and what is believed of what comes back."""

from __future__ import annotations

import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import windows_channel
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.windows_channel import (
    WindowsChannel,
    encoded_command,
    is_windows,
)


class Action:
    """Stands for an action plugin: ``answer`` is what the host prints, with MARK where the mark of the request goes."""

    def __init__(self, answer: str = "", *, has_pipelining: bool = True, become: str | None = None) -> None:
        self._connection = SimpleNamespace(
            has_pipelining=has_pipelining,
            transport="x",
            reset=lambda: None,
            become=become and SimpleNamespace(name=become),
        )
        self._answer = answer
        self.has_collection = True
        self._shared_loader_obj = SimpleNamespace(
            module_loader=SimpleNamespace(
                find_plugin_with_context=lambda *_some: SimpleNamespace(resolved=self.has_collection)
            )
        )
        self.sent: list[tuple[str, bytes, dict[str, Any]]] = []

    def _low_level_execute_command(self, command: str, *, in_data: bytes, **more: Any) -> dict[str, Any]:
        self.sent.append((command, in_data, more))
        mark = re.findall(rb"OpenfleetMark = '([^']+)'", in_data)[0].decode()
        return {"rc": 0, "stdout": self._answer.replace("MARK", mark), "stderr": "#< CLIXML"}

    def _execute_module(self, name: str, arguments: dict[str, Any], **_more: Any) -> dict[str, Any]:
        data = arguments["script"].encode()
        self.sent.append((name, data, {}))
        mark = re.findall(rb"OpenfleetMark = '([^']+)'", data)[0].decode()
        lines = self._answer.replace("MARK", mark).splitlines()
        return {"output": lines, "msg": "" if lines else "Failed to become user 'x'"}

    def _compute_environment_string(self, raw_environment_out: dict[str, Any]) -> None:
        raw_environment_out["https_proxy"] = "http://x"


def framed(answer: Any) -> str:
    packed = base64.b64encode(json.dumps(answer).encode()).decode()
    return f"a banner\r\nMARK begin answer\r\n{packed[:20]}\r\n{packed[20:]}\r\nMARK end answer\r\nmore"


def call(action: Action, **options: Any) -> dict[str, Any]:
    channel: Any = WindowsChannel(action, **options)  # type: ignore[arg-type]
    found: dict[str, Any] = channel.call({"protocol": 1, "op": "read", "options": {"refresh": "always"}})
    return found


def test_a_reading_is_taken_out_of_what_stands_around_it() -> None:
    action = Action(framed({"protocol": 1, "ok": True, "result": {"os": {}}}))
    search = {"server_selection": "default", "offline_file": None}
    reading = call(action, search=search)
    assert reading == {"system": {"search": search}, "reader": "windows", "interpreter": None, "result": {"os": {}}}


def test_the_reader_travels_on_standard_input_and_no_become_method_of_other_systems_takes_part() -> None:
    action = Action(framed({"protocol": 1, "ok": True, "result": {}}))
    call(action)
    [(command, data, more)] = action.sent
    assert more == {"sudoable": False}
    assert b"function Get-Reading" in data
    assert "Get-Reading" not in base64.b64decode(command.split()[-1]).decode("utf-16-le")
    assert data.isascii()


def test_the_command_line_fits_into_what_windows_takes_also_where_winrm_encodes_it_once_more() -> None:
    action = Action(framed({"protocol": 1, "ok": True, "result": {}}))
    call(action)
    command = action.sent[0][0]
    assert command.startswith("PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand ")
    assert len(encoded_command(command)) < 2000


def test_options_are_data_and_never_powershell() -> None:
    path = "C:\\x'; Remove-Item C:\\ #\n\"$(1)"
    action = Action(framed({"protocol": 1, "ok": True, "result": {}}))
    call(action, search={"offline_file": path})
    text = action.sent[0][1].decode()
    assert "Remove-Item" not in text
    packed = re.findall(r"^\$OpenfleetOptions = '([A-Za-z0-9+/=]+)'$", text, re.MULTILINE)
    assert json.loads(base64.b64decode(packed[0])) == {"offline_file": path}


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ("", "bad_answer", "no answer"),
        ("MARK begin answer\nabcd", "bad_answer", "half an answer"),
        ("MARK begin answer\n!!\nMARK end answer", "bad_answer", "damaged"),
        (framed(["x"]), "bad_answer", "list"),
        (framed({"protocol": 2, "ok": True, "result": {}}), "protocol_mismatch", "protocol 2"),
        (
            framed({"protocol": 1, "ok": False, "error": {"kind": "reader_failed", "message": "no"}}),
            "reader_failed",
            "no",
        ),
        (
            framed({"protocol": 1, "ok": False, "error": {"kind": "offline_file_refused", "message": "0x80070005"}}),
            "offline_file_refused",
            "become_method: runas, become_user: SYSTEM",
        ),
        ("x" * 2000, "answer_too_large", "1000 bytes"),
    ],
)
def test_what_is_no_whole_answer_is_refused(answer: str, kind: str, told: str) -> None:
    with pytest.raises(PatchError, match=told) as error:
        call(Action(answer), answer_limit=1000)
    assert error.value.kind == kind


SCAN_FILE = {"offline_file": "C:\\wsusscn2.cab"}


@pytest.mark.parametrize(
    ("become", "search", "other_user"),
    [("runas", SCAN_FILE, True), ("ansible.builtin.runas", SCAN_FILE, True), ("sudo", SCAN_FILE, False),
     (None, SCAN_FILE, False), ("runas", {"offline_file": None}, False)],
)  # fmt: skip
def test_a_scan_file_alone_is_read_as_the_user_of_runas(
    become: str | None, search: dict[str, Any], other_user: bool
) -> None:
    action = Action(framed({"protocol": 1, "ok": True, "result": {"os": {}}}), become=become)
    assert call(action, search=search)["result"] == {"os": {}}
    [(sent, data, _more)] = action.sent
    assert (sent == "ansible.windows.win_powershell") is other_user
    # Without this that module leaves a script out in check mode.
    assert (
        data.startswith(b"[CmdletBinding(SupportsShouldProcess)]\nparam()\n$WhatIfPreference = $false\n") is other_user
    )
    assert data.isascii()


def test_who_cannot_become_that_user_is_told_so() -> None:
    with pytest.raises(PatchError, match="Failed to become user 'x'"):
        call(Action("", become="runas"), search=SCAN_FILE)


def test_without_ansible_windows_a_scan_file_as_another_user_says_what_to_install() -> None:
    action = Action("", become="runas")
    action.has_collection = False
    with pytest.raises(PatchError, match="ansible-galaxy collection install ansible.windows") as error:
        call(action, search=SCAN_FILE)
    assert (error.value.kind, action.sent) == ("missing_collection", [])


def test_a_connection_without_standard_input_is_told_what_to_use() -> None:
    with pytest.raises(PatchError, match="winrm, psrp") as error:
        call(Action(has_pipelining=False))
    assert error.value.kind == "unsupported_connection"


@pytest.mark.parametrize(("family", "windows"), [("powershell", True), ("cmd", True), ("sh", False), (None, False)])
def test_the_shell_family_says_what_is_behind_a_connection(family: str | None, windows: bool) -> None:
    assert is_windows(SimpleNamespace(_shell=SimpleNamespace(SHELL_FAMILY=family))) is windows
    assert is_windows(SimpleNamespace()) is False


def test_reset_and_environment_are_the_connection_s_and_the_task_s() -> None:
    channel = WindowsChannel(Action())  # type: ignore[arg-type]
    channel.reset()
    assert channel.task_environment() == {"https_proxy": "http://x"}
    assert windows_channel.READER.endswith(".ps1")
