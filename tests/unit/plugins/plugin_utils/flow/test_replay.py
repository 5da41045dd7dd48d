"""A saved inventory or document is judged again, at its own time and with the same decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.replay import judge_saved, load_saved

NOW = "2026-11-20T12:00:00Z"
BASELINE = {
    "name": "web",
    "operating_system": "UBUNTU",
    "approval_rules": [{"filters": {"priority": ["Required"]}, "compliance_level": "HIGH"}],
    "rejected_patches": ["evil"],
}
INVENTORY = {
    "operating_system": "UBUNTU",
    "product": "Ubuntu22.04",
    "candidates": [
        {
            "name": name,
            "arch": "amd64",
            "version": "2",
            "installed_version": "1",
            "product": "Ubuntu22.04",
            "priority": "Required",
            "section": "admin",
            "security": True,
            "repository": "jammy-security",
            "released": None,
        }
        for name in ("good", "evil")
    ],
    "installed": [
        {
            "name": "good",
            "arch": "amd64",
            "version": "1",
            "installed_version": "1",
            "product": "Ubuntu22.04",
            "priority": "Required",
            "section": "admin",
            "security": True,
            "repository": "jammy-security",
            "released": None,
        }
    ],
}


def judge(inventory: Any = None, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "inventory": INVENTORY if inventory is None else inventory,
        "baseline": BASELINE,
        "baselines": [],
        "patch_group": None,
        "patch_groups": {},
        "cloud_tags": None,
        "default_baselines": {},
        "operation": "Install",
        "install_override_list": None,
        "delay_clock": "vendor",
        "include_installed": False,
        "honour_host_excludes": True,
        "honour_phasing": True,
        "as_of": None,
    }
    return judge_saved({**arguments, **changes}, now=NOW)


def test_every_decision_has_a_reason_and_a_sentence() -> None:
    result = judge()
    assert [(each["decision"], each["reason"]) for each in result["decisions"]] == [
        ("approved", "approved_by_rule"),
        ("rejected", "rejected_explicitly"),
    ]
    assert all(each["explanation"].endswith(".") for each in result["decisions"])
    assert result["counts"] == {"approved": 1, "rejected": 1}
    assert result["as_of"] == NOW
    assert result["baseline"]["name"] == "web"


def test_a_path_a_mapping_and_json_text_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(INVENTORY))
    assert judge(str(path)) == judge() == judge(json.dumps(INVENTORY))


def test_what_is_installed_is_judged_for_itself_when_asked() -> None:
    decisions = judge(include_installed=True)["decisions"]
    assert [each["version"] for each in decisions] == ["2", "2", "1"]
    assert decisions[2]["decision"] == "approved"


KEPT_AWAY = [
    ({"held": {"kind": "hold", "detail": "dpkg selection hold"}}, [], "HELD", "excludes it by hold"),
    ({"deferred": True}, [], "DEFERRED_PHASED", "in phases"),
    ({}, [{"name": "good", "arch": "amd64", "kind": "pin", "version": "3", "detail": "p"}], "HELD", "by pin"),
]


@pytest.mark.parametrize(("record", "holds", "detail", "words"), KEPT_AWAY)
def test_a_version_that_the_host_is_kept_from_does_not_hide_the_fix_below_it(
    record: dict[str, Any], holds: list[dict[str, Any]], detail: str, words: str
) -> None:
    newer = {**INVENTORY["candidates"][0], "version": "3", **record}
    saved = {**INVENTORY, "candidates": [newer, INVENTORY["candidates"][0]], "holds": holds}
    above, below = judge(saved)["decisions"]
    assert (above["decision"], above["detail"], below["decision"]) == ("approved", detail, "approved")
    assert words in above["explanation"]
    assert "detail" not in below
    assert ("state" in above, below["state"]) == (False, "MISSING")
    both_off = judge(saved, honour_host_excludes=False, honour_phasing=False)["decisions"]
    assert [each["reason"] for each in both_off] == ["approved_by_rule", "superseded_by_newer"]


@pytest.mark.parametrize("detail", ["HELD", "DEFERRED_PHASED"])
def test_a_document_still_knows_what_the_host_was_kept_from(detail: str) -> None:
    newer = {**INVENTORY["candidates"][0], "version": "3", "detail": detail}
    document = {"operating_system": "UBUNTU", "patches": [newer, INVENTORY["candidates"][0]]}
    above, below = judge(document)["decisions"]
    assert (above["detail"], below["decision"]) == (detail, "approved")


def test_a_document_of_windows_is_no_inventory_of_it() -> None:
    with pytest.raises(PatchError, match="inventory that scan_host saved") as error:
        judge({"operating_system": "WINDOWS", "patches": []})
    assert error.value.kind == "bad_inventory"


def test_a_document_is_judged_at_the_time_of_its_run() -> None:
    document = {
        "operating_system": "UBUNTU",
        "run": {"as_of": "2026-01-02T03:04:05Z"},
        "patch_group": "web",
        "patches": [
            {**INVENTORY["candidates"][0], "state": "MISSING", "cves": []},
            {**INVENTORY["installed"][0], "version": None, "state": "INSTALLED"},
        ],
    }
    result = judge(document)
    assert result["as_of"] == "2026-01-02T03:04:05Z"
    assert [each["decision"] for each in result["decisions"]] == ["approved"]
    by_group = judge(document, baseline=None, baselines=[BASELINE], patch_groups={"web": {"UBUNTU": "web"}})
    assert by_group["baseline"]["source"] == "patch group 'web', UBUNTU"


def test_without_a_baseline_the_predefined_one_counts() -> None:
    assert judge(baseline=None)["baseline"]["source"] == "predefined for UBUNTU"


@pytest.mark.parametrize(
    "value",
    [
        "/no/such/file",
        "{",
        [],
        7,
        {},
        {"operating_system": "UBUNTU"},
        {"operating_system": "UBUNTU", "candidates": [1]},
    ],
)
def test_what_cannot_be_judged_is_refused(value: Any) -> None:
    with pytest.raises(PatchError) as caught:
        load_saved(value)
    assert caught.value.kind == "bad_inventory"


def test_all_problems_of_a_bad_baseline_are_told_at_once() -> None:
    with pytest.raises(PatchError) as caught:
        judge(baseline={**BASELINE, "aproval_rules": [], "rejected_patches": 7})
    assert caught.value.kind == "bad_baseline"
    assert len(caught.value.details["problems"]) >= 2
