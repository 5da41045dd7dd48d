"""Every option of a task can be set by a declared variable of its role, and the README names them all."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec

ROOT = Path(__file__).resolve().parents[3]
ROLES = {
    "scan": "scan_host",
    "preflight": "preflight_host",
    "install": "install_patches",
    "rollback": "rollback_patches",
    "reboot": "reboot_host",
    "report": "report",
    "notify": "notify_run",
}
# Tasks that a role runs before its own one, and which of their options have no variable.
BEFORE = {
    role: {"maintenance_window": {"at", "openings", "record", "operation"}}
    for role in ("install", "reboot", "rollback")
}
BEFORE["install"]["plan_hooks"] = set()
# No turns are counted there.
BEFORE["reboot"]["maintenance_window"].add("progress")
ON_CONTROLLER = {"report", "notify"}
"""Roles that connect to no host and so become nobody."""


def not_options(role: str) -> set[str]:
    return set() if role in ON_CONTROLLER else {"patch_become"}


@cache
def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def declared(role: str) -> dict[str, Any]:
    options: dict[str, Any] = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


def passed(role: str, name: str | None = None) -> dict[str, str]:
    """Option of the role's own task, or of the one that is named, to the variable it is set from."""
    key = f"openfleet.patch.{name or ROLES[role]}"
    files = sorted((ROOT / f"roles/{role}/tasks").glob("*.yml"))
    task = next(task for path in files for task in load(str(path.relative_to(ROOT))) if key in task)
    options = {}
    for option, value in task[key].items():
        if option in BEFORE.get(role, {}).get(name or "", set()):
            continue
        match = re.fullmatch(r"\{\{ (patch_[a-z0-9_]+) \| default\(omit\) \}\}", value)
        assert match, f"{option}: {value}"
        options[option] = match[1]
    return options


def passed_before(role: str) -> set[str]:
    return {variable for name in BEFORE.get(role, {}) for variable in passed(role, name).values()}


@pytest.mark.parametrize("role", ROLES)
def test_every_option_of_the_task_has_its_variable(role: str) -> None:
    assert set(passed(role)) == set(argument_spec(ROLES[role]))
    for name, without in BEFORE.get(role, {}).items():
        assert set(passed(role, name)) == set(argument_spec(name)) - without


@pytest.mark.parametrize("role", ROLES)
def test_the_declared_variables_are_those_that_the_tasks_read(role: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / f"roles/{role}/tasks").glob("*.yml"))
    read = {name for braces in re.findall(r"\{\{.*?\}\}", text) for name in re.findall(r"\bpatch_[a-z0-9_]+", braces)}
    read -= set(re.findall(r"loop_var: (\w+)", text))
    assert read == set(declared(role)) == set(passed(role).values()) | passed_before(role) | not_options(role)


@pytest.mark.parametrize("role", ROLES)
def test_variables_have_the_types_of_their_options(role: str) -> None:
    for name in (ROLES[role], *BEFORE.get(role, {})):
        spec = argument_spec(name)
        for option, variable in passed(role, name).items():
            for trait in ("type", "elements", "choices"):
                assert declared(role)[variable].get(trait) == spec[option].get(trait), f"{variable}: {trait}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_defaults_beside_those_of_its_task(role: str) -> None:
    assert not (ROOT / "roles" / role / "defaults").exists()
    assert not [name for name, option in declared(role).items() if "default" in option]


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_names_every_variable_and_no_other(role: str) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(patch_[a-z0-9_]+)`", text, flags=re.MULTILINE))
    assert table == set(declared(role))


def test_every_task_of_the_collection_takes_module_defaults() -> None:
    group = load("meta/runtime.yml")["action_groups"]["patch"]
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("[a-z]*.py")}
    assert sorted(group) == sorted(actions)
