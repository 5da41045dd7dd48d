# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write reports from documents: see ``plugins/modules/report.py``."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.history import open_history
from ..plugin_utils.flow.reporting import gather_report, write_report
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.report.aws_shapes import without_instance


class ActionModule(ActionBase):
    """Reads documents and writes files on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("report"))
        try:
            return {**result, **_report(plain(arguments), task_vars or {})}
        except PatchError as error:
            return result | failed(error)


def _report(arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    hosts = arguments["hosts"]
    if hosts is None:
        hosts = [str(host) for host in task_vars.get("ansible_play_hosts_all") or []]
    report = gather_report(
        open_history(arguments["state_directory"], arguments["store_url"]),
        generated_at=utc_text(datetime.now(timezone.utc)),
        hosts=hosts or None,
        run_id=arguments["run_id"],
        stale_after_days=arguments["stale_after_days"],
        installed=arguments["list_installed"],
        trend_runs=arguments["trend_runs"],
        with_installs="aws" in arguments["formats"],
    )
    folder = arguments["output_directory"] or str(Path(arguments["state_directory"]).expanduser() / "reports")
    ids = {str(host): str(instance) for host, instance in (arguments["aws_instance_ids"] or {}).items()}
    written = write_report(report, arguments["formats"], folder, mode=_mode(arguments["mode"]), instance_ids=ids)
    for problem in report.problems:
        Display().warning(problem)
    return {
        "changed": False,
        "files": written,
        "verdict": report.verdict,
        "counts": report.counts,
        "problems": untrusted(report.problems),
        "without_aws_instance": untrusted(without_instance(report, ids)) if "aws" in arguments["formats"] else [],
    }


def _mode(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise PatchError("bad_argument", f"mode is {text!r}; give three octal digits in quotes, such as '0640'")
    return int(text, 8)
