"""What may stand in patch_baselines: baselines, files, folders, and output of the AWS command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.baseline_entries import read_registry

OURS = {"name": "web-prod", "operating_system": "UBUNTU", "approval_rules": [{"filters": {"product": ["*"]}}]}


def from_aws(name: str, *groups: str, system: str = "UBUNTU") -> dict[str, Any]:
    """As `aws ssm get-patch-baseline --output json` prints it."""
    return {
        "BaselineId": f"pb-{name}",
        "Name": name,
        "OperatingSystem": system,
        "GlobalFilters": {"PatchFilters": []},
        "ApprovalRules": {"PatchRules": []},
        "ApprovedPatches": [],
        "ApprovedPatchesComplianceLevel": "UNSPECIFIED",
        "RejectedPatches": [],
        "RejectedPatchesAction": "ALLOW_AS_DEPENDENCY",
        "PatchGroups": list(groups),
        "CreatedDate": "2026-01-10T09:00:00.123000+00:00",
        "ModifiedDate": "2026-01-10T09:00:00.123000+00:00",
        "Sources": [],
    }


def identity(name: str, *, default: bool, system: str = "UBUNTU", baseline_id: str | None = None) -> dict[str, Any]:
    """An entry of `aws ssm describe-patch-baselines`."""
    return {"BaselineId": baseline_id or f"pb-{name}", "BaselineName": name, "OperatingSystem": system,
            "BaselineDescription": "", "DefaultBaseline": default}  # fmt: skip


def names(registry: Any) -> list[str]:
    return [each["name"] for each in registry.baselines]


def problems(raw: Any, folder: Path | None = None) -> dict[str, str]:
    with pytest.raises(PatchError) as caught:
        read_registry(raw, folder=folder)
    return {each["where"]: each["message"] for each in caught.value.details["problems"]}


def test_a_file_holds_one_baseline_a_list_or_a_vars_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(from_aws("aws-one")))
    (tmp_path / "list.yml").write_text(yaml.safe_dump([OURS, {**OURS, "name": "second"}]))
    (tmp_path / "vars.yaml").write_text(yaml.safe_dump({"patch_baselines": [{**OURS, "name": "third"}]}))
    found = read_registry(
        ["one.json", "list.yml", str(tmp_path / "vars.yaml"), {**OURS, "name": "last"}], folder=tmp_path
    )
    assert names(found) == ["aws-one", "web-prod", "second", "third", "last"]


def test_a_folder_gives_its_files_by_name_and_nothing_else_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    (folder / "sub.yml").mkdir(parents=True)
    (folder / "b.yml").write_text(yaml.safe_dump(OURS))
    (folder / "a.json").write_text(json.dumps(from_aws("aws-one")))
    (folder / "README.md").write_text("not a baseline")
    assert names(read_registry(["baselines"], folder=tmp_path)) == ["aws-one", "web-prod"]


def test_dates_in_yaml_are_read_as_in_json(tmp_path: Path) -> None:
    (tmp_path / "dated.yml").write_text(
        "name: dated\noperating_system: AMAZON_LINUX_2\napproval_rules:\n"
        "  - filters: {product: ['*']}\n    approve_until_date: 2026-05-01\n"
    )
    (found,) = read_registry(["dated.yml"], folder=tmp_path).baselines
    assert found["approval_rules"][0]["approve_until_date"] == "2026-05-01"


def test_a_problem_in_a_file_names_entry_file_and_place_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(yaml.safe_dump([OURS, {**OURS, "name": "x-y", "operating_system": "BEOS"}]))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "text.yml").write_text("just words")
    (tmp_path / "chain.yml").write_text("[bad.yml]")
    (tmp_path / "empty").mkdir()
    found = problems(["bad.yml", "broken.json", "text.yml", "chain.yml", "empty", "missing.yml", 7], tmp_path)
    places = {place.split(" (")[0] for place in found}
    assert f"patch_baselines[0] ({tmp_path / 'bad.yml'})[1].operating_system" in found
    assert places == {f"patch_baselines[{number}]" for number in range(7)}
    assert "No such file" in found[f"patch_baselines[5] ({tmp_path / 'missing.yml'})"]
    assert "cannot name further files" in found[f"patch_baselines[3] ({tmp_path / 'chain.yml'})[0]"]


def test_one_name_twice_is_told_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text(yaml.safe_dump(OURS))
    place = f"patch_baselines[1] ({tmp_path / 'one.yml'}).name"
    told = "'web-prod' is already the name of patch_baselines[0]; rename one"
    assert problems([OURS, "one.yml"], tmp_path) == {place: told}


def test_a_file_that_is_no_baseline_by_its_size_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.yml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    assert "larger than" in problems(["big.yml"], tmp_path)[f"patch_baselines[0] ({tmp_path / 'big.yml'})"]


def test_patch_groups_of_the_aws_output_are_registered() -> None:
    found = read_registry([from_aws("web", "web", "shop"), from_aws("deb", "web", system="DEBIAN")])
    assert found.patch_groups == {"web": {"UBUNTU": "web", "DEBIAN": "deb"}, "shop": {"UBUNTU": "web"}}
    assert found.groups_with({"db": {"UBUNTU": "web"}, "web": {"UBUNTU": "web"}})["db"] == {"UBUNTU": "web"}


def test_two_baselines_for_one_group_and_system_are_refused_wherever_they_are_registered() -> None:
    assert "already" in problems([from_aws("one", "web"), from_aws("two", "web")])["patch_baselines[1].PatchGroups"]
    found = read_registry([from_aws("one", "web"), OURS])
    with pytest.raises(PatchError, match=r"patch_groups.web.UBUNTU: 'web-prod', but baseline 'one'") as caught:
        found.groups_with({"web": {"UBUNTU": "web-prod"}})
    assert caught.value.kind == "bad_patch_groups"


def test_the_list_of_baselines_says_which_is_the_default() -> None:
    listed = {"BaselineIdentities": [
        identity("renamed-since", default=True, baseline_id="pb-web"),
        identity("AWS-DebianDefaultPatchBaseline", default=True, system="DEBIAN"),
        identity("web", default=False),
        identity("elsewhere", default=False, system="SUSE"),
    ]}  # fmt: skip
    found = read_registry([from_aws("web"), listed])
    assert found.default_baselines == {"UBUNTU": "web", "DEBIAN": "AWS-DebianDefaultPatchBaseline"}
    assert found.warnings[-1] == (
        "patch_baselines[1].BaselineIdentities[3]: the rules of 'elsewhere' are not here, so no host can get it"
    )
    assert found.defaults_with({"UBUNTU": "web-prod"})["UBUNTU"] == "web-prod"


def test_a_default_without_its_rules_is_refused_and_says_what_to_add() -> None:
    listed = {"BaselineIdentities": [identity("elsewhere", default=True)]}
    (message,) = problems([listed]).values()
    assert "get-patch-baseline" in message
    assert "must be a list" in problems([{"BaselineIdentities": {}}])["patch_baselines[0].BaselineIdentities"]
    assert "BaselineName" in problems([{"BaselineIdentities": [7]}])["patch_baselines[0].BaselineIdentities[0]"]
