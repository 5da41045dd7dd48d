# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of this ansible-playbook comes to: what ``summarize_run`` prints and ``notify_run`` tells."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compliance.overview import Overview, survey
from ..compliance.text import render_run
from ..fleet.controller import ephemeral_warning
from ..fleet.notices import untold
from ..fleet.run_directory import Run
from ..fleet.turns import read_turns
from .opened_run import run_of_task


@dataclass(frozen=True)
class RunSummary:
    """All of it; ``text`` is the summary that people read."""

    run: Run
    overview: Overview
    stopped: str
    """Why no further host was started; empty where all had their turn."""
    text: str

    @property
    def counts(self) -> dict[str, int]:
        """Hosts by what they ended as."""
        return self.overview.counts()

    @property
    def told(self) -> dict[str, str]:
        """The run as messages name it."""
        return {"id": self.run.run_id, "as_of": self.run.as_of, "path": str(self.run.path)}


def summarize(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> RunSummary:
    """Of the options of a task: ``state_directory``, ``run_id``, ``hosts`` (None: all of the play), ``operation``."""
    hosts: Sequence[str] | None = arguments["hosts"]
    if hosts is None:
        hosts = [str(host) for host in task_vars.get("ansible_play_hosts_all") or []]
    run = run_of_task(arguments)
    problems: list[str] = []
    outcomes = run.outcomes(of_this_process=True, problems=problems)
    turns = read_turns(run)
    stopped = turns.why_stopped() if turns else ""
    overview = survey(run.each_document(problems=problems), outcomes, hosts=hosts, why_not_started=stopped)
    overview.problems += problems
    told = {"id": run.run_id, "as_of": run.as_of, "path": str(run.path)}
    text = render_run(overview, run=told, operation=arguments["operation"], warnings=_warnings(run))
    return RunSummary(run, overview, stopped, text)


def _warnings(run: Run) -> list[str]:
    ephemeral = ephemeral_warning(os.environ, runner_directory=Path("/runner").is_dir())
    return [*run.warnings, *([ephemeral] if ephemeral else []), *untold(run)]
