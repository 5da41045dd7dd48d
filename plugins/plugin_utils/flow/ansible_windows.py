# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive the action plugins of the collection ansible.windows from a task of ours, on the task's own connection."""

from __future__ import annotations

import contextlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ..errors import PatchError
from ..host.frames import one_line
from ..host.windows_channel import is_runas
from ..managers.windows_floors import collection_objection
from ..managers.windows_progress import Progress

WIN_UPDATES = "ansible.windows.win_updates"
WIN_REBOOT = "ansible.windows.win_reboot"


def running_core() -> tuple[int, int]:
    """Major and minor number of the ansible-core that runs this."""
    major, minor, *_rest = core_version.split(".")
    return int(major), int(minor)


class AnsibleWindows:
    """``tell`` gets lines for a person; ``seconds_left`` says how long installing may still take."""

    def __init__(
        self,
        action: ActionBase,
        task_vars: dict[str, Any],
        *,
        tell: Callable[[str], None],
        seconds_left: Callable[[], float],
    ) -> None:
        self._action = action
        self._task_vars = task_vars
        self._tell = tell
        self._seconds_left = seconds_left

    def check(self) -> None:
        """Raises ``missing_collection``, or ``old_collection`` where it does not go with this ansible-core."""
        plugin = self._load(WIN_UPDATES, {})
        objection = collection_objection(_version(Path(inspect.getfile(type(plugin))).parents[2]), running_core())
        if objection:
            raise PatchError("old_collection", objection)

    def updates(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one call of win_updates. A call past its time is cancelled on the host and says so in
        ``timed_out``; raises Ansible's own unreachable error."""
        plugin = self._load(WIN_UPDATES, arguments)
        progress, ended = Progress(), False
        execute = plugin._execute_module

        def watched(*positional: Any, **named: Any) -> Any:
            nonlocal ended
            operation = (named.get("module_args") or {}).get("_operation")
            if operation == "poll" and self._seconds_left() <= 0:
                ended = True
                raise AnsibleError("the time of the host is up")
            result = execute(*positional, **named)
            # win_updates takes them for text, which they are not since ansible-core 2.19, and would fail by that.
            warnings = [f"warning: {_text(each)}" for each in result.pop("warnings", None) or []]
            for line in [*warnings, *progress.lines(result.get("output"))]:
                self._tell(line)
            return result

        plugin._execute_module = watched
        return self._run(plugin) | {"timed_out": ended}

    def reboot(self, *, seconds: int, message: str) -> float:
        """Reboots the host and waits for it, by win_reboot; how many seconds that took.

        Raises ``reboot_failed`` with its words, and Ansible's own unreachable error where it cannot even be asked.
        """
        began = time.monotonic()
        result = self._run(self._load(WIN_REBOOT, {"reboot_timeout": seconds, "msg": message}))
        if result.get("failed") or not result.get("rebooted"):
            raise PatchError(
                "reboot_failed",
                f"The host was not rebooted, or did not come back within {seconds} seconds (reboot_timeout)."
                f" win_reboot says: {result.get('msg') or 'nothing'}. Look at its console.",
            )
        return time.monotonic() - began

    def _load(self, name: str, arguments: Mapping[str, Any]) -> Any:
        action = self._action
        task = action._task.copy()
        task.args = dict(arguments)
        plugin = None
        with contextlib.suppress(AnsibleError):
            plugin = action._shared_loader_obj.action_loader.get(
                name,
                task=task,
                connection=action._connection,
                play_context=action._play_context,
                loader=action._loader,
                templar=action._templar,
                shared_loader_obj=action._shared_loader_obj,
            )
        if plugin is None or type(plugin).__module__.split(".")[:3] != ["ansible_collections", "ansible", "windows"]:
            raise PatchError(
                "missing_collection",
                f"Installing on Windows is done by {name}, and the collection ansible.windows is not installed on the"
                " controller: ansible-galaxy collection install ansible.windows, or the Python package ansible.",
            )
        return plugin

    def _run(self, plugin: Any) -> dict[str, Any]:
        with _only_runas(self._action._connection):
            result: dict[str, Any] = plugin.run(task_vars=self._task_vars)
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(str(result.get("msg") or "the host cannot be reached"))
        return result


@contextlib.contextmanager
def _only_runas(connection: Any) -> Iterator[None]:
    """Become by another method than runas (sudo, where nobody chose one) is none of Windows: without it win_updates
    starts its work by a scheduled task of its own."""
    become = connection.become
    if become is None or is_runas(become):
        yield
        return
    connection.set_become_plugin(None)
    try:
        yield
    finally:
        connection.set_become_plugin(become)


def _text(warning: Any) -> str:
    """Of a warning as ansible-core 2.19 and newer keep it, or of one that is text."""
    event = getattr(warning, "event", None)
    return one_line(str(getattr(event, "msg", None) or getattr(warning, "msg", None) or warning))


def _version(folder: Path) -> tuple[int, ...] | None:
    """Of an installed collection, or of a checkout; None where neither file says it."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        found = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
        return _numbers(found)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return _numbers(yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    return None


def _numbers(text: str) -> tuple[int, ...]:
    """``3.1.0-beta.1`` is (3, 1, 0)."""
    return tuple(int(part) for part in text.partition("-")[0].split("."))
