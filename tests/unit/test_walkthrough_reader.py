"""What compares the documentation with what happens notices a difference."""

from __future__ import annotations

import pytest
from walkthrough import Command, File, missing_line, steps

PRINTED = "PLAY\n\nfirst\nsecond 17:03\nthird   \n"


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        (["...", "first", "second ...", "third", "..."], None),
        (["PLAY", "", "first"], None),
        (["...", "third"], None),
        (["first"], "first"),
        (["...", "first", "third"], "third"),
        (["...", "second ...", "...", "first"], "first"),
        (["...", "firs"], "firs"),
        (["...", "second 1.:03"], "second 1.:03"),
    ],
)
def test_lines_are_found_whole_in_order_and_side_by_side(expected: list[str], missing: str | None) -> None:
    assert missing_line(expected, PRINTED) == missing


def test_a_page_is_read_as_files_and_commands() -> None:
    page = "Do:\n\n```yaml\n# a/b.yml\nx: 1\n```\n\n```console\n$ true\n$ false\nno\n(exit code 1)\n```\n"
    written, fine, failing = steps(page)
    assert written == File("a/b.yml", "# a/b.yml\nx: 1\n")
    assert isinstance(fine, Command)
    assert isinstance(failing, Command)
    assert (fine.lines, fine.exit_code, failing.lines, failing.exit_code) == ([], 0, ["no"], 1)
