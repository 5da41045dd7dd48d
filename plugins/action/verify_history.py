# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether documents are what was written: see ``plugins/modules/verify_history.py``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.run_directory import utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.verifying import read_heads, signature_problems, verify_history, write_heads


class ActionModule(ActionBase):
    """Reads documents on the controller; the host of the task is never connected to."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec("verify_history"))
        try:
            return result | _verify(plain(validated))
        except PatchError as error:
            return result | failed(error)


def _verify(arguments: dict[str, Any]) -> dict[str, Any]:
    heads = read_heads(arguments["expect_heads"]) if arguments["expect_heads"] else None
    problems, found, sound = verify_history(arguments["state_directory"], arguments["store_url"], heads=heads)
    signers: set[str] = set()
    if arguments["allowed_signers"]:
        unsigned, signers = signature_problems(
            arguments["state_directory"], arguments["store_url"], arguments["allowed_signers"]
        )
        known = {(each["host"], each["run_id"], each["kind"]) for each in problems}
        problems += [each for each in unsigned if (each["host"], each["run_id"], each["kind"]) not in known]
    if arguments["write_heads"]:
        write_heads(arguments["write_heads"], found, utc_text(datetime.now(timezone.utc)))
    wrong = [each for each in problems if each["kind"] not in arguments["accept"]]
    answer = {"changed": False, "documents": sound, "problems": untrusted(problems), "heads": untrusted(found)}
    answer["signers"] = untrusted(sorted(signers))
    if not wrong:
        return answer
    told = "; ".join(f"{each['host'] or each['run_id']}: {each['message']}" for each in wrong[:5])
    more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
    return answer | {"failed": True, "msg": untrusted(f"{len(wrong)} problems in the history: {told}{more}")}
