# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install on one host what its baseline approves: read, decide, simulate, run a journaled job, read again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..compliance.states import decide_apart, host_exclude, is_deferred_by_phasing
from ..engine.changes import (
    Change,
    Choice,
    Policy,
    Simulation,
    Target,
    choose,
    pulled_in,
    simulate_without_blocked,
    targets_from,
)
from ..engine.evaluate import evaluate
from ..engine.operating_systems import operating_system
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from ..host.commands import run_commands, store_file
from ..host.job_client import STATE_DIRECTORY, JobState
from ..host.job_driver import JobDriver
from .debian8 import Debian8
from .install_jobs import InstallJobs
from .inventory import plan_module
from .job_report import changed_packages, describe_job, unfinished_packages
from .native_library import NativeLibrary
from .s3_files import S3Reader
from .scan import HostScan
from .selections import NoSelection, refuse_both, select

_LOCK_PAUSE = 5
_KEPT_COPY = f"{STATE_DIRECTORY}/documents/last-install.json"


class HostInstall(HostScan):
    """One host's turn in an installing run. Its document keeps what was read last, whatever went wrong before."""

    operation = "Install"

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
        self._s3 = S3Reader(action, task_vars)
        self._path_of = action._loader.path_dwim
        self._check_mode = check_mode
        self._tell = tell
        self._sleep = sleep
        self._clock = clock
        self._driver = JobDriver(self.channel, tell=tell, reconnect_seconds=arguments["reconnect_timeout"], sleep=sleep)
        self._debian8 = Debian8(self.channel, self._driver, arguments, check_mode, tell, self._path_of)
        self._earlier: JobState | None = None
        self._work = InstallJobs(
            self._driver, seconds=arguments["host_timeout"], environment=self.channel.task_environment, clock=clock
        )
        self._library = NativeLibrary(self.channel, self._work, arguments, tell)
        self._refusals: dict[Target, str] = {}
        self._notes: list[dict[str, str]] = []
        self._refresh: dict[str, Any] = {}
        self.choice: Choice | None = None
        self.before: Inventory | None = None
        self.changes: list[dict[str, Any]] = []

    def work(self) -> dict[str, Any]:
        """The document after the installation; in check mode that of the host as it is, with the plan."""
        self._selection = select(self._arguments, self.opened_run, self._s3, path_of=self._path_of)
        if not self._check_mode:
            self._earlier = self._driver.settle()
        inventory = self._wait_for_lock(self.read())
        self.before = self._library.before(self._debian8.before(inventory))
        inventory = self._debian8.prepared(inventory, super().read)
        if not inventory.privileged:
            raise PatchError("no_privilege", "Installing needs root on the host; run the task with become.")
        self.resolve(inventory)
        self._notes += self._selection.check(inventory)
        inventory, self.choice = self._choose_fresh(self._repaired(inventory))
        self._notes += self._kept_away(inventory)
        if self._check_mode:
            return self._planned_document(inventory)
        after = inventory
        if self._work.hung:
            # apt would run the waiting script once more before anything else.
            after = self._follow_up(after)
        elif self.choice.targets:
            after = self._follow_up(self._run(inventory, self.choice, separately=False))
        self.changes = changed_packages(self.before, after)
        return self._final_document(after)

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
        named = ", ".join(f"{name} {word}" for (name, _arch, _version), word in sorted(left.items())[:5])
        ended = "was finished" if state.result == "SUCCEEDED" else f"could not be finished: {self._work.reason}"
        message = f"An earlier run of the package manager had been interrupted and {ended}."
        self._notes.append({"kind": "interrupted_transaction", "message": f"{message} Left by it: {named or 'files'}."})
        return self.read(refresh="never")

    def _planner(self, inventory: Inventory) -> Any:
        """What plans for this host, within what the task allows."""
        return plan_module(inventory, self._arguments)

    def _choose_fresh(self, inventory: Inventory) -> tuple[Inventory, Choice]:
        """What may be installed now. A version that left its repository means that the lists are old: they are
        fetched and everything is decided once more."""
        choice = self._choose(inventory)
        manager = self._planner(inventory)
        if any(manager.is_stale(reason) for reasons in choice.refused.values() for reason in reasons):
            inventory = self.read(refresh="always")
            choice = self._choose(inventory)
        for target, reasons in choice.refused.items():
            self._refusals[target] = "; ".join(reasons)
        return inventory, choice

    def _choose(self, inventory: Inventory) -> Choice:
        decided, targets = self._targets(inventory)
        if not targets:
            return Choice([], Simulation(), {})
        approved = {
            (record["name"], record["arch"], record["version"])
            for record, decision in decided
            if decision["decision"] == "approved"
        }
        policy = self._policy(inventory, approved)
        return choose(targets, lambda batches: self._simulate(inventory, batches, policy), policy)

    def _targets(self, inventory: Inventory) -> tuple[list[tuple[PatchRecord, dict[str, Any]]], list[Target]]:
        """A decision per candidate, and what is to be installed by them."""
        decided = decide_apart(
            inventory.candidates,
            lambda record: self._left_alone(record, inventory),
            lambda records: self._decide(records, inventory),
        )
        automatic = {(each["name"], each["arch"]): each.get("automatic") for each in inventory.installed}
        scheme = operating_system(inventory.operating_system).version_scheme
        library = self._planner(inventory).LIBRARY
        wanted = [
            (record, decision | {"decision": "approved"} if self._is_own_need(record, decision, library) else decision)
            for record, decision in decided
        ]
        targets = targets_from(
            wanted, skip=lambda record: self._left_alone(record, inventory), automatic=automatic, scheme=scheme
        )
        return decided, targets

    def _is_own_need(self, record: PatchRecord, decision: Mapping[str, Any], library: str | None) -> bool:
        """The library that the host is read by is brought up to date first, even where no rule approves it (Patch
        Manager user guide, installing patches on Debian); not where the baseline rejects it or a list replaces it."""
        wanted = record["name"] == library and record.get("manager_choice") is True
        return wanted and decision["decision"] != "rejected" and not self._selection.replaces

    def _decide(self, records: list[PatchRecord], inventory: Inventory) -> list[dict[str, Any]]:
        return self._selection.decide(records, inventory, lambda each: self._evaluate(each, inventory))

    def _evaluate(self, records: list[PatchRecord], inventory: Inventory) -> list[dict[str, Any]]:
        if self.resolved is None:
            raise AssertionError("the baseline is resolved before anything is decided")
        return evaluate(
            self.resolved.baseline,
            records,
            operating_system=inventory.operating_system,
            as_of=self.opened_run.as_of,
            operation="Install",
            install_override_list=self._selection.override_list(),
            delay_clock=self._arguments["delay_clock"],
        )

    def _left_alone(self, record: Mapping[str, Any], inventory: Inventory) -> bool:
        """Held by the host, or not offered to it yet. A plain hold is respected even where other excludes are not."""
        hold = host_exclude(record, inventory.holds)
        if hold is not None and (self._arguments["honour_host_excludes"] or hold.get("kind") == "hold"):
            return True
        return self._arguments["honour_phasing"] and is_deferred_by_phasing(record)

    def _policy(self, inventory: Inventory, approved: set[tuple[str, str, str]]) -> Policy:
        baseline = self.resolved.baseline if self.resolved else {}
        blocking = baseline.get("rejected_patches_action") == "BLOCK" and self._selection.override_list() is None

        # A rejection may name an advisory or a CVE, which only the whole record knows.
        known = {(each["name"], each["arch"], each["version"]): each for each in inventory.candidates}

        def is_blocked(change: Change) -> bool:
            record = known.get((change.name, change.arch, change.version)) or self._change(change)
            return blocking and self._decide([record], inventory)[0]["decision"] == "rejected"

        def is_approved(change: Change) -> bool:
            key = (change.name, change.arch, change.version or "")
            return key in approved or self._selection.may_come_along(*key)

        return Policy(
            is_blocked=is_blocked,
            is_held=lambda change: self._left_alone(
                {"name": change.name, "arch": change.arch, "version": change.version}, inventory
            ),
            is_approved=is_approved,
            allow_removals=self._arguments["allow_removals"],
            require_approved_dependencies=self._selection.fixes_dependencies
            or self._arguments["require_approved_dependencies"]
            or baseline.get("unapproved_dependencies") == "REFUSE",
        )

    def _simulate(self, inventory: Inventory, batches: list[list[Target]], policy: Policy) -> list[Simulation]:
        manager = self._planner(inventory)
        environment = self.channel.task_environment() | manager.QUIET_ENVIRONMENT

        def ask(some: Sequence[Sequence[Target]], avoided: Sequence[Change]) -> list[Simulation]:
            commands = manager.avoiding_commands(some, avoided) if avoided else manager.simulation_commands(some)
            results = run_commands(self.channel, commands, environment=environment)
            found: list[Simulation] = manager.parse_simulations(some, [(each.code, each.output) for each in results])
            return found

        return simulate_without_blocked(batches, ask, policy) if manager.AVOIDS else ask(batches, [])

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
        steps = [*self._debian8.steps(inventory), *steps]
        self._work.run(manager, inventory.boot_id, steps, changes=choice.simulation.changes)
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
            if apart:
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

    def plan(self) -> dict[str, Any]:
        """What the first simulation allowed: see the module's RETURN."""
        choice = self.choice or Choice([], Simulation(), {})
        return {
            "install": [self._change(Change(t.name, t.arch, t.installed_version, t.version)) for t in choice.targets],
            "pulled_in": [self._change(each) for each in pulled_in(choice.simulation, choice.targets)],
            "refused": [{"patch": target.patch, "reasons": reasons} for target, reasons in choice.refused.items()],
            "remove": [self._change(each) for each in (*choice.simulation.removals, *choice.simulation.retired)],
            "selection": self._selection.described,
        }

    def diff(self) -> dict[str, str]:
        """Each changed package, a line before and a line after."""
        sides = {"before": "installed_version", "after": "version"}
        return {
            side: "".join(f"{each['name']}.{each['arch']} {each[key]}\n" for each in self.changes if each[key])
            for side, key in sides.items()
        }

    def _final_document(self, after: Inventory) -> dict[str, Any]:
        tried = [*self._still_open(after), *(record for record in after.installed if record.get("unfinished"))]
        document = self.judge(
            after,
            failed={(each["name"], each["arch"], each["version"]): self._why_not(each) for each in tried},
            pulled_in=[self._change(each) for each in self._along()],
            installation=self._installation(),
            reboot_option=self._arguments["reboot_option"],
        )
        if self._earlier is not None:
            self._work.note(self._planner(after), self._earlier)
            document["interrupted_run"] = self._described(self._earlier)
        missing = [entry for entry in document["patches"] if entry["state"] == "FAILED"]
        if self._selection.replaces:
            # The baseline may not approve them, so the document cannot call them failed.
            known = {(entry["name"], entry["arch"], entry["version"]) for entry in missing}
            missing += [
                {"id": f"{each['name']}.{each['arch']}", "version": each["version"], "failure": self._why_not(each)}
                for each in self._still_open(after)
                if (each["name"], each["arch"], each["version"]) not in known
            ]
        if missing or self._work.result == "TIMED_OUT":
            self.failure = self._failure(missing)
        self.failure = self._debian8.failure(self._work.done) or self.failure
        self._keep_on_host(document)
        return document

    def _kept_away(self, inventory: Inventory) -> list[dict[str, str]]:
        """A list or snapshot whose packages are held must not look as if nothing had been left to do."""
        if not self._selection.replaces:
            return []
        decided, targets = self._targets(inventory)
        coming = {(each.name, each.arch) for each in targets}
        held = [
            f"{record['name']}.{record['arch']} {record['version']}"
            for record, decision in decided
            if decision["decision"] == "approved" and (record["name"], record["arch"]) not in coming
        ]
        told = "wanted, and kept from this host by its own holds or by the distribution's phasing: "
        return [{"kind": "wanted_but_held", "message": told + ", ".join(held[:10])}] if held else []

    def _still_open(self, after: Inventory) -> list[PatchRecord]:
        """Candidates that this run should have brought; with a list or snapshot just what that one names."""
        if not self._selection.replaces:
            return after.candidates
        wanted = {(each.name, each.arch, each.version) for each in self._targets(after)[1]}
        return [each for each in after.candidates if (each["name"], each["arch"], each["version"]) in wanted]

    def warnings(self) -> list[dict[str, str]]:
        scripts = [{"kind": "script_failed", "message": line} for line in self._work.script_failures]
        return [*super().warnings(), *self._debian8.warnings, *self._notes, *scripts]

    def _why_not(self, record: Mapping[str, Any]) -> str:
        own = self._work.reasons.get(record["name"])
        if own is not None:
            return own
        for target, reason in self._refusals.items():
            if (target.name, target.arch) == (record["name"], record["arch"]):
                return reason
        if self._work.result == "TIMED_OUT":
            return f"the time of the host was up. {self._work.reason}".strip()
        return self._work.reason or "it became available while others were being installed"

    def _along(self) -> list[Change]:
        if self.choice is None or not self._work.done:
            return []
        arrived = {(each["name"], each["arch"], each["version"]) for each in self.changes}
        along = pulled_in(self.choice.simulation, self.choice.targets)
        return [each for each in along if (each.name, each.arch, each.version) in arrived]

    @staticmethod
    def _change(change: Change) -> dict[str, Any]:
        return {
            "name": change.name,
            "arch": change.arch,
            "installed_version": change.installed_version,
            "version": change.version,
        }

    def _installation(self) -> dict[str, Any]:
        refused = self.choice.refused if self.choice else {}
        result = "NOTHING_TO_DO" if not refused else "REFUSED"
        if self._work.result:
            result = self._work.result
        return {
            "result": result,
            "jobs": [self._described(job) for job in (*self._debian8.jobs, *self._work.done)],
            "installed": self.changes,
            "refused": [{"patch": target.patch, "reasons": reasons} for target, reasons in refused.items()],
            "conffiles_kept": self._conffiles(),
            "selection": self._selection.described,
        }

    def _described(self, job: JobState) -> dict[str, Any]:
        """With the ids by which its transactions can be undone, where the package manager has such a history."""
        return describe_job(job) | self._work.transactions.get(job.job_id, {})

    def _conffiles(self) -> list[str]:
        jobs = [*([self._earlier] if self._earlier else []), *self._work.done]
        if not jobs or self.before is None:
            return []
        command = self._planner(self.before).conffiles_command(f"{STATE_DIRECTORY}/jobs/{jobs[0].job_id}/created")
        [found] = run_commands(self.channel, [command], environment={"LC_ALL": "C"})
        return sorted(line for line in found.output.splitlines() if line.startswith("/"))[:1000]

    def _failure(self, missing: list[dict[str, Any]]) -> PatchError:
        told = "; ".join(f"{entry['id']} {entry['version']}: {entry['failure']}" for entry in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        if self._work.result == "TIMED_OUT":
            seconds = self._arguments["host_timeout"]
            return PatchError(
                "timed_out", f"The installation took more than {seconds} seconds and was ended. {told}{more}"
            )
        what = "patch" if len(missing) == 1 else "patches"
        return PatchError("install_incomplete", f"{len(missing)} approved {what} could not be installed: {told}{more}")

    def _keep_on_host(self, document: dict[str, Any]) -> None:
        """The host's own copy, for whoever asks it next; that it could not be written is a warning."""
        try:
            store_file(self.channel, _KEPT_COPY, json.dumps(document, sort_keys=True).encode())
        except PatchError as error:
            document["warnings"].append({"kind": error.kind, "message": error.message})
