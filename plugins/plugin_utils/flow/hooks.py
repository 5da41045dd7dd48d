# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of one host from hook to hook, kept in the run directory from one task to the next.

``runs/RUN_ID/hooks/HOST.jsonl`` has a line per event: the plan, the look at the host, each beginning and end of a hook,
the installation, a step that failed. A new plan begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..compliance.hooks import (
    BAD,
    CHECK_FAILED,
    DONE,
    HOOK_FAILED,
    LATE,
    LOST,
    entry,
    failures,
    installation_told,
    kept_output,
    outcome_with_hooks,
    told,
)
from ..compliance.outcomes import FAILED, OK, TIMED_OUT, outcome_of_result
from ..errors import PatchError
from ..fleet import files
from ..fleet.hooks_input import Hook
from ..fleet.run_directory import Run
from ..host import out_of_reach
from .hook_way import ORDER, STOPPING, Way, after, shown

INTERRUPTED = "interrupted"


class HookLog:
    """The events of one host in one run. ``at`` is UTC text."""

    def __init__(self, run: Run, host: str) -> None:
        self._run = run
        self._host = host
        self._path = run.path / "hooks" / f"{files.safe_name(host)}.jsonl"

    def plan(self, hooks: Mapping[str, Sequence[Hook]], *, check_mode: bool, at: str) -> None:
        """From here on these hooks count."""
        files.make_private_directory(self._path.parent)
        every = [shown(hook) | {"runs": hook.in_check_mode or not check_mode} for kind in ORDER for hook in hooks[kind]]
        self._note("plan", at, hooks=every, check_mode=check_mode)

    def read(self) -> Way:
        """Raises ``no_plan`` where nothing was planned."""
        way: Way | None = None
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            way = after(way, files.read_event(line, self._path))
        if way is None:
            raise PatchError("no_plan", "No hooks were planned for this host: openfleet.patch.plan_hooks comes first.")
        return way

    def begin(self, kind: str, number: int, *, at: str) -> dict[str, Any]:
        """What the hook is told of the way so far. Until it has ended the outcome of the host is that it did not."""
        way = self.read()
        hook = _named(way, kind, number)
        seen = len(out_of_reach.losses(self._host))
        self._note("begin", at, kind=kind, number=number, losses=seen)
        if kind in STOPPING:
            message = f"The play ended while the hook '{hook['name']}' ran."
            self._run.record_outcome(
                self._host, {"status": "failed", "kind": INTERRUPTED, "message": message, "at": at}
            )
        return way.state() | {"kind": kind, "name": hook["name"], "run_id": self._run.run_id}

    def end(self, kind: str, number: int, result: Mapping[str, Any], *, at: str, hidden: bool) -> dict[str, Any]:
        """The entry of the hook. Raises ``hook_failed`` for one that ends the way.

        ``result``: of the command, or of the task of a file that failed; empty where all went well. ``hidden``: that
        task shows nothing of its result.
        """
        way = self.read()
        hook, key = _named(way, kind, number), (kind, number)
        known = way.ended.get(key)
        if known is None:
            begun = way.begun.get(key, {})
            lost = out_of_reach.losses(self._host)[begun.get("losses", 0) :]
            found = _found(result, lost, hidden=hidden)
            of_host = bool(result.get("unreachable")) or any(loss.of_host for loss in lost)
            known = entry(hook, started_at=begun.get("at"), finished_at=at, **found)
            self._note("end", at, kind=kind, number=number, entry=known, host_lost=found["result"] == LOST and of_host)
        if kind in STOPPING and failures([known]):
            self._note("stopped", at, why=f"{told(known).partition(':')[0]}")
            raise PatchError(HOOK_FAILED, f"{told(known)}.", hook=known)
        return known

    def looked(self, result: Mapping[str, Any], *, at: str) -> bool:
        """Whether an Install has anything to do; raises when the host could not be looked at."""
        self._raise_if_failed(result, "the host could not be looked at", at)
        needed = bool(result.get("needed"))
        self._note("look", at, needed=needed, boot_id=_boot_id(result))
        return needed

    def installed(self, result: Mapping[str, Any], *, at: str) -> None:
        """Raises when the installation failed and there are hooks: then it leads to the on-exit hooks at once."""
        reached = result.get("plan") is not None
        self._note(
            "installed",
            at,
            reached=reached,
            count=int(result.get("installed_count") or 0),
            boot_id=_boot_id(result),
        )
        if result.get("error"):
            # A scan that goes well afterwards, where there are checks alone, says nothing of it.
            outcome = outcome_of_result({**result, "failed": True}, operation="Install", task=None, at=at)
            self._note("failed", at, outcome=outcome)
        if self.read().has_hooks or not reached:
            self._raise_if_failed(result, "the installation failed, so the host was not rebooted", at)

    def rebooted(self, document: Mapping[str, Any] | None, *, at: str) -> bool:
        """Whether the host is in another boot than when it was installed on, whoever rebooted it."""
        before, now = self.read().boot_id, (document or {}).get("boot_id")
        rebooted = before is not None and now is not None and before != now
        self._note("rebooted", at, rebooted=rebooted)
        return rebooted

    def failed(self, result: Mapping[str, Any], *, task: str | None, at: str) -> None:
        """A step that failed; of a hook all is known already."""
        kind = (result.get("error") or {}).get("kind") if isinstance(result.get("error"), Mapping) else None
        if kind in (HOOK_FAILED, CHECK_FAILED):
            return
        outcome = outcome_of_result(result, operation="Install", task=task, at=at)
        why = f"an earlier step failed: {outcome['message']}"
        self._note("failed", at, outcome=outcome)
        self._note("stopped", at, why=self.read().stopped or why)

    def close(self, *, at: str) -> dict[str, Any]:
        """The document of the host with its hooks, kept as a new one, and its outcome: ``{"document", "outcome",
        "hooks"}``. The document is None where the host could not be read; then the outcome has the hooks."""
        way = self.read()
        entries = way.entries()
        document = self._document(way)
        base = self._base(way)
        installation = installation_told(document, looked_only=not way.installed)
        outcome = outcome_with_hooks(base, entries, installation=installation, host_lost=way.host_lost)
        if document is None:
            outcome["hooks"] = entries
        else:
            document = document | {"hooks": entries, "times": document["times"] | {"finished_at": at}}
            self._run.write_document(self._host, document)
        self._run.record_outcome(self._host, {**outcome, "at": at})
        return {"document": document, "outcome": outcome, "hooks": entries}

    def _document(self, way: Way) -> dict[str, Any] | None:
        """What a task since the plan wrote of this host, if it could read it."""
        document = self._run.document(self._host)
        if document is None or document["times"]["finished_at"] < way.planned_at:
            return None
        return document

    def _base(self, way: Way) -> dict[str, Any]:
        """The outcome without hooks: what the tasks noted themselves, else the step that failed."""
        noted = self._run.outcome(self._host, without=INTERRUPTED) or {}
        if noted.get("status") == OK or not noted:
            base = way.failure or noted or {"status": FAILED, "kind": INTERRUPTED, "message": way.stopped}
        else:
            base = noted
        given = {"run_data": noted["run_data"]} if "run_data" in noted else {}
        return {**given, **base}

    def _note(self, event: str, at: str, **more: Any) -> None:
        with files.locked(self._path.with_suffix(".lock")):
            files.append_line(self._path, json.dumps({"at": at, "event": event, **more}))

    def _raise_if_failed(self, result: Mapping[str, Any], why: str, at: str) -> None:
        if not (result.get("failed") or result.get("unreachable") or result.get("error")):
            return
        self._note("stopped", at, why=why)
        error = result.get("error")
        known = error if isinstance(error, Mapping) else {}
        raise PatchError(
            str(known.get("kind") or ("unreachable" if result.get("unreachable") else "task_failed")),
            str(known.get("message") or result.get("msg") or why),
        )


def _named(way: Way, kind: str, number: int) -> dict[str, Any]:
    for hook in way.hooks:
        if (hook["kind"], hook["number"]) == (kind, number):
            return hook
    raise PatchError("bad_arguments", f"There is no hook {kind}[{number}] in what was planned for this host.")


def _found(result: Mapping[str, Any], lost: Sequence[out_of_reach.Loss], *, hidden: bool) -> dict[str, Any]:
    """``result``, ``exit_code``, ``output`` and ``message`` of an entry."""
    code = result.get("rc")
    found: dict[str, Any] = {"result": DONE, "exit_code": code if isinstance(code, int) else None}
    if not hidden:
        printed = "\n".join(str(result[name]).strip() for name in ("stdout", "stderr") if result.get(name))
        found["output"] = kept_output(printed)
    if result.get("unreachable") or lost:
        message = lost[0].message if lost else str(result.get("msg") or "")
        return found | {"result": LOST, "message": kept_output(message)}
    if not result.get("failed"):
        return found
    outcome = outcome_of_result(_first_failed(result), operation="Install", task=None, at="")
    message = "its task hides what it returns (no_log)" if hidden else kept_output(str(outcome["message"]))
    return found | {"result": LATE if outcome["status"] == TIMED_OUT else BAD, "message": message}


def _first_failed(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a loop the item that failed first says more than the loop."""
    items = result.get("results")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("failed"):
            return item
    return result


def _boot_id(result: Mapping[str, Any]) -> str | None:
    document = result.get("document")
    boot_id = document.get("boot_id") if isinstance(document, Mapping) else None
    return boot_id if isinstance(boot_id, str) else None
