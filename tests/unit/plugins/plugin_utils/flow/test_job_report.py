"""What jobs did, in the words of a document, and what changed between two readings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.job_report import (
    changed_packages,
    describe_job,
    failures_of_job,
    told_by_job,
    unfinished_packages,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState, UnitState


def step(number: int, state: str, code: int | None, *, ended_by: str | None = None, hung: str = "") -> UnitState:
    return UnitState(number, f"step {number}", state, code, 1000, 1004 if state == "ended" else None, 1, ended_by, hung)


def job(*steps: UnitState, result: str = "FAILED") -> JobState:
    return JobState("poll", "finished", "mine", "install", result, None, "none", 1000, 1010, 1010, steps=steps)


def reasons(state: JobState, log: str = "") -> tuple[dict[str, str], str]:
    driver: Any = SimpleNamespace(log_end=lambda _job, _step: log)
    manager = SimpleNamespace(failure_reasons=lambda text: ({"acme": text} if text else {}, "E: no space\n  left"))
    return failures_of_job(state, driver, manager)


def test_a_job_is_described_with_what_ended_each_step() -> None:
    hung = step(2, "ended", 143, ended_by="step", hung="12 1 S do_wait sh\n13 12 S nanosleep sleep\n")
    told = describe_job(job(step(1, "ended", 0), hung, step(3, "waiting", None)))
    assert (told["result"], told["seconds"], [each["seconds"] for each in told["steps"]]) == (
        "FAILED",
        10,
        [4, 4, None],
    )
    assert told["steps"][1]["hung"] == ["12 1 S do_wait sh", "13 12 S nanosleep sleep"]


def test_reasons_come_from_the_steps_that_went_wrong_alone() -> None:
    assert reasons(job(step(1, "ended", 0), step(2, "waiting", None))) == ({}, "the job ended as FAILED")
    by_name, general = reasons(job(step(1, "ended", 100)), "exit status 3")
    assert by_name == {"acme": "exit status 3"}
    assert general == "step 'step 1' ended with exit code 100: E: no space left"
    assert reasons(job(step(1, "crashed", None)))[1] == "step 'step 1' was cut off"


def test_no_password_of_a_repository_comes_into_a_reason() -> None:
    said = "Status code: 401 for https://ops:s3cret@repo.lab/a.rpm?key=s3cret (IP: 10.0.0.1)"
    driver: Any = SimpleNamespace(log_end=lambda _job, _step: said)
    manager = SimpleNamespace(
        failure_reasons=lambda log: ({"acme": log}, log),
        acts=lambda _name: True,
        transactions_in=lambda _log: [],
        script_failures=lambda log: [log],
    )
    shown = "Status code: 401 for https://repo.lab/a.rpm (IP: 10.0.0.1)"
    by_name, general = failures_of_job(job(step(1, "ended", 1)), driver, manager)
    assert (by_name, general) == ({"acme": shown}, f"step 'step 1' ended with exit code 1: {shown}")
    assert told_by_job(job(step(1, "ended", 1)), driver, manager) == ([], [shown])


def test_a_step_that_was_ended_tells_which_processes_it_had() -> None:
    hung = "12 1 S do_wait acme.postinst\n13 12 S nanosleep sleep\n"
    assert reasons(job(step(1, "ended", 143, ended_by="step", hung=hung)))[1] == (
        "step 'step 1' was ended because its own time was up (running: acme.postinst, sleep)"
    )
    ended = job(step(1, "ended", 143, ended_by="job"))
    assert reasons(ended)[1] == "step 'step 1' was ended because the time of the host was up"


def inventory(**versions: str) -> Inventory:
    installed = []
    for name, text in versions.items():
        version, _space, unfinished = text.partition(" ")
        record = {"name": name, "arch": "all", "version": version}
        installed.append(record | ({"unfinished": unfinished} if unfinished else {}))
    return Inventory("DEBIAN", "Debian12", {}, {}, None, "2026-01-01T00:00:00Z", True, installed=installed)


def changes(before: Inventory, after: Inventory) -> list[tuple[str, str | None, str | None]]:
    return [(each["name"], each["installed_version"], each["version"]) for each in changed_packages(before, after)]


def test_upgrades_arrivals_and_removals_are_changes() -> None:
    assert changes(inventory(a="1", b="1", c="1"), inventory(a="2", c="1", d="1")) == [
        ("a", "1", "2"), ("b", "1", None), ("d", None, "1")]  # fmt: skip


def test_what_is_not_completely_installed_counts_as_no_change_until_it_is() -> None:
    half = inventory(a="2 half-configured")
    assert unfinished_packages(half) == {("a", "all", "2"): "half-configured"}
    assert changes(inventory(a="1"), half) == []
    assert changes(half, inventory(a="2")) == [("a", None, "2")]
