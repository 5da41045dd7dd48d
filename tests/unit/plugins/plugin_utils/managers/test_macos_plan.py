"""Which commands install something on a Mac, what is refused before, and what their logs say."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Choice,
    FileArgument,
    Policy,
    Target,
    choose,
    pulled_in,
    targets_from,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos_plan import (
    MacPlan,
    plan_for,
    read_log,
    without_progress,
)

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "macos-outputs"
OWNER = {"volume_owner": "admin", "volume_owner_password": "correct horse"}
SAFARI = {"kind": "update", "name": "Safari", "version": "27.0", "action": None, "label": "Safari27.0TahoeAuto-27.0"}
TAHOE = {"kind": "update", "name": "macOS Tahoe 26.7", "version": "26.7", "action": "restart",
         "label": "macOS Tahoe 26.7-25G229 "}  # fmt: skip
BRIDGE = {**SAFARI, "name": "BridgeOSUpdateCustomer", "action": "shut down"}
WGET = {"kind": "formula", "name": "wget", "version": "2", "full_name": "own/tap/wget", "action": None,
        "held": {}}  # fmt: skip
FIREFOX = {**WGET, "kind": "cask", "name": "firefox", "full_name": "firefox"}
FREE = Policy(is_blocked=lambda _c: False, is_held=lambda _c: False, is_approved=lambda _c: True)


def mac(version: str = "26.5.1", arch: str = "arm64", privileged: bool = True) -> Inventory:
    brew = {"path": "/opt/homebrew/bin/brew", "owner": "brewowner", "release": None}
    return Inventory("MACOS", "Tahoe26.5.1", {"version": version, "arch": arch}, {"name": "macos"}, None,
                     "2026-11-20T12:00:00Z", privileged, findings={"homebrew": brew})  # fmt: skip


def chosen(
    *records: dict[str, Any], host: Inventory | None = None, policy: Policy = FREE, **arguments: Any
) -> tuple[MacPlan, Choice]:
    """What is chosen of candidates that are all approved."""
    host = host or mac()
    host.candidates = list(records)
    plan = plan_for(host, arguments=arguments)
    decided = [(each, {"decision": "approved"}) for each in records]
    targets = targets_from(decided, skip=lambda _record: False, automatic={}, scheme="plain")
    return plan, choose(targets, lambda some: plan.parse_simulations(some, answered(plan, some)), policy)


def answered(plan: MacPlan, some: list[list[Target]]) -> list[tuple[int, str]]:
    """What Homebrew says of formulae: wget needs own/tap/libidn, which is not there."""
    return [(0, "own/tap/wget: own/tap/libidn\nfirefox:\n") for _command in plan.simulation_commands(some)]


def steps(*records: dict[str, Any], host: Inventory | None = None, **arguments: Any) -> list[Any]:
    plan, choice = chosen(*records, host=host, **(arguments or OWNER))
    return plan.install_steps(choice, allow_removals=False, lock_timeout=60, step_timeout=3600)


def recorded(name: str) -> str:
    """A recorded output; carriage returns are written as two characters there."""
    return (GOLDEN / f"{name}.txt").read_bytes().decode().replace("\\r", "\r")


def told(name: str) -> Any:
    return read_log(recorded(name))


def test_each_label_has_a_step_and_what_restarts_comes_last() -> None:
    first, second, last = steps(TAHOE, SAFARI, WGET)
    assert [each.name for each in (first, second, last)] == [
        "install update Safari 27.0", "install formula wget 2", "install update macOS Tahoe 26.7 26.7",
    ]  # fmt: skip
    assert first.argv == ("/usr/sbin/softwareupdate", "--install", "--no-scan", "--verbose", "Safari27.0TahoeAuto-27.0")
    assert second.argv[3:] == ("brewowner", "/opt/homebrew/bin/brew", "upgrade", "--formula", "own/tap/wget")
    assert last.argv[-1] == "macOS Tahoe 26.7-25G229 "
    assert "--restart" in last.argv
    assert all(step.continue_on_failure for step in (first, second, last))
    assert [step.on_crash for step in (first, second, last)] == ["report", "report", "restart"]


def test_a_formula_and_a_cask_of_one_name_are_two_targets() -> None:
    both = steps({**FIREFOX, "kind": "formula"}, FIREFOX)
    assert [each.argv[-2:] for each in both] == [("--cask", "firefox"), ("--formula", "firefox")]


def test_what_homebrew_would_bring_along_is_asked_once_and_is_part_of_the_simulation() -> None:
    plan, choice = chosen(WGET, FIREFOX, SAFARI)
    [along] = pulled_in(choice.simulation, choice.targets)
    assert (along.name, along.arch, along.version) == ("libidn", "formula", "unversioned")
    assert plan.simulation_commands([choice.targets]) == []


def test_nobody_asks_homebrew_where_no_formula_is_wanted() -> None:
    host = mac()
    host.candidates = [SAFARI, WGET]
    plan = plan_for(host, arguments=OWNER)
    assert plan.simulation_commands([[Target("Safari", "update", "27.0", None, kind="update")]]) == []


@pytest.mark.parametrize(("policy", "why"), [
    (replace(FREE, is_blocked=lambda change: change.name == "libidn"), "rejects (BLOCK)"),
    (replace(FREE, is_held=lambda change: change.name == "libidn"), "this host holds back"),
    (replace(FREE, is_approved=lambda _c: False, require_approved_dependencies=True), "does not approve"),
])  # fmt: skip
def test_what_may_not_come_along_keeps_only_what_needs_it_away(policy: Policy, why: str) -> None:
    _plan, choice = chosen(WGET, FIREFOX, policy=policy)
    assert [target.name for target in choice.targets] == ["firefox"]
    [[said]] = choice.refused.values()
    assert said.startswith("needs libidn unversioned, which")
    assert why in said


def test_no_step_takes_everything_that_is_offered() -> None:
    assert not [
        word for step in steps(TAHOE, SAFARI, WGET, FIREFOX) for word in step.argv if word in ("-a", "--all", "-v")
    ]
    assert steps(FIREFOX)[0].argv[-2:] == ("--cask", "firefox")


def test_the_password_comes_on_standard_input_alone() -> None:
    [step] = steps(TAHOE)
    secret = step.argv[3]
    assert isinstance(secret, FileArgument)
    assert (secret.content, secret.secret) == (b"correct horse\n", True)
    assert not [word for word in step.argv if isinstance(word, str) and "horse" in word]
    assert "horse" not in repr(plan_for(mac(), arguments=OWNER)._owner)
    assert step.argv[-4:-1] == ("--user", "admin", "--stdinpass")


def test_the_shell_hands_the_file_to_the_command(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    [step] = steps(TAHOE)
    command = [*step.argv[:3], str(tmp_path / "secret"), "/bin/sh", "-c", 'cat; echo "$1"', "sh", step.argv[-1]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "correct horse\nmacOS Tahoe 26.7-25G229 \n"


def test_what_restarts_may_be_cut_off_by_it_and_other_steps_may_not() -> None:
    assert [each.ok_codes for each in steps(SAFARI, TAHOE)] == [(0,), (0, 137, 143)]


def test_an_update_of_the_system_restarts_whatever_its_list_says() -> None:
    assert "--restart" in steps({**TAHOE, "action": None})[0].argv


def test_intel_and_older_systems_need_no_owner_and_older_ones_no_restart() -> None:
    assert "--stdinpass" not in steps(TAHOE, host=mac(arch="x86_64"), **OWNER)[0].argv
    assert "--stdinpass" not in steps(TAHOE, host=mac(arch="x86_64"), reboot_option="RebootIfNeeded")[0].argv
    old = {**TAHOE, "name": "macOS 10.14.6 Update"}
    assert "--restart" not in steps(old, host=mac(version="10.14.5", arch="x86_64"), reboot_option="NoReboot")[0].argv


@pytest.mark.parametrize(
    ("record", "host", "arguments", "why"),
    [
        (TAHOE, mac(), {"reboot_option": "RebootIfNeeded"}, "set volume_owner"),
        (TAHOE, mac(), {**OWNER, "reboot_option": "NoReboot"}, "reboot_option is NoReboot"),
        (TAHOE, mac(), {**OWNER, "local": True}, "the controller itself"),
        (BRIDGE, mac(version="10.15.1", arch="x86_64"), OWNER, "shuts the host down"),
        (SAFARI, mac(privileged=False), OWNER, "root alone"),
    ],
)
def test_what_cannot_succeed_is_refused_before_it_is_downloaded_and_keeps_nothing_else_away(
    record: dict[str, Any], host: Inventory, arguments: dict[str, Any], why: str
) -> None:
    plan, choice = chosen(record, WGET, host=host, **arguments)
    assert [target.name for target in choice.targets] == ["wget"]
    [(target, [said])] = choice.refused.items()
    assert (target.patch, why in said) == (f"{record['name']} {record['version']}", True)
    refused = Choice([target], choice.simulation, {})
    with pytest.raises(PatchError, match="Nothing may be installed"):
        plan.install_steps(refused, allow_removals=False, lock_timeout=60, step_timeout=60)


def test_a_plan_of_nothing_is_refused() -> None:
    with pytest.raises(PatchError, match="nothing to install"):
        steps()


def test_what_asks_for_a_restart_is_noted_with_what_the_job_may_bring() -> None:
    _plan, choice = chosen(TAHOE, SAFARI, **OWNER)
    assert {each.name: each.restart for each in choice.simulation.changes} == {"Safari": False, TAHOE["name"]: True}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("softwareupdate-install.disk-space.rc0", "Not enough free disk space"),
        ("softwareupdate-install.11-bigsur-not-restarted", "downloaded and prepared, and not installed"),
        ("brew-recorded-4.4.32.upgrade-formula", "it is still offered; the last words were: 1.0 -> 2.0"),
    ],
)
def test_an_exit_code_of_0_leaves_a_reason_for_what_is_not_there_after_all(name: str, why: str) -> None:
    plan, _choice = chosen(SAFARI, **OWNER)
    log = (GOLDEN / f"{name}.txt").read_bytes().decode()
    reasons, said = plan.reasons_of_step("install update Safari 27.0", log)
    assert reasons == {"update Safari": said}
    assert why in said
    assert plan.reasons_of_step("note what is installed", log) == ({}, said)


def test_an_announced_restart_is_waited_for_and_one_that_failed_is_not() -> None:
    plan, _choice = chosen(TAHOE, **OWNER)
    title = "install update macOS Tahoe 26.7 26.7"
    log = recorded("softwareupdate-install.26-progress-carriage-returns")
    assert plan.waits_for_restart(title, log)
    assert not plan.waits_for_restart(title, log + "Failed to authenticate\n")
    assert not plan.waits_for_restart("something else", log)


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("softwareupdate-install.disk-space.rc0", "disk_space", "17.13 GB"),
        ("softwareupdate-install.26-tahoe-no-volume-owner", "not_authenticated", "Failed to authenticate"),
        ("softwareupdate-install.no-such-update", "no_such_update", "Command Line Tools for Xcode-16.2"),
        ("softwareupdate-install.download-error", "download_failed", "iTunes"),
        ("brew-recorded-4.4.32.upgrade-pinned", "pinned", "1 pinned package"),
        ("brew-recorded-4.4.32.upgrade-nosuch", "brew_failed", "No available formula"),
    ],
)
def test_a_recorded_failure_is_known_by_its_words(name: str, kind: str, word: str) -> None:
    kinds = dict(reversed(told(name).failures))
    assert word in kinds[kind]


@pytest.mark.parametrize(
    ("name", "restart", "prepared"),
    [
        ("softwareupdate-install.10.8-all", True, False),
        ("softwareupdate-install.11-bigsur-not-restarted", False, True),
        ("softwareupdate-install.13-ventura-verbose", False, False),
        ("softwareupdate-install.15-sequoia-password-prompt", False, True),
        ("softwareupdate-install.26-progress-carriage-returns", True, True),
        ("brew-recorded-4.4.32.upgrade-formula", False, False),
        ("brew-recorded-4.4.32.upgrade-cask", False, False),
    ],
)
def test_a_recorded_log_tells_of_restarts_and_of_what_is_only_prepared(
    name: str, restart: bool, prepared: bool
) -> None:
    found = told(name)
    assert (found.failures, found.restart_wanted, found.prepared) == ((), restart, prepared)


def test_progress_is_dropped_wherever_it_is_drawn() -> None:
    text = recorded("softwareupdate-install.26-progress-carriage-returns")
    assert without_progress(text)[2:] == ["Downloading macOS 27.0.1", "Downloaded: macOS 27.0.1", "Restarting..."]


def test_homebrew_gets_the_proxies_of_the_task_and_nothing_else_and_no_command_line_holds_them(tmp_path: Path) -> None:
    for name, text in {
        # sudo -n -H -u OWNER -- COMMAND..., with a sudoers that keeps the environment.
        "sudo": f'echo "sudo $*" >>{tmp_path}/calls\nshift 5\nexec env HOME=/home/owner "$@"',
        "id": "[ $1 = -u ] && echo 0 || echo brewowner",
        "brew": f'echo "brew $* $https_proxy ${{TOKEN:-none}} $HOME ${{no_proxy-unset}}'
        f""" $(env | grep -c '^HOMEBREW_NO_[A-Z_]*=1$')" >>{tmp_path}/calls; cat""",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    [step] = steps(WGET)
    argv = [str(tmp_path / "brew") if word == "/opt/homebrew/bin/brew" else word for word in step.argv]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TOKEN": "t", "HOME": "/root",
                   "https_proxy": "http://me:pa$$'word@proxy:3128"}  # fmt: skip
    done = subprocess.run(argv, env=environment, capture_output=True, input=b"asked", timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    called = (tmp_path / "calls").read_text().splitlines()
    assert called[0].startswith("sudo -n -H -u brewowner -- /bin/sh -c ")
    assert called[-1] == f"brew upgrade --formula own/tap/wget {environment['https_proxy']} none /home/owner unset 6"
    assert not [line for line in called[:-1] if "word" in line]
