"""The table of known traps, and a tree of one's own in which the handling of one is taken out.

``tests/traps/*.yml``, a list of: ``id``, ``trap`` (one sentence), ``file``, ``find`` (text that handles it, there
exactly once), ``replace`` (the same without the handling), ``tests`` (node ids that then have to fail), and ``also``
(further ``file``, ``find`` and ``replace``) where it is handled in several places.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from forked_tests import ForkedTests

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted((ROOT / "tests" / "traps").glob("*.yml"))
_NOT_COPIED = (".git", ".cache", ".venv", ".nox", ".hypothesis", "__pycache__", "output", "*.pyc", ".*_cache")


@dataclass(frozen=True)
class Change:
    """``find`` in ``file`` becomes ``replace``."""

    file: str
    find: str
    replace: str

    def of(self, text: str) -> str:
        """The changed text; raises ``ValueError`` where ``find`` is not there exactly once."""
        count = text.count(self.find)
        if count != 1:
            raise ValueError(f"{self.file} has this text {count} times, not once: {self.find!r}")
        return text.replace(self.find, self.replace)


@dataclass(frozen=True)
class Trap:
    id: str
    trap: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


def read_table(path: Path) -> list[Trap]:
    """The traps of one table; what does not have the form of one raises ``ValueError``."""
    return [
        _trap(each, f"{path.name}[{number}]") for number, each in enumerate(yaml.safe_load(path.read_text("utf-8")))
    ]


def all_traps() -> list[Trap]:
    return [trap for path in TABLES for trap in read_table(path)]


def _trap(entry: dict[str, Any], where: str) -> Trap:
    wrong = entry.keys() ^ {"id", "trap", "file", "find", "replace", "tests"}
    if wrong - {"also"}:
        raise ValueError(f"{where}: these keys are unknown or not there: {', '.join(sorted(wrong - {'also'}))}")
    changes = [{name: entry[name] for name in ("file", "find", "replace")}, *entry.get("also", [])]
    return Trap(entry["id"], entry["trap"], tuple(Change(**each) for each in changes), tuple(entry["tests"]))


def copied_tree(folder: Path) -> Path:
    """A copy of this checkout with a collections path of its own; what was downloaded once is shared."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
    own = tree / ".cache" / "collections" / "ansible_collections"
    (own / "openfleet").mkdir(parents=True)
    (own / "openfleet" / "patch").symlink_to(tree)
    _link(ROOT / ".cache", tree / ".cache", leave="collections")
    _link(ROOT / ".cache" / "collections" / "ansible_collections", own, leave="openfleet")
    return tree


def _link(source: Path, target: Path, *, leave: str) -> None:
    for each in source.iterdir():
        if each.name != leave:
            (target / each.name).symlink_to(each)


@dataclass(frozen=True)
class Ended:
    """One run of pytest; ``failed`` has the node ids of failed tests."""

    code: int
    failed: frozenset[str]
    errors: frozenset[str]
    output: str

    def has_failed(self, test: str) -> bool:
        """Whether a test failed, or one of its cases, or one of a file."""
        return any(each == test or each.startswith((f"{test}[", f"{test}::")) for each in self.failed)


class TestedTree:
    """A tree and the runs of its tests, in processes that know that tree alone."""

    __test__ = False

    def __init__(self, tree: Path) -> None:
        collections = str(tree / ".cache" / "collections")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ANSIBLE_"))}
        own = {"ANSIBLE_COLLECTIONS_PATH": collections, "PYTHONPATH": collections, "COLUMNS": "1000"}
        self.tree = tree
        self._tests = ForkedTests(tree, kept | own)

    def run(self, tests: Sequence[str]) -> Ended:
        """The named tests."""
        code, output = self._tests.run(
            ["-q", "-rfE", "--tb=line", "-p", "no:cacheprovider", "-p", "no:warnings", *tests]
        )
        return Ended(code, _named(output, "FAILED "), _named(output, "ERROR "), output)

    @contextmanager
    def without(self, changes: Sequence[Change]) -> Iterator[None]:
        """While this lasts, the handling is out of the tree."""
        kept = {each.file: (self.tree / each.file).read_text(encoding="utf-8") for each in changes}
        try:
            for each in changes:
                path = self.tree / each.file
                path.write_text(each.of(path.read_text(encoding="utf-8")), encoding="utf-8")
            yield
        finally:
            for name, text in kept.items():
                (self.tree / name).write_text(text, encoding="utf-8")

    def close(self) -> None:
        self._tests.close()


def _named(output: str, word: str) -> frozenset[str]:
    """Node ids of ``FAILED tests/x.py::name[case] - what was said``."""
    lines = [line[len(word) :] for line in output.splitlines() if line.startswith(word)]
    return frozenset(line.partition(" - ")[0] for line in lines)
