"""What a delay counts from by each clock, and that decision and explanation say so."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.delay_clock import DELAY_CLOCKS, SOURCES
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.explain import explain

NOW = "2026-11-20T00:00:00Z"
DATES = {
    "released": "2026-11-19T00:00:00Z",
    "build_time": "2026-11-18T00:00:00Z",
    "repository_date": "2026-11-17T00:00:00Z",
    "first_seen": "2026-11-16T00:00:00Z",
}
SYSTEMS = {"rpm": "REDHAT_ENTERPRISE_LINUX", "deb": "DEBIAN", "suse": "SUSE", "macos": "MACOS", "windows": "WINDOWS"}
SAID = {
    "vendor": "released on 2026-11-19",
    "build_time": "built on 2026-11-18",
    "repository": "in a repository dated 2026-11-17",
    "first_seen": "first seen on 2026-11-16",
}


def record(family: str, *known: str) -> dict[str, Any]:
    about: dict[str, Any] = {"name": "a", "arch": "x", "version": "2-1", "installed_version": "1-1", "security": True}
    if family == "windows":
        about = {
            "kb": "KB5000001",
            "title": "Update",
            "patch_set": "OS",
            "classification": "SecurityUpdates",
            "installed": False,
        }
    if family == "macos":
        about["arch"] = None
    return about | {key: DATES[key] for key in known}


def judged(family: str, clock: str, *known: str, non_security: bool = False, days: int = 30) -> dict[str, Any]:
    patch = record(family, *known)
    rule = {"filters": {}, "approve_after_days": days, "enable_non_security": non_security}
    baseline = {"operating_system": SYSTEMS[family], "approval_rules": [rule]}
    decision = evaluate(
        baseline, [patch], operating_system=SYSTEMS[family], as_of=NOW, delay_clock=clock, with_dates=True
    )[0]
    sentence = explain(decision, patch, baseline, as_of=NOW)
    source = decision["counted_source"]
    assert source is None or SAID[source] in sentence or decision["counted_from"] == "1970-01-01T00:00:00Z"
    return decision


@pytest.mark.parametrize(
    ("family", "clock", "known", "source"),
    [
        ("rpm", "vendor", ("released", "build_time", "first_seen"), "vendor"),
        ("rpm", "vendor", ("build_time", "first_seen"), None),
        ("rpm", "vendor_else_first_seen", ("released", "first_seen"), "vendor"),
        ("rpm", "vendor_else_first_seen", ("build_time", "first_seen"), "first_seen"),
        ("rpm", "repository", ("released", "build_time"), "vendor"),
        ("rpm", "repository", ("build_time", "repository_date"), "build_time"),
        ("rpm", "first_seen", tuple(DATES), "first_seen"),
        ("suse", "vendor_else_first_seen", ("first_seen",), "first_seen"),
        ("suse", "repository", ("build_time",), "build_time"),
        ("deb", "vendor_else_first_seen", ("repository_date", "first_seen"), "first_seen"),
        ("deb", "repository", ("repository_date", "first_seen"), "repository"),
        ("deb", "first_seen", ("repository_date", "first_seen"), "first_seen"),
        ("macos", "vendor_else_first_seen", ("first_seen",), "first_seen"),
        ("macos", "vendor_else_first_seen", ("released", "first_seen"), "vendor"),
        ("windows", "vendor", ("released",), "vendor"),
        ("windows", "vendor_else_first_seen", ("first_seen",), "first_seen"),
        ("windows", "first_seen", ("released", "first_seen"), "first_seen"),
        ("windows", "repository", ("repository_date",), "repository"),
    ],
)
def test_each_clock_takes_the_first_date_that_it_knows(
    family: str, clock: str, known: tuple[str, ...], source: str | None
) -> None:
    decision = judged(family, clock, *known)
    assert decision["counted_source"] == source
    if source is None:
        assert (decision["decision"], decision["reason"]) == ("not_approved", "unknown_release_date")
        return
    key = {"vendor": "released", "repository": "repository_date"}.get(source, source)
    assert decision["counted_from"] == DATES[key]
    assert decision["reason"] == "waiting_for_approval_delay"
    assert judged(family, clock, *known, days=1)["decision"] == "approved"


def test_no_delay_has_any_effect_on_apt_systems_by_the_vendors_clock() -> None:
    decision = judged("deb", "vendor", *DATES)
    assert (decision["decision"], decision["counted_source"]) == ("approved", None)


def test_an_update_of_windows_without_a_date_is_of_1970_by_the_vendors_clock_alone() -> None:
    assert judged("windows", "vendor")["counted_from"] == "1970-01-01T00:00:00Z"
    assert judged("windows", "vendor")["decision"] == "approved"
    for clock in DELAY_CLOCKS[1:]:
        assert judged("windows", clock)["reason"] == "unknown_release_date"


@pytest.mark.parametrize("clock", DELAY_CLOCKS)
@pytest.mark.parametrize("family", SYSTEMS)
def test_a_delay_of_nothing_waits_for_no_date(family: str, clock: str) -> None:
    assert judged(family, clock, days=0)["decision"] == "approved"
    assert judged(family, clock, "first_seen", "repository_date", days=0)["decision"] == "approved"


@pytest.mark.parametrize("clock", DELAY_CLOCKS)
@pytest.mark.parametrize("family", SYSTEMS)
def test_by_our_clocks_nothing_without_a_date_is_approved_by_a_delay(family: str, clock: str) -> None:
    decision = judged(family, clock, non_security=True)
    lenient = clock == "vendor"
    assert decision["decision"] == ("approved" if lenient else "not_approved")
    assert decision["counted_source"] in (None, *SOURCES)


def test_dates_are_told_only_when_asked_for() -> None:
    patch = record("rpm", "released")
    decision = evaluate({"approval_rules": []}, [patch], operating_system=SYSTEMS["rpm"], as_of=NOW)[0]
    assert set(decision) == {"patch", "decision", "reason"}


NOT_SECURITY = {"filters": {}, "approve_after_days": 0}
CUT_OFF = {"filters": {}, "approve_until_date": "2026-11-01", "enable_non_security": True}
WAITING = {"filters": {}, "approve_after_days": 30, "enable_non_security": True}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("rules", "reason", "counted_from"),
    [
        ((NOT_SECURITY,), "not_security", None),
        ((CUT_OFF, NOT_SECURITY), "after_cutoff_date", DATES["released"]),
        ((CUT_OFF, WAITING, NOT_SECURITY), "waiting_for_approval_delay", DATES["released"]),
    ],
)
def test_a_refusal_tells_the_date_of_the_reason_that_it_reports(
    rules: tuple[dict[str, Any], ...], reason: str, counted_from: str | None, turned: bool
) -> None:
    patch = {**record("rpm", "released"), "security": False}
    ordered = list(reversed(rules)) if turned else list(rules)
    decision = evaluate(
        {"approval_rules": ordered}, [patch], operating_system=SYSTEMS["rpm"], as_of=NOW, with_dates=True
    )[0]
    assert (decision["reason"], decision["counted_from"]) == (reason, counted_from)
