"""The scan playbook counts every host, whatever becomes of it, on the oldest and the newest ansible-core."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_venvs import CORES
from playbook_runs import Played, make_collection, play

pytestmark = pytest.mark.slow
RUN_ID = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"
FLEET = {
    "good": "compliant",
    "lacking": "lacking",
    "old": "failed",
    "buggy": "crashed",
    "typo": "refused",
    "gone": "unreachable",
}
Play = Callable[..., Played]


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"))


@pytest.fixture(params=sorted(CORES))
def scan(request: pytest.FixtureRequest, collections: Path, tmp_path: Path) -> Play:
    def run(hosts: dict[str, str], *arguments: str, **options: Any) -> Played:
        try:
            return play(request.param, collections, tmp_path, hosts, *arguments, **options)
        except LookupError as missing:
            pytest.skip(str(missing))

    return run


def test_every_host_is_counted_and_the_play_fails_for_those_that_failed(scan: Play) -> None:
    played = scan(FLEET)
    assert played.rc == 2, played.output
    assert played.told() == "6 hosts, 3 failed, 1 unreachable, 1 non-compliant, 1 compliant"
    assert played.outcomes() == {
        "good": "ok",
        "lacking": "ok",
        "old": "failed",
        "buggy": "failed",
        "typo": "failed",
        "gone": "unreachable",
    }
    for line in (
        "* failed: no interpreter has apt_pkg; install python3-apt",
        "* failed: patch_baselines[0].name: too short",
        "* unreachable: no route to host",
        "UNSPECIFIED    libssl3.amd64  1.0-1 -> 1.0-2",
    ):
        assert line in played.summary
        assert line in played.output
    assert "a bug" in played.summary
    assert "of 6 hosts: 3 failed, 1 unreachable" in played.output
    assert len(list((played.state / "runs").iterdir())) == 1


@pytest.mark.parametrize("fate", ["failed", "refused", "unreachable", "crashed"])
def test_when_all_hosts_fail_the_summary_is_shown_all_the_same(scan: Play, fate: str) -> None:
    played = scan({"a": fate, "b": fate})
    assert played.rc == 2
    word = "unreachable" if fate == "unreachable" else "failed"
    assert played.told() == f"2 hosts, 2 {word}"
    assert f"openfleet.patch scan: 2 hosts, 2 {word}" in played.output


def test_a_fleet_in_good_order_ends_with_zero(scan: Play) -> None:
    played = scan({"a": "compliant", "b": "compliant"})
    assert played.rc == 0, played.output
    assert played.told() == "2 hosts, 2 compliant"


def test_a_host_that_lacks_patches_fails_the_play_only_if_asked(scan: Play) -> None:
    hosts = {"a": "compliant", "b": "lacking"}
    assert scan(hosts).rc == 0
    asked = scan(hosts, "-e", '{"patch_fail_on": ["non_compliant"]}')
    assert asked.rc == 2
    assert "of 2 hosts: 1 non compliant" in asked.output
    assert scan({"a": "failed"}, "-e", '{"patch_fail_on": []}').rc == 0


def test_limit_and_patch_hosts_decide_who_is_counted(scan: Play) -> None:
    assert scan(FLEET, "--limit", "good,lacking").told() == "2 hosts, 1 non-compliant, 1 compliant"
    assert scan(FLEET, "-e", "patch_hosts=good").told() == "1 host, 1 compliant"
    nobody = scan(FLEET, "-e", "patch_hosts=empty")
    assert nobody.rc == 0
    assert "no hosts matched" in nobody.output


@pytest.mark.parametrize(
    "environment",
    [{"ANSIBLE_STRATEGY": "free"}, {"ANSIBLE_ANY_ERRORS_FATAL": "true"}, {"ANSIBLE_FORKS": "1"}],
    ids=lambda environment: next(iter(environment)),
)
def test_settings_of_the_controller_do_not_change_what_is_counted(scan: Play, environment: dict[str, str]) -> None:
    played = scan(FLEET, environment=environment)
    assert played.rc == 2
    assert played.told() == "6 hosts, 3 failed, 1 unreachable, 1 non-compliant, 1 compliant"
    assert played.output.count("openfleet.patch scan: 6 hosts") == 1


def test_two_playbooks_of_one_command_share_a_run_and_overwrite_nothing(scan: Play) -> None:
    played = scan({"a": "compliant"}, playbooks=("openfleet.patch.scan", "openfleet.patch.scan"))
    assert played.rc == 0, played.output
    assert len(list((played.state / "runs").iterdir())) == 1
    assert sorted(path.name for path in (played.run / "hosts").iterdir()) == ["a.json", "a~2.json"]


def test_a_host_that_an_earlier_play_lost_is_told_as_not_started(scan: Play, tmp_path: Path) -> None:
    task = {"ansible.builtin.fail": {}, "when": "inventory_hostname == 'lost'"}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}, {"import_playbook": "openfleet.patch.scan"}]
    (tmp_path / "site.yml").write_text(json.dumps(plays), encoding="utf-8")
    played = scan({"lost": "compliant", "good": "compliant"}, playbooks=(str(tmp_path / "site.yml"),))
    assert played.rc == 2
    assert played.told() == "2 hosts, 1 not started, 1 compliant", played.output
    assert "lost: the play ended before their turn" in " ".join(played.summary.split())


def test_two_commands_with_one_run_id_share_its_time_and_count_their_own_hosts(scan: Play) -> None:
    first = scan({"a": "failed"}, "-e", f"patch_run_id={RUN_ID}", "-e", "patch_as_of=2026-11-01T00:00:00Z")
    second = scan({"b": "compliant"}, "-e", f"patch_run_id={RUN_ID}")
    assert (first.rc, second.rc) == (2, 0)
    assert second.told() == "1 host, 1 compliant"
    document = json.loads((second.run / "hosts" / "b.json").read_text(encoding="utf-8"))
    assert document["run"]["id"] == RUN_ID
    assert document["run"]["as_of"] == "2026-11-01T00:00:00Z"
    third = scan({"c": "compliant"}, "-e", f"patch_run_id={RUN_ID}", "-e", "patch_as_of=2026-11-02T00:00:00Z")
    assert third.rc == 2
    assert "judges as of 2026-11-01T00:00:00Z, not 2026-11-02T00:00:00Z" in third.output


def test_a_variable_that_the_role_would_refuse_is_refused_before_there_is_a_run(scan: Play) -> None:
    played = scan({"a": "compliant"}, "-e", "patch_timeout=soon")
    assert played.rc == 2
    assert "a: patch_timeout: " in played.output
    assert not played.run.exists()


def test_a_task_that_is_stopped_by_its_timeout_is_counted_as_timed_out(scan: Play) -> None:
    played = scan({"a": "slow", "b": "compliant"}, environment={"ANSIBLE_TASK_TIMEOUT": "3"})
    assert played.rc == 2
    assert played.told() == "2 hosts, 1 timed out, 1 compliant"


def test_an_execution_environment_is_told_that_its_files_go_away(scan: Play) -> None:
    played = scan({"a": "compliant"}, environment={"AWX_JOB_ID": "17"})
    assert played.rc == 0
    assert "lost when the job's container ends" in " ".join(played.summary.split())


def test_hostile_inventory_names_stay_inside_the_run(scan: Play) -> None:
    played = scan({"../../up": "compliant", "a/b": "lacking"})
    assert played.told() == "2 hosts, 1 non-compliant, 1 compliant"
    assert sorted(path.name for path in (played.run / "hosts").iterdir()) == ["%2E.%2F..%2Fup.json", "a%2Fb.json"]
