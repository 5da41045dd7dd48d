"""Baselines and patch groups as people have them, through real runs: exports of the AWS CLI unchanged, folders, tags,
mistakes that stop the play, and explain without the host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import SCAN, Played, make_collection, play

pytestmark = pytest.mark.slow
# In place of the predefined baseline of the stand-in, the one that the real task would choose.
CHOOSING = """
        from pathlib import Path
        from ..plugin_utils.fleet.baseline_entries import read_registry
        from ..plugin_utils.fleet.baselines import patch_group_of
        from ..plugin_utils.flow.scan import cloud_tags
        registry = read_registry(arguments["baselines"] or [], folder=Path(self._loader.get_basedir()))
        group, source = patch_group_of(arguments["patch_group"], cloud_tags=cloud_tags(arguments, task_vars))
        resolved = resolve_baseline(
            registry.baselines, operating_system="DEBIAN", patch_group=group, group_source=source,
            patch_groups=registry.groups_with(arguments["patch_groups"]),
            default_baselines=registry.defaults_with(arguments["default_baselines"]))
"""
# What `aws ssm get-patch-baseline` prints.
EXPORTED: dict[str, Any] = {
    "BaselineId": "pb-0123456789abcdef0",
    "Name": "web-prod",
    "OperatingSystem": "DEBIAN",
    "GlobalFilters": {"PatchFilters": []},
    "ApprovalRules": {
        "PatchRules": [
            {
                "PatchFilterGroup": {"PatchFilters": [{"Key": "PRIORITY", "Values": ["Required"]}]},
                "ComplianceLevel": "HIGH",
                "EnableNonSecurity": False,
                "ApproveAfterDays": 7,
            }
        ]
    },
    "ApprovedPatches": [],
    "ApprovedPatchesComplianceLevel": "UNSPECIFIED",
    "ApprovedPatchesEnableNonSecurity": False,
    "RejectedPatches": ["libssl3"],
    "RejectedPatchesAction": "BLOCK",
    "PatchGroups": ["web"],
    "CreatedDate": "2026-01-10T09:00:00.123000+01:00",
    "ModifiedDate": "2026-01-10T09:00:00.123000+01:00",
    "Description": "",
    "Sources": [],
}
# What `aws ssm describe-patch-baselines` prints.
DESCRIBED: dict[str, Any] = {
    "BaselineIdentities": [
        {
            "BaselineId": "pb-0fedcba9876543210",
            "BaselineName": "all-debian",
            "OperatingSystem": "DEBIAN",
            "BaselineDescription": "",
            "DefaultBaseline": True,
        }
    ]
}
OWN = {"name": "all-debian", "operating_system": "DEBIAN", "approval_rules": [{"filters": {}}]}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fixed = '        resolved = resolve_baseline([], operating_system="DEBIAN")\n'
    assert fixed in SCAN
    return make_collection(tmp_path_factory.mktemp("collections"), actions={"scan_host": SCAN.replace(fixed, CHOOSING)})


def run(
    core: str,
    collections: Path,
    folder: Path,
    hosts: dict[str, dict[str, Any]],
    everywhere: dict[str, Any],
    *arguments: str,
    playbook: str = "scan",
    fate: str = "lacking",
) -> Played:
    """``hosts`` maps each name to its variables."""
    for name, variables in {"all": everywhere}.items():
        (folder / "group_vars").mkdir(parents=True, exist_ok=True)
        (folder / "group_vars" / f"{name}.json").write_text(json.dumps(variables))
    for name, variables in hosts.items():
        (folder / "host_vars").mkdir(exist_ok=True)
        (folder / "host_vars" / f"{name}.json").write_text(json.dumps(variables))
    try:
        return play(
            core,
            collections,
            folder,
            dict.fromkeys(hosts, fate),
            *arguments,
            playbooks=(f"openfleet.patch.{playbook}",),
        )
    except LookupError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("core", ["2.16", pytest.param("2.21", marks=pytest.mark.endurance)])
def test_exports_in_a_folder_register_their_groups_and_defaults_and_explain_says_why_without_the_host(
    core: str, collections: Path, tmp_path: Path
) -> None:
    baselines = tmp_path / "baselines"
    baselines.mkdir()
    (baselines / "web.json").write_text(json.dumps(EXPORTED))
    (baselines / "described.json").write_text(json.dumps(DESCRIBED))
    (baselines / "own.yml").write_text(json.dumps([OWN]))
    hosts: dict[str, dict[str, Any]] = {
        "named": {"patch_group": "web"},
        "tagged": {"tags": {"PatchGroup": "web"}},
        "other": {"patch_group": "db"},
    }
    everywhere = {"patch_baselines": [str(baselines)]}
    played = run(core, collections, tmp_path, hosts, everywhere)
    assert played.rc == 0, played.output
    sources = {
        host: json.loads((played.state / "hosts" / f"{host}.json").read_text())["baseline"]["source"] for host in hosts
    }
    assert sources["named"] == "patch group 'web', DEBIAN"
    assert sources["tagged"] == "patch group 'web' (tag PatchGroup), DEBIAN"
    assert "default" in sources["other"]
    explained = run(core, collections, tmp_path, hosts, everywhere, playbook="explain", fate="unreachable")
    assert explained.rc == 0, explained.output
    assert "baseline web-prod: patch group 'web' (tag PatchGroup), DEBIAN" in explained.output
    assert "is rejected by 'libssl3' in rejected_patches (BLOCK)" in explained.output
    assert "baseline all-debian: " in explained.output


def test_two_baselines_for_one_group_and_two_tags_are_told_together_before_a_host_is_touched(
    collections: Path, tmp_path: Path
) -> None:
    twice = [EXPORTED, EXPORTED | {"Name": "web-test", "BaselineId": "pb-0123456789abcdef1"}]
    hosts: dict[str, dict[str, Any]] = {
        "a": {"patch_baselines": twice},
        "b": {"tags": {"Patch Group": "web", "PatchGroup": "db"}},
    }
    played = run("2.21", collections, tmp_path, hosts, {})
    assert played.rc == 2
    assert not played.state.exists()
    told = " ".join(played.output.replace("\\n", " ").split())
    assert "2 problems in what is set for 2 hosts; none was connected to" in told
    assert "a: patch_baselines[1].PatchGroups: patch group 'web' has the baseline 'web-prod' for DEBIAN already" in told
    assert "b: tags: The host has two tags that name different patch groups" in told
