"""What is set for a fleet is judged once for each combination of values, and every finding names its hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import input_check
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.input_check import Value, check_fleet, named

GOOD = {"name": "web-prod", "operating_system": "DEBIAN", "approval_rules": [{"filters": {}}]}


def inputs(variables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Value]]:
    """Equal values as one object, as they are collected."""
    known: dict[str, Value] = {}
    return {
        host: {name: known.setdefault(name + json.dumps(value), Value(value)) for name, value in each.items()}
        for host, each in variables.items()
    }


def told(variables: dict[str, dict[str, Any]], folder: Path = Path("/"), *, together: bool = True) -> list[str]:
    return [each.line(len(variables)) for each in check_fleet(inputs(variables), folder=folder, together=together)]


def test_a_fleet_with_everything_set_as_it_should_be_has_no_findings(tmp_path: Path) -> None:
    (tmp_path / "check.yml").write_text("[]")
    everything = {
        "patch_baselines": [GOOD],
        "patch_groups": {"web": {"DEBIAN": "web-prod"}},
        "patch_default_baselines": {"DEBIAN": "web-prod"},
        "patch_group": "web",
        "tags": {"Patch Group": "db"},
        "patch_maintenance_windows": [{"name": "nights", "schedule": "cron(0 2 * * ? *)", "duration": 2}],
        "patch_blackouts": [{"name": "freeze", "start": "2026-12-20", "end": "2027-01-06"}],
        "patch_expected_minutes": 30,
        "patch_concurrency": "10%",
        "patch_error_threshold": 3,
        "patch_waves": [1, "10%", "100%"],
        "patch_health_check": str(tmp_path / "check.yml"),
        "patch_wave_pause": 60,
    }
    assert told({"a": everything, "b": everything}) == []
    assert told({"a": {}}) == []


def test_findings_of_all_hosts_and_all_kinds_are_told_at_once_with_their_hosts(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('[{"name": "x", "operating_system": "DEBIAN"}]')
    shared = {"patch_baselines": [{**GOOD, "aproval_rules": []}]}
    hosts = {
        **{f"web{number}": shared for number in range(1, 6)},
        "file": {"patch_baselines": ["bad.json"]},
        "group": {"patch_baselines": [GOOD], "patch_groups": {"web": {"DEBIAN": "web-pord"}}},
        "default": {"patch_default_baselines": {"DEBIAN": "nobody"}},
        "tags": {"tags": {"Patch Group": "a", "PatchGroup": "b"}},
        "window": {"patch_maintenance_windows": [{"name": "nights", "schedule": "cron(0 2 ? * MOO *)", "duration": 2}]},
        "blackout": {"patch_blackouts": [{"name": "freeze"}]},
        "late": {"patch_expected_minutes": 1441},
    }
    lines = told(hosts, tmp_path)
    assert "web1, web2, web3 and 2 more: patch_baselines[0].aproval_rules: unknown key; did you mean" in lines[0]
    for host, place in {
        "file": f"patch_baselines[0] ({tmp_path}/bad.json)[0].name: ",
        "group": "patch_groups.web.DEBIAN: no baseline is called 'web-pord'; did you mean 'web-prod'?",
        "default": "patch_default_baselines.DEBIAN: no baseline is called 'nobody'",
        "tags": "tags: The host has two tags that name different patch groups, Patch Group='a' and PatchGroup='b'",
        "window": "patch_maintenance_windows[0].schedule: day of week: 'MOO' is none of its values",
        "blackout": "patch_blackouts[0]: needs either start and end, or schedule and duration",
        "late": "patch_expected_minutes: 1441; it must be from 0 to 1440",
    }.items():
        assert [line for line in lines if line.startswith(f"{host}: {place}")], (host, lines)
    assert len(lines) == 8


@pytest.mark.parametrize(
    ("connection", "refused"),
    [
        ({"ansible_connection": "winrm"}, True),
        ({"ansible_connection": "ansible.builtin.psrp"}, True),
        ({"ansible_connection": "ssh", "ansible_shell_type": "powershell"}, True),
        ({"ansible_connection": "ssh", "ansible_shell_type": "cmd"}, True),
        ({"ansible_connection": "ssh"}, False),
        ({}, False),
    ],
)
def test_a_command_for_a_windows_host_is_told_before_any_host_is_touched(
    connection: dict[str, Any], refused: bool
) -> None:
    found = told({"win1": {"patch_on_exit": [{"command": ["undrain"]}], **connection}})
    assert bool(found) is refused
    assert all(line.startswith("win1: patch_on_exit[0]: command runs on POSIX hosts alone") for line in found)


def test_a_connection_that_cannot_be_worked_out_yet_is_no_finding() -> None:
    hooks = Value([{"command": ["undrain"]}])
    found = check_fleet(
        {"a": {"patch_on_exit": hooks, "ansible_connection": Value(None, "cannot be worked out")}},
        folder=Path("/"),
        together=True,
    )
    assert found == []


def test_a_combination_of_values_is_judged_once_however_many_hosts_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = input_check.read_registry
    monkeypatch.setattr(input_check, "read_registry", lambda *given, **more: read.append(1) or real(*given, **more))
    fleet = inputs({f"h{number}": {"patch_baselines": [GOOD], "patch_group": str(number)} for number in range(500)})
    assert check_fleet(fleet, folder=Path("/"), together=True) == []
    assert len(read) == 1


def test_a_value_that_cannot_be_worked_out_is_a_finding_and_nothing_else_is_said_of_it() -> None:
    fleet = {"a": {"patch_baselines": Value(None, "cannot be worked out: 'x' is undefined"), "patch_groups": Value({})}}
    found = check_fleet(fleet, folder=Path("/"), together=True)
    assert [each.line(1) for each in found] == ["a: patch_baselines: cannot be worked out: 'x' is undefined"]


def test_what_rate_control_goes_by_must_be_the_same_for_all_hosts_that_are_installed_on_together() -> None:
    hosts = {"a": {"patch_concurrency": 1}, "b": {"patch_concurrency": "10%"}, "c": {}}
    assert told(hosts) == [
        "all 3 hosts: patch_concurrency: is for the whole run and must be the same for all hosts, but a: 1; b: '10%';"
        " c: not set"
    ]
    assert told(hosts, together=False) == []


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"patch_concurrency": 0}, "patch_concurrency: 0 is not a whole number from 1 on, nor a share"),
        ({"patch_error_threshold": "101%"}, "patch_error_threshold: '101%' is not a whole number from 0 on"),
        ({"patch_waves": [1, "x"]}, "patch_waves[1]: 'x' is not a whole number"),
        ({"patch_max_per_failure_domain": 0}, "patch_max_per_failure_domain: 0 is not a whole number from 1 on"),
        ({"patch_serial": 2, "patch_concurrency": 2}, "patch_serial: sets the batches, and so does patch_concurrency"),
        ({"patch_max_fail_percentage": 5.0, "patch_error_threshold": 1}, "patch_max_fail_percentage: says the same as"),
        ({"patch_max_fail_percentage": 101.0}, "patch_max_fail_percentage: 101.0; it must be from 0 to 100"),
        ({"patch_waves": ["100%"], "patch_health_check": "/no/file"}, "patch_health_check: there is no file /no/file"),
        ({"patch_wave_pause": 5}, "patch_wave_pause: comes between waves, and patch_waves is not set"),
        ({"patch_waves": ["100%"], "patch_wave_pause": -1}, "patch_wave_pause: -1: seconds cannot be less than none"),
    ],
)
def test_rate_control_that_makes_no_sense_is_told(variables: dict[str, Any], line: str) -> None:
    (found,) = told({"a": variables})
    assert found.startswith(f"a: {line}")


def test_hosts_are_named_until_it_is_enough() -> None:
    assert named(["a"], 1) == "a"
    assert named(["a", "b"], 3) == "a, b"
    assert named(["a", "b", "c"], 3) == "all 3 hosts"
    assert named(list("abcdefg"), 9) == "a, b, c and 4 more"


def test_sources_of_all_hosts_are_checked_with_their_places_and_without_their_secrets() -> None:
    text = "deb [trusted=yes] https://someone:s3cret@deb.example.com/debian bookworm main"
    source = {"name": "own-mirror", "products": ["*"], "configuration": text}
    found = told({"a": {"patch_baselines": [GOOD, {**GOOD, "name": "other", "sources": [source]}]}, "b": {}})
    [line] = found
    assert "patch_baselines[1].sources[0].configuration: has the option trusted" in line
    assert "s3cret" not in line
