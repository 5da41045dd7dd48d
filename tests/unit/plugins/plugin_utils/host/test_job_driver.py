"""A job is asked about until it has ended, over connections that come and go; nobody is asked for ever."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import parse_answer
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_driver import JobDriver, progress
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan, Step

PLAN = Plan("mine", "install 2 packages", (Step("install curl", ("true",)),))
LOST = AnsibleConnectionFailure("Connection timed out")


def answer(state: str, *, job: str = "mine", result: str = "-", step: str = "running - 1000 - 1 -", log: str = "",
           unit: str = "steps/001", offset: int = 0) -> list[str]:  # fmt: skip
    """The lines of an answer about a job with one step."""
    return [
        "journal 1", "ok yes", "disposition poll", f"job {job}", "title install\\0040packages", f"state {state}",
        f"result {result}", "created 1000", "now 1005", f"steps 001 {step} install\\0040curl",
        f"log_from {unit} {offset}", f"log.hex {log.encode().hex()}", "end yes",
    ]  # fmt: skip


RUNNING = answer("running")
DONE = answer("finished", result="SUCCEEDED - none 1009", step="ended 0 1000 1009 1 -")
NONE = ["journal 1", "ok yes", "disposition idle", "state none"]


class Channel:
    """Gives its answers one after the other, whatever is asked; time passes by ``sleep`` alone."""

    def __init__(self, *answers: list[str] | Exception | str) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.seconds: list[int | None] = []
        self.told: list[str] = []
        self.resets = 0
        self.now = 0.0

    def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
        [words] = re.findall(r"^set -- (.*)$", program, flags=re.MULTILINE)
        self.asked.append(shlex.split(words))
        self.seconds.append(seconds)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        if isinstance(given, str):
            return given
        lines = [f"openfleet-patch-answer {mark} begin", *given, f"openfleet-patch-answer {mark} end"]
        return "\n".join(lines) + "\n"

    def reset(self) -> None:
        self.resets += 1

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def driver(self, reconnect: int = 60) -> JobDriver:
        return JobDriver(
            self, tell=self.told.append, reconnect_seconds=reconnect, clock=lambda: self.now, sleep=self.sleep
        )


def test_a_job_is_started_once_and_followed_to_its_end() -> None:
    channel = Channel(RUNNING, RUNNING, DONE)
    state = channel.driver().run(PLAN)
    assert (state.result, [words[0] for words in channel.asked]) == ("SUCCEEDED", ["start", "wait", "wait"])
    assert channel.told == ["step 1 of 1, 5 s: install curl", "finished, 9 s: SUCCEEDED"]


def test_the_log_is_read_on_from_where_it_was_left_and_the_next_one_from_its_start() -> None:
    first = answer("running", log="Unpacking curl (7.88) ...\n")
    more = answer("running", log="Setting up curl (7.88) ...\n", offset=26)
    ended = answer("running", step="ended 0 1000 1002 1 -", offset=53)
    channel = Channel(RUNNING, first, more, ended, RUNNING, DONE)
    channel.driver().run(PLAN)
    assert [words[3:] for words in channel.asked[1:]] == [
        [], ["steps/001", "26"], ["steps/001", "53"], [], ["steps/001", "0"]]  # fmt: skip
    assert "step 1 of 1, 5 s: install curl (Setting up curl)" in channel.told


@pytest.mark.parametrize("broken", [LOST, PatchError("timed_out", "no answer"), "half of an ans"])
def test_a_lost_connection_is_made_anew_and_the_job_followed_on(broken: Any) -> None:
    channel = Channel(RUNNING, broken, broken, DONE)
    assert channel.driver().run(PLAN).result == "SUCCEEDED"
    assert channel.resets == 2
    assert len([line for line in channel.told if line.startswith("no answer;")]) == 1


@pytest.mark.parametrize("broken", [LOST, PatchError("timed_out", "no answer")])
def test_a_host_that_stays_away_is_unreachable_whichever_way_it_went(broken: Exception) -> None:
    channel = Channel(RUNNING, broken)
    with pytest.raises(AnsibleConnectionFailure, match="run this again to follow it"):
        channel.driver(reconnect=20).run(PLAN)
    assert 20 <= channel.now < 30
    # A question that hangs (10 seconds of them are asked for) leaves time for another.
    assert set(channel.seconds) == {16}


def test_a_host_that_never_answered_is_given_up_at_once() -> None:
    channel = Channel(LOST)
    with pytest.raises(AnsibleConnectionFailure, match="Connection timed out"):
        channel.driver(reconnect=600).settle()
    assert (len(channel.asked), channel.now) == (1, 0)


def test_answers_that_stay_garbled_and_refusals_of_the_host_are_told_as_they_are() -> None:
    channel = Channel(RUNNING, "rubbish")
    with pytest.raises(PatchError) as caught:
        channel.driver(reconnect=600).run(PLAN)
    assert (caught.value.kind, len(channel.asked)) == ("bad_answer", 7)
    refused = Channel(["journal 1", "ok no", "kind no_privilege", "message.hex " + b"root is needed".hex()])
    with pytest.raises(PatchError, match="root is needed"):
        refused.driver().run(PLAN)
    assert len(refused.asked) == 1


def test_an_earlier_job_is_settled_first() -> None:
    assert Channel(NONE).driver().settle() is None
    assert Channel(DONE).driver().settle() is None
    still = Channel(RUNNING, RUNNING, DONE)
    assert still.driver().settle() == parse_answer(still.run_program("set -- x\n", "N"), "N")
    assert "still running" in still.told[0]
    cut_off = Channel(answer("interrupted"), RUNNING, DONE)
    settled = cut_off.driver().settle()
    assert settled is not None
    assert settled.result == "SUCCEEDED"
    assert [words[0] for words in cut_off.asked] == ["current", "recover", "wait"]


def test_a_job_that_is_cut_off_while_it_is_followed_is_recovered_but_not_for_ever() -> None:
    channel = Channel(RUNNING, answer("interrupted"), RUNNING, DONE)
    assert channel.driver().run(PLAN).result == "SUCCEEDED"
    assert [words[0] for words in channel.asked] == ["start", "wait", "recover", "wait"]
    with pytest.raises(PatchError) as caught:
        Channel(answer("interrupted")).driver().run(PLAN)
    assert caught.value.kind == "job_stuck"


def test_another_job_in_the_way_is_waited_for_and_the_own_one_started_again() -> None:
    other = answer("finished", job="other", result="SUCCEEDED - none 1009", step="ended 0 1000 1009 1 -")
    channel = Channel(answer("running", job="other"), other, RUNNING, DONE)
    assert channel.driver().run(PLAN).job_id == "mine"
    assert [words[:2] for words in channel.asked] == [
        ["start", "mine"], ["wait", "other"], ["start", "mine"], ["wait", "mine"]]  # fmt: skip
    with pytest.raises(PatchError) as caught:
        Channel(other).driver().run(PLAN)
    assert caught.value.kind == "job_busy"


def test_progress_names_the_package_that_a_log_ends_with() -> None:
    state = parse_answer(Channel(RUNNING).run_program("set -- x\n", "N"), "N")
    assert progress(state, "") == ("step 1 of 1", "install curl")
    assert progress(state, "  Upgrading : acme-1.1-1.x86_64  3/9\nnoise\n") == (
        "step 1 of 1", "install curl (Upgrading acme-1.1-1.x86_64)")  # fmt: skip
    assert "\x1b" not in progress(state, "Setting up \x1b[31mcurl (1) ...\n")[1]


def test_the_end_of_a_steps_log_is_asked_for_by_its_number() -> None:
    channel = Channel(answer("finished", log="E: no space\n"))
    step = parse_answer(Channel(DONE).run_program("set -- x\n", "N"), "N").steps[0]
    assert channel.driver().log_end("mine", step) == "E: no space\n"
    assert channel.asked == [["poll", "mine", "steps/001", "-1"]]
