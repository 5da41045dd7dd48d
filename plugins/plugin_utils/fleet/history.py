# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every run that a state directory keeps, read back one document at a time.

Nothing is written but ``runs/RUN_ID/statuses.json``, which spares reading every document again for a trend.

What cannot be read is left out and told in ``problems``. The compliance store answers by the same methods
(``store.history``); questions and reports do not know which of the two they read.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PatchError
from . import files
from .run_directory import Run, read_run

Document = dict[str, Any]
_OVERLAP = 16
"""So many runs of one host may overlap in time; its documents come in the order of their ends all the same."""


@dataclass(frozen=True)
class RunInfo:
    """A run as far as lists of runs need it; times are UTC text."""

    run_id: str
    as_of: str
    started_at: str


@dataclass
class FileHistory:
    """Raises ``no_run`` when a run is asked for that is not there."""

    state_directory: Path
    why_not: Callable[[Any], str | None]
    """Tells why a file's content is no document, None when it is one: ``questions.checked.why_not_document``."""
    problems: list[str] = field(default_factory=list)
    """A sentence for every file that could not be read, once per reading of it."""

    def runs(self) -> list[RunInfo]:
        """All runs, oldest first."""
        return [RunInfo(run.run_id, run.as_of, run.started_at) for run in self._runs()]

    def run_documents(self, run_id: str) -> Iterator[Document]:
        """The newest document of every host of one run."""
        run = self._run(run_id)
        for name in sorted(self._names([run])):
            document = next(self._documents_of(name, [run], backwards=True), None)
            if document is not None:
                yield document

    def every_document(self, run_id: str) -> Iterator[Document]:
        """All documents of one run: of a host that was read again the earlier ones as well, in their order."""
        run = self._run(run_id)
        for name in sorted(self._names([run])):
            yield from self._documents_of(name, [run])

    def run_document(self, run_id: str, host: str) -> Document | None:
        """The newest document of one host in one run."""
        return next(self._documents_of(files.safe_name(host), [self._run(run_id)], backwards=True), None)

    def run_hosts(self, run_id: str) -> set[str]:
        """Names of the hosts that left a document in one run."""
        return {str(document["host"]) for document in self.run_documents(run_id)}

    def outcomes(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The newest outcome of every host of one run."""
        return self._run(run_id).outcomes(problems=self.problems)

    def run_statuses(
        self, run_id: str, status_of: Callable[[Document | None, dict[str, Any] | None], str]
    ) -> dict[str, str]:
        """Host to its word in one run (``compliance.outcomes.host_status``); kept beside the run until it grows."""
        run = self._run(run_id)
        grown = [len(files.numbered_files(run.path / folder)) for folder in ("hosts", "outcomes")]
        kept = run.path / "statuses.json"
        try:
            known = files.read_json(kept)
        except (FileNotFoundError, PatchError):
            known = None
        if isinstance(known, dict) and known.get("files") == grown and isinstance(known.get("statuses"), dict):
            return {str(host): str(status) for host, status in known["statuses"].items()}
        outcomes = run.outcomes()
        statuses = {host: status_of(None, outcome) for host, outcome in outcomes.items()}
        for document in self.run_documents(run_id):
            statuses[document["host"]] = status_of(document, outcomes.get(document["host"]))
        try:
            files.write_json(kept, {"files": grown, "statuses": statuses})
        except PatchError as error:
            self.problems.append(str(error))
        return statuses

    def newest(self) -> Iterator[Document]:
        """Each host's newest readable document of all runs, by name."""
        newest_first = list(reversed(self._runs()))
        for name in sorted(self._names(newest_first)):
            document = next(self._documents_of(name, newest_first, backwards=True), None)
            if document is not None:
                yield document

    def host_documents(self, host: str) -> Iterator[Document]:
        """All documents of one host, in the order of their end."""
        return self._in_order(files.safe_name(host), self._runs())

    def each_host(self) -> Iterator[Iterator[Document]]:
        """For one host after the other all of its documents, in the order of their end."""
        runs = self._runs()
        for name in sorted(self._names(runs)):
            yield self._in_order(name, runs)

    def _in_order(self, name: str, runs: Iterable[Run]) -> Iterator[Document]:
        # Runs come in the order of their starts. Sorting a year of documents would hold all of them in memory.
        waiting: list[tuple[str, int, Document]] = []
        for number, document in enumerate(self._documents_of(name, runs)):
            heapq.heappush(waiting, (document["times"]["finished_at"], number, document))
            if len(waiting) > _OVERLAP:
                yield heapq.heappop(waiting)[2]
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _documents_of(self, name: str, runs: Iterable[Run], *, backwards: bool = False) -> Iterator[Document]:
        for run in runs:
            paths = files.numbered_paths(run.path / "hosts", name)
            for path in reversed(paths) if backwards else paths:
                document = self._read(path)
                if document is not None:
                    yield document

    def _read(self, path: Path) -> Document | None:
        try:
            document = files.read_json(path)
        except (FileNotFoundError, PatchError) as error:
            self.problems.append(str(error))
            return None
        problem = self.why_not(document)
        if problem is not None:
            self.problems.append(f"{path} is left out: {problem}; it was not written by this collection, or edited")
            return None
        found: Document = document
        return found

    def _names(self, runs: Iterable[Run]) -> set[str]:
        return {name for run in runs for name, _sequence, _path in files.numbered_files(run.path / "hosts")}

    def _runs(self) -> list[Run]:
        found = []
        try:
            paths = sorted((self.state_directory / "runs").iterdir())
        except FileNotFoundError:
            return []
        for path in paths:
            try:
                found.append(read_run(self.state_directory, path.name))
            except (OSError, PatchError) as error:
                self.problems.append(str(error))
        return sorted(found, key=lambda run: (run.started_at, run.run_id))

    def _run(self, run_id: str) -> Run:
        try:
            return read_run(self.state_directory, run_id)
        except FileNotFoundError:
            raise PatchError(
                "no_run",
                f"there is no run {run_id[:60]!r} in {self.state_directory}; see its folder 'runs'",
                path=str(self.state_directory),
            ) from None
