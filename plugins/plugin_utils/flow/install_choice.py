# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one installation may bring to its host: what the baseline, or what replaces it, approves and the host allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..compliance.states import decide_apart, host_exclude, is_deferred_by_phasing
from ..engine.changes import (
    Change,
    Choice,
    Policy,
    PrivateRepositories,
    Simulation,
    Target,
    choose,
    simulate_with_companions,
    simulate_without_blocked,
    targets_from,
)
from ..engine.evaluate import evaluate
from ..engine.operating_systems import operating_system
from ..engine.records import Inventory, PatchRecord, package_key
from ..fleet.baselines import ResolvedBaseline
from ..host.channel import HostChannel
from ..host.commands import run_commands
from .install_report import change_record
from .inventory import plan_module
from .selections import NoSelection


class Chooser:
    """``as_of`` is the run's time; ``arguments`` are the task's, validated; ``private`` replaces the host's own
    repositories."""

    def __init__(
        self,
        channel: HostChannel,
        arguments: Mapping[str, Any],
        resolved: ResolvedBaseline,
        selection: NoSelection,
        *,
        as_of: str,
        private: PrivateRepositories | None = None,
    ) -> None:
        self._channel = channel
        self._arguments = arguments
        self._baseline = resolved.baseline
        self._selection = selection
        self._as_of = as_of
        self._private = private

    def choose(self, inventory: Inventory) -> Choice:
        """What can be installed together, by simulations on the host, and what is refused and why."""
        decided, targets = self._targets(inventory)
        if not targets:
            return Choice([], Simulation(), {})
        approved = {
            (*package_key(record), record["version"])
            for record, decision in decided
            if decision["decision"] == "approved"
        }
        policy = self._policy(inventory, approved)
        # One for all simulations: what a manager has asked its host once serves the later ones.
        manager = plan_module(inventory, self._arguments, self._private)
        return choose(targets, lambda batches: self._simulate(inventory, manager, batches, policy), policy)

    def kept_away(self, inventory: Inventory) -> list[dict[str, str]]:
        """A list or snapshot whose packages are held must not look as if nothing had been left to do."""
        if not self._selection.replaces:
            return []
        decided, targets = self._targets(inventory)
        coming = {(each.name, each.arch) for each in targets}
        held = [
            f"{record['name']}.{record['arch']} {record['version']}"
            for record, decision in decided
            if decision["decision"] == "approved" and package_key(record) not in coming
        ]
        told = "wanted, and kept from this host by its own holds or by the distribution's phasing: "
        return [{"kind": "wanted_but_held", "message": told + ", ".join(held[:10])}] if held else []

    def still_open(self, after: Inventory) -> list[PatchRecord]:
        """Candidates that this run should have brought; with a list or snapshot just what that one names."""
        if not self._selection.replaces:
            return after.candidates
        wanted = {(each.name, each.arch, each.version) for each in self._targets(after)[1]}
        return [each for each in after.candidates if (*package_key(each), each["version"]) in wanted]

    def _targets(self, inventory: Inventory) -> tuple[list[tuple[PatchRecord, dict[str, Any]]], list[Target]]:
        """A decision per candidate, and what is to be installed by them."""
        decided = decide_apart(
            inventory.candidates,
            lambda record: self._left_alone(record, inventory),
            lambda records: self._decide(records, inventory),
        )
        automatic = {package_key(each): each.get("automatic") for each in inventory.installed}
        scheme = operating_system(inventory.operating_system).version_scheme
        library = plan_module(inventory, self._arguments, self._private).LIBRARY
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
        return evaluate(
            self._baseline,
            records,
            operating_system=inventory.operating_system,
            as_of=self._as_of,
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
        blocking = self._baseline.get("rejected_patches_action") == "BLOCK" and self._selection.override_list() is None

        # A rejection may name an advisory or a CVE, which only the whole record knows.
        known = {(*package_key(each), each["version"]): each for each in inventory.candidates}

        def is_blocked(change: Change) -> bool:
            record = known.get((change.name, change.arch, change.version)) or change_record(change)
            return blocking and self._decide([record], inventory)[0]["decision"] == "rejected"

        def is_approved(change: Change) -> bool:
            key = (change.name, change.arch, change.version or "")
            return key in approved or self._selection.may_come_along(*key)

        kept = {(*package_key(each), each["version"]): each["kept"] for each in inventory.installed if each.get("kept")}

        return Policy(
            is_blocked=is_blocked,
            is_held=lambda change: self._left_alone(
                {"name": change.name, "arch": change.arch, "version": change.version}, inventory
            ),
            is_approved=is_approved,
            allow_removals=self._arguments["allow_removals"],
            require_approved_dependencies=self._selection.fixes_dependencies
            or self._arguments["require_approved_dependencies"]
            or self._baseline.get("unapproved_dependencies") == "REFUSE",
            authority="snapshot" if self._selection.fixes_dependencies else "baseline",
            why_kept=lambda change: kept.get((change.name, change.arch, change.installed_version or "")),
        )

    def _simulate(
        self, inventory: Inventory, manager: Any, batches: list[list[Target]], policy: Policy
    ) -> list[Simulation]:
        environment = self._channel.task_environment() | manager.QUIET_ENVIRONMENT
        environment |= self._private.environment if self._private else {}

        def ask(some: Sequence[Sequence[Target]], avoided: Sequence[Change] = ()) -> list[Simulation]:
            commands = manager.avoiding_commands(some, avoided) if avoided else manager.simulation_commands(some)
            results = run_commands(self._channel, commands, environment=environment) if commands else []
            found: list[Simulation] = manager.parse_simulations(some, [(each.code, each.output) for each in results])
            return found

        if manager.AVOIDS:
            return simulate_without_blocked(batches, ask, policy)
        if not manager.COMPANIONS:
            return ask(batches)
        automatic = {(each["name"], each["arch"]): each.get("automatic") for each in inventory.installed}
        return simulate_with_companions(
            batches, ask, policy, lambda change: self._selection.companion(change, automatic)
        )
