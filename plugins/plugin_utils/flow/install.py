# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install on one host what its baseline approves: read, decide, simulate, run a journaled job, read again."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ..compliance.states import decide_apart, host_exclude, is_deferred_by_phasing
from ..engine.changes import Change, Choice, Policy, Simulation, Target, choose, pulled_in, targets_from
from ..engine.evaluate import evaluate
from ..engine.operating_systems import operating_system
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from ..host.commands import run_commands, store_file
from ..host.job_client import STATE_DIRECTORY, JobState
from ..host.job_driver import JobDriver
from ..host.job_plan import Plan
from .inventory import plan_module
from .job_report import changed_packages, describe_job, failures_of_job
from .plan import job_plan
from .scan import HostScan

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
    ) -> None:
        super().__init__(action, task_vars, arguments)
        self._check_mode = check_mode
        self._tell = tell
        self._sleep = sleep
        self._driver = JobDriver(self.channel, tell=tell, reconnect_seconds=arguments["reconnect_timeout"], sleep=sleep)
        self._earlier: JobState | None = None
        self._jobs: list[JobState] = []
        self._reasons: dict[Target, str] = {}
        self._job_reason = ""
        self.choice: Choice | None = None
        self.before: Inventory | None = None
        self.changes: list[dict[str, Any]] = []

    def work(self) -> dict[str, Any]:
        """The document after the installation; in check mode that of the host as it is, with the plan."""
        if not self._check_mode:
            self._earlier = self._driver.settle()
        inventory = self._wait_for_lock(self.read())
        self.before = inventory
        if not inventory.privileged:
            raise PatchError("no_privilege", "Installing needs root on the host; run the task with become.")
        self.resolve(inventory)
        inventory, self.choice = self._choose_fresh(inventory)
        if self._check_mode:
            return self._planned_document(inventory)
        after = inventory
        if self.choice.targets:
            after = self._run(inventory, self.choice, separately=False)
            if self._should_try_again():
                after = self._second_try()
        self.changes = changed_packages(self.before, after)
        return self._final_document(after)

    def _wait_for_lock(self, inventory: Inventory) -> Inventory:
        """The host's state once nobody else holds the package manager's lock."""
        waited = 0
        while lock := inventory.findings.get("lock"):
            holder = f"{lock.get('name') or 'a process'} (pid {lock.get('pid')})"
            if self._check_mode or waited >= self._arguments["lock_timeout"]:
                if self._check_mode:
                    return inventory
                raise PatchError(
                    "locked",
                    f"{holder} holds {lock.get('path')} for more than {waited} seconds; nothing was installed. "
                    "See what it does, or raise lock_timeout.",
                    lock=lock,
                )
            self._tell(f"waiting for {holder}, which holds {lock.get('path')}")
            self._sleep(_LOCK_PAUSE)
            waited += _LOCK_PAUSE
            inventory = self.read(refresh="never")
        return inventory

    def _choose_fresh(self, inventory: Inventory) -> tuple[Inventory, Choice]:
        """What may be installed now. A version that left its repository means that the lists are old: they are
        fetched and everything is decided once more."""
        choice = self._choose(inventory)
        manager = plan_module(inventory)
        if any(manager.is_stale(reason) for reasons in choice.refused.values() for reason in reasons):
            inventory = self.read(refresh="always")
            choice = self._choose(inventory)
        for target, reasons in choice.refused.items():
            self._reasons[target] = "; ".join(reasons)
        return inventory, choice

    def _choose(self, inventory: Inventory) -> Choice:
        decided = decide_apart(
            inventory.candidates,
            lambda record: self._left_alone(record, inventory),
            lambda records: self._decide(records, inventory),
        )
        automatic = {(each["name"], each["arch"]): each.get("automatic") for each in inventory.installed}
        scheme = operating_system(inventory.operating_system).version_scheme
        targets = targets_from(
            decided, skip=lambda record: self._left_alone(record, inventory), automatic=automatic, scheme=scheme
        )
        if not targets:
            return Choice([], Simulation(), {})
        approved = {
            (record["name"], record["arch"], record["version"])
            for record, decision in decided
            if decision["decision"] == "approved"
        }
        return choose(targets, lambda batches: self._simulate(inventory, batches), self._policy(inventory, approved))

    def _decide(self, records: list[PatchRecord], inventory: Inventory) -> list[dict[str, Any]]:
        if self.resolved is None:
            raise AssertionError("the baseline is resolved before anything is decided")
        return evaluate(
            self.resolved.baseline,
            records,
            operating_system=inventory.operating_system,
            as_of=self.opened_run.as_of,
            operation="Install",
            install_override_list=self._arguments["install_override_list"],
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
        blocking = baseline.get("rejected_patches_action") == "BLOCK" and not self._arguments["install_override_list"]

        def is_blocked(change: Change) -> bool:
            record = {
                "name": change.name,
                "arch": change.arch,
                "version": change.version,
                "installed_version": change.installed_version,
            }
            return blocking and self._decide([record], inventory)[0]["decision"] == "rejected"

        return Policy(
            is_blocked=is_blocked,
            is_held=lambda change: self._left_alone(
                {"name": change.name, "arch": change.arch, "version": change.version}, inventory
            ),
            is_approved=lambda change: (change.name, change.arch, change.version) in approved,
            allow_removals=self._arguments["allow_removals"],
            require_approved_dependencies=self._arguments["require_approved_dependencies"],
        )

    def _simulate(self, inventory: Inventory, batches: list[list[Target]]) -> list[Any]:
        manager = plan_module(inventory)
        environment = self.channel.task_environment() | manager.QUIET_ENVIRONMENT
        commands = [manager.simulation_command(batch) for batch in batches]
        results = run_commands(self.channel, commands, environment=environment)
        return [manager.parse_simulation(result.code, result.output) for result in results]

    def _run(self, inventory: Inventory, choice: Choice, *, separately: bool) -> Inventory:
        """Runs the job to its end and reads the host again."""
        plan = self._plan(inventory, choice, separately=separately)
        self._tell(f"installing {len(choice.targets)} packages")
        state = self._driver.run(plan)
        self._jobs.append(state)
        if state.result != "SUCCEEDED":
            reasons, self._job_reason = failures_of_job(state, self._driver, plan_module(inventory))
            for target in choice.targets:
                if target.name in reasons:
                    self._reasons[target] = reasons[target.name]
        return self.read(refresh="never")

    def _plan(self, inventory: Inventory, choice: Choice, *, separately: bool) -> Plan:
        manager = plan_module(inventory)
        steps = manager.install_steps(
            inventory,
            choice.targets,
            allow_removals=self._arguments["allow_removals"],
            lock_timeout=self._arguments["lock_timeout"],
            step_timeout=self._arguments["step_timeout"],
            separately=separately,
        )
        return job_plan(
            f"install-{uuid.uuid4().hex[:16]}",
            steps,
            changes=choice.simulation.changes,
            boot_id=inventory.boot_id,
            environment=self.channel.task_environment(),
            timeout=self._arguments["host_timeout"],
        )

    def _should_try_again(self) -> bool:
        return self._jobs[-1].result in ("FAILED", "PARTIAL", "INTERRUPTED")

    def _second_try(self) -> Inventory:
        """After everything together failed: decide on a fresh reading, then one family after the other."""
        self._tell("not everything could be installed together; trying what is left one by one")
        inventory, choice = self._choose_fresh(self.read(refresh="always"))
        return self._run(inventory, choice, separately=True) if choice.targets else inventory

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
            "remove": [self._change(each) for each in choice.simulation.removals],
        }

    def diff(self) -> dict[str, str]:
        """Each changed package, a line before and a line after."""
        sides = {"before": "installed_version", "after": "version"}
        return {
            side: "".join(f"{each['name']}.{each['arch']} {each[key]}\n" for each in self.changes if each[key])
            for side, key in sides.items()
        }

    def _final_document(self, after: Inventory) -> dict[str, Any]:
        document = self.judge(
            after,
            failed={(each["name"], each["arch"], each["version"]): self._why_not(each) for each in after.candidates},
            pulled_in=[self._change(each) for each in self._along()],
            installation=self._installation(),
            reboot_option=self._arguments["reboot_option"],
        )
        if self._earlier is not None:
            document["interrupted_run"] = describe_job(self._earlier)
        missing = [entry for entry in document["patches"] if entry["state"] == "FAILED"]
        if missing or (self._jobs and self._jobs[-1].result == "TIMED_OUT"):
            self.failure = self._failure(missing)
        self._keep_on_host(document)
        return document

    def _why_not(self, record: Mapping[str, Any]) -> str:
        for target, reason in self._reasons.items():
            if (target.name, target.arch) == (record["name"], record["arch"]):
                return reason
        if self._jobs and self._jobs[-1].result == "TIMED_OUT":
            return f"the time of the host was up. {self._job_reason}".strip()
        return self._job_reason or "it became available while others were being installed"

    def _along(self) -> list[Change]:
        if self.choice is None or not self._jobs:
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
        if self._jobs:
            result = str(self._jobs[-1].result)
        return {
            "result": result,
            "jobs": [describe_job(job) for job in self._jobs],
            "installed": self.changes,
            "refused": [{"patch": target.patch, "reasons": reasons} for target, reasons in refused.items()],
            "conffiles_kept": self._conffiles(),
        }

    def _conffiles(self) -> list[str]:
        if not self._jobs or self.before is None:
            return []
        command = plan_module(self.before).conffiles_command(f"{STATE_DIRECTORY}/jobs/{self._jobs[0].job_id}/created")
        [found] = run_commands(self.channel, [command], environment={"LC_ALL": "C"})
        return sorted(line for line in found.output.splitlines() if line.startswith("/"))[:1000]

    def _failure(self, missing: list[dict[str, Any]]) -> PatchError:
        told = "; ".join(f"{entry['id']} {entry['version']}: {entry['failure']}" for entry in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        if self._jobs and self._jobs[-1].result == "TIMED_OUT":
            seconds = self._arguments["host_timeout"]
            return PatchError(
                "timed_out", f"The installation took more than {seconds} seconds and was ended. {told}{more}"
            )
        return PatchError("install_incomplete", f"{len(missing)} approved patches could not be installed: {told}{more}")

    def _keep_on_host(self, document: dict[str, Any]) -> None:
        """The host's own copy, for whoever asks it next; that it could not be written is a warning."""
        try:
            store_file(self.channel, _KEPT_COPY, json.dumps(document, sort_keys=True).encode())
        except PatchError as error:
            document["warnings"].append({"kind": error.kind, "message": error.message})
