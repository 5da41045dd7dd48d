# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another batch may start: see ``plugins/modules/gate_batch.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.compliance.outcomes import counts_as_error, exceeds
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.controller import controller_key
from ..plugin_utils.fleet.run_directory import open_run
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain


class ActionModule(ActionBase):
    """Reads the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("gate_batch"))
        arguments = plain(validated)
        hosts = arguments["hosts"]
        if hosts is None:
            hosts = [str(host) for host in (task_vars or {}).get("ansible_play_hosts_all") or []]
        try:
            if not 0 <= arguments["max_fail_percentage"] <= 100:
                message = f"max_fail_percentage is {arguments['max_fail_percentage']}; it must be from 0 to 100."
                raise PatchError("bad_argument", message)
            run = open_run(
                arguments["state_directory"],
                run_id=arguments["run_id"],
                now=datetime.now(timezone.utc),
                controller_key=controller_key(),
            )
            outcomes = run.outcomes(of_this_process=True)
        except PatchError as error:
            return result | failed(error)
        bad = sorted(host for host in hosts if host in outcomes and counts_as_error(outcomes[host]))
        stop = exceeds(len(bad), len(hosts), arguments["max_fail_percentage"])
        if stop:
            told = f"{len(bad)} of {len(hosts)} hosts failed ({', '.join(bad[:5])}): no further batch starts"
            Display().warning(told)
        return result | {"changed": False, "go": not stop, "failed_hosts": bad, "total": len(hosts)}
