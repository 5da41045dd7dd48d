"""Scans and installations on Macs from end to end: stand-ins for their programs, on hosts without /proc to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from install_runs import EVERYTHING, Installer, only, states
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint
from openfleet_lab.mac_hosts import VOLUME_OWNER
from seen_command_lines import CommandLines
from transport_play import inventory_of

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
MAC = {"system": "MACOS"}
SONOMA = "macOS Sonoma 14.7"
TOOLS = "Command Line Tools for Xcode"
OWNER = {"volume_owner": VOLUME_OWNER["name"], "volume_owner_password": VOLUME_OWNER["password"]}
# What its programs note of their calls, and what sshd and sudo write.
IGNORED = ("/opt/mac/calls", "/opt/homebrew/var", "/run", "/var/log", "/tmp:", "/dev/shm", *LOGIN_RECORDS)


def calls(host: LabHost, program: str, folder: str = "/opt/mac") -> list[dict[str, Any]]:
    path = host.root / folder.lstrip("/") / "calls"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [each for each in rows if each.get("program", "brew") == program]


def installs(host: LabHost) -> list[str]:
    """Labels that softwareupdate was asked to install, in their order; no call of another form."""
    found = [each["words"] for each in calls(host, "softwareupdate") if "--list" not in each["words"]]
    assert all(words[:3] == ["--install", "--no-scan", "--verbose"] for words in found), found
    return [words[-1] for words in found]


def alter(host: LabHost, title: str, **changed: Any) -> None:
    """Changes what installing an update does."""
    path = host.root / "opt/mac/state.json"
    state = json.loads(path.read_text())
    [update] = [each for each in state["updates"] if each["title"] == title][-1:]
    update.update(changed)
    path.write_text(json.dumps(state))


def holding(secret: bytes, *folders: Path) -> list[Path]:
    """Every file of a host, but for what came with its system, and of a controller's state that holds a secret."""
    tops = [top for folder in folders for top in folder.iterdir() if not top.is_symlink()]
    paths = [path for top in tops if top.name not in ("usr", "proc", "sys", "dev") for path in (top, *top.rglob("*"))]
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    assert len(files) > 50
    return [path for path in files if secret in path.read_bytes()]


def failures(result: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["failure"] for each in result["document"]["patches"] if each["state"] == "FAILED"}


def test_a_mac_is_scanned_and_not_changed_and_each_decision_says_why(fresh: Fresh) -> None:
    host, controller = fresh(kind="macos14", user="nopw")
    controller.scan(EVERYTHING, **MAC)
    seen = fingerprint(host, ignore=IGNORED)
    document = controller.scan(EVERYTHING, **MAC, list_installed_other=True)
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert (document["operating_system"], document["product"], document["error"]) == ("MACOS", "Sonoma14.4", None)
    missing = {
        (each["kind"], each["id"], each["version"]) for each in document["patches"] if each["state"] == "MISSING"
    }
    assert missing == {
        ("update", "Safari", "18.5"), ("update", SONOMA, "14.7"), ("update", TOOLS, "16.2"),
        ("formula", "ofhello", "2.0"), ("formula", "ofbroken", "1.1"), ("cask", "firefox", "141.0,2"),
    }  # fmt: skip
    # The formula of that name is as new as it can be.
    formulae = {each["id"]: each["state"] for each in document["patches"] if each["kind"] == "formula"}
    assert formulae["firefox"] == "INSTALLED"
    [pinned] = [each for each in document["patches"] if each["id"] == "ofpin" and each["version"]]
    assert (pinned["state"], pinned["detail"]) == (None, "HELD")
    reasons = {each["id"]: (each["security"], each["security_reason"]) for each in document["patches"]}
    assert reasons["Safari"] == (True, "releases of Safari close vulnerabilities")
    assert reasons["ofhello"] == (False, "no rule for titles says that it is security")
    assert {each["kind"] for each in document["warnings"]} >= {"major_upgrade"}
    assert document["reboot"] == {"required": False, "reasons": []}
    assert {each["uid"] for each in calls(host, "brew", "/opt/homebrew/var")} == {501}

    rules = [{"title": "^ofhello$", "source": "brew", "security": True, "reason": "it faces the internet"}]
    document = controller.scan(EVERYTHING, **MAC, macos_title_rules=rules, macos_major_upgrades=True)
    reasons = {each["id"]: (each["security"], each["security_reason"]) for each in document["patches"]}
    assert reasons["ofhello"] == (True, "it faces the internet")
    assert states(document)["macOS Sequoia 15.6"] == "MISSING"

    state = json.loads((host.root / "opt/mac/state.json").read_text())
    (host.root / "opt/mac/state.json").write_text(json.dumps(state | {"offline": True}))
    task = {"name": "scan", "openfleet.patch.scan_host": controller.options(EVERYTHING, **MAC)}
    failed = controller.play(inventory_of(controller.hosts), [task]).only()
    assert (failed.kind, failed.result["document"]["verdict"]) == ("softwareupdate_failed", "unknown")


def test_what_fails_is_told_for_each_and_hides_no_other_and_a_restart_is_proven(fresh: Fresh) -> None:
    host, controller = fresh(kind="macos14", user="nopw")
    before = controller.scan(EVERYTHING, **MAC)["boot_id"]
    alter(host, "Safari", fails="disk")
    alter(host, TOOLS, fails="download")

    # No volume owner, no room, no network: what cannot succeed is not begun.
    refused = controller.install(EVERYTHING, **MAC).result
    told = failures(refused)
    assert "set volume_owner" in told[SONOMA]
    assert "Not enough free disk space: a total of 17.13 GB is required." in told["Safari"]
    assert "Error downloading iTunes" in told[TOOLS]
    assert told["ofbroken"] == "ofbroken: failed to build from source"
    assert installs(host) == ["Command Line Tools for Xcode-16.2", "Safari18.5SonomaAuto-18.5"]
    came = {(each["name"], each["arch"]) for each in refused["document"]["installation"]["installed"]}
    assert came == {("ofhello", "formula"), ("firefox", "cask")}
    assert refused["restarted"] is False

    for title in ("Safari", TOOLS):
        alter(host, title, fails="")
    wrong = controller.install(EVERYTHING, **MAC, **OWNER | {"volume_owner_password": "wrong"}).result
    assert "Failed to authenticate" in failures(wrong)[SONOMA]
    assert calls(host, "shutdown") == []
    assert "Safari" not in failures(wrong)

    denied = controller.install(EVERYTHING, **MAC, **OWNER, reboot_option="NoReboot").result
    assert "reboot_option is NoReboot" in failures(denied)[SONOMA]

    with CommandLines() as lines:
        done = controller.install(EVERYTHING, "-vvv", **MAC, **OWNER).result
    document = done["document"]
    assert (done["restarted"], document["installation"]["restarted"], document["os"]["version"]) == (True, True, "14.7")
    assert document["boot_id"] != before
    assert states(document)[SONOMA] == "INSTALLED"
    assert failures(done) == {"ofbroken": "ofbroken: failed to build from source"}
    last = document["installation"]["jobs"][0]["steps"][-1]
    # Cut off by the boot, or killed a moment before.
    assert (last["name"], last["exit_code"] in (0, 137, 143)) == (f"install update {SONOMA} 14.7", True)
    # Never the next release, and what restarts the Mac as the last.
    assert installs(host)[-1] == "macOS Sonoma 14.7-23H124"
    assert not [label for label in installs(host) if "Sequoia" in label]
    assert calls(host, "password")[-1] == {"program": "password", "came": True, "right": True}
    assert any(b"softwareupdate" in line for line in lines.seen)
    secret = VOLUME_OWNER["password"].encode()
    assert [line for line in lines.seen if secret in line] == []
    assert secret.decode() not in done["output"]
    assert holding(secret, host.root, controller.state) == [host.root / "opt/mac/state.json"]
    # The next boot would have gone on with the job, and is not asked to any more.
    assert [each["started"] for each in calls(host, "launchd")] == ["openfleet-patch-recover"]
    assert list((host.root / "Library/LaunchDaemons").iterdir()) == []


@pytest.mark.endurance
def test_a_restart_that_comes_after_its_command_is_waited_for_and_what_hangs_is_ended(fresh: Fresh) -> None:
    host, controller = fresh(kind="macos14")
    alter(host, SONOMA, late=6)
    alter(host, "Safari", fails="hangs")
    done = controller.install(EVERYTHING, **MAC, **OWNER, step_timeout=4).result
    assert (done["restarted"], done["document"]["os"]["version"]) == (True, "14.7")
    assert states(done["document"])[SONOMA] == "INSTALLED"
    [hung] = [each for each in done["document"]["installation"]["jobs"][0]["steps"] if each["ended_by"] == "step"]
    assert hung["name"] == "install update Safari 18.5"
    assert [line.split(" ")[-1] for line in hung["hung"]][-1] == "sleep"
    assert host.run(["pgrep", "-x", "sleep"], check=False).stdout == ""
    assert states(done["document"])["Safari"] == "FAILED"


def test_before_macos_11_what_is_installed_waits_for_a_reboot_that_is_asked_for(fresh: Fresh) -> None:
    host, controller = fresh(kind="macos1015", user="nopw")
    done = controller.install(EVERYTHING, **MAC).result
    assert failures(done) == {
        "BridgeOSUpdateCustomer": "it shuts the host down, and nobody could switch it on again from here"
    }
    document = done["document"]
    assert states(document)["Security Update 2020-005"] == "INSTALLED_PENDING_REBOOT"
    assert (done["restarted"], document["reboot"]["required"]) == (False, True)
    assert document["reboot"]["reasons"][0]["packages"] == ["Security Update 2020-005"]
    assert "--restart" not in [word for each in calls(host, "softwareupdate") for word in each["words"]]

    reboot = {"state_directory": str(controller.state), "reboot_option": "OnlyIfRequired", "reboot_timeout": 120}
    scan = {"name": "scan", "openfleet.patch.scan_host": controller.options(EVERYTHING, **MAC)}
    tasks = [{"name": "reboot", "openfleet.patch.reboot_host": reboot}, scan]
    play = controller.play(inventory_of(controller.hosts), tasks)
    [name] = controller.hosts
    rebooted = play.task(name, "reboot").result
    assert (rebooted["rebooted"], rebooted["boot"]["after"]) == (
        True,
        play.task(name, "scan").result["document"]["boot_id"],
    )
    after = play.task(name, "scan").result["document"]
    assert rebooted["boot"]["before"] == document["boot_id"] != after["boot_id"]
    assert states(after)["Security Update 2020-005"] == "INSTALLED"
    assert after["reboot"]["required"] is False


def add_formulae(host: LabHost) -> None:
    """ofapp needs oflib, which is old, and ofnew, which is not there; ofuser is built on oflib."""
    path = host.root / "opt/homebrew/var/state.json"
    state = json.loads(path.read_text())
    tap = "openfleet/demo"
    state["formula"] = {
        f"{tap}/ofapp": {"installed": ["1.0"], "current": "2.0", "needs": [f"{tap}/oflib", "ofnew"]},
        f"{tap}/oflib": {"installed": ["1.0"], "current": "2.0"},
        f"{tap}/ofuser": {"installed": ["1.0"], "current": "2.0", "needs": [f"{tap}/oflib"]},
        "ofnew": {"installed": [], "current": "1.1"},
    }
    path.write_text(json.dumps(state))


def test_what_homebrew_would_bring_along_obeys_the_baseline_and_is_told(fresh: Fresh) -> None:
    host, controller = fresh(kind="macos14", user="nopw")
    add_formulae(host)
    wanted = only("ofapp", "firefox", rejected_patches=["oflib"], rejected_patches_action="BLOCK")
    blocked = controller.install(wanted, **MAC).result["document"]
    [refused] = blocked["installation"]["refused"]
    assert refused == {
        "patch": "ofapp 2.0", "reasons": ["needs oflib 2.0, which the baseline rejects (BLOCK)"]
    }  # fmt: skip
    assert [each["name"] for each in blocked["installation"]["installed"]] == ["firefox"]
    assert blocked["pulled_in"] == []
    upgrades = [each["words"] for each in calls(host, "brew", "/opt/homebrew/var") if each["words"][0] == "upgrade"]
    assert [words for words in upgrades if "--dry-run" not in words] == [["upgrade", "--cask", "firefox"]]

    allowed = controller.install(wanted | {"rejected_patches_action": "ALLOW_AS_DEPENDENCY"}, **MAC).result["document"]
    assert {(each["name"], each["installed_version"], each["version"]) for each in allowed["pulled_in"]} == {
        ("oflib", "1.0", "2.0"), ("ofnew", None, "1.1"), ("ofuser", "1.0", "2.0"),
    }  # fmt: skip
    assert {each["name"] for each in allowed["installation"]["installed"]} == {"ofapp", "oflib", "ofnew", "ofuser"}
