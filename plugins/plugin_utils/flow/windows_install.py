# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install on a Windows host what its baseline approves: read, decide, install one round, reboot if need be, read again.

ansible.windows.win_updates does the work, round by round. What a round may take is worked out before from what the host
was read to offer, compared with what a search by the same filters finds, and compared again with what was installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ..compliance.reboot_decision import NO_REBOOT
from ..compliance.states import HostWishes, decide_apart, patch_key
from ..engine.evaluate import evaluate
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from ..host.frames import one_line
from ..managers import windows_plan
from ..managers.windows_floors import install_objection, powershell_version, server_of
from .ansible_windows import AnsibleWindows, running_core
from .s3_files import S3Reader
from .scan import HostScan
from .selections import NoSelection, refuse_both, select
from .windows_reboot import reboot_and_prove
from .windows_rounds import Rounds

_PAUSE = 5.0
_MOST_STALE = 2
# Failures of a reboot after which the host answers all the same.
_STILL_THERE = ("too_many_reboots", "did_not_go_down")


def objections(inventory: Inventory) -> list[PatchError]:
    """Why nothing can be installed on this host from here, all of it."""
    found = []
    if not inventory.privileged:
        found.append(PatchError("no_privilege", "Installing needs an administrator of the host; connect as one."))
    server = server_of(str(inventory.os["kernel"]), 3, str(inventory.os["name"]))
    objection = install_objection(server, powershell_version(str(inventory.findings["powershell"])), running_core())
    if objection:
        found.append(PatchError("unsupported_os", objection))
    if inventory.findings["services"].get("wuauserv", {}).get("start_mode") == "Disabled":
        told = "The service wuauserv of the host is disabled, so Windows installs no update. Set it to Manual."
        found.append(PatchError("update_service_disabled", told))
    return found


def cannot_install(action: Any, task_vars: dict[str, Any], inventory: Inventory) -> list[PatchError]:
    """The same for whoever only asks, with what the controller lacks and without what is a finding of its own."""
    found = [each for each in objections(inventory) if each.kind == "unsupported_os"]
    try:
        AnsibleWindows(action, task_vars, tell=lambda _line: None, seconds_left=lambda: 0).check()
    except PatchError as error:
        found.append(error)
    return found


class WindowsInstall(HostScan):
    """One Windows host's turn in an installing run; to an action the same as ``install.HostInstall``."""

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
        self._check_mode = check_mode
        self.looks_only = check_mode and not task_vars.get("ansible_check_mode")
        self._tell = tell
        self._sleep = sleep
        self._clock = clock
        self._deadline = clock() + arguments["host_timeout"]
        self._selection = NoSelection()
        self._s3 = S3Reader(action, task_vars)
        self._path_of = action._loader.path_dwim
        self._windows = AnsibleWindows(
            action, task_vars, tell=tell, seconds_left=lambda: self._deadline - self._clock()
        )
        self._rounds = Rounds(clock)
        self._notes: list[dict[str, str]] = []
        self._stale = 0
        self._wants_reboot = False
        self.choice: windows_plan.Choice | None = None
        self.before: Inventory | None = None
        self.changes: list[dict[str, Any]] = []
        self.installed_since_boot = 0

    def work(self) -> dict[str, Any]:
        """The document after the installation; in check mode that of the host as it is, with the plan."""
        self._refuse_options()
        self._selection = select(self._arguments, self.opened_run, self._s3, path_of=self._path_of)
        self._windows.check()
        self.before = self.read()
        for objection in objections(self.before):
            raise objection
        self.resolve(self.before)
        self._notes += self._selection.check(self.before)
        self.choice = self._choose(self.before, self._approved(self.before))
        if self._check_mode:
            self.operation = "Scan"
            self.changes = [_change(each) for each in self._chosen(self.before, self.choice)]
            return self.judge(self.before)
        return self._final_document(self._installed(self.before))

    @property
    def is_planned(self) -> bool:
        """Whether ``plan`` has anything to tell."""
        return self.choice is not None

    def plan(self) -> dict[str, Any]:
        """What the first round is to install: see the module's RETURN."""
        taken = self._chosen(self.before, self.choice) if self.before and self.choice else []
        return {
            "install": [_change(each) for each in taken],
            "pulled_in": [],
            "refused": self._refused(self.before),
            "remove": [],
            "selection": self._selection.described,
        }

    def diff(self) -> dict[str, str]:
        """Each installed update, a line after; Windows has no version before."""
        return {"before": "", "after": "".join(f"{each['title']}\n" for each in self.changes)}

    def warnings(self) -> list[dict[str, str]]:
        return [*super().warnings(), *self._notes]

    def read(self, refresh: str | None = None) -> Inventory:
        """With what win_updates, which the update agent tells more than a remote caller, said about a reboot."""
        inventory = super().read(refresh)
        if self._wants_reboot and not inventory.reboot["required"]:
            reason = {"kind": "win_updates", "detail": "the update agent says so to win_updates", "packages": []}
            inventory.reboot = {"required": True, "reasons": [reason, *inventory.reboot["reasons"]]}
        return inventory

    # Before anything is installed

    def _refuse_options(self) -> None:
        if self._arguments["snapshot"]:
            raise PatchError("bad_option", "A snapshot holds versions of packages, which Windows does not have.")
        if self._arguments["windows_offline_file"]:
            raise PatchError(
                "bad_option",
                "windows_offline_file is for scans: that file knows of updates and has none. Install without it.",
            )

    # What may come

    def _approved(self, inventory: Inventory) -> dict[str, PatchRecord]:
        """Update id to the record of each update that may be installed by the baseline and the host."""
        wishes = HostWishes(inventory.holds, self._arguments["honour_host_excludes"], False)
        decided = decide_apart(
            inventory.candidates, wishes.keep_away, lambda some: self._selection.decide(some, inventory, self._decide)
        )
        return {
            str(record["update_id"]): record
            for record, decision in decided
            if decision["decision"] == "approved" and not wishes.keep_away(record)
        }

    def _decide(self, records: list[PatchRecord]) -> list[dict[str, Any]]:
        if self.resolved is None:
            raise AssertionError("the baseline is resolved before anything is decided")
        return evaluate(
            self.resolved.baseline,
            records,
            operating_system="WINDOWS",
            as_of=self.opened_run.as_of,
            operation="Install",
            install_override_list=self._selection.override_list(),
            delay_clock=self._arguments["delay_clock"],
        )

    def _choose(self, inventory: Inventory, approved: Mapping[str, PatchRecord]) -> windows_plan.Choice:
        choice = windows_plan.choose(
            approved, inventory.candidates, accept_eula=self._arguments["auto_agree_with_licenses"]
        )
        self._rounds.leave(choice.left)
        return choice

    @staticmethod
    def _chosen(inventory: Inventory, choice: windows_plan.Choice) -> list[PatchRecord]:
        """Everything approved that can be selected, in this round or a later one."""
        coming = choice.ids | choice.later
        return [each for each in inventory.candidates if each["update_id"] in coming]

    # The rounds

    def _installed(self, inventory: Inventory) -> Inventory:
        """The host as it is after everything that could be done."""
        while True:
            approved = self._approved(inventory)
            pending = inventory.reboot["required"] is True
            step = windows_plan.next_step(self._rounds.taken, approved, reboot_pending=pending)
            self._rounds.leave(step.left)
            if self._clock() >= self._deadline:
                self._rounds.timed_out = True
                return inventory
            if step.action == "stop" and not (pending and self.installed_since_boot and self._may_reboot()):
                return inventory
            if step.action != "install":
                if not self._may_reboot():
                    self._rounds.wait_for_reboot(step.ids)
                    return inventory
                try:
                    inventory = self._rebooted(
                        inventory, step.reason if step.ids else "what was installed waits for it"
                    )
                except PatchError as error:
                    if error.kind not in _STILL_THERE:
                        raise
                    self.failure = error
                    self._rounds.explain(step.ids, error.message)
                    return inventory
                continue
            choice = self._choose(inventory, {name: approved[name] for name in step.ids})
            if not choice.ids:
                return inventory
            after = self._round(inventory, choice)
            if after is None or self.failure is not None:
                return self.read() if after is None else after
            inventory = after

    def _may_reboot(self) -> bool:
        return bool(self._arguments["reboot_option"] != NO_REBOOT)

    def _round(self, inventory: Inventory, choice: windows_plan.Choice) -> Inventory | None:
        """The host after one call that installs, or as it is where everything has to be decided once more; None where
        a search does not end in what was decided."""
        selection = self._arguments["windows_server_selection"]
        ask = windows_plan.win_updates_arguments(choice, state="searched", server_selection=selection)
        found = self._windows.updates(ask)
        if found["timed_out"]:
            return inventory
        try:
            gone = windows_plan.check_searched(found, choice)
        except PatchError as error:
            self.failure = error
            self._rounds.explain(choice.ids, error.message)
            return inventory
        if gone:
            self._stale += 1
            self._tell(f"{len(gone)} updates are no longer offered; reading the host once more")
            self._rounds.explain(gone, "it is no longer offered")
            return self.read() if self._stale <= _MOST_STALE else None
        self._tell(f"installing {len(choice.ids)} updates, round {len(self._rounds.taken) + 1}")
        install = windows_plan.win_updates_arguments(choice, state="installed", server_selection=selection)
        self._rounds.begin(choice.ids)
        try:
            result = self._windows.updates(install)
        except AnsibleConnectionFailure as error:
            return self._after_lost_contact(choice, error)
        return self._after(choice, result)

    def _after(self, choice: windows_plan.Choice, result: Mapping[str, Any]) -> Inventory:
        outcome = windows_plan.check_installed(result, choice)
        self._rounds.end(outcome)
        self._wants_reboot = outcome.reboot_required
        if result.get("timed_out"):
            self._rounds.timed_out = True
        if outcome.unapproved:
            self.failure = PatchError(
                "unapproved_update",
                "win_updates installed what was not approved, although a search by the same filters had not found it:"
                f" {', '.join(sorted(outcome.unapproved))}. Nothing more was installed.",
                update_ids=sorted(outcome.unapproved),
            )
        after = self._read_until_it_answers()
        self.installed_since_boot += len(outcome.claimed)
        return after

    def _after_lost_contact(self, choice: windows_plan.Choice, error: AnsibleConnectionFailure) -> Inventory:
        """The installation may have gone on without us: what became of it is for the host to tell."""
        told = f"contact was lost while it was being installed: {one_line(str(error), 200)}"
        self._tell("contact was lost; looking for the host")
        self._rounds.lose(choice.ids, told)
        self._notes.append({"kind": "contact_lost", "message": told})
        after = self._read_until_it_answers()
        there = {each.get("update_id") for each in after.installed}
        self.installed_since_boot += len(choice.ids & there)
        return after

    def _read_until_it_answers(self) -> Inventory:
        until = self._clock() + self._arguments["reconnect_timeout"]
        while True:
            try:
                return self.read()
            except AnsibleConnectionFailure:
                if self._clock() >= until:
                    raise
                self._sleep(_PAUSE)
                self.channel.reset()

    def _rebooted(self, inventory: Inventory, reason: str) -> Inventory:
        self._tell(f"rebooting: {reason}")
        self._wants_reboot = False
        reboot_and_prove(
            self._windows,
            self.opened_run,
            self.host,
            before=inventory.booted_at,
            look=lambda: self._read_until_it_answers().booted_at,
            entry={"reason": reason, "comment": self._arguments["comment"], "at": self._now()},
            option=self._arguments["reboot_option"],
            seconds=self._arguments["reboot_timeout"],
            most=windows_plan.MOST_ROUNDS,
        )
        self._rounds.reboots += 1
        self.installed_since_boot = 0
        if self._inventory is None:
            raise AssertionError("the proof reads the host")
        return self._inventory

    # What came of it

    def _final_document(self, after: Inventory) -> dict[str, Any]:
        before = {patch_key(each) for each in self.before.installed} if self.before else set()
        self.changes = [_change(each) for each in after.installed if patch_key(each) not in before]
        lacking = {name: each for name, each in self._approved(after).items() if name not in self._rounds.waiting}
        document = self.judge(
            after,
            failed={patch_key(each): self._rounds.why_not(name) for name, each in lacking.items()},
            installation={
                **self._rounds.told(changes=len(self.changes), lacking=len(lacking)),
                "installed": self.changes,
                "refused": self._refused(after),
                "conffiles_kept": [],
                "selection": self._selection.described,
            },
            reboot_option=self._arguments["reboot_option"],
        )
        if self.failure is None and (lacking or self._rounds.timed_out):
            self.failure = self._incomplete(lacking)
        return document

    def _refused(self, inventory: Inventory | None) -> list[dict[str, Any]]:
        titles = {str(each["update_id"]): str(each["title"]) for each in (inventory.candidates if inventory else [])}
        return [
            {"patch": titles[name], "reasons": [reason]} for name, reason in self._rounds.left.items() if name in titles
        ]

    def _incomplete(self, lacking: Mapping[str, PatchRecord]) -> PatchError:
        reasons = [f"{each['kb'] or each['title']}: {self._rounds.why_not(name)}" for name, each in lacking.items()]
        told = "; ".join(sorted(reasons)[:5]) + (f" and {len(reasons) - 5} more" if len(reasons) > 5 else "")
        if self._rounds.timed_out:
            seconds = self._arguments["host_timeout"]
            return PatchError("timed_out", f"The installation took more than {seconds} seconds and was ended. {told}")
        what = "patch" if len(reasons) == 1 else "patches"
        return PatchError("install_incomplete", f"{len(reasons)} approved {what} could not be installed: {told}")


def _change(record: Mapping[str, Any]) -> dict[str, Any]:
    """An update as documents show a change: there is no version, the update id tells it from others with its KB."""
    return {
        "name": record.get("kb") or record.get("title"),
        "arch": None,
        "installed_version": None,
        "version": record.get("update_id"),
        "title": record.get("title"),
    }
