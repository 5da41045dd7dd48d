# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation on Debian 8 does beside installing; on every other host, nothing.

Two brackets, each undone by the runner on the host: one around refreshing the lists and python3-apt, before anything is
decided, and one around the installation. Between them, while the controller decides, the host is as it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.changes import CommandStep
from ..engine.records import Inventory
from ..errors import PatchError
from ..host.channel import HostChannel
from ..host.commands import run_commands
from ..host.job_client import JobState
from ..host.job_driver import JobDriver
from ..managers import apt_debian8, apt_plan, apt_stretch_key
from ..managers.apt_signing_key import trusted_key
from .inventory import only_known
from .job_report import failures_of_job
from .plan import job_plan

_NOT_IN_CHECK_MODE = {
    "kind": "debian8_check_mode",
    "message": "Check mode changes nothing, so the signing key was not imported and the plan rests on the package "
    "lists that could be had without it.",
}
_NO_LIBRARY = ("no_interpreter", "no_native_library")


@dataclass
class Debian8:
    """One host's turn. ``tell`` shows a line to people; ``path_of`` finds a file on the controller by its name."""

    channel: HostChannel
    driver: JobDriver
    arguments: Mapping[str, Any]
    check_mode: bool
    tell: Callable[[str], None]
    path_of: Callable[[str], str]
    jobs: list[JobState] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    key: bytes = b""
    _prepared: bool = False
    _errors: list[str] = field(default_factory=list)
    _last: Inventory | None = None
    _installed_before: set[tuple[str, str, str]] | None = None

    def __post_init__(self) -> None:
        """Refuses a key that is not the one meant (``bad_signing_key``), before any host is touched."""
        material, wanted = self.arguments["debian8_signing_key"], self.arguments["debian8_signing_key_fingerprint"]
        if material and not wanted:
            raise PatchError(
                "bad_signing_key",
                "debian8_signing_key needs debian8_signing_key_fingerprint beside it, so that no other key is trusted.",
            )
        fingerprints = wanted or [apt_stretch_key.FINGERPRINT]
        self.key = trusted_key(self._material(material or apt_stretch_key.KEY), fingerprints)

    def _material(self, text: str) -> bytes:
        if "-----BEGIN" in text:
            return text.strip().encode() + b"\n"
        try:
            return Path(self.path_of(text)).read_bytes()
        except OSError as error:
            raise PatchError("bad_signing_key", f"debian8_signing_key {text!r} cannot be read: {error}.") from error

    def read(self, read: Callable[[str | None], Inventory], refresh: str | None) -> Inventory:
        """``read(refresh)``, where lists are refreshed with the key in place, and python3-apt brought where missing."""
        if self._prepared and refresh != "never":
            self._prepare()
            refresh = "never"
        try:
            return self._noted(read(refresh))
        except PatchError as error:
            if self._prepared or not self._lacks_library(error):
                raise
            reason = self._bring_library()
            try:
                return self._noted(read("never"))
            except PatchError as again:
                raise PatchError(again.kind, f"{again.message} {reason}".strip(), **again.details) from error

    def prepared(self, inventory: Inventory, read: Callable[[str | None], Inventory]) -> Inventory:
        """The host as it is after its lists and python3-apt were brought up to date; unchanged on other systems."""
        if self._prepared or not inventory.privileged or not apt_debian8.is_debian_8(inventory):
            return inventory
        if self.check_mode:
            self.warnings = [_NOT_IN_CHECK_MODE]
            return inventory
        self._last = inventory
        self._prepare()
        return self._noted(read("never"))

    def before(self, inventory: Inventory) -> Inventory:
        """What to compare with afterwards: without what came along with a python3-apt that was missing."""
        return only_known(inventory, self._installed_before)

    def steps(self, inventory: Inventory) -> list[CommandStep]:
        """The bracket of the installing job; no steps on other systems."""
        return self._bracket() if apt_debian8.is_debian_8(inventory) else []

    def failure(self, jobs: Iterable[JobState]) -> PatchError | None:
        """Says so when one of these jobs could not put back what it changed; other hosts' have nothing to."""
        broken = [job for job in jobs if job.undo_result == "failed"]
        return _not_restored(broken[0]) if broken else None

    def _lacks_library(self, error: PatchError) -> bool:
        system = self.channel.last_system or {}
        asked = error.kind in _NO_LIBRARY and not self.check_mode and system.get("uid") == 0
        return asked and apt_debian8.is_debian_8_text(str(system.get("os_release") or ""))

    def _bring_library(self) -> str:
        """Installs python3-apt where the host could not be read without it; why that did not work, if so."""
        form = "${Package} ${Architecture} ${Version}\\n"
        [found] = run_commands(self.channel, [["dpkg-query", "-W", "-f", form]], environment={"LC_ALL": "C"})
        rows = [line.split(" ") for line in found.output.splitlines()]
        self._installed_before = {(row[0], row[1], row[2]) for row in rows if len(row) == 3}
        state = self._prepare()
        return "" if state.result == "SUCCEEDED" else failures_of_job(state, self.driver, apt_plan)[1]

    def _bracket(self) -> list[CommandStep]:
        [found] = run_commands(self.channel, [apt_debian8.sources_command()], environment={"LC_ALL": "C"})
        return apt_debian8.bracket_steps(apt_debian8.parse_sources(found.code, found.output), self.key)

    def _prepare(self) -> JobState:
        arguments = self.arguments
        steps = apt_debian8.prepare_steps(
            self._last,
            accept_expired_release=arguments["debian8_accept_expired_release"],
            lock_timeout=arguments["lock_timeout"],
            step_timeout=arguments["step_timeout"],
        )
        plan = job_plan(
            f"debian8-{uuid.uuid4().hex[:16]}",
            [*self._bracket(), *steps],
            changes=(),
            boot_id=None,
            environment=self.channel.task_environment(),
            timeout=arguments["host_timeout"],
            title="prepare Debian 8 for patching",
        )
        self.tell("Debian 8: refreshing the lists without jessie-backports and with the signing key")
        state = self.driver.run(plan)
        self.jobs.append(state)
        self._prepared = True
        self._judge(state)
        return state

    def _judge(self, state: JobState) -> None:
        """Raises when nothing may follow; what apt could not refresh becomes errors and advice."""
        if state.undo_result == "failed":
            raise _not_restored(state)
        if state.result not in ("SUCCEEDED", "PARTIAL"):
            kind = "timed_out" if state.result == "TIMED_OUT" else "debian8_not_prepared"
            why = failures_of_job(state, self.driver, apt_plan)[1]
            raise PatchError(kind, f"The steps that Debian 8 needs before it is patched did not work: {why}.")
        self._errors, self.warnings = [], []
        for step in state.steps:
            if step.exit_code == 0 or step.name not in (apt_debian8.UPDATE_STEP, apt_debian8.API_STEP):
                continue
            errors = apt_debian8.update_errors(self.driver.log_end(state.job_id, step))
            if step.name == apt_debian8.UPDATE_STEP:
                self.warnings += apt_debian8.advice(errors)
                self._errors = errors or [f"{step.name} ended with exit code {step.exit_code}"]
            else:
                told = "; ".join(errors[:5]) or f"exit code {step.exit_code}"
                self.warnings.append({"kind": "python3_apt_not_updated", "message": f"{step.name}: {told}"})

    def _noted(self, inventory: Inventory) -> Inventory:
        """With what became of the refresh by us, which a reading without one does not know."""
        if not self._prepared:
            return inventory
        self._last = inventory
        told = [each["message"] for each in self.warnings if each["kind"] != "python3_apt_not_updated"]
        if self._errors:
            inventory.warnings += [{"kind": "refresh_failed", "message": error} for error in self._errors]
        inventory.refresh = {
            **inventory.refresh,
            "attempted": True,
            "ok": not self._errors,
            "errors": [*told, *self._errors],
            "skipped_because": None,
        }
        return inventory


def _not_restored(state: JobState) -> PatchError:
    return PatchError(
        "not_restored",
        "The apt sources of this Debian 8 host could not be put back as they were, or the signing key not removed. See "
        f"/var/lib/openfleet-patch/jobs/{state.job_id}/undo on the host for the reason and the saved files.",
        job=state.job_id,
    )
