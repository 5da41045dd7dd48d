# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each host of a run: one word per host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

OK = "ok"
FAILED = "failed"
TIMED_OUT = "timed_out"
UNREACHABLE = "unreachable"
NOT_STARTED = "not_started"
OUTCOMES = (OK, FAILED, TIMED_OUT, UNREACHABLE, NOT_STARTED)
READY = "ready"
VERDICTS = ("compliant", "non_compliant", "unknown")
WORDS = (*VERDICTS, READY, FAILED, TIMED_OUT, UNREACHABLE, NOT_STARTED)
"""What a host can end as."""


_TIMEOUT_WORDS = "failed to execute in the expected time frame"


def host_status(document: Mapping[str, Any] | None, outcome: Mapping[str, Any] | None) -> str:
    """``failed``, ``timed_out``, ``unreachable`` or ``not_started`` where that happened, else the verdict.

    The turn of a host without an outcome never came, whatever an earlier document says. A host whose work went
    well but left no readable document is ``unknown``. After a check of the prerequisites it is ``ready``.
    """
    if outcome is None:
        return NOT_STARTED
    if outcome.get("status") != OK:
        status = outcome.get("status")
        return status if status in OUTCOMES else FAILED
    if outcome.get("operation") == "Preflight":
        return READY
    verdict = (document or {}).get("verdict")
    return verdict if verdict in VERDICTS else "unknown"


def why_failed(counts: Mapping[str, int], fail_on: Iterable[str]) -> str | None:
    """The sentence to fail the play with, or None when nothing in ``fail_on`` happened."""
    happened = [f"{counts[status]} {status.replace('_', ' ')}" for status in fail_on if counts.get(status)]
    return f"of {sum(counts.values())} hosts: {', '.join(happened)}" if happened else None


def outcome_of_result(result: Mapping[str, Any], *, operation: str, task: str | None, at: str) -> dict[str, Any]:
    """The outcome to record for any task result, as a ``rescue`` or a registered variable has it.

    ``{"status", "kind", "message", "operation", "task", "at"}``; kind and message are None when it went well.
    A result of our own tasks carries ``error`` ({kind, message}); any other module tells in ``msg``, or in
    ``stderr`` when a command failed. Ansible's own task timeout adds ``timedout``, and before 2.17 just says so.
    """
    error = result.get("error")
    if not (isinstance(error, Mapping) and error.get("message")):
        error = {"kind": "task_failed", "message": _message_of(result)}
    kind: str | None = str(error.get("kind") or "task_failed")
    message: str | None = str(error["message"])[:4000]
    status = OK
    if result.get("unreachable"):
        status, kind = UNREACHABLE, "unreachable"
    elif result.get("timedout") or kind == "timed_out" or _TIMEOUT_WORDS in str(result.get("msg")):
        status, kind = TIMED_OUT, "timed_out"
    elif result.get("failed"):
        status = FAILED
    else:
        kind = message = None
    return {"status": status, "kind": kind, "message": message, "operation": operation, "task": task, "at": at}


def _message_of(result: Mapping[str, Any]) -> str:
    told = [str(result[key]).strip() for key in ("msg", "stderr") if result.get(key)] or [
        str(result.get("exception", ""))
    ]
    return ": ".join(dict.fromkeys(told)).strip() or "the task failed and said nothing"
