# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where documents are read from, and what is known of each host beside its documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..compliance.document import RunFacts
from ..compliance.outcomes import host_status
from ..errors import PatchError
from ..fleet.history import FileHistory
from ..questions.checked import why_not_document
from ..report.model import STATUSES, count_statuses
from ..store.compliance_store import ComplianceStore

Document = dict[str, Any]
Outcome = dict[str, Any]


class History(Protocol):
    """What run directories and the store have in common; ``fleet.history.FileHistory`` tells what each one means."""

    problems: list[str]

    def runs(self) -> Sequence[RunFacts]:
        """All runs, oldest first."""

    def run_documents(self, run_id: str) -> Iterator[Document]:
        """The newest document of every host of one run."""

    def run_document(self, run_id: str, host: str) -> Document | None:
        """The newest document of one host in one run."""

    def run_hosts(self, run_id: str) -> set[str]:
        """Names of the hosts that left a document in one run."""

    def outcomes(self, run_id: str) -> dict[str, Outcome]:
        """The newest outcome of every host of one run."""

    def run_statuses(self, run_id: str, status_of: Callable[[Document | None, Outcome | None], str]) -> dict[str, str]:
        """Host to its word in one run."""

    def newest(self) -> Iterator[Document]:
        """Each host's newest document, by name."""

    def host_documents(self, host: str) -> Iterator[Document]:
        """All documents of one host, in the order of their end."""

    def each_host(self) -> Iterator[Iterator[Document]]:
        """For one host after the other all of its documents."""


def open_history(state_directory: str, store_url: str | None = None) -> History:
    """The documents of the store where there is one, else those below the state directory."""
    if store_url:
        return ComplianceStore(store_url)
    return FileHistory(Path(state_directory).expanduser(), why_not_document)


def newest_outcomes(history: History, hosts: Collection[str]) -> dict[str, Outcome]:
    """The newest outcome of each of ``hosts``, from the newest run that has one."""
    found: dict[str, Outcome] = {}
    for run in reversed(history.runs()):
        if len(found) == len(hosts):
            break
        for host, outcome in history.outcomes(run.run_id).items():
            if host in hosts and host not in found:
                found[host] = outcome
    return found


def trend(history: History, *, runs: int, hosts: Collection[str] | None) -> list[dict[str, Any]]:
    """How the hosts ended in each of the newest ``runs`` runs, oldest first; runs without any of them are left out.

    Counts are of ``hosts`` alone, of all where it is None: a run that was limited to some hosts counts just those.
    """
    if runs < 1:
        return []
    answer = []
    for run in history.runs()[-runs:]:
        statuses = history.run_statuses(run.run_id, host_status)
        kept = [status for host, status in statuses.items() if status in STATUSES and (hosts is None or host in hosts)]
        if kept:
            answer.append(
                {
                    "run_id": run.run_id,
                    "as_of": run.as_of,
                    "started_at": run.started_at,
                    "counts": count_statuses(kept),
                }
            )
    return answer


def no_reboot_installs(history: History, hosts: Collection[str] | None) -> dict[str, str]:
    """Host to the end of its newest Install with NoReboot. Run directories are read as a whole for it."""
    if isinstance(history, ComplianceStore):
        return history.no_reboot_installs()
    found: dict[str, str] = {}
    for documents in history.each_host():
        for document in documents:
            installed = document["operation"] == "Install" and document["reboot_option"] == "NoReboot"
            if installed and (hosts is None or document["host"] in hosts):
                found[document["host"]] = document["times"]["finished_at"]
    return found


def run_named(history: History, run_id: str) -> RunFacts:
    """The run of this id, or the newest one for ``latest``, the one before it for ``previous``."""
    runs = history.runs()
    places = {"latest": 1, "previous": 2}
    if run_id in places and len(runs) >= places[run_id]:
        return runs[-places[run_id]]
    for run in runs:
        if run.run_id == run_id.lower():
            return run
    raise PatchError(
        "no_run", f"there is no run {run_id[:60]!r}; {len(runs)} runs are known. Scan first, or name another one"
    )
