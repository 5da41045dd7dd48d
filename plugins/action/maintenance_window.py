# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host may start now: see ``plugins/modules/maintenance_window.py``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.outcomes import NOT_STARTED
from ..plugin_utils.engine.dates import parse_instant
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import Run, utc_text
from ..plugin_utils.fleet.windows_decision import Need, decide, list_openings, out_of_time
from ..plugin_utils.fleet.windows_input import parse_windows
from ..plugin_utils.fleet.windows_report import OUTCOME_KINDS, decision_result
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.progress import tell_turn
from ..plugin_utils.flow.results import failed, plain, untrusted

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST = {"openings": 1000, "expected_minutes": 1440, "reboot_reserve_minutes": 1440}


class ActionModule(ActionBase):
    """Decides on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("maintenance_window"))
        arguments = plain(validated)
        host = str((task_vars or {})["inventory_hostname"])
        try:
            check(arguments)
            windows, blackouts = parse_windows(arguments["maintenance_windows"], arguments["blackouts"])
            now = _moment(arguments["at"])
            need = Need(
                timedelta(minutes=arguments["expected_minutes"]),
                timedelta(minutes=arguments["reboot_reserve_minutes"]),
            )
            record = arguments["record"] and not self._task.check_mode
            run = _run(arguments, create=record)
            began = None if run is None else _moment(run.started_at)
            decision = decide(windows, blackouts, now=now, run_started_at=began, need=need)
            if began is not None and arguments["run_timeout"] is not None:
                allowed = timedelta(seconds=arguments["run_timeout"])
                decision = out_of_time(run_started_at=began, run_timeout=allowed, now=now) or decision
            openings = list_openings(windows, blackouts, now=now, count=arguments["openings"], need=need)
            if run is not None and record and not decision.go:
                outcome = _outcome(decision.decision, decision.reason, arguments["operation"], now)
                run.record_outcome(host, outcome)
                tell_turn(run, task_vars or {}, outcome, None, quiet=not arguments["progress"])
        except PatchError as error:
            return result | failed(error)
        return {**result, "changed": False, "host": host, **untrusted(decision_result(decision, openings))}


def check(arguments: dict[str, Any]) -> None:
    """Raises ``bad_argument`` with all that is wrong with the options together."""
    wrong = [
        f"{name} is {arguments[name]}; it must be from 0 to {most}"
        for name, most in _MOST.items()
        if not 0 <= arguments[name] <= most
    ]
    if arguments["record"] and arguments["at"] is not None:
        wrong.append("record notes what is, and at asks what would be: use one of them")
    if wrong:
        raise PatchError("bad_argument", "; ".join(wrong))


def _moment(text: str | None) -> datetime:
    """The time itself, the present one for None."""
    if text is None:
        return datetime.now(timezone.utc)
    try:
        return _EPOCH + timedelta(microseconds=parse_instant(text))
    except ValueError:
        raise PatchError("bad_time", f"at: {text[:60]!r} is not a time such as 2026-11-20T12:00:00Z") from None


def _run(arguments: dict[str, Any], *, create: bool) -> Run | None:
    """The run of this ansible-playbook; None when there is none and nothing is to be noted."""
    try:
        return run_of_task(arguments, create=create)
    except PatchError as error:
        if error.kind == "no_run" and not create:
            return None
        raise


def _outcome(decision: str, reason: str, operation: str, now: datetime) -> dict[str, Any]:
    return {
        "status": NOT_STARTED,
        "kind": OUTCOME_KINDS[decision],
        "message": reason,
        "operation": operation,
        "at": utc_text(now),
    }
