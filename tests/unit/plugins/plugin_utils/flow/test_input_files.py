"""Files that variables name are read before any host is touched, addresses only looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.input_files import CHECKS, file_problem


def problem(name: str, value: Any) -> str:
    found = file_problem(name, value)
    return "" if found is None else found.message


@pytest.mark.parametrize("name", CHECKS)
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert problem(name, missing) == f"there is no file {missing}"


@pytest.mark.parametrize("name", CHECKS)
def test_a_file_that_holds_something_else_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("- just\n- a list\n")
    assert problem(name, str(tmp_path / "other"))


@pytest.mark.parametrize("name", CHECKS)
def test_an_address_is_not_fetched_and_one_with_a_password_is_refused(name: str) -> None:
    assert problem(name, "https://nowhere.invalid/file") == ""
    told = problem(name, "https://user:secret@nowhere.invalid/file")
    assert "credentials" in told
    assert "secret" not in told
