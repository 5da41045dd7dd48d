"""Playbooks check what is set for all hosts before one is touched, on the oldest and the newest ansible-core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import Played, make_collection, play

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"))


def run(
    core: str, collections: Path, folder: Path, hosts: dict[str, dict[str, Any]], playbook: str, *arguments: str
) -> Played:
    """``hosts`` maps each name to its variables; whoever is connected to would be scanned well."""
    (folder / "host_vars").mkdir(exist_ok=True)
    for name, variables in hosts.items():
        (folder / "host_vars" / f"{name}.json").write_text(json.dumps(variables), encoding="utf-8")
    try:
        return play(core, collections, folder, dict.fromkeys(hosts, "compliant"), *arguments, playbooks=(playbook,))
    except LookupError as missing:
        pytest.skip(str(missing))


WRONG: dict[str, dict[str, Any]] = {
    "good": {"patch_baselines": []},
    "same1": {"patch_baselines": [{"name": "x", "operating_system": "DEBIAN"}]},
    "same2": {"patch_baselines": [{"name": "x", "operating_system": "{{ 'DEBI' ~ 'AN' }}"}]},
    "tags": {"tags": [{"Key": "Patch Group", "Value": "a"}, {"Key": "PatchGroup", "Value": "b"}]},
    "window": {"patch_maintenance_windows": [{"name": "nights", "schedule": "at(soon)", "duration": "2"}]},
    "more": {
        "patch_as_of": "tomorrow",
        "patch_step_timeout": 0,
        "patch_refresh": "sometimes",
        "patch_os_mappings": {"eurolinux": "RHEL"},
        "patch_errata": "/nowhere/errata.xml",
        "patch_reboot_pre_delay": -1,
    },
    "facts": {"patch_group": "{{ ansible_facts['fqdn'].lower() }}"},
}


@pytest.mark.parametrize(
    ("core", "playbook"),
    [
        ("2.16", "scan"),
        ("2.21", "install"),
        ("2.16", "rolling_install"),
        ("2.21", "reboot"),
        pytest.param("2.21", "preflight", marks=pytest.mark.endurance),
    ],
)
def test_nobody_is_touched_when_a_host_has_a_mistake_and_all_mistakes_are_told(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    more = ("-e", "patch_concurrency=0") if playbook.endswith(("install", "reboot")) else ()
    played = run(core, collections, tmp_path, WRONG, f"openfleet.patch.{playbook}", *more)
    assert played.rc == 2
    assert not played.state.exists()
    told = " ".join(played.output.replace("\\n", " ").replace('\\"', '"').split())
    assert "problems in what is set for 7 hosts; none was connected to" in told
    assert "same1, same2: patch_baselines[0].name: " in told
    assert "tags: tags: The host has two tags that name different patch groups" in told
    assert "window: patch_maintenance_windows[0].schedule: " in told
    for finding in (
        "patch_as_of: 'tomorrow' is no time such as",
        "patch_step_timeout: 0; it cannot be less than 1",
        "patch_refresh: value of patch_refresh must be one of: auto, always, never",
        "patch_os_mappings: The mapping of eurolinux names the operating system 'RHEL'",
        "patch_errata: there is no file /nowhere/errata.xml",
        "patch_reboot_pre_delay: -1; it cannot be less than 0",
    ):
        assert f"more: {finding}" in told
    assert "facts: patch_group: " in told or core == "2.16"
    assert ("all 7 hosts: patch_concurrency: " in told) == playbook.endswith(("install", "reboot"))
    assert "unreachable=1" not in told


DEFAULTS = {"DEBIAN": "{{ wanted }}"}


def test_what_a_play_sets_for_all_its_hosts_is_checked_too(collections: Path, tmp_path: Path) -> None:
    site = [
        {"import_playbook": "openfleet.patch.scan", "vars": {"wanted": "nobody", "patch_default_baselines": DEFAULTS}}
    ]
    (tmp_path / "site.yml").write_text(json.dumps(site), encoding="utf-8")
    hosts: dict[str, dict[str, Any]] = {"a": {"patch_default_baselines": {}}, "b": {}}
    played = run("2.21", collections, tmp_path, hosts, str(tmp_path / "site.yml"))
    assert played.rc == 2
    assert "all 2 hosts: patch_default_baselines.DEBIAN: no baseline is called 'nobody'" in played.output


def test_texts_of_the_command_line_are_taken_as_what_the_tasks_make_of_them(collections: Path, tmp_path: Path) -> None:
    texts = ("-e", "patch_expected_minutes=30", "-e", "patch_max_fail_percentage=2.5", "-e", "patch_ramp_up=yes")
    played = run("2.16", collections, tmp_path, {"a": {}}, "openfleet.patch.scan", *texts)
    assert played.rc == 0, played.output
    assert played.told() == "1 host, 1 compliant"
