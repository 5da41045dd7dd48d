"""Laws that hold for every baseline and every set of patches (before the newest-version step, no override list)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.aws import from_aws, to_aws
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import canonical, digest, parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.eligibility import eligibility
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.explain import REASONS, explain
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import OPERATING_SYSTEMS

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
SYSTEMS = st.sampled_from(sorted(OPERATING_SYSTEMS))
FLAGS = st.booleans()

names = st.sampled_from(["openssl", "openssl-libs", "bash", "python3-apt", "vim"])
versions = st.sampled_from(["1.0-1", "1:0.9-2", "2.0~rc1-1", "2.0-1", "2.0^git1-1", "2.0-10", "2.0-9"])
classes = st.sampled_from(["Security", "Bugfix", "SecurityUpdates", "Updates", "brew", None])
severities = st.sampled_from(["Critical", "Important", "Moderate", "Medium", None])
stamps = st.one_of(
    st.none(),
    st.integers(0, 60 * 24).map(lambda hours: (START - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")),
)
days = st.integers(0, 60)
cutoffs = st.integers(0, 60).map(lambda number: (START - timedelta(days=number)).date().isoformat())
levels = st.sampled_from(["CRITICAL", "HIGH", "LOW", "UNSPECIFIED"])
entries = st.lists(
    st.sampled_from(["openssl", "open*", "bash-2.0-1.x86_64.rpm", "CVE-1", "77", "kb1", "2.0-1", "o*s*l"]),
    max_size=3,
)
advisories = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["A-1", "A-2"]), "cves": st.sampled_from([[], ["CVE-1"]])},
        optional={"classification": classes, "severity": severities, "updated": stamps, "bugzillas": st.just([77])},
    ),
    max_size=2,
)
FILTERS: dict[str, st.SearchStrategy[list[str]]] = {
    "classification": st.lists(st.sampled_from(["Security", "Bugfix", "SecurityUpdates", "*"]), min_size=1, max_size=2),
    "severity": st.lists(st.sampled_from(["Critical", "Medium", "*"]), min_size=1, max_size=2),
    "msrc_severity": st.just(["Critical"]),
    "priority": st.lists(st.sampled_from(["Required", "Optional"]), min_size=1, max_size=2),
    "cve_id": st.just(["CVE-1"]),
    "name": st.lists(st.sampled_from(["openssl", "bash"]), min_size=1, max_size=2),
}
filter_groups = st.fixed_dictionaries({}, optional=FILTERS)


def _rule(date: dict[str, Any], filters: dict[str, Any], level: str, switch: bool) -> dict[str, Any]:
    return {"filters": filters, "compliance_level": level, "enable_non_security": switch, **date}


dates = st.one_of(
    days.map(lambda number: {"approve_after_days": number}), cutoffs.map(lambda day: {"approve_until_date": day})
)
rules = st.builds(_rule, dates, filter_groups, levels, FLAGS)


@st.composite
def baselines(draw: st.DrawFn, *, rule: st.SearchStrategy[dict[str, Any]] = rules) -> dict[str, Any]:
    return {
        "name": "property-baseline",
        "operating_system": draw(SYSTEMS),
        "global_filters": draw(filter_groups),
        "approval_rules": draw(st.lists(rule, max_size=3)),
        "approved_patches": draw(entries),
        "approved_patches_compliance_level": draw(levels),
        "approved_patches_enable_non_security": draw(FLAGS),
        "rejected_patches": draw(entries),
        "rejected_patches_action": draw(st.sampled_from(["ALLOW_AS_DEPENDENCY", "BLOCK"])),
        "unapproved_dependencies": draw(st.sampled_from(["ALLOW", "REFUSE"])),
        "available_security_updates_compliance_status": "COMPLIANT",
    }


packages = st.fixed_dictionaries(
    {
        "name": names,
        "arch": st.sampled_from(["x86_64", "noarch"]),
        "version": versions,
        "installed_version": st.sampled_from([None, "0.1-1", "2.0-1"]),
        "product": st.just("Product1"),
        "classification": classes,
        "severity": severities,
        "priority": st.sampled_from(["Required", "Optional", None]),
        "security": FLAGS,
        "advisories": advisories,
        "released": stamps,
        "build_time": stamps,
    }
)
updates = st.fixed_dictionaries(
    {
        "kb": st.sampled_from(["KB1", "KB2", "KB3", None]),
        "title": st.just("Update"),
        "installed": FLAGS,
        "patch_set": st.sampled_from(["OS", "APPLICATION"]),
        "classification": classes,
        "msrc_severity": severities,
        "msrc_number": st.sampled_from([None, "MS10-048"]),
        "superseded_by": st.sampled_from([None, "KB2", "KB9"]),
        "released": stamps,
    }
)


def records_for(system: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(updates if system == "WINDOWS" else packages, max_size=6)


def as_of(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def eligible(baseline: dict[str, Any], patches: list[dict[str, Any]], hours: int = 0) -> list[bool]:
    decisions = eligibility(baseline, patches, operating_system=baseline["operating_system"], as_of=as_of(hours))
    return [decision["decision"] == "approved" for decision in decisions]


@EXAMPLES
@given(st.data(), baselines(), st.randoms(use_true_random=False))
def test_input_order_never_matters(data: st.DataObject, baseline: dict[str, Any], random: Any) -> None:
    patches = data.draw(records_for(baseline["operating_system"]))
    order = list(range(len(patches)))
    random.shuffle(order)
    shuffled = [patches[index] for index in order]
    for judge in (evaluate, eligibility):
        straight = judge(baseline, patches, operating_system=baseline["operating_system"], as_of=START)
        turned = judge(baseline, shuffled, operating_system=baseline["operating_system"], as_of=START)
        assert [straight[index] for index in order] == turned


@EXAMPLES
@given(st.data(), baselines())
def test_a_rejected_patch_is_never_approved(data: st.DataObject, baseline: dict[str, Any]) -> None:
    system = baseline["operating_system"]
    patches = data.draw(records_for(system))
    rejected_alone = {**baseline, "approval_rules": [], "approved_patches": []}
    named = [
        decision["decision"] == "rejected"
        for decision in eligibility(rejected_alone, patches, operating_system=system, as_of=START)
    ]
    for judge in (evaluate, eligibility):
        decisions = judge(baseline, patches, operating_system=system, as_of=START)
        for is_named, decision in zip(named, decisions, strict=True):
            assert (decision["decision"] == "rejected") is is_named
            assert not is_named or decision.get("state") not in ("INSTALLED", "MISSING")


@EXAMPLES
@given(st.data(), baselines(), st.integers(0, 3000))
def test_time_never_takes_an_approval_back(data: st.DataObject, baseline: dict[str, Any], hours: int) -> None:
    patches = data.draw(records_for(baseline["operating_system"]))
    for before, after in zip(eligible(baseline, patches), eligible(baseline, patches, hours), strict=True):
        assert after or not before


@EXAMPLES
@given(
    st.data(),
    baselines(
        rule=st.builds(_rule, cutoffs.map(lambda day: {"approve_until_date": day}), filter_groups, levels, FLAGS)
    ),
    st.integers(0, 3000),
)
def test_time_never_approves_after_a_cutoff(data: st.DataObject, baseline: dict[str, Any], hours: int) -> None:
    patches = data.draw(records_for(baseline["operating_system"]))
    assert eligible(baseline, patches) == eligible(baseline, patches, hours)


@EXAMPLES
@given(st.data(), baselines(), st.sampled_from(sorted(FILTERS)))
def test_a_further_filter_key_never_makes_more_eligible(
    data: st.DataObject, baseline: dict[str, Any], key: str
) -> None:
    patches = data.draw(records_for(baseline["operating_system"]))
    groups = [baseline["global_filters"], *(rule["filters"] for rule in baseline["approval_rules"])]
    group = data.draw(st.sampled_from(groups))
    before = eligible(baseline, patches)
    group.setdefault(key, data.draw(FILTERS[key]))
    for was, now in zip(before, eligible(baseline, patches), strict=True):
        assert was or not now


@EXAMPLES
@given(baselines())
def test_a_baseline_survives_export_and_import(baseline: dict[str, Any]) -> None:
    canon = canonical(baseline)
    document = json.loads(json.dumps(to_aws(canon)))
    assert from_aws(document) == canon
    assert to_aws(from_aws(document)) == document
    assert digest(document) == digest(baseline) == digest(canon)


@EXAMPLES
@given(st.data(), baselines())
def test_every_decision_has_a_known_reason_and_one_sentence(data: st.DataObject, baseline: dict[str, Any]) -> None:
    system = baseline["operating_system"]
    patches = data.draw(records_for(system))
    for decision, patch in zip(evaluate(baseline, patches, operating_system=system, as_of=START), patches, strict=True):
        assert decision["reason"] in REASONS
        assert ("approves_on" in decision) is (decision["reason"] == "waiting_for_approval_delay")
        sentence = explain(decision, patch, baseline, as_of=START)
        assert sentence.startswith(decision["patch"])
        assert sentence.endswith(".")
        assert "\n" not in sentence


@EXAMPLES
@given(baselines())
def test_parsing_a_parsed_baseline_changes_nothing(baseline: dict[str, Any]) -> None:
    # Debian's own rules may leave both dates out; the drawn ones have exactly one, as every other system needs.
    parsed, _warnings = parse_baseline(baseline, where="b")
    assert parse_baseline(parsed, where="b")[0] == parsed
