# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From documents to report files: what the task ``report`` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import PatchError
from ..fleet import files
from ..report.formats import render
from ..report.model import Report, ReportBuilder
from .history import History, newest_outcomes, no_reboot_installs, run_named, trend


def gather_report(
    history: History,
    *,
    generated_at: str,
    hosts: Sequence[str] | None = None,
    run_id: str | None = None,
    stale_after_days: float = 7,
    installed: bool = False,
    trend_runs: int = 30,
    with_installs: bool = False,
) -> Report:
    """The report of one run, or of each host's newest document where no run is named.

    ``hosts``: all that there should be something about; documents of others are left out. None: all with a document.
    ``with_installs``: the newest Install without a reboot is looked for in earlier documents, too, which takes long.
    """
    if stale_after_days <= 0:
        raise PatchError("bad_argument", f"stale_after_days is {stale_after_days:g}; it must be more than 0")
    run = run_named(history, run_id) if run_id else None
    scope = {
        "kind": "run" if run else "fleet",
        "run_id": run.run_id if run else None,
        "as_of": run.as_of if run else None,
    }
    wanted = None if hosts is None else set(hosts)
    builder = ReportBuilder(
        generated_at=generated_at, scope=scope, stale_after_days=stale_after_days, installed=installed
    )
    outcomes = history.outcomes(run.run_id) if run else newest_outcomes(history, wanted or set())
    documents = history.run_documents(run.run_id) if run else history.newest()
    installs = no_reboot_installs(history, wanted) if with_installs and run is None else {}
    for document in documents:
        host = document["host"]
        if wanted is None or host in wanted:
            builder.add(document, outcomes.get(host), in_run=run is not None, last_no_reboot_install=installs.get(host))
    for host in outcomes if hosts is None else hosts:
        builder.add_missing(host, outcomes.get(host), in_run=run is not None)
    return builder.finish(trend=trend(history, runs=trend_runs, hosts=wanted), problems=dict.fromkeys(history.problems))


def write_report(
    report: Report,
    formats: Iterable[str],
    directory: str,
    *,
    mode: int = 0o600,
    instance_ids: Mapping[str, str] | None = None,
) -> list[str]:
    """Write every file of the formats into ``directory`` (made with mode 0700), each in one step; their paths."""
    folder = Path(directory).expanduser()
    files.make_private_directory(folder)
    written = []
    for name, pieces in render(report, formats, instance_ids=instance_ids).items():
        files.write_pieces(folder / name, pieces, mode=mode)
        written.append(str(folder / name))
    return written
