"""Snapshots: frozen from canaries that are clean, read back as they were, never anything newer than what they say."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import operator_yaml
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import (
    KIND,
    MOST_BYTES,
    Frozen,
    Snapshot,
    freeze,
    parse_snapshot,
)

UBUNTU, JAMMY = "UBUNTU", "Ubuntu22.04"
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)


def entry(name: str, version: str, state: str = "INSTALLED", decision: str = "approved") -> dict[str, Any]:
    return {
        "id": f"{name}.amd64", "name": name, "arch": "amd64", "installed_version": version, "state": state,
        "decision": decision,
    }  # fmt: skip


def document(host: str, *patches: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "host": host, "operating_system": UBUNTU, "product": JAMMY, "operation": "Install", "error": None,
        "verdict": "compliant", "run": {"id": "r1", "as_of": "2026-11-20T00:00:00Z"},
        "baseline": {"name": "web", "digest": "sha256:b"}, "installation": {"result": "SUCCEEDED"},
        "patches": list(patches), "pulled_in": [], **more,
    }  # fmt: skip


def frozen(*documents: dict[str, Any]) -> dict[str, Any]:
    return freeze(documents, frozen_at="2026-11-20T01:00:00Z", comment="CHG-1")


def read(raw: dict[str, Any]) -> Snapshot:
    content = yaml.safe_dump(raw, sort_keys=False).encode()
    return parse_snapshot(operator_yaml.parse(content, named="it", kind=KIND, most=MOST_BYTES), named="it")


def test_what_is_approved_and_on_the_canaries_is_frozen_with_what_came_along() -> None:
    along = {"name": "libnew", "arch": "amd64", "installed_version": None, "version": "1.10"}
    raw = frozen(
        document("b", entry("curl", "2"), entry("own", "7", "INSTALLED_OTHER"), pulled_in=[along]),
        document(
            "a", entry("curl", "2"), entry("linux", "5", "INSTALLED_PENDING_REBOOT"), entry("linux", "4"),
            entry("libdep", "3", "INSTALLED_PENDING_REBOOT", "not_approved"),
        ),
    )  # fmt: skip
    [system] = raw["systems"]
    assert [(each["name"], each["version"]) for each in system["approved"]] == [("curl", "2"), ("linux", "5")]
    assert [each["name"] for each in system["pulled_in"]] == ["libdep", "libnew"]
    assert list(system["hosts"]) == ["a", "b"]
    part = read(raw).of(UBUNTU, JAMMY)
    assert part.has("curl", "amd64", "2")
    assert part.has("libnew", "amd64", "1.10")
    assert not part.has("curl", "amd64", "3")
    assert read(raw).digest == raw["digest"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"operation": "Scan"}, "scanned, not installed on"),
        ({"patches": [entry("curl", "1", "MISSING")]}, "lacks approved patches: curl.amd64"),
        ({"patches": [entry("curl", "1", "FAILED")]}, "lacks approved patches: curl.amd64"),
        ({"error": {"kind": "x", "message": "y"}}, "could not be judged"),
        ({"operating_system": "WINDOWS"}, "KB ids"),
    ],
)
def test_a_canary_that_proves_nothing_freezes_nothing(change: dict[str, Any], told: str) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        frozen(document("good", entry("curl", "2")), document("bad", **change))
    assert caught.value.kind == "bad_canary"
    assert "bad: " in caught.value.message


def test_without_documents_there_is_nothing_to_freeze() -> None:
    with pytest.raises(PatchError, match="install on the canaries first"):
        frozen()


def test_a_signature_is_no_change_but_any_other_edit_is() -> None:
    raw = frozen(document("a", entry("curl", "2")))
    assert read(raw | {"signed_off_by": "the change board"}).signed_off_by == "the change board"
    edited = copy.deepcopy(raw)
    edited["systems"][0]["approved"][0]["version"] = "3"
    with pytest.raises(PatchError, match="was changed after it was frozen") as caught:
        read(edited)
    meant = caught.value.message.split(" has ")[1].split(". ")[0]
    assert read(edited | {"digest": meant}).of(UBUNTU, JAMMY).has("curl", "amd64", "3")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "something"}, "is no snapshot"),
        ({"extra": 1}, "unknown key"),
        ({"systems": []}, "at least one entry"),
        ({"systems": [{"operating_system": "PLAN9", "product": "x", "approved": [], "pulled_in": []}]}, "PLAN9"),
        ({"systems": [{"operating_system": UBUNTU, "product": "x", "pulled_in": [],
                       "approved": [{"name": "a", "arch": "", "version": 1.1}]}]},
         r"systems\[0\]\.approved\[0\]: must have name, arch and version"),
    ],
)  # fmt: skip
def test_a_wrong_snapshot_is_refused_by_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        read(frozen(document("a", entry("curl", "2"))) | change)
    assert caught.value.kind == KIND


def test_a_host_that_no_canary_was_like_is_refused() -> None:
    with pytest.raises(PatchError, match="frozen from hosts with UBUNTU Ubuntu22.04"):
        read(frozen(document("a", entry("curl", "2")))).of("DEBIAN", "Debian12")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a: &x [1]\nb: *x\n", "line 2, column 4: cannot be read as YAML: aliases"),
        (b"a: 1\na: 2\n", "'a' comes twice"),
        (b"a: [", "cannot be read as YAML"),
        (b"\xff", "cannot be read as YAML"),
        (b"!!python/object/apply:os.getcwd []", "cannot be read as YAML"),
        (b"[" * 100_000, "cannot be read as YAML"),
        (b" " * 200_001, "more than 200000 bytes"),
    ],
)
def test_yaml_that_is_no_plain_value_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        operator_yaml.parse(text, named="The list x", kind="bad_x", most=200_000)
    assert caught.value.kind == "bad_x"


numbers = st.integers(1, 6)
tables = st.dictionaries(st.sampled_from(["curl", "nano", "vim"]), st.frozensets(numbers, min_size=1, max_size=2))


@EXAMPLES
@given(tables, st.dictionaries(st.sampled_from(["curl", "nano", "vim"]), st.tuples(numbers, st.frozensets(numbers))))
def test_exactly_the_frozen_versions_are_taken_or_told_as_unavailable(
    listed: dict[str, frozenset[int]], host: dict[str, tuple[int, frozenset[int]]]
) -> None:
    part = Frozen(UBUNTU, JAMMY, {(name, "amd64"): frozenset(map(str, found)) for name, found in listed.items()})
    installed = [
        {"name": name, "arch": "amd64", "installed_version": str(now)} for name, (now, _wanted) in host.items()
    ]
    candidates = [
        {"name": name, "arch": "amd64", "installed_version": str(now), "version": str(each)}
        for name, (now, found) in host.items()
        for each in sorted(found)
        if each > now
    ]
    decided = part.decide(candidates, [{"decision": "approved", "reason": "approved_by_rule"} for _each in candidates])
    taken = {
        (record["name"], int(record["version"]))
        for record, decision in zip(candidates, decided, strict=True)
        if decision["decision"] == "approved"
    }
    assert all(version in listed.get(name, ()) for name, version in taken)
    missing = {each["name"] for each in part.unavailable(installed, candidates)}
    for name, (now, _found) in host.items():
        wanted = any(each > now for each in listed.get(name, ()))
        assert wanted == (name in missing or any(each[0] == name for each in taken))
        assert not (name in missing and any(each[0] == name for each in taken))


def test_what_the_host_rejects_stays_rejected() -> None:
    part = Frozen(UBUNTU, JAMMY, {("curl", "amd64"): frozenset({"2"})})
    record = {"name": "curl", "arch": "amd64", "installed_version": "1", "version": "2"}
    rejected = {"decision": "rejected", "reason": "rejected_explicitly"}
    assert part.decide([record], [rejected]) == [rejected]
