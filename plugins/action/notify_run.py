# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell people about a run, by modules of other collections: see ``plugins/modules/notify_run.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.compliance.notice import facts
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.files import write_text
from ..plugin_utils.fleet.notices import note
from ..plugin_utils.fleet.notifications import Notification, parse_notifications
from ..plugin_utils.fleet.run_directory import Run, utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.named_files import base_folder
from ..plugin_utils.flow.notifying import Call, calls, without_secrets
from ..plugin_utils.flow.results import plain, untrusted
from ..plugin_utils.flow.run_summary import summarize

_VARIABLE = "patch_notifications"


class ActionModule(ActionBase):
    """Never fails: what could not be sent is told, and the work that was done stands."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        self._run: Run | None = None
        self._told: list[dict[str, Any]] = []
        self._events: list[str] = []
        try:
            _validation, arguments = self.validate_argument_spec(argument_spec("notify_run"))
            self._notify(plain(arguments), variables)
        except PatchError as error:
            self._note("notifications", "", error.message)
        except Exception as error:
            # Nothing at all may make a run fail that did its work. Words of Ansible may quote a value: see -vvv.
            Display().vvv(f"{type(error).__name__}: {error}")
            self._note("notifications", "", f"{type(error).__name__}; -vvv tells more")
        unsent = [each for each in self._told if not each["sent"]]
        return result | {
            "changed": False,
            "events": self._events,
            "notifications": untrusted(self._told),
            "unsent": len(unsent),
        }

    def _notify(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> None:
        wanted = parse_notifications(self._notifications(arguments, task_vars))
        if not wanted:
            return
        known, files = self._facts(arguments, task_vars)
        self._events = known["events"]
        for each in wanted:
            if each.wanted(tuple(known["events"]), arguments["operation"]):
                self._tell(each, known, files, task_vars)

    def _notifications(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Any:
        """The option, else the variable: a playbook that passes it on would fail where it cannot be worked out."""
        if arguments["notifications"] is not None:
            return arguments["notifications"]
        if _VARIABLE not in task_vars:
            return None
        try:
            return plain(self._templar.template(task_vars[_VARIABLE]))
        except AnsibleError as error:
            Display().vvv(f"{_VARIABLE}: {error}")
            raise PatchError("bad_notifications", f"{_VARIABLE} cannot be worked out; -vvv tells why") from error

    def _facts(self, arguments: dict[str, Any], task_vars: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """What templates know, and the files to hand over."""
        files = [str(path) for path in arguments["files"]]
        if arguments["operation"] == "Report":
            counts = {str(name): int(number) for name, number in (arguments["counts"] or {}).items()}
            known = facts(None, counts, operation="Report", run=None, stopped="", summary="")
            return known | {"files": files}, files
        summary = summarize(arguments, task_vars)
        self._run = summary.run
        if not files:
            write_text(summary.run.path / "summary.txt", summary.text)
            files = [str(summary.run.path / "summary.txt")]
        known = facts(
            summary.overview,
            summary.counts,
            operation=arguments["operation"],
            run=summary.told,
            stopped=summary.stopped,
            summary=summary.text,
        )
        return known | {"files": files}, files

    def _tell(self, wanted: Notification, known: dict[str, Any], files: list[str], task_vars: dict[str, Any]) -> None:
        """Send one; the first thing that goes wrong with it is told, and the next one has its turn."""
        if self._task.check_mode:
            Display().display(f"Check mode: '{wanted.name}' would be told by {wanted.way.module}")
            self._told.append({"name": wanted.name, "via": wanted.via, "sent": False, "message": "check mode"})
            return
        try:
            for call in calls(wanted, known, folder=base_folder(self._loader), files=files):
                self._call(call, task_vars)
        except PatchError as error:
            self._note(wanted.name, wanted.via, without_secrets(error.message, wanted.options))
        except Exception as error:
            told = without_secrets(f"{type(error).__name__}: {error}", wanted.options)
            self._note(wanted.name, wanted.via, told)
        else:
            Display().display(f"Told '{wanted.name}' by {wanted.way.module}")
            self._note(wanted.name, wanted.via, "", sent=True)

    def _call(self, call: Call, task_vars: dict[str, Any]) -> None:
        found = self._shared_loader_obj.module_loader.find_plugin_with_context(call.module)
        if not found.resolved:
            collection = call.module.rpartition(".")[0]
            told = (
                f"the module {call.module} is not installed; 'ansible-galaxy collection install {collection}' brings it"
            )
            raise PatchError("no_collection", told)
        before = self._task.no_log
        # Modules write their arguments into the system's log unless they are told that they are secret.
        self._task.no_log = True
        try:
            answer = self._execute_module(
                module_name=call.module, module_args=call.arguments, task_vars=task_vars, wrap_async=False
            )
        finally:
            self._task.no_log = before
        if answer.get("failed") or answer.get("rc", 0) not in (0, None):
            raise PatchError("not_sent", str(answer.get("msg") or answer.get("module_stderr") or "no message")[:1000])

    def _note(self, name: str, via: str, message: str, *, sent: bool = False) -> None:
        told = {"name": name, "via": via, "sent": sent, "message": message}
        self._told.append(told)
        if not sent:
            Display().warning(f"The notification '{name}' could not be sent: {message}")
        if self._run is not None:
            try:
                note(self._run, {**told, "at": utc_text(datetime.now(timezone.utc))})
            except PatchError as error:
                Display().warning(error.message)
