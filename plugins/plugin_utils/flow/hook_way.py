# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of one host on its way from hook to hook come to; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..compliance.hooks import BAD, SKIPPED, entry, failures, told
from ..fleet.hooks_input import AFTER_REBOOT, ON_EXIT, POST_INSTALL, PRE_INSTALL, Hook

ORDER = (PRE_INSTALL, POST_INSTALL, AFTER_REBOOT, ON_EXIT)
STOPPING = (PRE_INSTALL, POST_INSTALL)
"""Kinds whose failure ends the way: what comes next are the on-exit hooks."""
_SIGNED = ("kind", "number", "name", "how", "required", "on", "path", "role", "tasks_from", "timeout")


def shown(hook: Hook) -> dict[str, Any]:
    """What tasks and people may see of a hook: no arguments, no environment, no secrets."""
    return {name: getattr(hook, name) for name in _SIGNED}


@dataclass
class Way:
    """What the events so far come to."""

    planned_at: str = ""
    check_mode: bool = False
    hooks: list[dict[str, Any]] = field(default_factory=list)
    begun: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    ended: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    needed: bool = True
    stopped: str = ""
    failure: dict[str, Any] | None = None
    """The outcome of a step that failed and was no hook."""
    boot_id: str | None = None
    installed: bool = False
    installed_count: int = 0
    rebooted: bool = False
    host_lost: bool = False
    """A hook could not reach the host itself."""

    @property
    def has_hooks(self) -> bool:
        """Whether there is more than checks after the reboot, so that a failed installation leads to no reboot."""
        return any(hook["kind"] != AFTER_REBOOT for hook in self.hooks)

    def state(self) -> dict[str, Any]:
        """What a hook is told of the way so far: ``result``, ``failed_step``, ``installed_count``, ``rebooted``."""
        bad = failures(self.ended.values())
        step = self.stopped or (told(bad[0]) if bad else "")
        return {
            "result": "failed" if step else "ok",
            "failed_step": step,
            "installed_count": self.installed_count,
            "rebooted": self.rebooted,
        }

    def entries(self) -> list[dict[str, Any]]:
        """All hooks in the order of the flow; those that did not run are skipped, with the reason."""
        ordered = sorted(self.hooks, key=lambda hook: (ORDER.index(hook["kind"]), hook["number"]))
        return [self._entry(hook) for hook in ordered]

    def _entry(self, hook: Mapping[str, Any]) -> dict[str, Any]:
        key = (hook["kind"], hook["number"])
        if key in self.ended:
            return self.ended[key]
        if key in self.begun:
            at = self.begun[key]["at"]
            return entry(hook, result=BAD, started_at=at, message="it was interrupted")
        return entry(hook, result=SKIPPED, message=self._why_skipped(hook))

    def _why_skipped(self, hook: Mapping[str, Any]) -> str:
        if not hook["runs"]:
            return "check mode; a hook with check_mode: true runs in it too"
        if not self.needed:
            return "nothing is missing and nothing waits for a reboot"
        if self.stopped:
            return self.stopped
        if hook["kind"] == AFTER_REBOOT and not self.rebooted:
            return "the host was not rebooted"
        return "the play ended before it"


def after(way: Way | None, event: Mapping[str, Any]) -> Way | None:
    """The way with one event more; None before the first plan."""
    name = event["event"]
    if name == "plan":
        return Way(event["at"], event["check_mode"], [dict(hook) for hook in event["hooks"]])
    if way is None:
        return None
    if name == "begin":
        way.begun[(event["kind"], event["number"])] = dict(event)
    elif name == "end":
        way.ended[(event["kind"], event["number"])] = dict(event["entry"])
        way.host_lost = way.host_lost or event["host_lost"]
    elif name == "look":
        way.needed, way.boot_id = event["needed"], event["boot_id"]
    elif name == "installed":
        way.installed, way.installed_count = event["reached"], event["count"]
        way.boot_id = event["boot_id"] or way.boot_id
    elif name == "rebooted":
        way.rebooted = event["rebooted"]
    elif name == "failed":
        way.failure = way.failure or dict(event["outcome"])
    elif name == "stopped":
        way.stopped = way.stopped or event["why"]
    return way
