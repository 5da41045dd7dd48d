# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboot one host, or not: look, decide, wait until nothing is at work, ask, wait for the proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ansible.errors import AnsibleConnectionFailure

from ..compliance.reboot_decision import NO_REBOOT, ONLY_IF_REQUIRED, decide_reboot, pending_titles, unknown_need
from ..compliance.service_restarts import choose_restarts
from ..engine.records import Inventory
from ..errors import PatchError
from ..fleet.reboots import note_reboot, refuse_too_many
from ..fleet.run_directory import Run, utc_text
from ..host.reboot_probe import HostState, UnitRestart
from .opened_run import run_of_task
from .reboot_proof import Proof
from .scan import utc_now

_PAUSE = 3.0


class Probe(Protocol):
    """What is asked of a host; ``host.reboot_probe.RebootProbe`` does it."""

    def look(self) -> HostState:
        """What the host is like now."""

    def warn(self, message: str) -> None:
        """Tell those who are logged in."""

    def go(self, boot_id: str, message: str, *, when: str = "now") -> tuple[int, str]:
        """Ask for the reboot of exactly this boot; exit code and output."""

    def restart(self, units: Mapping[str, Sequence[int]], *, reexec: bool) -> list[UnitRestart]:
        """Restart units (their processes by name of the unit) and tell how each went."""


class HostReboot:
    """One task's work on one host.

    ``arguments`` are validated and plain; ``read`` fetches an inventory; ``wait`` calls the function it is given until
    that returns something else than the text it is given, and says whether it did in time; ``local``: the connection
    leads to the controller itself.
    """

    def __init__(
        self,
        arguments: Mapping[str, Any],
        *,
        host: str,
        probe: Probe,
        read: Callable[[], Inventory],
        wait: Callable[[Callable[[], str], str], bool],
        local: bool,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        controller_boot_id: str | None = None,
    ) -> None:
        self._arguments = arguments
        self._host = host
        self._probe = probe
        self._read = read
        self._wait = wait
        self._local = local
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._controller_boot_id = controller_boot_id or read_boot_id()
        self._document: Mapping[str, Any] | None = None
        self.known: dict[str, Any] = {"changed": False, "rebooted": False, "elapsed": 0, "warnings": []}
        """The result so far; a failed task returns it too."""

    def run(self, *, check_mode: bool) -> dict[str, Any]:
        """The result; raises ``PatchError`` and leaves what was found out in ``known``."""
        state = self._probe.look()
        self.known["boot"] = {"before": state.boot_id, "after": None, "first_process_age": state.first_process_age}
        self._document = self._usable_document(state)
        reboot, self.known["reason"] = self._decide(state)
        if not reboot:
            self.known["state"] = "not_rebooted"
            self._see_to_services(check_mode)
            return self.known
        itself = self._refuse(state)
        run = run_of_task(self._arguments, now=self._now())
        number = refuse_too_many(run, self._host, most=self._arguments["max_reboots"])
        self.known["reboots"] = number if not check_mode else number - 1
        if check_mode:
            self.known.update(state="would_reboot", changed=True)
            return self.known
        self._announce()
        state = self._wait_until_free(state)
        self._note(run, state)
        if itself:
            return self._schedule(state)
        return self._reboot(state)

    # What to do

    def _usable_document(self, state: HostState) -> Mapping[str, Any] | None:
        document: Mapping[str, Any] | None = self._arguments["document"]
        if document is None:
            return None
        if not all(isinstance(document.get(name), dict) for name in ("reboot", "findings", "summary")):
            raise PatchError(
                "bad_arguments",
                "document is not a compliance document: give the document that scan_host or install_patches returned.",
            )
        if document.get("boot_id") != state.boot_id:
            self._warn(
                "document_of_another_boot",
                "The document given was not made in the present boot of this host, so it tells nothing about what waits"
                " for a reboot now; the journal on the host was asked instead.",
            )
            return None
        return document

    def _decide(self, state: HostState) -> tuple[bool, str]:
        option = self._arguments["reboot_option"]
        pending = list(state.pending) if self._document is None else pending_titles(self._document)
        need: Mapping[str, Any] = {"required": None, "reasons": []}
        if option == ONLY_IF_REQUIRED:
            need = self._need()
        self.known["pending"] = pending
        self.known["required"] = need["required"]
        warning = unknown_need(option, need["required"])
        if warning is not None:
            self.known["warnings"].append(warning)
        return decide_reboot(
            option,
            installed_now=self._installed_now(),
            pending=pending,
            os_required=need["required"],
            reasons=need["reasons"],
        )

    def _installed_now(self) -> int:
        """What was installed before a boot that came since, as by a hook that rebooted, waits for none; nor does what
        has restarted the host itself, as updates of macOS do."""
        gone = self._arguments["document"] is not None and self._document is None
        installation = (self._document or {}).get("installation") or {}
        return 0 if gone or installation.get("restarted") is True else self._arguments["installed_count"] or 0

    def _need(self) -> Mapping[str, Any]:
        if self._document is not None:
            need: Mapping[str, Any] = self._document["reboot"]
            return need
        try:
            return self._read().reboot
        except PatchError as error:
            return {"required": None, "reasons": [{"kind": error.kind, "detail": error.message.rstrip(".")}]}

    def _see_to_services(self, check_mode: bool) -> None:
        """Without a reboot, what still runs replaced files is told and, if asked for, restarted."""
        restart = self._arguments["restart_services"]
        if not restart and (self._arguments["reboot_option"] != NO_REBOOT and self._document is None):
            return
        try:
            stale = (self._document or self._read().to_dict())["findings"].get("deleted_libraries") or {}
        except PatchError as error:
            if restart:
                raise
            self._warn("services_unknown", f"Which services still run replaced files is not known: {error.message}")
            return
        chosen = choose_restarts(stale)
        services = {"stale": list(chosen.restart), "first_process": chosen.reexec, "left": chosen.left, "restarted": []}
        self.known["services"] = services
        if not restart or not (chosen.restart or chosen.reexec):
            return
        self.known["changed"] = True
        if check_mode:
            return
        done = self._probe.restart(chosen.restart, reexec=chosen.reexec)
        self._report_restarts(services, done)

    def _report_restarts(self, services: dict[str, Any], done: list[UnitRestart]) -> None:
        names = {each.unit: "systemd" if each.unit == "." else each.unit for each in done}
        services["restarted"] = [names[each.unit] for each in done if each.code == 0]
        services["left"] += [{"name": names[each.unit], "why": each.said} for each in done if each.code is None]
        self.known["changed"] = bool(services["restarted"])
        failed = [each for each in done if each.code]
        if failed:
            told = "; ".join(f"{names[each.unit]} (exit code {each.code}): {each.said}" for each in failed)
            raise PatchError("services_not_restarted", f"These did not restart: {told}. See their journal on the host.")

    # Before it

    def _refuse(self, state: HostState) -> bool:
        """Whether the host is the controller; raises unless that is allowed, and without root."""
        itself = self._local or state.boot_id == self._controller_boot_id
        if itself and not self._arguments["allow_controller"]:
            seen = "The connection is local" if self._local else "It has the controller's boot id"
            raise PatchError(
                "controller_itself",
                f"This would reboot the controller that runs this play, or the machine under it. {seen}. Leave it out"
                " with --limit and reboot it by hand, or set allow_controller; the reboot is then put off by a minute.",
            )
        if state.uid != 0:
            raise PatchError("no_privilege", "Only root can reboot this host: set become: true.", uid=state.uid)
        return itself

    def _announce(self) -> None:
        delay = self._arguments["pre_reboot_delay"]
        if delay > 0:
            self._probe.warn(f"{self._arguments['message']} (in {delay} seconds)")
            self._sleep(delay)

    def _wait_until_free(self, state: HostState) -> HostState:
        """A later look, at which neither a patch job nor a package manager was at work."""
        limit = self._arguments["lock_timeout"]
        until = self._clock() + limit
        state = self._probe.look() if self._arguments["pre_reboot_delay"] > 0 else state
        while state.job or state.lock:
            if self._clock() >= until:
                kind = "job_running" if state.job else "packages_locked"
                what = f"{state.job} is at work" if state.job else state.lock
                raise PatchError(
                    kind,
                    f"Not rebooted, since packages are being changed on this host: {what}. Waited {limit} seconds"
                    " (lock_timeout). Run this again when it has ended.",
                    holder=state.job or state.lock,
                )
            self._sleep(_PAUSE)
            state = self._probe.look()
        return state

    def _note(self, run: Run, state: HostState) -> None:
        note_reboot(
            run,
            self._host,
            {
                "at": utc_text(self._now()),
                "reboot_option": self._arguments["reboot_option"],
                "reason": self.known["reason"],
                "boot_id": state.boot_id,
                "comment": self._arguments["comment"],
            },
        )

    # The reboot

    def _schedule(self, state: HostState) -> dict[str, Any]:
        code, said = self._probe.go(state.boot_id, self._arguments["message"], when="+1")
        self._check(code, said)
        self.known.update(state="scheduled", changed=True)
        return self.known

    def _reboot(self, state: HostState) -> dict[str, Any]:
        proof = Proof(state, asked_at=self._clock(), look=self._probe.look, clock=self._clock)
        self.known["changed"] = True
        self._ask(state)
        if self._arguments["post_reboot_delay"] > 0:
            self._sleep(self._arguments["post_reboot_delay"])
        back = self._wait(proof.observe, state.boot_id)
        self.known["elapsed"] = round(self._clock() - proof.asked_at)
        if not back:
            failure = proof.failure(self._arguments["reboot_timeout"])
            self.known["state"] = failure.kind
            raise failure
        self.known["boot"].update(proof.told())
        self.known.update(state="rebooted", rebooted=True)
        return self.known

    def _ask(self, state: HostState) -> None:
        """A connection that ends, or an answer that never comes, is what a reboot looks like from here."""
        try:
            code, said = self._probe.go(state.boot_id, self._arguments["message"])
        except AnsibleConnectionFailure:
            return
        except PatchError as error:
            if error.kind in ("timed_out", "other_boot", "bad_answer"):
                return
            self.known["changed"] = False
            raise
        self._check(code, said)

    def _check(self, code: int, said: str) -> None:
        # A signal is what ends a command while the system goes down around it.
        if code != 0 and code < 128:
            self.known["changed"] = False
            raise PatchError(
                "reboot_refused",
                f"The host's reboot command ended with exit code {code}. Seen: {said or 'nothing'}. See whether its"
                " init system answers (systemctl status), then run this again.",
                exit_code=code,
            )

    def _warn(self, kind: str, message: str) -> None:
        self.known["warnings"].append({"kind": kind, "message": message})


def read_boot_id() -> str | None:
    """The controller's own; None where there is no /proc."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
