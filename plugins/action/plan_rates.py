# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many hosts at once, and after how many failures no more: see ``plugins/modules/plan_rates.py``."""

from __future__ import annotations

import time
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.turns import Turns
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.fleet_inputs import collect
from ..plugin_utils.flow.opened_run import run_of_task
from ..plugin_utils.flow.rates import plan_rates
from ..plugin_utils.flow.results import failed, plain

DOMAIN = "patch_failure_domain"


class ActionModule(ActionBase):
    """Plans on the controller; no host is connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("plan_rates"))
        arguments, variables = plain(validated), task_vars or {}
        hosts = arguments["hosts"]
        if hosts is None:
            hosts = [str(host) for host in variables.get("ansible_play_hosts_all") or []]
        try:
            planned = plan_rates(
                arguments,
                hosts,
                forks=int(variables.get("ansible_forks") or C.config.get_config_value("DEFAULT_FORKS")),
                domain_of=_domains(hosts, variables, self._templar) if arguments["max_per_domain"] else {},
            )
            run = run_of_task(arguments)
            Turns(run).start(planned.plan, planned.between, now=time.time())
        except PatchError as error:
            return result | failed(error)
        return result | {
            "changed": False,
            "batches": planned.batches,
            "concurrency": planned.plan.concurrency,
            "max_errors": planned.plan.max_errors,
            "waves": list(planned.plan.waves),
            "total": len(hosts),
        }


def _domains(hosts: list[str], variables: dict[str, Any], templar: Any) -> dict[str, str]:
    found = {}
    collected = collect(hosts, variables["hostvars"], task_vars=variables, templar=templar, names=(DOMAIN,))
    for host, values in collected.items():
        if DOMAIN in values:
            if values[DOMAIN].error:
                raise PatchError("bad_input", f"{host}: {DOMAIN}: {values[DOMAIN].error}")
            found[host] = str(values[DOMAIN].value)
    return found
