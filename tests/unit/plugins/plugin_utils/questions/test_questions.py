"""What documents tell together, as Patch Manager's Describe calls answer it."""

from __future__ import annotations

from typing import Any

import pytest
from documents_for_tests import FakeRun, baseline, candidate, document, inventory
from documents_for_tests import installed as package

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.changes import compare_runs, host_history
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.checked import why_not_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.filters import COUNT_KEYS
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.hosts import group_state, host_states
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.patches import effective_patches, patches_of
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.staleness import (
    is_stale,
    last_readings,
    not_scanned,
    utc_time,
)

FIX = candidate("libssl3")
ERROR = {"kind": "no_interpreter", "message": "no interpreter has apt_pkg"}


def lacking(host: str, *names: str, **options: Any) -> dict[str, Any]:
    return document(host, found=inventory(candidates=[candidate(name) for name in names]), **options)


def unread(host: str, **options: Any) -> dict[str, Any]:
    at = {"started_at": "2026-11-20T12:00:00Z", "finished_at": "2026-11-20T12:00:05Z"}
    return build_unknown_document(FakeRun(), ERROR, host=host, **{**at, **options})


def fleet() -> list[dict[str, Any]]:
    return [
        lacking("a", "libssl3", "zlib1g", patch_group="web"),
        lacking("b", "libssl3", patch_group="web"),
        document("c", found=inventory(installed=[package("zlib1g", security=True)]), patch_group="web"),
        unread("d", patch_group="web"),
        lacking("e", "libssl3", patch_group="db"),
    ]


def test_group_state_counts_hosts_and_keeps_those_without_counts_apart() -> None:
    state = group_state(fleet(), patch_group="web")
    assert state["instances"] == 4
    assert state["instances_unknown"] == 1
    assert state["instances_with_missing_patches"] == 2
    assert state["instances_with_installed_patches"] == 1
    assert state["instances_with_security_non_compliant_patches"] == 2
    assert state["instances_with_not_applicable_patches"] == 0
    assert len(state) == 14
    assert group_state(fleet())["instances"] == 5


@pytest.mark.parametrize(
    ("operator", "value", "hosts"),
    [
        ("Equal", 1, ["b"]),
        ("NotEqual", 1, ["a", "c"]),
        ("LessThan", 1, ["c"]),
        ("GreaterThan", 0, ["a", "b"]),
    ],
)
def test_hosts_of_a_group_are_filtered_by_their_counts(operator: str, value: int, hosts: list[str]) -> None:
    filters = [{"key": "MissingCount", "values": [str(value)], "type": operator}]
    assert [each["host"] for each in host_states(fleet(), patch_group="web", filters=filters)] == hosts
    as_the_service_writes = [{"Key": "MissingCount", "Values": [value], "Type": operator}]
    assert [each["host"] for each in host_states(fleet(), patch_group="web", filters=as_the_service_writes)] == hosts


@pytest.mark.parametrize(
    "filters",
    [
        [{"key": "HeldCount", "values": ["1"], "type": "Equal"}],
        [{"key": "MissingCount", "values": ["1"], "type": "AtLeast"}],
        [{"key": "MissingCount", "values": ["-1"], "type": "Equal"}],
        [{"key": "MissingCount", "values": ["1", "2"], "type": "Equal"}],
        [{"key": "MissingCount", "values": [], "type": "Equal"}],
        [{"key": key, "values": ["1"], "type": "Equal"} for key in COUNT_KEYS[:5]],
    ],
)
def test_filters_that_patch_manager_refuses_are_refused(filters: list[dict[str, Any]]) -> None:
    with pytest.raises(PatchError) as caught:
        list(host_states(fleet(), filters=filters))
    assert caught.value.kind == "bad_filter"


def test_every_documented_count_is_a_filter_key_of_every_document() -> None:
    for key in COUNT_KEYS:
        list(host_states(fleet(), filters=[{"key": key, "values": [0], "type": "GreaterThan"}]))


def test_the_newest_install_without_reboot_is_told_with_the_host() -> None:
    known = {"a": "2026-11-01T00:00:00Z"}
    states = {each["host"]: each for each in host_states(fleet(), last_no_reboot_installs=known)}
    assert states["a"]["last_no_reboot_install"] == "2026-11-01T00:00:00Z"
    assert states["b"]["last_no_reboot_install"] is None
    own = lacking("f", "libssl3", operation="Install", reboot_option="NoReboot")
    assert next(host_states([own]))["last_no_reboot_install"] == "2026-11-20T12:00:05Z"


def test_patches_of_a_host_are_filtered_by_state_severity_and_classification() -> None:
    found = inventory(
        candidates=[candidate("a", severity="Moderate"), candidate("b", severity="Important")],
        installed=[package("c", security=True)],
    )
    made = document(found=found)
    missing = patches_of(made, [{"key": "State", "values": ["MISSING"]}])
    assert [entry["name"] for entry in missing] == ["a", "b"]
    assert patches_of(made, [{"key": "Severity", "values": ["Medium"]}]) == []
    amazon = {**made, "operating_system": "AMAZON_LINUX_2023"}
    assert [entry["name"] for entry in patches_of(amazon, [{"key": "Severity", "values": ["Medium"]}])] == ["a"]
    both = [{"key": "State", "values": ["MISSING"]}, {"key": "Severity", "values": ["Important"]}]
    assert [entry["name"] for entry in patches_of(made, both)] == ["b"]
    assert [entry["name"] for entry in patches_of(made, [{"key": "KBId", "values": ["C.AMD64"]}])] == ["c"]
    assert len(patches_of(made)) == 3
    with pytest.raises(PatchError):
        patches_of(made, [{"key": "Name", "values": ["a"]}])


@pytest.mark.parametrize(
    "filters",
    [
        [{"key": "State", "values": ["MISSNG"]}],
        [{"key": "State", "values": ["MISSING", "missing"]}],
        [{"key": "State", "values": []}],
        [{"key": "MissingCount", "values": [1]}],
    ],
)
def test_a_filter_that_could_never_fit_is_refused_and_not_answered_with_nothing(filters: list[dict[str, Any]]) -> None:
    with pytest.raises(PatchError) as caught:
        patches_of(document("a", found=inventory()), filters)
    assert caught.value.kind == "bad_filter"


def test_effective_patches_tell_what_is_approved_pending_and_on_a_list() -> None:
    base = baseline(
        approval_rules=[
            {"filters": {"section": ["libs"]}, "compliance_level": "HIGH"},
            {"filters": {"section": ["net"]}, "approve_after_days": 7},
        ],
        approved_patches=["named"],
        rejected_patches=["docker"],
    )
    found = inventory(
        candidates=[
            candidate("libssl3"),
            candidate("curl", section="net", first_seen="2026-11-18T00:00:00Z"),
            candidate("named", section="x"),
            candidate("docker", section="x"),
            candidate("other", section="x"),
        ]
    )
    made = [document(host, found=found, base=base, delay_clock="first_seen") for host in ("a", "b")]
    patches = {each["name"]: each for each in effective_patches(made, baseline="web-prod")}
    assert {name: each["status"] for name, each in patches.items()} == {
        "libssl3": "APPROVED",
        "curl": "PENDING_APPROVAL",
        "named": "EXPLICIT_APPROVED",
        "docker": "EXPLICIT_REJECTED",
    }
    assert patches["curl"]["approves_on"] == "2026-11-25"
    assert patches["libssl3"]["hosts"] == 2
    assert effective_patches(made, baseline="other") == []


def test_two_runs_differ_in_what_opened_what_was_resolved_and_who_was_there() -> None:
    before = {each["host"]: each for each in (lacking("a", "libssl3"), lacking("b", "libssl3"), lacking("gone", "x"))}
    done = document("a", found=inventory(installed=[package("libssl3", "1.0-2", security=True)]))
    after = [done, lacking("b", "libssl3"), lacking("new", "x")]
    answer = compare_runs(before.get, after, hosts_before=before)
    assert answer["only_before"] == ["gone"]
    assert answer["only_after"] == ["new"]
    assert answer["unchanged"] == 1
    (changed,) = answer["hosts"]
    assert (changed["host"], changed["before"], changed["after"]) == ("a", "non_compliant", "compliant")
    assert [each["id"] for each in changed["resolved"]] == ["libssl3.amd64"]
    assert changed["opened"] == []


def test_a_host_that_could_not_be_read_resolves_nothing() -> None:
    answer = compare_runs({"a": lacking("a", "libssl3")}.get, [unread("a")], hosts_before=["a"])
    (changed,) = answer["hosts"]
    assert changed["comparable"] is False
    assert changed["resolved"] == []
    history = list(host_history([lacking("a", "libssl3"), unread("a"), lacking("a", "libssl3", "zlib1g")]))
    assert [each["verdict"] for each in history] == ["non_compliant", "unknown", "non_compliant"]
    assert [each["id"] for each in history[2]["opened"]] == ["zlib1g.amd64"]


def test_hosts_not_scanned_for_days_are_stale_and_those_never_scanned_come_first() -> None:
    now = utc_time("2026-11-27T12:00:05Z")
    reached = last_readings([lacking("a", "x"), unread("d")])
    assert reached == {"a": "2026-11-20T12:00:05Z"}
    assert not_scanned(reached, now=now, days=7, hosts=["a", "d"]) == [{"host": "d", "last_scan": None, "days": None}]
    late = not_scanned(reached, now=now, days=6.5, hosts=["a", "d"])
    assert [(each["host"], each["days"]) for each in late] == [("d", None), ("a", 7)]
    assert not is_stale("2026-11-20T12:00:05Z", now=now, days=7)
    assert is_stale(None, now=now, days=7)


def test_documents_of_this_release_are_taken_and_others_are_told_what_they_lack() -> None:
    for each in fleet():
        assert why_not_document(each) is None
    made = lacking("a", "libssl3")
    assert why_not_document([]) == "it is not a JSON object"
    assert "schema_version" in str(why_not_document({**made, "schema_version": "2.0"}))
    for name in ("host", "summary", "patches", "times", "error", "run"):
        assert why_not_document({key: value for key, value in made.items() if key != name}) is not None
    broken = {**made, "patches": [{**made["patches"][0], "cves": [1]}]}
    assert "patches" in str(why_not_document(broken))
    assert why_not_document({**made, "summary": {**made["summary"], "missing_count": "1"}}) is not None
