# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transactions of a history a program calls its own: whatever it names can be undone later."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source

PARTS = ("dnf", "dnf.base", "dnf.cli", "dnf.cli.cli", "dnf.cli.commands", "dnf.cli.commands.downgrade", "dnf.cli.main")


def program(name: str) -> tuple[dict[str, Any], list[str]]:
    """The names of a program, and the lines that it tells."""
    found: dict[str, Any] = {"__name__": name}
    exec(compile(program_source(name), name, "exec"), found)
    told: list[str] = []
    found["tell"] = told.append
    found["wait_for_rpm"] = lambda *_words: None
    return found, told


@pytest.mark.parametrize(("before", "own"), [(57, ["transaction 58"]), (None, [])])
def test_yum_names_no_transaction_where_its_history_could_not_be_read_before(
    before: int | None, own: list[str]
) -> None:
    names, told = program("yum_transaction")
    numbers = iter([before, 58])

    def old(_tids: list[int], _limit: int) -> list[Any]:
        number = next(numbers)
        if number is None:
            raise OSError("database is locked")
        return [SimpleNamespace(tid=number)]

    base = SimpleNamespace(
        history=SimpleNamespace(old=old), processTransaction=lambda **_options: None, closeRpmDB=lambda: None
    )
    names["log_display"] = lambda _yum: None
    names["installed_words"] = lambda _base: set()
    order = {"targets": set(), "arriving": set(), "leaving": set(), "lock_timeout": 0}
    names["run_as_ordered"](SimpleNamespace(rpmtrans=SimpleNamespace(NoOutputCallBack=object)), base, [], order)
    assert told == own


def test_dnf_names_no_transaction_that_somebody_else_ran_while_packages_came(monkeypatch: pytest.MonkeyPatch) -> None:
    names, told = program("dnf_transaction")
    history = [1, 2, 3]

    class Base:
        conf = repos = sack = None
        transaction: tuple[()] = ()

        def fill_sack(self) -> None:
            raise AssertionError("nothing is loaded here")

        def do_transaction(self) -> None:
            history.append(len(history) + 1)

    class BaseCli(Base):
        def do_transaction(self) -> None:
            # The packages come over the network; an administrator is faster.
            history.append(len(history) + 1)
            super().do_transaction()
            told.append("summary of dnf, of any length")

    modules = {name: ModuleType(name) for name in PARTS}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
        parent, _dot, own = name.rpartition(".")
        if parent:
            setattr(modules[parent], own, module)
    modules["dnf.base"].Base = Base  # type: ignore[attr-defined]
    modules["dnf.cli.cli"].BaseCli = BaseCli  # type: ignore[attr-defined]
    modules["dnf.cli.main"].main = lambda _words: BaseCli().do_transaction() or 0  # type: ignore[attr-defined]
    names["last_transaction"] = lambda _base: history[-1]
    names["transaction_rows"] = lambda _base, _hawkey: []
    names["stay_until_rpm_ends"] = list
    order = {"targets": set(), "arriving": set(), "leaving": set(), "lock_timeout": 0}
    monkeypatch.setattr("os.environ", {})
    assert names["guarded"](modules["dnf"], None, ["upgrade"], order) == 0
    assert (history, told) == ([1, 2, 3, 4, 5], ["summary of dnf, of any length", "transaction 5"])


def test_dnf_takes_back_nothing_older_once_a_newer_one_stayed_and_says_so() -> None:
    names, _told = program("dnf_transaction")
    asked: list[str] = []

    def run_again(*words: str) -> int:
        asked.append(words[-1])
        # A child that was killed.
        return -9 if words[-1] == "5" else 0

    names["run_again"] = run_again
    names["load_dnf"] = lambda: (None, None)
    names["bound_locks"] = lambda *_words: None
    names["installed_sack"] = lambda _dnf: SimpleNamespace(close=lambda: None)
    names["last_transaction"] = lambda _base: 9
    names["installed_words"] = lambda _dnf, _hawkey: {"acme-1.1-1.noarch"}
    known = {"arriving": {"acme-1.0-1.noarch"}, "leaving": set(), "transactions": {3, 5, 7}, "lock_timeout": 0}
    names["read_order"] = lambda _path: known
    assert names["undo"](["order"]) == -9
    assert asked == ["7", "5"]
