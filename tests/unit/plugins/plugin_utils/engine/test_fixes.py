"""Closing CVEs and advisories: exactly the packages that need it, each by its lowest version with the fix."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.candidates import prepare
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.fixes import Wanted, never_named
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import operating_system
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

SYSTEM = "REDHAT_ENTERPRISE_LINUX"
NOW = "2026-11-20T00:00:00Z"
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True)
CVES = ["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"]


def record(name: str, installed: str | None, version: str, *cves: str, **more: Any) -> dict[str, Any]:
    advisories = [{"id": f"RHSA-2026:{version}", "cves": list(cves)}] if cves else []
    return {
        "name": name, "arch": "x86_64", "installed_version": installed, "version": version,
        "advisories": advisories, "security": bool(cves), **more,
    }  # fmt: skip


def chosen(records: list[dict[str, Any]], *entries: dict[str, str], system: str = SYSTEM) -> list[tuple[str, str]]:
    decisions = evaluate(
        {"name": "t"}, records, operating_system=system, as_of=NOW, install_override_list={"patches": list(entries)}
    )
    return [
        (each["name"], each["version"])
        for each, decision in zip(records, decisions, strict=True)
        if decision["decision"] == "approved"
    ]


CLOSE = {"cve": "cve-2026-0001"}


def test_the_lowest_version_with_the_fix_is_taken_and_nothing_else() -> None:
    records = [
        record("bash", "1-1", "1-3", CVES[0]),
        record("bash", "1-1", "1-2"),
        record("bash", "1-1", "1-10", CVES[0]),
        record("curl", "1-1", "1-2", CVES[1]),
    ]
    assert chosen(records, CLOSE) == [("bash", "1-3")]
    assert chosen(records, {"advisory": "RHSA-2026:1-10"}) == [("bash", "1-10")]


def test_what_is_not_taken_for_a_fix_says_why() -> None:
    records = [
        record("bash", "1-1", "1-3", CVES[0]),
        record("bash", "1-1", "1-10", CVES[0]),
        record("bash", "1-1", "1-2", CVES[1]),
        record("curl", None, "1-2", CVES[0]),
        record("sudo", "2-1", "1-2", CVES[0]),
        record("vim", "1-2", "1-2", CVES[0]),
    ]
    entries = {"patches": [CLOSE]}
    decisions = evaluate({"name": "t"}, records, operating_system=SYSTEM, as_of=NOW, install_override_list=entries)
    assert [(decision["decision"], decision["reason"]) for decision in decisions] == [
        ("approved", "override_list"),
        ("not_approved", "not_needed_for_fix"),
        ("not_approved", "not_in_override_list"),
        ("not_approved", "not_installed"),
        ("not_approved", "superseded_by_newer"),
        ("not_approved", "not_in_override_list"),
    ]


def test_of_several_cves_the_version_that_closes_them_all_is_taken() -> None:
    records = [record("bash", "1-1", "1-2", CVES[0]), record("bash", "1-1", "1-4", CVES[1])]
    assert chosen(records, CLOSE, {"cve": CVES[1]}) == [("bash", "1-4")]


def test_a_newer_version_counts_as_fixed_where_the_one_of_the_notice_is_gone() -> None:
    gone = [{"version": "1-2", "id": "RHSA-2026:1", "cves": [CVES[0]]}]
    records = [record("bash", "1-1", "1-9", gone_notices=gone), record("bash", "1-1", "1-3", gone_notices=gone)]
    assert chosen(records, CLOSE) == [("bash", "1-3")]
    assert chosen(records, {"advisory": "RHSA-2026:1"}) == [("bash", "1-3")]


def test_what_the_host_has_already_needs_no_later_update_for_the_same_cve() -> None:
    records = [record("bash", "1-2", "1-2", CVES[0]), record("bash", "1-2", "1-3", CVES[0])]
    assert chosen(records, CLOSE) == []


def test_nothing_new_comes_to_the_host_for_a_fix() -> None:
    assert chosen([record("bash", None, "1-2", CVES[0])], CLOSE) == []


def test_entries_of_every_kind_stand_side_by_side_in_one_list() -> None:
    records = [record("bash", "1-1", "1-2", CVES[0]), record("curl", "1-1", "1-2"), record("vim", "1-1", "1-2")]
    assert chosen(records, CLOSE, {"id": "curl.*"}, {"kb": "KB1"}) == [("bash", "1-2"), ("curl", "1-2")]


def test_windows_takes_updates_by_kb_and_by_the_cves_that_they_name() -> None:
    update = {"title": "u", "installed": False, "classification": "SecurityUpdates"}
    records = [
        {**update, "kb": "KB1", "name": "a", "version": ""},
        {**update, "kb": "KB2", "name": "b", "version": "", "advisories": [{"id": None, "cves": [CVES[0]]}]},
        {**update, "kb": "KB3", "name": "c", "version": ""},
    ]
    assert [name for name, _version in chosen(records, {"kb": "1"}, CLOSE, system="WINDOWS")] == ["a", "b"]


def test_ids_that_nothing_names_are_told() -> None:
    candidates = prepare([record("bash", "1-1", "1-2", CVES[0])], operating_system(SYSTEM))
    assert never_named(candidates, Wanted(frozenset(CVES[:2]), frozenset({"A-1"}))) == ["A-1", CVES[1]]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"cve": "2026-1"}, r"patches\[0\]\.cve: must be like CVE-2026-1234"),
        ({"cve": "CVE-2026-*"}, "must be like CVE-2026-1234"),
        ({"advisory": "RHSA-*"}, "no wildcards"),
        ({"advisory": 7}, "quote numbers"),
        ({"kb": "MS10-048"}, "must be like KB5012345"),
        ({"id": "bash", "cve": "CVE-2026-1234"}, "make it 2 entries"),
        ({"cves": "CVE-2026-1234"}, r"patches\[0\]\.id: must be a non-empty string"),
        ({"id": "a" * 1001}, "more than 1000 characters"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_place(entry: dict[str, Any], told: str) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        chosen([], entry)
    assert caught.value.kind == "bad_override_list"


versions = st.integers(2, 9).map(lambda number: f"1-{number}")
hosts = st.dictionaries(
    st.sampled_from(["bash", "curl", "vim"]),
    st.dictionaries(versions, st.lists(st.sampled_from(CVES), max_size=2, unique=True), max_size=4),
)


@EXAMPLES
@given(hosts, st.lists(st.sampled_from(CVES), min_size=1, unique=True))
def test_the_chosen_set_closes_all_that_can_be_closed_and_is_the_smallest(
    packages: dict[str, dict[str, list[str]]], wanted: list[str]
) -> None:
    records = [
        record(name, "1-1", version, *cves) for name, found in packages.items() for version, cves in found.items()
    ]
    entries = [{"cve": cve} for cve in wanted]
    taken = dict(chosen(records, *entries))
    assert len(taken) == len(chosen(records, *entries))
    for name, found in packages.items():
        lowest = {
            cve: min((v for v, cves in found.items() if cve in cves), default=None) for cve in wanted
        }  # one digit: text order is version order
        needed = [version for version in lowest.values() if version]
        assert taken.get(name) == (max(needed) if needed else None)


@EXAMPLES
@given(hosts, st.sampled_from(CVES))
def test_once_the_chosen_set_is_installed_nothing_more_is_chosen(
    packages: dict[str, dict[str, list[str]]], cve: str
) -> None:
    records = [
        record(name, "1-1", version, *cves) for name, found in packages.items() for version, cves in found.items()
    ]
    taken = dict(chosen(records, {"cve": cve}))
    after = []
    for name, found in packages.items():
        now = taken.get(name, "1-1")
        after += [record(name, now, version, *cves) for version, cves in found.items() if version >= now]
    assert chosen(after, {"cve": cve}) == []
