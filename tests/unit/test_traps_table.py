"""The table of traps keeps up with the code: each text is there, each test exists, no change is broken by its form."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from traps import Trap, all_traps  # noqa: E402

TRAPS = all_traps()


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


def test_each_trap_has_an_id_of_its_own() -> None:
    assert [name for name, count in Counter(trap.id for trap in TRAPS).items() if count > 1] == []


@pytest.mark.parametrize("trap", TRAPS, ids=[trap.id for trap in TRAPS])
def test_a_trap_names_text_that_is_there_and_tests_that_exist(trap: Trap) -> None:
    changed: dict[str, str] = {}
    for change in trap.changes:
        text = changed.get(change.file) or (ROOT / change.file).read_text(encoding="utf-8")
        changed[change.file] = change.of(text)
        assert changed[change.file] != text
    for file, text in changed.items():
        if file.endswith(".py"):
            compile(text, file, "exec")
    assert trap.tests
    for test in trap.tests:
        file, _colons, name = test.partition("::")
        assert name.partition("[")[0] in functions(file), f"{test} does not exist"
