"""Hooks as people write them: what is taken, what is refused, and where task files are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.hooks_input import (
    find_file,
    parse_hooks,
    refuse_on_windows,
)


def anywhere(path: str) -> Path:
    return Path("/playbooks") / path


def test_a_hook_is_a_task_file_a_role_or_a_command_and_one_needs_no_list() -> None:
    found = parse_hooks(
        {
            "pre_install": "hooks/drain.yml",
            "post_install": [{"role": "acme.web.smoke", "tasks_from": "quick"}],
            "on_exit": {"command": ["/usr/local/sbin/undrain", "web 1; rm -rf /", 7], "timeout": 5, "on": "controller"},
        },
        find=anywhere,
    )
    [drain], [smoke], [undrain] = found["pre_install"], found["post_install"], found["on_exit"]
    assert (drain.how, drain.name, drain.path) == ("tasks", "drain", "/playbooks/hooks/drain.yml")
    assert (smoke.role, smoke.tasks_from, smoke.name) == ("acme.web.smoke", "quick", "acme.web.smoke")
    assert undrain.argv == ("/usr/local/sbin/undrain", "web 1; rm -rf /", "7")
    assert (undrain.name, undrain.timeout, undrain.on) == ("undrain", 5, "controller")
    assert found["after_reboot"] == []


def test_names_of_checks_show_no_password() -> None:
    checks = [{"services": True}, {"port": 443}, {"url": "https://ops:word@web1/health?token=abc"}]
    found = parse_hooks({"after_reboot": checks}, find=anywhere)["after_reboot"]
    assert [each.name for each in found] == ["services", "port 443", "https://web1/health"]


@pytest.mark.parametrize(
    ("kind", "hook", "where", "message"),
    [
        ("pre_install", {"command": "drain web1"}, "patch_pre_install.command", "no shell takes part"),
        ("pre_install", {"command": []}, "patch_pre_install.command", "no shell takes part"),
        ("pre_install", {"command": ["a\0b"]}, "patch_pre_install.command", "no shell takes part"),
        ("pre_install", 7, "patch_pre_install", "neither the path of a task file nor a mapping"),
        ("pre_install", {}, "patch_pre_install", "says nothing that can be done"),
        ("pre_install", {"tasks": "a.yml", "role": "b"}, "patch_pre_install", "has tasks and role"),
        ("pre_install", {"port": 22}, "patch_pre_install", "says nothing that can be done"),
        ("on_exit", [{"comand": ["a"], "role": "b"}], "patch_on_exit[0].comand", "unknown key"),
        ("on_exit", {"role": "a", "required": False}, "patch_on_exit.required", "unknown key"),
        ("on_exit", {"command": ["a"], "timeout": 0}, "patch_on_exit.timeout", "from 1 to"),
        ("on_exit", {"command": ["a"], "environment": {"A-B": "c"}}, "patch_on_exit.environment", "a shell can export"),
        ("on_exit", {"command": ["a"], "on": "moon"}, "patch_on_exit.on", "use host or controller"),
        ("after_reboot", {"port": 70000}, "patch_after_reboot_checks.port", "no TCP port"),
        ("after_reboot", {"port": 22, "address": "web1"}, "patch_after_reboot_checks.address", "on: controller"),
        ("after_reboot", {"url": "file:///etc/shadow"}, "patch_after_reboot_checks.url", "http or https"),
        ("after_reboot", {"url": "https://a/", "status": "ok"}, "patch_after_reboot_checks.status", "no HTTP status"),
        ("after_reboot", {"services": "all"}, "patch_after_reboot_checks.services", "neither true nor a list"),
    ],
)
def test_a_mistake_is_told_with_its_place(kind: str, hook: Any, where: str, message: str) -> None:
    with pytest.raises(PatchError) as error:
        parse_hooks({kind: hook}, find=anywhere)
    [problem] = error.value.details["problems"]
    assert problem["where"] == where
    assert message in problem["message"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(PatchError) as error:
        parse_hooks({"pre_install": [7, "gone.yml"], "on_exit": {"command": "x"}}, find=lambda path: None)
    assert [each["where"] for each in error.value.details["problems"]] == [
        "patch_pre_install[0]",
        "patch_pre_install[1].tasks",
        "patch_on_exit.command",
    ]


def test_what_runs_a_program_on_a_windows_host_is_refused_with_what_there_is_in_its_place() -> None:
    fits = {
        "pre_install": [{"tasks": "drain.yml"}, {"command": ["drain"], "on": "controller"}],
        "on_exit": {"role": "acme.undrain"},
        "after_reboot": [{"port": 443, "on": "controller"}, {"url": "https://web1/"}],
    }
    refuse_on_windows(parse_hooks(fits, find=anywhere))
    wrong = {
        "post_install": [{"role": "a"}, {"command": ["migrate"]}],
        "after_reboot": [{"services": True}, {"port": 443}, {"url": "https://web1/", "on": "host"}],
    }
    with pytest.raises(PatchError) as error:
        refuse_on_windows(parse_hooks(wrong, find=anywhere))
    problems = error.value.details["problems"]
    assert [each["where"] for each in problems] == [
        "patch_post_install[1]",
        *(f"patch_after_reboot_checks[{number}]" for number in range(3)),
    ]
    assert all("Windows host; " in each["message"] for each in problems)


def test_a_path_begins_beside_the_playbook_then_beside_the_inventory(tmp_path: Path) -> None:
    for folder, names in {"playbooks": ["a.yml"], "inventory": ["a.yml", "b.yml"]}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text("[]")
    find = find_file([tmp_path / "playbooks", tmp_path / "inventory"])
    assert find("a.yml") == tmp_path / "playbooks" / "a.yml"
    assert find("b.yml") == tmp_path / "inventory" / "b.yml"
    assert find(str(tmp_path / "inventory" / "a.yml")) == tmp_path / "inventory" / "a.yml"
    assert find("c.yml") is None
    assert find("../playbooks") is None
