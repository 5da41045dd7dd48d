"""What the rounds of a Windows installation come to: one result, and a reason for each update that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.windows_rounds import Rounds
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_plan import Outcome

FAILED = Outcome(frozenset(), {"a": "0x80070643"}, frozenset(), False, None)
BROKEN = Outcome(frozenset(), {}, frozenset(), False, "polling failed")
WELL = Outcome(frozenset({"a"}), {}, frozenset(), True, None)


def rounds(*outcomes: Outcome, seconds: float = 7.4) -> Rounds:
    """After a call for the update ``a`` for each outcome."""
    times = iter(number * seconds for number in range(100))
    found = Rounds(lambda: next(times))
    for outcome in outcomes:
        found.begin(frozenset({"a"}))
        found.end(outcome)
    return found


@pytest.mark.parametrize(
    ("outcomes", "changes", "lacking", "result"),
    [
        ((WELL,), 1, 0, "SUCCEEDED"),
        ((WELL,), 0, 0, "SUCCEEDED"),
        ((FAILED,), 0, 1, "FAILED"),
        ((WELL,), 1, 1, "PARTIAL"),
        ((), 0, 0, "NOTHING_TO_DO"),
        ((), 0, 1, "FAILED"),
    ],
)
def test_the_result_is_what_the_host_has_afterwards(
    outcomes: tuple[Outcome, ...], changes: int, lacking: int, result: str
) -> None:
    assert rounds(*outcomes).told(changes=changes, lacking=lacking)["result"] == result


def test_what_was_left_out_of_every_call_is_refused_and_a_time_that_is_up_comes_first() -> None:
    left = rounds()
    left.leave({"a": "its terms are not accepted"})
    assert left.told(changes=0, lacking=1)["result"] == "REFUSED"
    left.timed_out = True
    assert left.told(changes=0, lacking=1)["result"] == "TIMED_OUT"


@pytest.mark.parametrize(("outcome", "result"), [(WELL, "SUCCEEDED"), (FAILED, "FAILED"), (BROKEN, "FAILED")])
def test_each_call_is_a_job_with_its_time_and_its_error(outcome: Outcome, result: str) -> None:
    jobs: list[dict[str, Any]] = rounds(outcome, WELL).told(changes=1, lacking=0)["jobs"]
    assert [(each["job"], each["title"], each["seconds"]) for each in jobs] == [
        ("round-1", "install 1 update", 7),
        ("round-2", "install 1 update", 7),
    ]
    assert (jobs[0]["result"], jobs[0]["error"]) == (result, outcome.error)


def test_the_last_call_says_why_an_update_is_not_there() -> None:
    again = rounds(FAILED)
    assert again.why_not("a") == "0x80070643"
    again.leave({"a": "it is still missing after 2 installations"})
    assert again.why_not("a") == "0x80070643 (it is still missing after 2 installations)"
    later = rounds(FAILED, WELL)
    assert later.why_not("a") == "it became available while others were being installed"
    later.timed_out = True
    assert later.why_not("a") == "the time of the host was up"


def test_a_call_that_contact_was_lost_in_is_interrupted() -> None:
    lost = rounds()
    lost.begin(frozenset({"a", "b"}))
    lost.lose({"a", "b"}, "contact was lost")
    [job] = lost.told(changes=0, lacking=2)["jobs"]
    assert (job["result"], job["title"], job["error"]) == ("INTERRUPTED", "install 2 updates", "contact was lost")
    assert lost.why_not("b") == "contact was lost"
