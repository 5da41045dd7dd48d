# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain of digests per host beside the run directories: what was edited or removed afterwards is noticed.

``STATE/chains/HOST.jsonl`` has a line for each document, in the order in which they were written: the run, the file,
the document's digest, the digest of its baseline, and a link that also covers all lines before it. Whoever can write
documents can write chains too: only a head that is kept elsewhere proves that nobody wrote all of it anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.digests import CHAIN_START, canonical_digest, chained
from ..errors import PatchError
from . import files

_MEMBERS = ("run_id", "file", "digest", "baseline", "chain")


@dataclass
class Verified:
    """What the chains and the documents say about each other."""

    documents: int = 0
    """Documents that are as they were recorded."""
    problems: list[dict[str, str]] = field(default_factory=list)
    """``{"host", "run_id", "kind", "message"}``; kinds: ``edited``, ``removed``, ``run_removed``, ``broken_chain``,
    ``lost_head``, ``unrecorded``."""
    heads: dict[str, str] = field(default_factory=dict)
    """Host (as in file names) to the newest link of its chain."""


def record(state_directory: Path, name: str, run_id: str, file: str, document: dict[str, Any]) -> None:
    """Add a document that was just written; ``name`` is the host as in file names. Raises ``state_unwritable``."""
    folder = state_directory / "chains"
    files.make_private_directory(folder)
    path = folder / f"{name}.jsonl"
    with files.locked(path):
        content = path.read_bytes()
        previous = CHAIN_START
        for line in reversed(content.splitlines()):
            known = _parsed(line)
            if known is not None:
                previous = known["chain"]
                break
        digest = canonical_digest(document)
        entry = {
            "run_id": run_id,
            "file": file,
            "digest": digest,
            "baseline": str((document.get("baseline") or {}).get("digest")),
        }
        entry["chain"] = chained(previous, canonical_digest(entry))
        # A line that an interrupted write left behind is closed, so that it spoils no other.
        start = b"" if not content or content.endswith(b"\n") else b"\n"
        files.append(path, start + json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n")


def verify(state_directory: Path, *, heads: dict[str, str] | None = None) -> Verified:
    """Hold every document against the chains. ``heads``: those of an earlier time, which must still be links."""
    done = Verified()
    recorded: set[tuple[str, str]] = set()
    folder = state_directory / "chains"
    names = sorted(path.name[: -len(".jsonl")] for path in folder.glob("*.jsonl")) if folder.is_dir() else []
    for name in names:
        _verify_chain(state_directory, name, (heads or {}).get(name), recorded, done)
    for name in sorted(set(heads or {}) - set(names)):
        done.problems.append(_problem(name, "", "lost_head", "its chain is gone"))
    for run_id, path in _document_files(state_directory):
        if (run_id, path.name) not in recorded:
            told = f"{path} is in no chain: added by hand, its chain was removed, or it is older than chains are"
            done.problems.append(
                _problem(path.name.removesuffix(".json").partition("~")[0], run_id, "unrecorded", told)
            )
    return done


def _verify_chain(state: Path, name: str, head: str | None, recorded: set[tuple[str, str]], done: Verified) -> None:
    previous, links = CHAIN_START, {CHAIN_START}
    path = state / "chains" / f"{name}.jsonl"
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        entry = _parsed(line)
        if entry is None:
            told = f"line {number} of {path} is no entry: an interrupted write, or edited"
            done.problems.append(_problem(name, "", "broken_chain", told))
            continue
        link = entry.pop("chain")
        if link != chained(previous, canonical_digest(entry)):
            told = f"line {number} of {path} does not follow the one before it: a line was removed or edited"
            done.problems.append(_problem(name, entry["run_id"], "broken_chain", told))
        previous = link
        links.add(link)
        recorded.add((entry["run_id"], entry["file"]))
        problem = _document_problem(state, name, entry)
        if problem is None:
            done.documents += 1
        else:
            done.problems.append(problem)
    done.heads[name] = previous
    if head is not None and head not in links:
        told = (
            "the head that was kept is no link of its chain: the newest lines were removed, or the chain was replaced"
        )
        done.problems.append(_problem(name, "", "lost_head", told))


def _document_problem(state: Path, name: str, entry: dict[str, str]) -> dict[str, str] | None:
    run = state / "runs" / entry["run_id"]
    path = run / "hosts" / entry["file"]
    try:
        document = files.read_json(path)
    except FileNotFoundError:
        if not run.exists():
            return _problem(name, entry["run_id"], "run_removed", f"the run directory {run} is gone")
        return _problem(name, entry["run_id"], "removed", f"{path} is gone")
    except PatchError as error:
        return _problem(name, entry["run_id"], "edited", error.message)
    if canonical_digest(document) != entry["digest"]:
        return _problem(name, entry["run_id"], "edited", f"{path} is not what was written")
    return None


def _document_files(state: Path) -> Iterator[tuple[str, Path]]:
    runs = state / "runs"
    for run in sorted(runs.iterdir()) if runs.is_dir() else []:
        for _name, _sequence, path in files.numbered_files(run / "hosts"):
            yield run.name, path


def _parsed(line: bytes) -> dict[str, str] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _MEMBERS):
        return None
    # A chain names files of its own folder and nothing else.
    if any(os.sep in entry[name] or entry[name] in ("", ".", "..") for name in ("run_id", "file")):
        return None
    return {name: entry[name] for name in _MEMBERS}


def _problem(host: str, run_id: str, kind: str, message: str) -> dict[str, str]:
    return {"host": host, "run_id": run_id, "kind": kind, "message": message}
