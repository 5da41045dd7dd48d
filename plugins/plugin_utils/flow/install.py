# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install on one host what its baseline approves: read, decide, simulate, run a journaled job, read again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ..compliance.states import patch_key
from ..engine.changes import WOULD_NOT_INSTALL, Choice, PrivateRepositories, Target
from ..engine.install_records import INSTALL, record
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from ..host.channel import HostChannel
from ..host.commands import run_commands
from ..host.job_client import STATE_DIRECTORY, JobState
from ..host.job_driver import JobDriver
from . import install_report
from .channels import posix_channel
from .collecting import keep_on_host
from .debian8 import Debian8
from .install_choice import Chooser
from .install_jobs import InstallJobs
from .inventory import plan_module
from .job_report import changed_packages, unfinished_packages
from .named_files import path_of
from .native_library import NativeLibrary
from .restart_by_steps import RESTART_SECONDS, RestartBySteps
from .s3_files import S3Reader
from .scan import HostScan
from .selections import NoSelection, refuse_both, select

_LOCK_PAUSE = 5
_SOURCES = "/var/cache/openfleet-patch"


def _named(left: Mapping[tuple[str, str, str], str]) -> str:
    return ", ".join(f"{name} {word}" for (name, _arch, _version), word in sorted(left.items())[:5])


class HostInstall(HostScan):
    """One host's turn in an installing run. Its document keeps what was read last, whatever went wrong before."""

    operation = "Install"
    job_kind = INSTALL

    def __init__(
        self,
        action: Any,
        task_vars: dict[str, Any],
        arguments: Mapping[str, Any],
        *,
        check_mode: bool,
        tell: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(action, task_vars, arguments)
        refuse_both(arguments)
        self._selection = NoSelection()
        self._chooser: Chooser
        self._s3 = S3Reader(action, task_vars)
        self._path_of = path_of(action._loader)
        self._check_mode = check_mode
        self.looks_only = check_mode and not task_vars.get("ansible_check_mode")
        self._tell = tell
        self._sleep = sleep
        self._clock = clock
        self.channel: HostChannel = posix_channel(action, task_vars, arguments)
        self._arguments = {**arguments, "local": getattr(action._connection, "transport", None) == "local"}
        self._driver = JobDriver(self.channel, tell=tell, reconnect_seconds=arguments["reconnect_timeout"], sleep=sleep)
        self._debian8 = Debian8(self.channel, self._driver, arguments, check_mode, tell, self._path_of)
        self._earlier: JobState | None = None
        self._work = InstallJobs(
            self._driver,
            seconds=arguments["host_timeout"],
            environment=self.channel.task_environment,
            clock=clock,
            kind=self.job_kind,
        )
        self._restart = RestartBySteps(self.channel, self._driver, tell=tell, sleep=sleep, clock=clock)
        self._library = NativeLibrary(self.channel, self._work, arguments, tell)
        self._refusals: dict[Target, str] = {}
        self._notes: list[dict[str, str]] = []
        self._refresh: dict[str, Any] = {}
        self.choice: Choice | None = None
        self.before: Inventory | None = None
        self.changes: list[dict[str, Any]] = []

    def work(self) -> dict[str, Any]:
        """The document after the installation; in check mode that of the host as it is, with the plan."""
        try:
            return self._install()
        finally:
            self._remove_sources()

    def _install(self) -> dict[str, Any]:
        self._selection = select(self._arguments, self.opened_run, self._s3, path_of=self._path_of)
        inventory = self._ready()
        self._chooser = Chooser(
            self.channel,
            self._arguments,
            self.resolve(inventory),
            self._selection,
            as_of=self.opened_run.as_of,
            private=self._private(),
        )
        self._notes += [*self._selection.told(), *self._selection.check(inventory)]
        inventory, self.choice = self._choose_fresh(self._repaired(inventory))
        self._notes += self._chooser.kept_away(inventory)
        if self._check_mode:
            return self._planned_document(inventory)
        after = inventory
        if self._work.hung:
            # apt would run the waiting script once more before anything else.
            after = self._follow_up(after)
        elif self.choice.targets:
            after = self._follow_up(self._run(inventory, self.choice, separately=False))
        self.changes = changed_packages(self.before or inventory, after)
        return self._final_document(after)

    def _ready(self) -> Inventory:
        """The host as it is once an earlier job of ours has ended and nobody else works with packages."""
        if not self._check_mode:
            self._earlier = self._driver.settle()
        inventory = self._wait_for_lock(self.read())
        self.before = self._library.before(self._debian8.before(inventory))
        if self._private() is None:
            inventory = self._debian8.prepared(inventory, super().read)
        if not inventory.privileged:
            raise PatchError("no_privilege", "Installing needs root on the host; run the task with become.")
        return inventory

    def read(self, refresh: str | None = None) -> Inventory:
        """With what became of the run's refresh, which later readings without one would not know."""
        inventory = self._debian8.read(self._read_or_bring_library, refresh)
        if inventory.refresh.get("attempted"):
            self._refresh = inventory.refresh
        elif self._refresh:
            inventory.refresh = dict(self._refresh)
            errors = self._refresh.get("errors") or []
            inventory.warnings += [{"kind": "refresh_failed", "message": error} for error in errors]
        return inventory

    def _read_or_bring_library(self, refresh: str | None) -> Inventory:
        """Installing may bring python3-apt where it is missing; check mode and scans only say so."""
        try:
            return super().read(refresh)
        except PatchError as error:
            if self._check_mode or not self._library.is_missing(error):
                raise
            self._library.bring(error)
            return super().read(refresh)

    def _wait_for_lock(self, inventory: Inventory) -> Inventory:
        """The host's state once nobody else holds the package manager's lock."""
        began = self._clock()
        waited = False
        while (lock := inventory.findings.get("lock")) and not self._check_mode:
            holder = f"{lock.get('name') or 'a process'} (pid {lock.get('pid')})"
            seconds = int(self._clock() - began)
            if seconds >= self._arguments["lock_timeout"]:
                raise PatchError(
                    "locked",
                    f"{holder} holds {lock.get('file')}, after {seconds} seconds of waiting still; nothing was "
                    "installed. See what it does, or raise lock_timeout.",
                    lock=lock,
                )
            if not waited:
                self._tell(f"waiting for {holder}, which holds {lock.get('file')}")
            waited = True
            self._sleep(_LOCK_PAUSE)
            inventory = self.read(refresh="never")
        # Whoever held it may have kept the lists from being refreshed, or changed what is installed.
        return self.read() if waited else inventory

    def _repaired(self, inventory: Inventory) -> Inventory:
        """The host after an interrupted run of its package manager was brought to its end, as far as that goes."""
        left = unfinished_packages(inventory)
        if self._check_mode or not inventory.findings.get("unfinished"):
            return inventory
        self._tell("an earlier run of the package manager was interrupted; finishing it first")
        manager = self._planner(inventory)
        steps = manager.repair_steps(self._arguments["step_timeout"])
        state = self._work.run(manager, inventory.boot_id, steps, title=steps[0].name)
        after = self.read(refresh="never")
        still = _named(unfinished_packages(after))
        ended = "was finished" if state.result == "SUCCEEDED" else f"could not be finished: {self._work.reason}"
        message = f"An earlier run of the package manager had been interrupted and {ended}."
        message = f"{message} Left by it: {_named(left) or 'files'}." + (f" Still left: {still}." if still else "")
        self._notes.append({"kind": "interrupted_transaction", "message": message})
        return after

    def _planner(self, inventory: Inventory) -> Any:
        """What plans for this host, within what the task allows."""
        return plan_module(inventory, self._arguments, self._private())

    def _private(self) -> PrivateRepositories | None:
        return self.sources.for_plans() if self.sources else None

    def _sources_folder(self) -> str | None:
        """Kept between reading, simulating and running; check mode keeps it in memory."""
        name = uuid.uuid4().hex[:16]
        return f"/dev/shm/openfleet-patch-{name}" if self._check_mode else f"{_SOURCES}/{name}"

    def _remove_sources(self) -> None:
        """What a host that cannot be reached keeps holds no credentials, and the next run takes it away."""
        if self.sources is None or self.sources.folder is None or not self.sources.used:
            return
        try:
            run_commands(self.channel, [["rm", "-rf", self.sources.folder]], environment={"LC_ALL": "C"})
        except (PatchError, AnsibleConnectionFailure) as error:
            self._tell(f"{self.sources.folder} on the host could not be removed: {error}")

    def _choose_fresh(self, inventory: Inventory) -> tuple[Inventory, Choice]:
        """What may be installed now. A version that left its repository means that the lists are old, and one that
        would not come may have been installed by somebody else meanwhile: the lists are fetched and everything is
        decided once more."""
        choice = self._chooser.choose(inventory)
        manager = self._planner(inventory)
        reasons = [reason for each in choice.refused.values() for reason in each]
        if any(manager.is_stale(reason) or reason.startswith(WOULD_NOT_INSTALL) for reason in reasons):
            inventory = self.read(refresh="always")
            choice = self._chooser.choose(inventory)
        for target, told in choice.refused.items():
            self._refusals[target] = "; ".join(told)
        return inventory, choice

    def _run(self, inventory: Inventory, choice: Choice, *, separately: bool) -> Inventory:
        """Runs the job to its end and reads the host again."""
        manager = self._planner(inventory)
        steps = manager.install_steps(
            choice,
            allow_removals=self._arguments["allow_removals"],
            lock_timeout=self._arguments["lock_timeout"],
            step_timeout=self._arguments["step_timeout"],
            separately=separately,
        )
        self._tell(f"installing {len(choice.targets)} packages")
        if self._private() is None:
            steps = [*self._debian8.steps(inventory), *steps]
        restarts = [step.name for step in steps if step.on_crash == "restart"]
        if restarts:
            self._driver.be_patient(RESTART_SECONDS)
        simulation = choice.simulation
        kept = record(
            INSTALL,
            self._work.session,
            self.opened_run.run_id,
            [*simulation.changes, *simulation.removals, *simulation.retired],
            installed=inventory.installed,
        )
        state = self._work.run(manager, inventory.boot_id, steps, changes=simulation.changes, record=kept)
        if restarts:
            self._restart.wait(inventory.boot_id, state, manager)
        return self.read(refresh="never")

    def _follow_up(self, after: Inventory) -> Inventory:
        """Brings to the host what a job that did not succeed left out, where that is safe.

        After a hang whatever runs every waiting script again would hang again, so then only what is unpacked and has
        not been tried is configured. Otherwise everything is decided once more, and installed one family after the
        other.
        """
        apart = False
        while self._work.may_go_on():
            if self._work.hung:
                waiting = [name for name, word in unfinished_packages(after).items() if word == "unpacked"]
                if not waiting or not self._work.last_hung:
                    break
                self._tell(f"a script did not end; configuring {len(waiting)} packages without its own")
                manager = self._planner(after)
                steps = manager.configure_steps(waiting, self._arguments["step_timeout"])
                self._work.run(manager, after.boot_id, steps, title=steps[0].name)
                after = self.read(refresh="never")
                continue
            if apart or getattr(self._planner(after), "ALONE", False):
                break
            apart = True
            after, choice = self._choose_fresh(self.read(refresh="always"))
            if not choice.targets:
                break
            self._tell("not everything could be installed together; installing what is left one by one")
            after = self._run(after, choice, separately=True)
        return after

    def _planned_document(self, inventory: Inventory) -> dict[str, Any]:
        """Check mode installs nothing, so its document is that of a scan; the plan's changes stand for real ones."""
        self.operation = "Scan"
        plan = self.plan()
        self.changes = [*plan["install"], *plan["pulled_in"], *plan["remove"]]
        return self.judge(inventory)

    @property
    def is_planned(self) -> bool:
        """Whether ``plan`` has anything to tell."""
        return self.choice is not None

    def plan(self) -> dict[str, Any]:
        """What the first simulation allowed: see the module's RETURN."""
        return install_report.planned(self.choice, self._selection.described)

    def diff(self) -> dict[str, str]:
        """Each changed package, a line before and a line after."""
        return install_report.diff(self.changes)

    def _final_document(self, after: Inventory) -> dict[str, Any]:
        still_open = self._chooser.still_open(after)
        tried = [*still_open, *(record for record in after.installed if record.get("unfinished"))]
        why_not = {patch_key(each): self._why_not(each) for each in tried}
        document = self.judge(
            after,
            failed=why_not,
            pulled_in=install_report.came_along(self.choice if self._work.done else None, self.changes),
            installation=install_report.installation(
                self.choice,
                self._work,
                further=self._debian8.jobs,
                changes=self.changes,
                conffiles_kept=self._conffiles(),
                selection=self._selection.described,
            )
            | ({"restarted": True} if self.restarted else {}),
            reboot_option=self._arguments["reboot_option"],
        )
        if self._earlier is not None:
            self._work.note(self._planner(after), self._earlier)
            document["interrupted_run"] = install_report.described(self._earlier, self._work)
        missing = self._missing(document, still_open, after)
        timed_out = self._work.result == "TIMED_OUT"
        if missing or timed_out:
            seconds = self._arguments["host_timeout"] if timed_out else None
            self.failure = install_report.incomplete(missing, self._selection.wording, timed_out_after=seconds)
        self.failure = self._debian8.failure(self._work.done) or self.failure
        self._keep_on_host(document)
        return document

    def _missing(
        self, document: Mapping[str, Any], still_open: list[PatchRecord], after: Inventory
    ) -> list[Mapping[str, Any]]:
        """What should have come: approved by the baseline and failed, and what the baseline may not approve, so that
        the document cannot call it failed: what a list or snapshot wanted, and whatever was begun and has not ended."""
        missing = [entry for entry in document["patches"] if entry["state"] == "FAILED"]
        known = {patch_key(entry) for entry in missing}
        packages = {key[:2] for key in known}
        begun = [each for each in after.installed if each.get("unfinished") and patch_key(each)[:2] not in packages]
        wanted = begun
        if self._selection.replaces:
            wanted = [*(each for each in still_open if patch_key(each) not in known), *begun]
        return missing + [
            {"id": f"{each['name']}.{each['arch']}", "version": each["version"], "failure": self._why_not(each)}
            for each in wanted
        ]

    def warnings(self) -> list[dict[str, str]]:
        scripts = [{"kind": "script_failed", "message": line} for line in self._work.script_failures]
        failed = [{"kind": "step_failed", "message": line} for line in self._work.failures]
        return [*super().warnings(), *self._debian8.warnings, *self._notes, *failed, *scripts]

    @property
    def restarted(self) -> bool:
        """Whether what was installed has restarted the host by itself."""
        return self._restart.restarted

    def _why_not(self, record: Mapping[str, Any]) -> str:
        return install_report.why_not(record, self._work, self._refusals)

    def _conffiles(self) -> list[str]:
        jobs = [*([self._earlier] if self._earlier else []), *self._work.done]
        if not jobs or self.before is None:
            return []
        command = self._planner(self.before).conffiles_command(f"{STATE_DIRECTORY}/jobs/{jobs[0].job_id}/created")
        [found] = run_commands(self.channel, [command], environment={"LC_ALL": "C"})
        return sorted(line for line in found.output.splitlines() if line.startswith("/"))[:1000]

    def _keep_on_host(self, document: dict[str, Any]) -> None:
        """The host's own copy, for whoever asks it next; that it could not be written is a warning."""
        try:
            keep_on_host(self.channel, document)
        except PatchError as error:
            document["warnings"].append({"kind": error.kind, "message": error.message})
