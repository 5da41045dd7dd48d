"""Every question of the task, answered from runs on disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from documents_for_tests import FakeRun, candidate, document, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.history import History, open_history
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.querying import _ANSWERS, answer
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.reporting import gather_report
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.storing import store_runs
from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore

START = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
NOTICE = [{"id": "DSA-1-1", "cves": ["CVE-2026-1234"], "bugzillas": []}]
ERROR = {"kind": "timed_out", "message": "gave up"}


def at(day: int) -> str:
    return (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def lacking(host: str, **options: Any) -> dict[str, Any]:
    return document(
        host, found=inventory(candidates=[candidate("libssl3", advisories=NOTICE)]), patch_group="web", **options
    )


def mended(host: str) -> dict[str, Any]:
    found = inventory(installed=[installed("libssl3", "1.0-2", security=True)])
    return document(host, found=found, patch_group="web")


@pytest.fixture(scope="module", params=["files", "store"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Three runs: a is mended on the third day, b never, c could not be read any more after the first day."""
    state = tmp_path_factory.mktemp("state")
    for day in range(3):
        run = open_run(state, now=START + timedelta(days=day), controller_key=f"c:{day}")
        reads = {
            "a": mended("a") if day == 2 else lacking("a", operation="Install", reboot_option="NoReboot"),
            "b": lacking("b"),
            "c": build_unknown_document(FakeRun(), ERROR, host="c", started_at=at(day), finished_at=at(day)),
        }
        if day == 0:
            reads["c"] = lacking("c")
        for host, made in reads.items():
            made["times"]["finished_at"] = at(day)
            made["run"]["id"] = run.run_id
            run.write_document(host, made)
            run.record_outcome(host, {"status": "failed" if made["error"] else "ok", "at": at(day)})
    if request.param == "files":
        yield open_history(str(state))
        return
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")
    url = str(state / "store.db")
    for _again in range(2):
        stored = store_runs(str(state), url, run_id="all", keep_days=None, now=START)
    assert (len(stored.runs), stored.added, stored.known) == (3, 0, 9)
    opened = open_history("/nowhere", url)
    assert isinstance(opened, ComplianceStore)
    yield opened
    opened.close()


def ask(history: History, question: str, *, hosts: set[str] | None = None, **changed: Any) -> Any:
    defaults = {name: option.get("default") for name, option in argument_spec("query_compliance").items()}
    return answer(history, {**defaults, "question": question, **changed}, hosts=hosts, now=START + timedelta(days=3))


def test_every_question_of_the_documentation_has_an_answer() -> None:
    assert set(_ANSWERS) == set(argument_spec("query_compliance")["question"]["choices"])


def test_group_and_hosts_are_answered_by_the_newest_documents(history: History) -> None:
    state = ask(history, "group_state")
    assert (state["instances"], state["instances_unknown"], state["instances_with_missing_patches"]) == (3, 1, 1)
    assert ask(history, "group_state", patch_group="web")["instances"] == 2
    assert ask(history, "group_state", hosts={"a"})["instances"] == 1
    missing = [{"key": "MissingCount", "type": "GreaterThan", "values": ["0"]}]
    assert [each["host"] for each in ask(history, "hosts", filters=missing)] == ["b"]
    (a,) = ask(history, "hosts", hosts={"a"})
    assert (a["finished_at"], a["last_no_reboot_install"]) == (at(2), at(1))


def test_patches_of_a_host_and_of_a_baseline(history: History) -> None:
    assert [each["id"] for each in ask(history, "patches", host="b")] == ["libssl3.amd64"]
    assert ask(history, "patches", host="b", filters=[{"key": "State", "values": ["INSTALLED"]}]) == []
    effective = ask(history, "effective_patches", baseline="web-prod")
    assert {(each["id"], each["status"], each["hosts"]) for each in effective} == {("libssl3.amd64", "APPROVED", 2)}


def test_changes_between_the_newest_runs_and_named_ones(history: History) -> None:
    runs = [run.run_id for run in history.runs()]
    found = ask(history, "changes")
    assert (found["before_run"], found["after_run"]) == (runs[1], runs[2])
    assert {each["host"]: len(each["resolved"]) for each in found["hosts"]} == {"a": 1, "c": 0}
    assert found["unchanged"] == 1
    early = ask(history, "changes", before_run=runs[0], after_run=runs[1], hosts={"a", "b"})
    assert (early["hosts"], early["unchanged"]) == ([], 2)


def test_history_of_a_host_and_where_a_cve_is_open(history: History) -> None:
    told = ask(history, "host_history", host="a")
    assert [(each["verdict"], len(each["resolved"])) for each in told] == [
        ("non_compliant", 0),
        ("non_compliant", 0),
        ("compliant", 1),
    ]
    found = {each["host"]: each for each in ask(history, "where_open", patch="CVE-2026-1234")}
    assert {host: (each["since"], each["last_seen"]) for host, each in found.items()} == {
        "b": (at(0), at(2)),
        "c": (at(0), at(0)),
    }
    closed = ask(history, "where_open", patch="libssl3", include_closed=True, hosts={"a"})
    assert [(each["closed_at"], each["closed_by"]) for each in closed] == [(at(2), "installed")]


def test_a_host_that_could_not_be_read_is_as_old_as_its_last_reading(history: History) -> None:
    late = ask(history, "not_scanned", days=2, hosts={"a", "b", "c", "new"})
    assert [(each["host"], each["last_scan"]) for each in late] == [("new", None), ("c", at(0))]
    assert [each["host"] for each in ask(history, "not_scanned", days=2)] == ["c"]


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("patches", {}),
        ("host_history", {}),
        ("where_open", {}),
        ("effective_patches", {}),
        ("patches", {"host": "nobody"}),
        ("host_history", {"host": "nobody"}),
        ("effective_patches", {"baseline": "nobodys"}),
        ("changes", {"before_run": "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"}),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_it_needs(
    history: History, question: str, given: dict[str, Any]
) -> None:
    with pytest.raises(PatchError) as caught:
        ask(history, question, **given)
    assert caught.value.kind in ("bad_argument", "no_document", "no_run")


def test_a_report_takes_documents_outcomes_and_trend_from_the_same_history(history: History) -> None:
    made = gather_report(history, generated_at=at(3), hosts=["a", "b", "c", "new"])
    assert {host.name: host.status for host in made.hosts} == {
        "a": "compliant",
        "b": "non_compliant",
        "c": "failed",
        "new": "never_scanned",
    }
    assert [run["counts"]["compliant"] for run in made.trend] == [0, 0, 1]
    states = {host.name: host.state for host in gather_report(history, generated_at=at(3), with_installs=True).hosts}
    assert {name: (state or {})["last_no_reboot_install"] for name, state in states.items()}["a"] == at(1)
    first = gather_report(history, generated_at=at(3), hosts=["a", "c"], run_id=history.runs()[0].run_id)
    assert {host.name: host.status for host in first.hosts} == {"a": "non_compliant", "c": "non_compliant"}
    assert [host.name for host in gather_report(history, generated_at=at(300)).hosts if host.status == "stale"] == [
        "a",
        "b",
    ]
