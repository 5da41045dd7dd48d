# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take back on one host what the last installation brought: read, look into the journal, simulate, say what cannot be
taken back, run a journaled job, read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.changes import Choice, Simulation, Target, choose_by
from ..engine.install_records import JOURNAL_PROGRAM, ROLLBACK, Installation, Journal, parse_journal, record
from ..engine.records import Inventory
from ..engine.rollback import Undoing, changes_of, objections, settled, undoing
from ..errors import PatchError
from ..host.commands import run_commands
from ..host.job_client import STATE_DIRECTORY
from . import install_report, rollback_report
from .install import HostInstall
from .inventory import rollback_planner
from .job_report import changed_packages

# So many jobs the journal keeps: with fewer, none has made room.
JOBS_KEPT = 10
_NO_SELECTION = {"install_override_list": None, "snapshot": None}


class HostRollback(HostInstall):
    """One host's turn in a run that takes an installation back. Its document keeps what was read last."""

    job_kind = ROLLBACK

    def __init__(
        self,
        action: Any,
        task_vars: dict[str, Any],
        arguments: Mapping[str, Any],
        *,
        check_mode: bool,
        tell: Callable[[str], None],
        **more: Any,
    ) -> None:
        super().__init__(action, task_vars, {**arguments, **_NO_SELECTION}, check_mode=check_mode, tell=tell, **more)
        self.installation: Installation | None = None
        self.undo: Undoing | None = None
        self._whole = False

    def _install(self) -> dict[str, Any]:
        """The document after the packages went back; in check mode that of the host as it is, with the plan."""
        inventory = self._ready()
        self._way_back = rollback_planner(inventory, self._arguments)
        self.resolve(inventory)
        inventory = self._repaired(inventory)
        self.installation = self._find(inventory)
        if self.installation is not None:
            inventory = self._plan_fresh(inventory)
        undo = self.undo or Undoing()
        if undo.refused and not self._arguments["allow_partial"]:
            self.failure = rollback_report.refusal(undo)
        if self._check_mode:
            self.operation = "Scan"
            self.changes = [] if self.failure else rollback_report.changes(undo.targets)
            return self.judge(inventory)
        after = inventory
        if undo.targets and self.failure is None:
            after = self._follow_up(self._take_back(inventory, by_history=self._whole))
        self.changes = changed_packages(self.before or inventory, after)
        return self._final_document(after)

    def _find(self, inventory: Inventory) -> Installation | None:
        """What is to be taken back; None where that is nothing, or cannot be found, which is the document's failure."""
        try:
            return self._installation_in(self._journal(), inventory)
        except PatchError as error:
            self.failure = error
            return None

    def _journal(self) -> Journal:
        command = ["/bin/sh", "-c", JOURNAL_PROGRAM, "sh", STATE_DIRECTORY]
        [found] = run_commands(self.channel, [command], environment={"LC_ALL": "C"})
        return parse_journal(found.output)

    def _installation_in(self, journal: Journal, inventory: Inventory) -> Installation | None:
        known, wanted = journal.installations(), (self._arguments["install_run"] or "").lower()
        if not wanted:
            if not known:
                raise rollback_report.no_journal()
            return known[-1]
        runs = [each.run for each in known]
        if wanted not in runs:
            if journal.count >= JOBS_KEPT:
                raise rollback_report.not_in_journal(wanted)
            message = f"Run {wanted} installed nothing on this host, by its journal; nothing is to be taken back."
            self._notes.append({"kind": "nothing_installed", "message": message})
            return None
        place = len(runs) - 1 - runs[::-1].index(wanted)
        for later in known[place + 1 :]:
            left = undoing(later, inventory)
            if left.targets or left.refused:
                raise rollback_report.newer_install(later, wanted)
        return known[place]

    def _plan_fresh(self, inventory: Inventory) -> Inventory:
        """Plans; where a version seems to be gone, once more by package lists that are fetched now."""
        self._plan(inventory)
        if any("any more" in reason for reasons in (self.undo or Undoing()).refused.values() for reason in reasons):
            inventory = self.read(refresh="always")
            self._plan(inventory)
        return inventory

    def _plan(self, inventory: Inventory) -> None:
        if self.installation is None:
            raise AssertionError("the journal is read before anything is planned")
        undo = undoing(self.installation, inventory)
        self._whole = undo.is_whole
        if undo.targets:
            self._way_back = rollback_planner(inventory, self._arguments)
            self._look(undo.targets)
            choice = choose_by(undo.targets, self._simulate, objections)
            self._whole = self._whole and not choice.refused
            undo = settled(undo, choice)
        self.undo = undo

    def _look(self, targets: Sequence[Target]) -> None:
        commands = self._way_back.look_commands(targets)
        found = run_commands(self.channel, commands, environment={"LC_ALL": "C"}) if commands else []
        self._way_back.note_looks(targets, [(each.code, each.output) for each in found])

    def _simulate(self, batches: list[list[Target]]) -> list[Simulation]:
        way = self._way_back
        environment = self.channel.task_environment() | way.QUIET_ENVIRONMENT
        results = run_commands(self.channel, way.back_commands(batches), environment=environment)
        found: list[Simulation] = way.parse_backs(batches, [(each.code, each.output) for each in results])
        return found

    def _take_back(self, inventory: Inventory, *, by_history: bool) -> Inventory:
        """Runs the job to its end and reads the host again."""
        if self.undo is None or self.installation is None:
            raise AssertionError("planned before anything is taken back")
        targets = self.undo.targets
        steps = self._way_back.back_steps(
            targets,
            transactions=self.installation.told("transaction") if by_history else [],
            lock_timeout=self._arguments["lock_timeout"],
            step_timeout=self._arguments["step_timeout"],
        )
        changes = changes_of(targets)
        kept = record(
            ROLLBACK,
            self._work.session,
            self.opened_run.run_id,
            changes,
            installed=inventory.installed,
            of=self.installation.session,
        )
        self._tell(f"taking back {len(targets)} packages")
        self._work.run(
            self._way_back,
            inventory.boot_id,
            [*self._debian8.steps(inventory), *steps],
            changes=changes,
            title=steps[0].name,
            record=kept,
        )
        return self.read(refresh="never")

    def _follow_up(self, after: Inventory) -> Inventory:
        """Takes back what a job left, once: by versions, and only where nothing new speaks against it."""
        if not self._work.may_go_on() or self._work.hung:
            return after
        first = self.undo
        self._plan(after)
        again = self.undo
        if again is None or not again.targets or (again.refused and not self._arguments["allow_partial"]):
            self.undo = first
            return after
        self._tell("not everything could be taken back together; trying what is left by its versions")
        after = self._take_back(after, by_history=False)
        self.undo = first
        return after

    @property
    def is_planned(self) -> bool:
        return self.before is not None

    def plan(self) -> dict[str, Any]:
        """See the module's RETURN."""
        return rollback_report.planned(self.undo or Undoing())

    def _final_document(self, after: Inventory) -> dict[str, Any]:
        undo = self.undo or Undoing()
        left = self._left(after, undo)
        refused = Choice([], Simulation(), undo.refused)
        installation = install_report.installation(
            refused if undo.refused else None,
            self._work,
            further=self._debian8.jobs,
            changes=self.changes,
            conffiles_kept=self._conffiles(),
            selection=None,
        )
        if self.failure is not None and not self._work.done:
            installation["result"] = "REFUSED"
        installation["refused"] = rollback_report.refused(undo.refused)
        installation["rollback"] = rollback_report.block(self.installation, undo, left)
        document = self.judge(after, installation=installation, reboot_option=self._arguments["reboot_option"])
        if self._earlier is not None:
            self._work.note(self._planner(after), self._earlier)
            document["interrupted_run"] = install_report.described(self._earlier, self._work)
        document["warnings"] += rollback_report.advice(document, undo, left)
        timed_out = self._arguments["host_timeout"] if self._work.result == "TIMED_OUT" else None
        if left or timed_out is not None:
            self.failure = rollback_report.incomplete(left, timed_out_after=timed_out)
        self.failure = self._debian8.failure(self._work.done) or self.failure
        self._keep_on_host(document)
        return document

    def _left(self, after: Inventory, undo: Undoing) -> dict[Target, str]:
        """What was to be taken back and is not, and why."""
        if self.installation is None or not self._work.done:
            return {}
        still = undoing(self.installation, after)
        open_now = {(each.name, each.arch, each.version) for each in [*still.targets, *still.refused]}
        return {
            each: self._work.reasons.get(each.name) or self._work.reason or "the package manager left it as it was"
            for each in undo.targets
            if (each.name, each.arch, each.version) in open_now
        }
