# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Homebrew would bring along with a formula or cask: what that one needs, and what is built on it.

``brew upgrade --dry-run`` tells it from 3.3 on, in words that change from release to release. What is not understood in
them to the last word counts for nothing, and the graph of ``brew deps`` stands in for it: everything that the formula
needs and that is old or not there. That may be more than would come, and is never less.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.changes import UNVERSIONED, Change
from ..engine.records import Inventory, PackageKey, PatchRecord, package_key
from . import _answer, macos_homebrew

KINDS = frozenset({"formula", "cask"})
# Before, a dry run said nothing of dependencies.
_TELLS_FROM = (3, 3, 0)
_HEADING = re.compile(r"==> (.*?):?\Z")
_OTHER = re.compile(r"(?:Warning|Error): ")
# Would upgrade 1 outdated package; its lines name what was asked for
_ASKED_FOR = re.compile(r"Would upgrade \d+ outdated packages?\Z")
# Would install 2 dependencies for openfleet/demo/ofhello; Would upgrade 1 dependent of upgraded formula
_ALONG = re.compile(r"Would (?:install|upgrade) (\d+) (?:dependenc\w+ for \S+|dependents? of upgraded formula\w*)\Z")
_SIZE = re.compile(r"\s\([\d.]+[KMGT]?B\)")

Found = Mapping[str, tuple[str, str | None]]
"""Short name: the version, or ``UNVERSIONED``, and the one that is installed."""


@dataclass(frozen=True)
class Along:
    """``told``: for each formula and cask that is outdated what comes with it by itself; None where nobody knows."""

    told: Mapping[PackageKey, tuple[Change, ...] | None]

    def along_with(self, keys: Sequence[PackageKey]) -> tuple[list[Change], str | None]:
        """What comes with all of these, with that in turn, and so on; and what there is to say against asking so."""
        waiting, seen = list(keys), set(keys)
        found: list[Change] = []
        while waiting:
            key = waiting.pop(0)
            more = self.told.get(key, ())
            if more is None:
                return [], f"Homebrew does not tell what it would bring along with {key[0]}"
            fresh = [change for change in more if (change.name, change.arch) not in seen]
            found += fresh
            waiting += [(change.name, change.arch) for change in fresh]
            seen.update((change.name, change.arch) for change in fresh)
        return found, None


@dataclass(frozen=True)
class _Question:
    """``about``: the one record of a dry run, all records of a graph."""

    words: tuple[str, ...]
    about: tuple[PatchRecord, ...]

    @property
    def is_graph(self) -> bool:
        return self.words[0] == "deps"


def questions(inventory: Inventory) -> list[list[str]]:
    """Commands that change nothing but brew's own cache of what it has downloaded."""
    brew = inventory.findings["homebrew"]
    return [macos_homebrew.as_owner(brew, *each.words) for each in _questions(inventory)]


def _questions(inventory: Inventory) -> list[_Question]:
    """Pinned ones are left out: nothing brings them anywhere."""
    coming = [each for each in inventory.candidates if each["kind"] in KINDS and not each["held"]]
    formulae, casks = (tuple(each for each in coming if each["kind"] == kind) for kind in ("formula", "cask"))
    found = []
    # An option of its own makes brew tell what formulae need now, and not what is installed was built with.
    graph = ("deps", "--for-each", "--full-name")
    if formulae:
        found.append(_Question((*graph, "--include-optional", *_names(formulae)), formulae))
    if casks:
        found.append(_Question((*graph, "--cask", *_names(casks)), casks))
    if macos_homebrew.read_release(f"Homebrew {inventory.findings['homebrew']['release']}") >= _TELLS_FROM:
        dry_run = ("upgrade", "--dry-run", "--formula")
        found += [_Question((*dry_run, str(each["full_name"])), (each,)) for each in formulae]
    return found


def _names(records: Iterable[PatchRecord]) -> list[str]:
    return [str(each["full_name"]) for each in records]


def answers(inventory: Inventory, results: Sequence[tuple[int, str]]) -> Along:
    """``results``: exit code and output of each question."""
    graph: dict[PackageKey, list[str] | None] = {}
    told: dict[PackageKey, tuple[Change, ...] | None] = {}
    asked = list(zip(_questions(inventory), results, strict=True))
    for question, (code, text) in asked:
        if question.is_graph:
            lines = read_graph(text) if code == 0 else {}
            graph |= {package_key(each): lines.get(str(each["full_name"])) for each in question.about}
    host = _Host(inventory, graph)
    told = {key: host.by_graph(key) for key in graph}
    for question, (code, text) in asked:
        found = None if question.is_graph or code != 0 else read_dry_run(text)
        if found is not None:
            key = package_key(question.about[0])
            told[key] = tuple(host.change(name, "formula", *versions) for name, versions in found.items())
    return Along(told)


class _Host:
    """What is there and what is old, beside the graph of what needs what."""

    def __init__(self, inventory: Inventory, graph: Mapping[PackageKey, list[str] | None]) -> None:
        self._graph = graph
        self._old = {package_key(each): each for each in inventory.candidates if each["kind"] in KINDS}
        self._there = {package_key(each) for each in inventory.installed if each["kind"] in KINDS}

    def change(self, name: str, kind: str, version: str = UNVERSIONED, installed: str | None = None) -> Change:
        known: Mapping[str, Any] = self._old.get((name, kind), {})
        if version == UNVERSIONED:
            version = str(known.get("version") or version)
        return Change(name, kind, installed or known.get("installed_version"), version)

    def by_graph(self, key: PackageKey) -> tuple[Change, ...] | None:
        """Where a cask needs something that is not there, formulae come, and old ones with them."""
        names = self._graph[key]
        if names is None:
            return None
        needed = [self._kind_of(name.rpartition("/")[2]) for name in names]
        absent = [each for each in needed if each not in self._there]
        coming = [each for each in needed if each in self._old and (key[1] == "formula" or absent)]
        return tuple(self.change(*each) for each in dict.fromkeys([*absent, *coming, *self._built_on(key)]))

    def _kind_of(self, name: str) -> PackageKey:
        return (name, "cask") if (name, "cask") in self._there and (name, "formula") not in self._there else (
            name, "formula")  # fmt: skip

    def _built_on(self, key: PackageKey) -> list[PackageKey]:
        """Old formulae that need this one: Homebrew brings them up to date with it."""
        if key[1] != "formula":
            return []
        return [
            other
            for other, names in self._graph.items()
            if other[1] == "formula" and other != key and key[0] in {each.rpartition("/")[2] for each in names or ()}
        ]


def read_graph(text: str) -> dict[str, list[str]]:
    """``own/tap/a: b homebrew/core/c`` -> ``{own/tap/a: [b, homebrew/core/c]}``; other lines are warnings."""
    found = {}
    for line in text.splitlines():
        name, colon, names = line.partition(":")
        if colon and macos_homebrew.is_name(name) and all(map(macos_homebrew.is_name, names.split())):
            found[name] = names.split()
    return found


def read_dry_run(text: str) -> dict[str, tuple[str, str | None]] | None:
    """What would come beside what was asked for: ``{name: (version, installed version or None)}``.

    None where that is not certain: another heading about what it would do, or not as many names as a heading says.
    """
    found: dict[str, tuple[str, str | None]] = {}
    certain = False
    for heading, lines in _parts(text):
        along = _ALONG.match(heading)
        if along:
            items = _items(lines)
            if items is None or len(items) != int(along.group(1)):
                return None
            found |= items
        elif _ASKED_FOR.match(heading):
            certain = True
        elif heading.startswith("Would "):
            return None
    return found if certain else None


def _parts(text: str) -> list[tuple[str, list[str]]]:
    """Headings and the lines below each, up to a warning or an empty line."""
    found: list[tuple[str, list[str]]] = []
    below: list[str] | None = None
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            below = []
            found.append((_answer.clean(heading.group(1), 300), below))
        elif not line.strip() or _OTHER.match(line):
            below = None
        elif below is not None:
            below.append(line)
    return found


def _items(lines: Collection[str]) -> dict[str, tuple[str, str | None]] | None:
    """``a 1.0 -> 2.0, b 3.0``, with commas, blanks or line ends between, and perhaps ``(1.2MB)`` behind."""
    words = [word.rstrip(",") for word in _SIZE.sub("", " ".join(lines)).split()]
    found: dict[str, tuple[str, str | None]] = {}
    while words:
        name, *words = words
        if not macos_homebrew.is_name(name) or not words or words[0] == "->":
            return None
        version, *words = words
        installed = None
        if words[:1] == ["->"]:
            if len(words) < 2:
                return None
            installed, version, words = version, words[1], words[2:]
        found[name.rpartition("/")[2]] = (version, installed)
    return found
