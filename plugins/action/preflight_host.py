# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what patching a host needs: see ``plugins/modules/preflight_host.py``."""

from __future__ import annotations

import resource
from datetime import datetime, timezone
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.outcomes import FAILED, OK, UNREACHABLE
from ..plugin_utils.compliance.preflight import (
    ERROR,
    Finding,
    controller_findings,
    error_finding,
    host_findings,
    told,
)
from ..plugin_utils.compliance.states import patch_entries
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import Run, utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.scan import HostScan
from ..plugin_utils.flow.windows_install import cannot_install
from ..plugin_utils.host.windows_channel import is_windows


class ActionModule(ActionBase):
    """Reads like a scan and judges what it read by what patching needs."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("preflight_host"))
        task_vars = task_vars or {}
        try:
            answer = _Preflight(self, task_vars, plain(arguments)).check()
        except PatchError as error:
            return result | failed(error)
        result.update(untrusted(answer))
        return result


class _Preflight:
    def __init__(self, action: ActionBase, task_vars: dict[str, Any], arguments: dict[str, Any]) -> None:
        self._action = action
        self._task_vars = task_vars
        self._arguments = arguments
        self._host = str(action._task.delegate_to or task_vars.get("inventory_hostname"))

    def check(self) -> dict[str, Any]:
        now = datetime.now(timezone.utc)
        run = run_of_task(self._arguments, now=now)
        outcome: dict[str, Any] = {"status": FAILED, "kind": "interrupted", "message": "The task was interrupted."}
        try:
            answer = self._findings(run)
            ready = not any(each["severity"] == ERROR for each in answer["findings"])
            outcome = {"status": OK if ready else FAILED, "kind": None if ready else "not_ready", "message": None}
            outcome["findings"] = answer["findings"]
        except AnsibleConnectionFailure as error:
            outcome = {"status": UNREACHABLE, "kind": "unreachable", "message": str(error)}
            raise
        finally:
            at = utc_text(datetime.now(timezone.utc))
            run.record_outcome(self._host, {**outcome, "operation": "Preflight", "at": at})
        answer |= {"changed": False, "ready": ready, "run_id": run.run_id}
        if not ready:
            answer |= {"failed": True, "msg": told(answer["findings"])}
        return answer

    def _findings(self, run: Run) -> dict[str, Any]:
        findings = self._of_the_controller()
        answer: dict[str, Any] = {"operating_system": None, "product": None, "baseline": None}
        try:
            scan = HostScan(self._action, self._task_vars, self._arguments)
            scan.run = run
            before = datetime.now(timezone.utc)
            inventory = scan.read()
            after = datetime.now(timezone.utc)
            answer |= {"operating_system": inventory.operating_system, "product": inventory.product}
            resolved = scan.choose_baseline(inventory.operating_system)
            answer["baseline"] = {"name": resolved.name, "digest": resolved.digest, "source": resolved.source}
            findings += host_findings(
                inventory,
                resolved.baseline,
                patch_entries(inventory, resolved.baseline, as_of=run.as_of),
                stale_after=self._arguments["metadata_stale_after"],
                read_between=(before, after),
            )
            if is_windows(self._action._connection):
                findings += [
                    error_finding(each.kind, each.message)
                    for each in cannot_install(self._action, self._task_vars, inventory)
                ]
        except PatchError as error:
            findings.append(error_finding(error.kind, error.message))
        answer["findings"] = sorted(findings, key=lambda each: each["severity"] != ERROR)
        return answer

    def _of_the_controller(self) -> list[Finding]:
        connection = self._action._connection
        ssh = str(connection.transport) == "ssh"
        options = ("ssh_args", "ssh_common_args", "ssh_extra_args") if ssh else ()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return controller_findings(
            hosts=len(self._task_vars.get("ansible_play_hosts_all") or [self._host]),
            forks=int(self._task_vars.get("ansible_forks") or C.config.get_config_value("DEFAULT_FORKS")),
            connection=str(connection.transport),
            ssh_arguments=[str(connection.get_option(option) or "") for option in options],
            open_files=None if limit == resource.RLIM_INFINITY else limit,
        )
