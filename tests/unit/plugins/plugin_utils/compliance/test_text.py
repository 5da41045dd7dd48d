"""The end-of-play summary: what to act on first, in 100 columns, with nothing that a terminal would obey."""

from __future__ import annotations

from typing import Any

import pytest
from documents_for_tests import AS_OF, FakeRun, baseline, candidate, document, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.outcomes import outcome_of_result, why_failed
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.overview import survey
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.text import render_run, visible

OK = {"status": "ok"}
TIMED_OUT_IN_2_16 = "The x action failed to execute in the expected time frame (3) and was terminated"
RUN = {"id": FakeRun.run_id, "as_of": AS_OF, "path": "/home/ops/.openfleet-patch/runs/" + FakeRun.run_id}


def render(documents: list[dict[str, Any]], outcomes: dict[str, Any], **options: Any) -> str:
    hosts = options.pop("hosts", None)
    return render_run(survey(documents, outcomes, hosts=hosts), run=RUN, **options)


def lines_of(text: str, title: str) -> list[str]:
    """The lines under a heading."""
    lines = text.splitlines()
    start = lines.index(title) + 2
    end = lines.index("", start) if "" in lines[start:] else len(lines)
    return lines[start:end]


def missing_on(host: str, **changed: Any) -> dict[str, Any]:
    return document(host, found=inventory(candidates=[candidate("libssl3", **changed)]))


def test_a_patch_is_told_once_with_all_its_hosts() -> None:
    hosts = [f"web{number}" for number in range(9)]
    text = render([missing_on(host) for host in hosts], dict.fromkeys(hosts, OK))
    assert lines_of(text, "Missing: approved and not installed") == [
        "HIGH           libssl3.amd64  1.0-1 -> 1.0-2",
        "               rule 1; on 9 hosts: web0, web1, web2, web3, web4, web5 and 3 more",
    ]
    assert text.startswith("openfleet.patch scan: 9 hosts, 9 non-compliant\n")


def test_the_worst_level_comes_first() -> None:
    base = baseline(
        approval_rules=[
            {"filters": {"section": ["libs"]}, "compliance_level": "LOW"},
            {"filters": {"section": ["net"]}, "compliance_level": "CRITICAL"},
        ]
    )
    found = inventory(candidates=[candidate("a"), candidate("z", section="net")])
    text = render([document(found=found, base=base)], {"web1": OK})
    told = lines_of(text, "Missing: approved and not installed")
    assert [line.split()[:2] for line in told[::2]] == [["CRITICAL", "z.amd64"], ["LOW", "a.amd64"]]
    assert "missing 2 (1 critical, 1 low)" in text


def test_what_waits_is_grouped_by_reason_with_its_date() -> None:
    found = inventory(candidates=[candidate("tzdata", security=False), candidate("libssl3", held={"kind": "hold"})])
    text = render([document(found=found)], {"web1": OK})
    assert lines_of(text, "Available and not to be installed now") == [
        "* held on the host (hold, lock, exclude or pin): 1 patch on 1 host",
        "    libssl3.amd64 1.0-2",
        "* not a security patch, and the non-security switch is off: 1 patch on 1 host",
        "    tzdata.amd64 1.0-2",
    ]
    rule = {"filters": {"product": ["*"]}, "approve_after_days": 7}
    waits = document(
        found=inventory(candidates=[candidate("libssl3", first_seen="2026-11-18T00:00:00Z")]),
        base=baseline(approval_rules=[rule]),
        delay_clock="first_seen",
    )
    assert "* waits for the approval delay, approved on 2026-11-25: 1 patch on 1 host" in render([waits], {"web1": OK})


def test_failed_unreachable_and_unstarted_hosts_are_told_with_what_to_do() -> None:
    error = {"kind": "no_interpreter", "message": "No interpreter has apt_pkg. Install python3-apt."}
    unread = build_unknown_document(FakeRun(), error, host="old", started_at=AS_OF, finished_at=AS_OF)
    outcomes = {
        "web1": OK,
        "old": {"status": "failed", **error},
        "older": {"status": "failed", **error},
        "gone": {"status": "unreachable", "kind": "unreachable", "message": "Connection refused"},
        "slow": {"status": "timed_out", "kind": "timed_out", "message": "ended after 900 s"},
    }
    hosts = ["web1", "old", "older", "gone", "slow", "late"]
    text = render([document("web1"), unread], outcomes, hosts=hosts)
    assert "6 hosts, 2 failed, 1 timed out, 1 unreachable, 1 not started, 1 compliant" in text
    assert lines_of(text, "Failed and unreachable") == [
        "* failed: No interpreter has apt_pkg. Install python3-apt.",
        "    on 2 hosts: old, older",
        "* unreachable: Connection refused",
        "    on 1 host: gone",
        "* timed out: ended after 900 s",
        "    on 1 host: slow",
    ]
    assert lines_of(text, "Not started") == ["  late: the play ended before their turn; run again"]
    assert [line.split()[0] for line in lines_of(text, "Hosts")] == ["old", "older", "slow", "gone", "late", "web1"]


def test_a_host_that_could_not_be_judged_says_why() -> None:
    text = render([document(found=inventory(privileged=False))], {"web1": OK})
    assert "1 host, 1 unknown" in text
    assert lines_of(text, "Could not be judged in full")[0].startswith("* the scan did not run as root")


def test_a_message_of_several_lines_keeps_them() -> None:
    message = "2 problems:\n  patch_baselines[0].name: too short\n  patch_baselines[0].rules: unknown\n"
    text = render([], {"web1": {"status": "failed", "kind": "bad_baseline", "message": message}})
    assert lines_of(text, "Failed and unreachable") == [
        "* failed: 2 problems:",
        "    patch_baselines[0].name: too short",
        "    patch_baselines[0].rules: unknown",
        "    on 1 host: web1",
    ]


def test_findings_of_a_check_are_grouped_one_by_one() -> None:
    space = {"severity": "error", "kind": "no_space", "message": "/var has 1 MiB free"}
    lock = {"severity": "warning", "kind": "locked", "message": "locked by apt-get"}
    check = {"operation": "Preflight"}
    outcomes = {
        "a": {**check, "status": "failed", "findings": [space, lock]},
        "b": {**check, "status": "failed", "findings": [space]},
        "c": {**check, "status": "ok", "findings": [lock]},
    }
    text = render([document("c", found=inventory(privileged=False))], outcomes, operation="Preflight")
    assert text.startswith("openfleet.patch preflight: 3 hosts, 2 failed, 1 ready\n")
    assert lines_of(text, "Failed and unreachable") == ["* failed: /var has 1 MiB free", "    on 2 hosts: a, b"]
    assert lines_of(text, "Warnings") == ["* locked by apt-get", "    on 2 hosts: a, c"]


def test_a_host_in_good_order_needs_few_words() -> None:
    text = render([document(found=inventory(installed=[installed("bash")]))], {"web1": OK})
    assert lines_of(text, "Hosts") == ["web1  compliant      nothing missing  [web-prod]"]
    assert text.rstrip().splitlines()[-1].endswith(RUN["path"])
    assert "Missing" not in text
    assert "Failed" not in text


def test_a_document_of_an_earlier_playbook_does_not_stand_in_for_a_host_that_was_not_started() -> None:
    overview = survey([document("web1")], {}, hosts=["web1"])
    assert overview.statuses == {"web1": "not_started"}
    assert overview.facts == {}


def test_reboots_and_warnings_are_told_with_their_hosts() -> None:
    found = inventory(
        reboot={"required": True, "reasons": []}, warnings=[{"kind": "low_disk", "message": "/boot has 12 MiB free"}]
    )
    text = render([document("a", found=found), document("b", found=found)], {"a": OK, "b": OK}, warnings=["ephemeral"])
    assert lines_of(text, "A reboot is needed") == ["  a, b"]
    assert lines_of(text, "Warnings") == ["* ephemeral", "* /boot has 12 MiB free", "    on 2 hosts: a, b"]


HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp.exe\x9b31m{{ lookup('pipe','id') }}<script>\u2028" + "x" * 300


@pytest.mark.parametrize("place", ["package", "version", "warning", "message", "host", "repository error"])
def test_nothing_from_a_host_reaches_the_terminal_raw(place: str) -> None:
    host = HOSTILE if place == "host" else "web1"
    changed: dict[str, Any] = {"candidates": [candidate("libssl3")]}
    if place == "package":
        changed["candidates"] = [candidate(HOSTILE)]
    if place == "version":
        changed["candidates"] = [candidate("libssl3", HOSTILE)]
    if place == "warning":
        changed["warnings"] = [{"kind": "x", "message": HOSTILE}]
    if place == "repository error":
        changed["refresh"] = {"attempted": True, "ok": False, "errors": [HOSTILE], "skipped_because": None}
    outcome = {"status": "failed", "message": HOSTILE} if place == "message" else OK
    text = render([document(host, found=inventory(**changed))], {host: outcome})
    assert all(character == "\n" or " " <= character <= "~" for character in text)
    assert max(map(len, text.splitlines())) <= 100
    assert "\\x1b" in text


def test_escapes_cannot_be_taken_for_text() -> None:
    assert visible("a\x1b\u202e\U0001f600é") == "a\\x1b\\u202e\\U0001f600\\xe9"


def test_a_large_fleet_stays_readable_and_hides_only_what_needs_no_one() -> None:
    bad = [f"bad{number:04}" for number in range(40)]
    good = [f"good{number:04}" for number in range(5000)]
    documents = [missing_on(host) for host in bad] + [document(host) for host in good[:3]]
    outcomes = dict.fromkeys([*bad, *good[:3]], OK) | {
        host: {"status": "failed", "message": "no space left"} for host in good[3:10]
    }
    text = render(documents, outcomes, hosts=[*bad, *good[:10]])
    assert len([line for line in lines_of(text, "Hosts") if line.startswith("bad")]) == 40
    many = render(
        [document(host) for host in good[:200]] + [missing_on("bad")], dict.fromkeys([*good[:200], "bad"], OK)
    )
    assert lines_of(many, "Hosts") == [
        "bad  non-compliant  missing 1 (1 high)  [web-prod]",
        "... and 200 more: 200 compliant",
    ]


def test_a_foreign_document_is_named_and_the_others_still_told() -> None:
    overview = survey([{"host": "odd", "patches": 7}, document("web1")], {"odd": OK, "web1": OK})
    assert overview.statuses == {"odd": "unknown", "web1": "compliant"}
    assert "the document of odd is not one of this release" in overview.problems[0]


def test_no_host_at_all_is_told_as_that() -> None:
    assert "0 hosts" in render([], {}, hosts=[])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"failed": True, "msg": "boom"}, ("failed", "task_failed", "boom")),
        ({"failed": True, "msg": "rc 1", "stderr": "no"}, ("failed", "task_failed", "rc 1: no")),
        ({"failed": True, "error": {"kind": "bad_baseline", "message": "m"}}, ("failed", "bad_baseline", "m")),
        ({"unreachable": True, "msg": "refused"}, ("unreachable", "unreachable", "refused")),
        ({"failed": True, "msg": "Timed out", "timedout": {"period": 5}}, ("timed_out", "timed_out", "Timed out")),
        ({"failed": True, "msg": TIMED_OUT_IN_2_16}, ("timed_out", "timed_out", TIMED_OUT_IN_2_16)),
        ({"failed": True, "error": {"kind": "timed_out", "message": "m"}}, ("timed_out", "timed_out", "m")),
        ({"failed": True}, ("failed", "task_failed", "the task failed and said nothing")),
        ({"changed": False}, ("ok", None, None)),
    ],
)  # fmt: skip
def test_any_task_result_becomes_an_outcome(result: dict[str, Any], expected: tuple[Any, ...]) -> None:
    outcome = outcome_of_result(result, operation="Scan", task="T", at=AS_OF)
    assert (outcome["status"], outcome["kind"], outcome["message"]) == expected
    assert (outcome["operation"], outcome["task"], outcome["at"]) == ("Scan", "T", AS_OF)


def test_the_play_fails_for_what_it_was_told_to_fail_for() -> None:
    overview = survey([missing_on("web1"), document("web2")], {"web1": OK, "web2": OK}, hosts=["web1", "web2", "late"])
    counts = overview.counts()
    assert sum(counts.values()) == 3
    assert why_failed(counts, []) is None
    assert why_failed(counts, ["failed", "unreachable"]) is None
    assert why_failed(counts, ["not_started"]) == "of 3 hosts: 1 not started"
    assert why_failed(counts, ["not_started", "non_compliant"]) == "of 3 hosts: 1 not started, 1 non compliant"


def test_what_could_not_be_installed_tells_why() -> None:
    found = inventory(candidates=[candidate("libssl3")])
    failed = {("libssl3", "amd64", "1.0-2"): "would remove nginx 1.22\x1b[2J"}
    text = render([document(found=found, operation="Install", failed=failed)], {"web1": OK}, operation="Install")
    assert lines_of(text, "Failed to install") == [
        "HIGH           libssl3.amd64  1.0-1 -> 1.0-2",
        "               would remove nginx 1.22\\x1b[2J; on 1 host: web1",
    ]
