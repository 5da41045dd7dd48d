"""Scans of stand-ins for Windows hosts: the real action plugin and the real bytes that ansible-core sends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from other_collections import other_collections
from windows_host import create, log, recorded_updates
from windows_plays import EVERYTHING, WindowsPlays
from windows_readings import UPDATES, update_line

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text(encoding="utf-8"))
SEARCH_FAILED = {"code": "0x8024402C", "message": "Exception from HRESULT: 0x8024402C"}
WORKSTATION = {"os": {
    "caption": "Microsoft Windows 11 Enterprise", "version": "10.0.22631", "product_type": 1, "architecture": "AMD64",
    "service_pack": 0, "revision": 1, "edition": "Enterprise", "installation_type": "Client", "display_version": "23H2",
    "booted_at": "2026-11-01T03:00:00Z",
}}  # fmt: skip


@pytest.mark.parametrize("core", ["2.16", "2.21"])
def test_a_windows_host_is_scanned_over_what_ansible_core_sends(core: str, tmp_path: Path) -> None:
    """One play over several hosts: each is read by one exec, and judged by the engine alone."""
    plays = WindowsPlays(core, tmp_path / "play")
    folders = {name: tmp_path / name for name in ("lacking", "current", "unsearched", "desktop")}
    create(folders["lacking"], recorded_updates("full_run"))
    create(folders["current"], [], present=[update_line(UPDATES[0], installed=True)])
    create(folders["unsearched"], [], search_error=SEARCH_FAILED)
    create(folders["desktop"], [], parts=WORKSTATION)
    for name, folder in folders.items():
        # OpenSSH on Windows has cmd for its shell unless it is told otherwise.
        plays.add(name, folder, **({"ansible_shell_type": "cmd"} if name == "current" else {}))

    # The default of the roles: become, with sudo, which is none of Windows.
    ended = plays.play("scan_host", {**EVERYTHING, "windows_server_selection": "managed_server"}, become=True)

    told = {name: ended.result(name) for name in folders}
    validator = Draft202012Validator(SCHEMA)
    for name in ("lacking", "current"):
        assert [error.message for error in validator.iter_errors(told[name]["document"])] == []
    assert {entry["state"] for entry in told["lacking"]["document"]["patches"]} == {"MISSING"}
    assert len({entry["update_id"] for entry in told["lacking"]["document"]["patches"]}) == 6
    assert told["lacking"]["document"]["product"] == "WindowsServer2019"
    assert told["lacking"]["document"]["findings"]["update_search"]["server_selection"] == "managed_server"
    assert told["current"]["verdict"] == "compliant"
    assert told["unsearched"]["error"]["kind"] == "update_search_failed"
    assert "cannot be reached" in told["unsearched"]["msg"]
    assert told["desktop"]["error"]["kind"] == "unsupported_os"
    assert "workstation" in told["desktop"]["msg"]
    asked: list[dict[str, Any]] = [line for folder in folders.values() for line in log(folder)]
    assert [line["kind"] for line in asked] == ["reader"] * 4
    assert asked[0]["options"] == {"server_selection": "managed_server", "offline_file": None}


@pytest.mark.parametrize(("core", "options"), [("2.16", []), ("2.21", ["--check"])])
def test_a_scan_file_is_read_as_the_user_that_the_task_becomes(core: str, options: list[str], tmp_path: Path) -> None:
    """Windows refuses it to a remote logon; by runas the wrapper of ansible-core starts the reader as SYSTEM."""
    plays = WindowsPlays(core, tmp_path / "play", other_collections())
    path = r"C:\it's; a \"path\" $(whoami)\wsusscn2.cab"
    runas = {"ansible_become_method": "runas", "ansible_become_user": "SYSTEM"}
    hosts: dict[str, dict[str, Any]] = {
        "refused": {}, "taken": runas, "unknown": {**runas, "ansible_become_user": "nobody"},
    }  # fmt: skip
    for name, variables in hosts.items():
        plays.add(name, create(tmp_path / name, recorded_updates("full_run")), **variables)
    arguments = {**EVERYTHING, "windows_offline_file": path}
    ended = plays.play("scan_host", arguments, "-f", "3", *options, become=True)
    told = {name: ended.result(name) for name in hosts}
    assert told["refused"]["error"]["kind"] == "offline_file_refused"
    for word in ("0x80070005", "become: true", "become_method: runas", "become_user: SYSTEM"):
        assert word in told["refused"]["msg"]
    assert told["refused"]["document"]["verdict"] == "unknown"
    assert told["taken"]["status"] == "ok", told["taken"].get("msg")
    assert len(told["taken"]["document"]["patches"]) == 6
    assert told["taken"]["document"]["findings"]["update_search"]["offline_file"] == path
    assert "Failed to become user 'nobody'" in told["unknown"]["msg"]
    [line] = log(tmp_path / "taken")
    assert line == {"kind": "reader", "boot": 0, "user": "SYSTEM",
                    "options": {"server_selection": "default", "offline_file": path}}  # fmt: skip
    assert "user" not in log(tmp_path / "refused")[0]


def test_preflight_names_what_keeps_each_host_from_being_patched(tmp_path: Path) -> None:
    plays = WindowsPlays("2.21", tmp_path / "play", other_collections())
    policy = {"wu_server": "http://wsus.corp.example:8530", "wu_status_server": None, "target_group": None,
              "disable_access": None, "no_internet_locations": None, "use_wu_server": 1, "no_auto_update": None,
              "au_options": 3}  # fmt: skip
    hosts: dict[str, dict[str, Any]] = {
        "ready": {},
        "unsearched": {"search_error": SEARCH_FAILED, "parts": {"policy": policy}},
        "unnamed": {"parts": {"policy": {**policy, "wu_server": None}}},
        "disabled": {"parts": {"services": [{"name": "wuauserv", "state": "Stopped", "start_mode": "Disabled"}]}},
        "old": {"version": "6.3.9600", "parts": {"powershell": "4.0"}},
        "full": {"parts": {"disk": [{"path": "C:", "free_bytes": 1 << 20, "size_bytes": 40 << 30}]}},
        "desktop": {"parts": WORKSTATION},
    }
    for name, state in hosts.items():
        plays.add(name, create(tmp_path / name, recorded_updates("full_run"), **state))
    ended = plays.play("preflight_host", EVERYTHING, "-f", "7", become=True)
    told = {name: ended.result(name) for name in hosts}
    assert (told["ready"]["ready"], told["ready"]["findings"]) == (True, [])
    errors = {
        name: [each["kind"] for each in told[name]["findings"] if each["severity"] == "error"]
        for name in hosts.keys() - {"ready"}
    }
    assert errors == {
        "unsearched": ["update_search_failed"],
        "unnamed": ["wsus_without_address"],
        "disabled": ["update_service_disabled"],
        "old": ["unsupported_os"],
        "full": ["no_space"],
        "desktop": ["unsupported_os"],
    }
    assert "WSUS server http://wsus.corp.example:8530 failed: 0x8024402C" in told["unsearched"]["msg"]
    assert "Windows Management Framework 5.1" in told["old"]["msg"]
    assert {line["kind"] for name in hosts for line in log(tmp_path / name)} == {"reader"}


def test_the_self_test_shows_what_a_host_says_without_its_names(tmp_path: Path) -> None:
    plays = WindowsPlays("2.21", tmp_path / "play")
    policy = {"wu_server": "http://wsus.corp.example:8530", "wu_status_server": None, "target_group": "finance",
              "disable_access": None, "no_internet_locations": None, "use_wu_server": 1, "no_auto_update": None,
              "au_options": 3}  # fmt: skip
    told = {"part": "disk", "code": "0x80070005", "message": "srv-pay-01 says no to sam.payroll"}
    folder = create(tmp_path / "win", recorded_updates("full_run"), parts={"policy": policy, "refused": [told]})
    plays.add("srv-pay-01", folder, ansible_user="sam.payroll")
    ended = plays.run("openfleet.patch.selftest")
    assert ended.code == 0, ended.output
    shown = ended.result("srv-pay-01")["selftest"]
    assert shown["understood"]["product"] == "WindowsServer2019"
    assert (shown["understood"]["candidates"], shown["ansible_core"][:4]) == (6, "2.21")
    assert not [name for name in ("srv-pay", "payroll", "corp.example", "finance") if name in json.dumps(shown)]
    printed = ended.output[ended.output.index("\n{\n") + 1 :]
    assert json.JSONDecoder().raw_decode(printed)[0] == shown
    assert [line["kind"] for line in log(folder)] == ["reader"]
    assert not plays.state.exists()
