"""Which baseline a host gets, and every mistake in the registry at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import digest, parse_baselines
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baselines
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.baselines import (
    patch_group_problems,
    resolve_baseline,
)

RULES = [{"filters": {"product": ["*"]}, "enable_non_security": True}]


def ours() -> list[dict[str, Any]]:
    raw = [
        {"name": "web-prod", "operating_system": "UBUNTU", "approval_rules": RULES},
        {"name": "fleet-wide", "operating_system": "UBUNTU", "approval_rules": RULES},
        {"name": "deb-prod", "operating_system": "DEBIAN", "approval_rules": RULES},
    ]
    return parse_baselines(raw)[0]


def test_the_patch_group_comes_before_the_default() -> None:
    resolved = resolve_baseline(
        ours(),
        operating_system="UBUNTU",
        patch_group="web",
        patch_groups={"web": {"UBUNTU": "web-prod"}},
        default_baselines={"UBUNTU": "fleet-wide"},
    )
    assert resolved.name == "web-prod"
    assert resolved.source == "patch group 'web', UBUNTU"
    assert resolved.digest == digest(resolved.baseline)


@pytest.mark.parametrize(
    ("group", "groups", "why"),
    [
        (None, {"web": {"UBUNTU": "web-prod"}}, "default for UBUNTU"),
        ("", {"web": {"UBUNTU": "web-prod"}}, "default for UBUNTU"),
        (
            "web",
            {"web": {"DEBIAN": "deb-prod"}},
            "default for UBUNTU (patch group 'web' has no baseline for it)",
        ),
        ("db", {"web": {"UBUNTU": "web-prod"}}, "default for UBUNTU (patch group 'db' is not in patch_groups)"),
        ("db", None, "default for UBUNTU (patch group 'db' is not in patch_groups)"),
    ],
)
def test_a_host_without_a_registered_group_gets_the_default(
    group: str | None, groups: dict[str, Any] | None, why: str
) -> None:
    resolved = resolve_baseline(
        ours(),
        operating_system="UBUNTU",
        patch_group=group,
        patch_groups=groups,
        default_baselines={"UBUNTU": "fleet-wide"},
    )
    assert (resolved.name, resolved.source) == ("fleet-wide", why)


@pytest.mark.parametrize("operating_system", sorted({each["operating_system"] for each in predefined_baselines()}))
def test_without_any_setting_every_operating_system_has_its_predefined_baseline(operating_system: str) -> None:
    resolved = resolve_baseline([], operating_system=operating_system)
    assert resolved.baseline["operating_system"] == operating_system
    assert resolved.name.startswith("AWS-")
    assert resolved.source == f"predefined for {operating_system}"


def test_a_predefined_baseline_can_be_registered_by_name() -> None:
    resolved = resolve_baseline(
        ours(),
        operating_system="UBUNTU",
        patch_group="web",
        patch_groups={"web": {"UBUNTU": "AWS-UbuntuDefaultPatchBaseline"}},
        default_baselines={"UBUNTU": "fleet-wide"},
    )
    assert resolved.name == "AWS-UbuntuDefaultPatchBaseline"


def test_a_group_called_by_a_number_in_yaml_is_found() -> None:
    resolved = resolve_baseline(
        ours(), operating_system="UBUNTU", patch_group="2024", patch_groups={2024: {"UBUNTU": "web-prod"}}
    )
    assert resolved.name == "web-prod"


def test_every_problem_is_named_with_its_place_at_once() -> None:
    problems = patch_group_problems(
        ours(),
        patch_groups={
            "web": {"UBUNTU": "web-prd", "Ubuntu": "web-prod", "DEBIAN": "web-prod"},
            "db": {"UBUNTU": ["web-prod", "fleet-wide"]},
            "x" * 257: {"UBUNTU": "web-prod"},
            "list": ["web-prod"],
            "empty": {"UBUNTU": None},
        },
        default_baselines={"PLAN9": "web-prod"},
    )
    told = {each["where"]: each["message"] for each in problems}
    assert told["patch_groups.web.UBUNTU"] == "no baseline is called 'web-prd'; did you mean 'web-prod'?"
    assert told["patch_groups.web.Ubuntu"] == "unknown operating system; did you mean 'UBUNTU'?"
    assert told["patch_groups.web.DEBIAN"] == "baseline 'web-prod' is for UBUNTU, not DEBIAN"
    assert (
        told["patch_groups.db.UBUNTU"]
        == "one baseline per patch group and operating system, not 2 (web-prod, fleet-wide)"
    )
    assert told["patch_groups." + "x" * 257] == "the name of a patch group has 1 to 256 characters"
    assert told["patch_groups.list"].startswith("must map operating systems to baseline names")
    assert told["patch_groups.empty.UBUNTU"] == "must be the name of a baseline"
    assert told["default_baselines.PLAN9"].startswith("unknown operating system; known are ALMA_LINUX, ")
    assert len(problems) == 8


def test_a_mistake_in_another_group_refuses_every_host() -> None:
    with pytest.raises(PatchError) as caught:
        resolve_baseline(
            ours(),
            operating_system="UBUNTU",
            patch_group="web",
            patch_groups={"web": {"UBUNTU": "web-prod"}, "db": {"UBUNTU": "nothing"}},
            default_baselines={"DEBIAN": "nothing"},
        )
    assert caught.value.kind == "bad_patch_groups"
    assert [each["where"] for each in caught.value.details["problems"]] == [
        "patch_groups.db.UBUNTU",
        "default_baselines.DEBIAN",
    ]
    assert "patch_groups.db.UBUNTU: " in caught.value.message
    assert "default_baselines.DEBIAN: " in caught.value.message


@pytest.mark.parametrize("groups", ["web", ["web"], 7])
def test_a_registry_that_is_no_mapping_is_a_problem(groups: Any) -> None:
    assert [each["where"] for each in patch_group_problems(ours(), patch_groups=groups)] == ["patch_groups"]
