"""The preflight playbook with the real task: all findings of all hosts, and a host is not touched in vain."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbook_runs import Played, make_collection, play

pytestmark = pytest.mark.slow
PREFLIGHT = ("openfleet.patch.preflight",)
GONE = "- ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_common_args='-o BatchMode=yes'"


@pytest.fixture(params=["2.16", "2.21"])
def core(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def preflight(core: str, tmp_path: Path, hosts: dict[str, str], *arguments: str) -> Played:
    try:
        return play(core, make_collection(tmp_path / "collections"), tmp_path, hosts, *arguments, playbooks=PREFLIGHT)
    except LookupError as missing:
        pytest.skip(str(missing))


def test_a_bad_baseline_is_told_with_all_its_problems_before_a_host_is_touched(core: str, tmp_path: Path) -> None:
    bad = '{"patch_baselines": [{"name": "x", "operating_system": "DEBIAN", "aproval_rules": []}]}'
    played = preflight(core, tmp_path, {"gone": GONE}, "-e", bad)
    assert played.rc == 2
    assert not played.state.exists()
    assert "patch_baselines[0].aproval_rules: unknown key; did you mean 'approval_rules'?" in played.output
    assert "patch_baselines[0].name: " in played.output
    assert "gone                       : ok=0    changed=0    unreachable=0" in played.output


def test_a_host_out_of_reach_is_counted_and_named(core: str, tmp_path: Path) -> None:
    played = preflight(core, tmp_path, {"gone": GONE})
    assert played.rc == 2, played.output
    assert played.told() == "1 host, 1 unreachable"
    assert "port 1" in played.summary
    assert played.outcomes() == {"gone": "unreachable"}
