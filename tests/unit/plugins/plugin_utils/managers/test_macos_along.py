"""What Homebrew would bring along, by its dry runs where they are understood and by its graph where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import UNVERSIONED, Change
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos_along import (
    answers,
    questions,
    read_dry_run,
    read_graph,
)

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "macos-outputs"
TAP = "openfleet/demo"
OFLIB = Change("oflib", "formula", "1.0", "2.0")
OFAPP = Change("ofapp", "formula", "1.0", "2.0")
OFUSER = Change("ofuser", "formula", "1.0", "2.0")
OFNEW = Change("ofnew", "formula", None, "1.0")


def recorded(name: str) -> str:
    return (GOLDEN / f"brew-recorded-4.4.32.{name}.txt").read_text()


def candidate(name: str, kind: str = "formula", **more: Any) -> dict[str, Any]:
    tap = f"{TAP}/{name}" if kind == "formula" else name
    return {"name": name, "arch": None, "kind": kind, "version": "2.0", "installed_version": "1.0", "full_name": tap,
            "held": {}, **more}  # fmt: skip


def mac(*candidates: dict[str, Any], release: str | None = "4.4.32", also: tuple[str, ...] = ()) -> Inventory:
    there = [*candidates, *map(candidate, also)]
    return Inventory("MACOS", "Tahoe26.5.1", {}, {"name": "macos"}, None, "2026-11-20T12:00:00Z", True,
                     candidates=list(candidates), installed=[{**each, "version": "1.0"} for each in there],
                     findings={"homebrew": {"path": "/b", "owner": "o", "release": release}})  # fmt: skip


RECORDED = mac(candidate("ofapp"), candidate("oflib"), candidate("ofuser"))
GRAPH, APP, LIB = (
    (0, recorded("deps-for-each")),
    (0, recorded("dry-run-dependencies")),
    (0, recorded("dry-run-dependents")),
)
USER = (0, "==> Would upgrade 1 outdated package:\nopenfleet/demo/ofuser 1.0 -> 2.0\n")


def with_ofapp(host: Inventory, *results: tuple[int, str]) -> set[Change]:
    found, why_not = answers(host, results).along_with([("ofapp", "formula")])
    assert why_not is None
    return set(found)


def test_homebrew_is_asked_for_its_graph_and_for_a_dry_run_of_each() -> None:
    asked = questions(mac(candidate("ofapp"), candidate("ofpin", held={"kind": "pin"}), candidate("ofcask", "cask")))
    assert [" ".join(words[5:]) for words in asked] == [
        "deps --for-each --full-name --include-optional openfleet/demo/ofapp",
        "deps --for-each --full-name --cask ofcask",
        "upgrade --dry-run --formula openfleet/demo/ofapp",
    ]
    assert {tuple(words[3:5]) for words in asked} == {("o", "/b")}


@pytest.mark.parametrize("release", ["3.2.17", None])
def test_a_homebrew_whose_dry_run_tells_no_dependencies_is_asked_for_its_graph_alone(release: str | None) -> None:
    assert len(questions(mac(candidate("ofapp"), release=release))) == 1


def test_what_is_needed_comes_and_what_is_built_on_that_as_well() -> None:
    assert with_ofapp(RECORDED, GRAPH, APP, LIB, USER) == {OFLIB, OFNEW, OFUSER}


def test_what_is_wanted_itself_is_not_along() -> None:
    found, _why_not = answers(RECORDED, [GRAPH, APP, LIB, USER]).along_with(
        [("ofapp", "formula"), ("oflib", "formula")]
    )
    assert set(found) == {OFNEW, OFUSER}


@pytest.mark.parametrize("answer", [
    (1, recorded("dry-run-dependencies")),
    (0, ""),
    (0, "Error: no such command\n"),
    # A heading that nobody knows, and one that says another number than there are names.
    (0, recorded("dry-run-dependencies").replace("Would install 2 dependencies", "Would bring 2 dependencies")),
    (0, recorded("dry-run-dependencies").replace("install 2", "install 3")),
    (0, recorded("dry-run-dependencies").replace("1.0 -> 2.0 open", "1.0 -> open")),
])  # fmt: skip
def test_a_dry_run_that_is_not_understood_counts_for_nothing_and_the_graph_stands_in(answer: tuple[int, str]) -> None:
    unknown = Change("ofnew", "formula", None, UNVERSIONED)
    assert with_ofapp(RECORDED, GRAPH, answer, LIB, USER) == {OFLIB, unknown, OFUSER}


def test_the_graph_leaves_out_what_is_new_enough() -> None:
    host = mac(candidate("ofapp"), release=None, also=("oflib", "ofnew"))
    assert with_ofapp(host, GRAPH) == set()


def test_by_the_graph_what_is_built_on_a_formula_comes_with_it() -> None:
    host = mac(candidate("oflib"), candidate("ofuser"), release=None)
    found, _why_not = answers(host, [GRAPH]).along_with([("oflib", "formula")])
    assert found == [OFUSER]


def test_where_neither_dry_run_nor_graph_tells_nothing_is_claimed() -> None:
    told = answers(RECORDED, [(1, "Error"), (1, "Error"), LIB, USER])
    found, why_not = told.along_with([("ofapp", "formula")])
    assert (found, why_not) == ([], "Homebrew does not tell what it would bring along with ofapp")


def test_a_cask_brings_what_is_not_there_and_what_that_needs_in_turn() -> None:
    host = mac(candidate("ofcask", "cask"), candidate("oflib"), release=None)
    graph = (0, "openfleet/demo/oflib: \n")
    told = answers(host, [graph, (0, "ofcask: openfleet/demo/oflib\n")]).along_with([("ofcask", "cask")])
    assert told == ([], None)
    told = answers(host, [graph, (0, "ofcask: openfleet/demo/oflib openfleet/demo/ofnew\n")]).along_with(
        [("ofcask", "cask")]
    )
    assert told == ([Change("ofnew", "formula", None, UNVERSIONED), OFLIB], None)


@pytest.mark.parametrize("text", [
    # As 3.3 to 3.6.4 wrote it, 6.0.0 to 6.0.6, and 6.0.7 and later: by their source.
    "==> Would upgrade 1 outdated package:\na 1.0 -> 2.0\n"
    "==> Would upgrade 2 dependencies for a:\nb 1.0 -> 2.0, c 3.0_1\n",
    "==> Would install 2 dependencies for a:\nb 1.0 -> 2.0\nc 3.0_1\n"
    "==> Would upgrade 1 outdated package\na 1.0 -> 2.0 (1.2MB)\n",
    "==> Would install 1 dependency for a:\nc 3.0_1\n==> Would upgrade 1 dependency for a:\nb   1.0 -> 2.0\n"
    "==> Would upgrade 1 outdated package\na 1.0 -> 2.0 (880KB)\n",
])  # fmt: skip
def test_dry_runs_of_other_releases_say_the_same(text: str) -> None:
    assert read_dry_run(text) == {"b": ("2.0", "1.0"), "c": ("3.0_1", None)}


def test_a_recorded_dry_run_tells_what_is_built_on_a_formula() -> None:
    both = {"ofapp": ("2.0", "1.0"), "ofuser": ("2.0", "1.0")}
    assert read_dry_run(recorded("dry-run-dependents")) == both


def test_a_recorded_warning_is_no_list_of_what_comes() -> None:
    assert read_dry_run(recorded("dry-run-not-bottled")) == {}


def test_lines_of_the_graph_that_are_warnings_are_left_out() -> None:
    warning = "Warning: Treating firefox as a formula. For the cask, use homebrew/cask/firefox\n"
    text = f"{warning}firefox: gtk+3 own/tap/x\na:\n"
    assert read_graph(text) == {"firefox": ["gtk+3", "own/tap/x"], "a": []}
