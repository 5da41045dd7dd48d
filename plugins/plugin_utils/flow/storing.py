# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From run directories into the store: what the task ``store_documents`` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import PatchError
from ..fleet.first_seen import FirstSeenLedger
from ..fleet.history import FileHistory
from ..fleet.run_directory import utc_text
from ..questions.checked import why_not_document
from ..store.compliance_store import ComplianceStore
from ..store.stored_ledger import StoredLedger
from .history import run_named
from .ledger import LEDGER

ALL_RUNS = "all"


@dataclass
class Stored:
    """What came of it."""

    runs: list[str] = field(default_factory=list)
    added: int = 0
    known: int = 0
    forgotten: int = 0
    problems: list[str] = field(default_factory=list)


def store_runs(state_directory: str, store_url: str, *, run_id: str, keep_days: float | None, now: datetime) -> Stored:
    """Put the documents and outcomes of a run (or ``all``) into the store; what is there already is left alone.

    ``keep_days``: afterwards forget what is older, but each host's newest document.
    """
    if keep_days is not None and keep_days <= 0:
        raise PatchError("bad_argument", f"keep_days is {keep_days:g}; it must be more than 0")
    before = None if keep_days is None else utc_text(now - timedelta(days=keep_days))
    files = FileHistory(Path(state_directory).expanduser(), why_not_document)
    runs = files.runs() if run_id == ALL_RUNS else [run_named(files, run_id)]
    store = ComplianceStore(store_url)
    done = Stored(runs=[run.run_id for run in runs])
    try:
        for run in runs:
            store.add_run(run.run_id, run.as_of, run.started_at)
            for document in files.every_document(run.run_id):
                if store.add_document(document, forgotten_before=before):
                    done.added += 1
                else:
                    done.known += 1
            for host, outcome in files.outcomes(run.run_id).items():
                store.add_outcome(run.run_id, host, outcome)
        # Scans whose delays count by no ledger keep what they saw in the file alone.
        StoredLedger(store.database).keep(FirstSeenLedger(Path(state_directory).expanduser() / LEDGER).everything())
        if before is not None:
            done.forgotten = store.forget(before)
    finally:
        store.close()
    done.problems = list(dict.fromkeys(files.problems))
    return done
