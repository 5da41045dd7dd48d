"""A plan on the wire: exact, inert as shell text, and refused with every problem at once."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import (
    FileReference,
    Plan,
    Step,
    Undo,
    decode,
    encode,
    payload,
)

STEP = Step("look", ("true",))


def lines_of(plan: Plan) -> list[str]:
    return payload(plan, search_path="/bin").split("\n")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_from_its_encoding(text: str) -> None:
    assert decode(encode(text)) == text


def test_bytes_that_are_no_utf8_come_back_too() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert decode(encode(name)) == name


@given(st.binary())
def test_an_encoding_holds_nothing_that_a_shell_reads_specially(raw: bytes) -> None:
    assert not set(encode(raw)) & set(" \t\r\n'\"$`*?[]{}()<>|&;!#~")


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=200))
def test_printf_turns_an_encoding_into_the_bytes_it_came_from(raw: bytes) -> None:
    printed = subprocess.run(["sh", "-c", 'printf %b "$1"', "sh", encode(raw)], capture_output=True, check=True)
    assert printed.stdout == raw


def test_a_secret_is_in_no_file_of_the_plan_but_those_under_secrets() -> None:
    plan = Plan("job", "x", (STEP,), secret_environment={"TOKEN": "s3cret"}, secret_files={"key": b"s3cret"})
    place = ""
    for line in lines_of(plan):
        if line.startswith(("file ", "bytes ")):
            place = line.split()[1]
        if "s3cret" in line:
            assert place.startswith("secrets/")


def test_every_step_gets_a_folder_of_its_own_in_order() -> None:
    plan = Plan("job", "x", tuple(Step(f"n{number}", ("true",)) for number in range(1, 12)))
    folders = [line for line in lines_of(plan) if line.startswith("mkdir steps/")]
    assert folders == sorted(folders)
    assert len(folders) == 11


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"job_id": "../x"}, "job id"),
        ({"job_id": "x\n"}, "job id"),
        ({"steps": ()}, "0 steps"),
        ({"timeout": 0}, "at least 1"),
        ({"environment": {"A B": "x"}}, "environment variable 'A B'"),
        ({"environment": {"OPENFLEET_UNIT": "x"}}, "environment variable"),
        ({"secret_environment": {"A": "\0"}}, "environment variable"),
        ({"files": {"../x": b""}}, "file name"),
        ({"files": {"a": b""}, "secret_files": {"a": b""}}, "both secret and not"),
        ({"steps": (Step("x", ()),)}, "no argument vector"),
        ({"steps": (Step("x", ("-c", "y")),)}, "no program"),
        ({"steps": (Step("x", (FileReference("a"),)),)}, "no program"),
        ({"steps": (Step("x", ("a\0",)),)}, "NUL"),
        ({"steps": (Step("x", ("a", FileReference("none"))),)}, "no file 'none'"),
        ({"steps": (Step("x", ("a",), stdin="none"),)}, "no file 'none'"),
        ({"steps": (Step("x", ("a",), timeout=0),)}, "at least 1"),
        ({"steps": (Step("x", ("a",), ok_codes=(256,)),)}, "exit code"),
        ({"steps": (Step("x", ("a",), undo=Undo(files=("etc/x",))),)}, "absolute path"),
        ({"steps": (Step("x", ("a",), undo=Undo(files=("/etc/",))),)}, "absolute path"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(change: dict[str, object], problem: str) -> None:
    plan = dataclasses.replace(Plan("job", "x", (STEP,)), **change)  # type: ignore[arg-type]
    with pytest.raises(PatchError) as caught:
        payload(plan, search_path="/bin")
    assert caught.value.kind == "bad_plan"
    assert problem in caught.value.message


def test_all_problems_of_a_plan_are_told_at_once() -> None:
    plan = Plan("..", "x", (Step("x", ()), Step("y", ("a\0",))))
    with pytest.raises(PatchError) as caught:
        payload(plan, search_path="/bin")
    assert len(caught.value.details["problems"]) == 3
