# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word of a play: see ``plugins/modules/summarize_run.py``."""

from __future__ import annotations

from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.compliance.outcomes import why_failed
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.files import write_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.run_summary import summarize


class ActionModule(ActionBase):
    """Reads the run directory on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("summarize_run"))
        try:
            return {**result, **_summarize(plain(arguments), task_vars or {})}
        except PatchError as error:
            return result | failed(error)


def _summarize(arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    summary = summarize(arguments, task_vars)
    run, counts = summary.run, summary.counts
    write_text(run.path / "summary.txt", summary.text)
    printed = arguments["show"] and _print(summary.text)
    answer = {
        "changed": False,
        "counts": counts,
        "run_id": run.run_id,
        "as_of": run.as_of,
        "run_directory": str(run.path),
    }
    if not printed or Display().verbosity:
        answer["report"] = untrusted(summary.text.splitlines())
    failure = why_failed(counts, arguments["fail_on"])
    if failure is not None:
        return {
            **answer,
            "failed": True,
            "msg": f"{failure}. The summary above and in {run.path}/summary.txt says why.",
        }
    return {**answer, "hosts": summary.overview.statuses}


def _print(text: str) -> bool:
    """False where the callback's output must stay JSON."""
    callback = str(C.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    if "json" in callback:
        return False
    Display().display("\n" + text)
    return True
