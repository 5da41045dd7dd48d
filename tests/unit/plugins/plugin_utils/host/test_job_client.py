"""Requests are programs that do nothing when cut short; answers are believed line by line or not at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import job_client
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import LogCursor, parse_answer
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan, Step

ANSWER = """Last login: yesterday
openfleet-patch-answer N begin
journal 1
ok yes
disposition poll
job 2026-11-21.web-1
title a\\0040title
state running
alive yes
detached systemd
boot_hook systemd
runners 2
result -
created 1000
now 1060
steps 001 ended 0 1000 1010 1 - refresh\\0040lists
steps 002 running - 1011 - 2 - install
steps 003 waiting - - - 0 - last
hung.steps.002.hex 31320a
undo 002 waiting - - - 0 - install
log_from steps/002 40
log.hex 68690a
end yes
openfleet-patch-answer N end
Connection closed
"""


def test_an_answer_becomes_a_record() -> None:
    state = parse_answer(ANSWER, "N")
    assert (state.job_id, state.title, state.state, state.finished) == ("2026-11-21.web-1", "a title", "running", False)
    assert (state.detached, state.boot_hook, state.runners, state.elapsed) == ("systemd", "systemd", 2, 60)
    assert [(step.state, step.exit_code, step.attempts) for step in state.steps] == [
        ("ended", 0, 1),
        ("running", None, 2),
        ("waiting", None, 0),
    ]
    assert state.steps[0].name == "refresh lists"
    assert state.current_step is state.steps[1]
    assert state.steps[1].hung == "12\n"
    assert (state.log, state.cursor) == (b"hi\n", LogCursor("steps/002", 43))


def test_carriage_returns_of_a_terminal_do_no_harm() -> None:
    assert parse_answer(ANSWER.replace("\n", "\r\n"), "N") == parse_answer(ANSWER, "N")


def test_a_finished_job_tells_its_result_and_when_it_ended() -> None:
    text = ANSWER.replace("state running", "state finished").replace("result -", "result FAILED 002 done 1042")
    state = parse_answer(text, "N")
    assert (state.result, state.result_step, state.undo_result, state.ended, state.elapsed) == (
        "FAILED",
        2,
        "done",
        1042,
        42,
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("journal 1", "journal 2"),
        ("state running", "state dreaming"),
        ("disposition poll", "disposition tired"),
        ("job 2026-11-21.web-1", "job ../../etc"),
        ("created 1000", "created soon"),
        ("created 1000\n", ""),
        ("result -", "result WONDERFUL - none 1"),
        ("steps 001 ended 0", "steps 001 ended zero"),
        ("steps 002 running", "steps two running"),
        ("steps 003 waiting - - - 0 - last", "steps 003 waiting"),
        ("log.hex 68690a", "log.hex 6869zz"),
        ("log_from steps/002 40", "log_from ../../shadow 0"),
        ("end yes\n", ""),
        ("openfleet-patch-answer N end", ""),
        ("ok yes", "ok yes\nUnknown line"),
        ("ok yes", "ok yes\nok yes"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(old: str, new: str) -> None:
    assert old in ANSWER
    with pytest.raises(PatchError) as caught:
        parse_answer(ANSWER.replace(old, new), "N")
    assert caught.value.kind == "bad_answer"


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(PatchError, match="no complete answer"):
        parse_answer(ANSWER, "M")


def test_an_endless_answer_is_refused() -> None:
    with pytest.raises(PatchError) as caught:
        parse_answer("x" * (job_client.ANSWER_LIMIT + 1), "N")
    assert caught.value.kind == "answer_too_large"


def test_a_refusal_of_the_host_is_raised_with_its_kind() -> None:
    lines = ["journal 1", "ok no", "kind busy", "message.hex 6c617465", "openfleet-patch-answer N end"]
    text = "\n".join(["openfleet-patch-answer N begin", *lines])
    with pytest.raises(PatchError, match="late") as caught:
        parse_answer(text, "N")
    assert caught.value.kind == "busy"


def test_a_job_id_from_outside_cannot_leave_the_journal() -> None:
    with pytest.raises(PatchError, match="no job id"):
        job_client.poll_request("../x")
    with pytest.raises(PatchError, match="no job id"):
        job_client.undo_request("a b")
    with pytest.raises(PatchError, match="no place in a log"):
        job_client.poll_request("job", LogCursor("../../shadow"))
    with pytest.raises(PatchError, match="State directory"):
        job_client.current_request(state_directory="/var/lib/$(x)")


def test_a_program_cut_short_anywhere_does_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    program = job_client.start_request(Plan("job", "x", (Step("y", ("true",)),)), state_directory=str(state)).program
    # From the closing brace of the call on, nothing is missing that matters.
    call = program.rindex("}")
    for length in [*range(1, call, 1499), *range(call - 40, call + 1)]:
        subprocess.run(["sh"], input=program[:length].encode(), capture_output=True, timeout=30, check=False)
        assert not state.exists(), program[:length][-80:]
