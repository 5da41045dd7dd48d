"""Whatever comes in, only PatchError comes out: right input with wrong parts put in at random places."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.aws import from_aws, to_aws
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import (
    canonical,
    digest,
    parse_baseline,
    parse_baselines,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.explain import explain
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

EXAMPLES = settings(max_examples=400, deadline=None, derandomize=True)
AS_OF = "2026-11-20T00:00:00Z"
# Python refuses to print it.
UNPRINTABLE = 10**5000
ZONE = datetime.timezone(datetime.timedelta(hours=-14))
NASTY: list[Callable[[], Any]] = [
    *(lambda value=value: value for value in (None, True, -1, 361, 10**19, UNPRINTABLE, 1.5, float("nan"), b"x", (1,))),
    *(lambda value=value: value for value in ("", "*", "**", "\ud800", "\x00\n", "9" * 9000, "1:2:3-4-5", "~", ":")),
    *(lambda value=value: value for value in ("2026-13-45", "9999-12-31", "0001-01-01", "2026-11-20T25:00:00Z")),
    *(lambda value=value: value for value in (datetime.date.max, datetime.datetime.max.replace(tzinfo=ZONE), object())),
    *(lambda value=value: value for value in (frozenset({UNPRINTABLE}), range(3), complex(1, 2))),
    *(dict, list, set, lambda: [None], lambda: [[]], lambda: [{}], lambda: {1: 2}, lambda: {None: None}),
    *(lambda: {UNPRINTABLE: 1}, lambda: [UNPRINTABLE], lambda: {"Name": 1}, lambda: {"PatchFilters": 5}),
    *(lambda: {"PatchRules": [5]}, lambda: {"Key": "A"}, lambda: ["a", "a"]),
]
KEYS = (UNPRINTABLE, True, None, 5, "severety", "NAME", "Filters", "\ud800", (1,), "x" * 500, "aws_members", "tags")

BASELINE: dict[str, Any] = {
    "name": "web",
    "operating_system": "REDHAT_ENTERPRISE_LINUX",
    "global_filters": {"product": ["P"]},
    "approval_rules": [
        {"filters": {"severity": ["Critical"]}, "approve_after_days": 7, "compliance_level": "HIGH"},
        {"filters": {}, "approve_until_date": "2026-01-01", "enable_non_security": True},
    ],
    "approved_patches": ["bash", "CVE-1"],
    "rejected_patches": ["kernel*"],
    "rejected_patches_action": "BLOCK",
    "sources": [{"name": "abc", "products": ["*"], "configuration": "[main]"}],
    "tags": [{"Key": "a", "Value": "b"}],
}
PACKAGES: list[dict[str, Any]] = [
    {
        "name": "bash",
        "arch": "x86_64",
        "version": "1:2-1",
        "installed_version": "1-1",
        "classification": "Security",
        "severity": "Critical",
        "security": True,
        "advisories": [{"id": "A", "cves": ["CVE-1"], "bugzillas": [5], "updated": "2026-11-01", "severity": "Low"}],
        "released": AS_OF,
        "build_time": None,
    },
    {"kb": "KB1", "title": "Update", "name": "x", "version": "1", "superseded_by": "KB2", "child_kbs": ["KB3"]},
]
OVERRIDE: dict[str, Any] = {"patches": [{"id": "bash.*", "title": "*2-1"}, {"id": "KB1"}]}


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield from places(child, (*at, key))


def copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: copy(value) for key, value in tree.items()}
    return [copy(value) for value in tree] if isinstance(tree, list) else tree


@st.composite
def spoiled(draw: st.DrawFn, tree: Any) -> Any:
    """The tree with one to three values replaced, keys added or members removed."""
    tree = copy(tree)
    for _round in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places(tree))))
        value = draw(st.sampled_from(NASTY))()
        if not place:
            return value if draw(st.integers(0, 9)) == 0 else tree
        parent = tree
        for key in place[:-1]:
            parent = parent[key]
        what = draw(st.sampled_from(["replace", "replace", "add", "remove"]))
        if what == "replace":
            parent[place[-1]] = value
        elif what == "remove":
            del parent[place[-1]]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(KEYS))] = value
        else:
            parent.append(value)
    return tree


def attempt(function: Callable[[], Any]) -> Any:
    """The answer, or None for a PatchError that says something; any other exception is the failure we look for."""
    try:
        return function()
    except PatchError as error:
        refusal = error
    assert refusal.message
    for problem in refusal.details.get("problems", []):
        assert problem["where"]
        assert f"{problem['where']}: {problem['message']}" in refusal.message
    return None


@EXAMPLES
@given(spoiled(BASELINE))
def test_reading_a_spoiled_baseline_raises_patch_error_alone(raw: Any) -> None:
    attempt(lambda: parse_baseline(raw, where="b"))
    attempt(lambda: parse_baselines([raw, BASELINE]))
    attempt(lambda: parse_baselines(raw))
    attempt(lambda: digest(raw))
    attempt(lambda: evaluate(raw, PACKAGES[:1], operating_system="REDHAT_ENTERPRISE_LINUX", as_of=AS_OF))


@EXAMPLES
@given(spoiled(BASELINE))
def test_what_can_be_exported_comes_back_the_same(raw: Any) -> None:
    document = attempt(lambda: to_aws(raw))
    if document is not None:
        assert from_aws(document) == canonical(raw)


@EXAMPLES
@given(spoiled(to_aws(BASELINE)))
def test_reading_spoiled_aws_json_raises_patch_error_alone(document: Any) -> None:
    attempt(lambda: from_aws(document))
    attempt(lambda: parse_baseline(document, where="b"))
    attempt(lambda: evaluate(document, PACKAGES[:1], operating_system="REDHAT_ENTERPRISE_LINUX", as_of=AS_OF))


@EXAMPLES
@given(
    spoiled(PACKAGES), st.sampled_from(["REDHAT_ENTERPRISE_LINUX", "UBUNTU", "SUSE", "MACOS", "WINDOWS"]), st.booleans()
)
def test_judging_spoiled_records_raises_patch_error_alone(records: Any, system: str, listed: bool) -> None:
    override = OVERRIDE if listed else None
    decisions = attempt(
        lambda: evaluate(BASELINE, records, operating_system=system, as_of=AS_OF, install_override_list=override)
    )
    if decisions is not None:
        json.dumps(decisions)
        for decision, record in zip(decisions, records, strict=True):
            assert explain(decision, record, BASELINE, as_of=AS_OF, operating_system=system)


@EXAMPLES
@given(spoiled({"install_override_list": OVERRIDE, "operation": "Install", "as_of": AS_OF, "delay_clock": "vendor"}))
def test_spoiled_options_raise_patch_error_alone(options: Any) -> None:
    given_options = options if isinstance(options, dict) else {}
    known = {key: value for key, value in given_options.items() if key in ("install_override_list", "operation")}
    as_of = given_options.get("as_of", AS_OF)
    clock = given_options.get("delay_clock", "vendor")
    attempt(lambda: evaluate(BASELINE, PACKAGES, operating_system="WINDOWS", as_of=as_of, delay_clock=clock, **known))


@EXAMPLES
@given(st.randoms(use_true_random=False))
def test_the_digest_does_not_know_the_order_of_keys(random: Any) -> None:
    def shuffled(tree: Any) -> Any:
        if isinstance(tree, dict):
            keys = list(tree)
            random.shuffle(keys)
            return {key: shuffled(tree[key]) for key in keys}
        return [shuffled(value) for value in tree] if isinstance(tree, list) else tree

    assert digest(shuffled(BASELINE)) == digest(BASELINE)
    assert digest(shuffled(to_aws(BASELINE))) == digest(BASELINE)


@pytest.mark.parametrize("name", [UNPRINTABLE, {UNPRINTABLE}, object(), None, ["UBUNTU"]], ids=type)
def test_an_operating_system_of_any_type_is_refused(name: Any) -> None:
    with pytest.raises(PatchError) as caught:
        evaluate(BASELINE, [], operating_system=name, as_of=AS_OF)
    assert caught.value.kind == "unsupported_os"


def test_a_number_too_large_for_any_id_is_a_problem_not_a_name() -> None:
    with pytest.raises(PatchError, match=r"b\.rejected_patches\[0\]: must be a string, not a huge number"):
        parse_baseline({**BASELINE, "rejected_patches": [10**18]}, where="b")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Name": "other"}, "b.aws_members.Name: unknown key; "),
        ({"PatchGroup": ["a"]}, "b.aws_members.PatchGroup: unknown key; did you mean 'PatchGroups'?"),
        ("x", "b.aws_members: must be a mapping of BaselineId"),
    ],
)
def test_nothing_hides_among_the_members_without_effect(members: Any, message: str) -> None:
    with pytest.raises(PatchError) as caught:
        parse_baseline({**BASELINE, "aws_members": members}, where="b")
    assert message in caught.value.message


def test_an_arch_is_only_found_at_the_end_of_an_apt_name() -> None:
    ubuntu = {"name": "web", "operating_system": "UBUNTU", "approved_patches": ["tool.allocator", "tool.armel"]}
    warnings = parse_baseline(ubuntu, where="b")[1]
    assert warnings == [
        "b.approved_patches[1]: 'tool.armel' names an architecture and matches nothing; write the bare package name"
    ]
