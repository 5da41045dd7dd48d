# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks around hooks share: their options, their log, the present time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import PatchError
from ..fleet.hooks_input import AFTER_REBOOT, ON_EXIT, POST_INSTALL, PRE_INSTALL, Hook, find_file, parse_hooks
from ..fleet.run_directory import utc_text
from .hooks import HookLog
from .opened_run import run_of_task

OPTIONS = {
    PRE_INSTALL: "pre_install",
    POST_INSTALL: "post_install",
    ON_EXIT: "on_exit",
    AFTER_REBOOT: "after_reboot_checks",
}
"""Kind to the option that holds the hooks of it."""


def hooks_of(arguments: Mapping[str, Any], variables: Mapping[str, Any], *, basedir: str) -> dict[str, list[Hook]]:
    """The hooks in a task's options. A path of a task file begins in the folder of the playbook, of the inventory, or
    where the command is run."""
    given = {kind: arguments.get(option) for kind, option in OPTIONS.items()}
    return parse_hooks(given, find=find_file(folders(variables, basedir=basedir)))


def folders(variables: Mapping[str, Any], *, basedir: str) -> list[Path]:
    """Where the path of a task file may begin, in order."""
    inventory = variables.get("inventory_dir")
    named = [variables.get("playbook_dir") or basedir, inventory if inventory not in (None, "None") else None]
    return [Path(str(folder)) for folder in named if folder] + [Path.cwd()]


def one_hook(hooks: Mapping[str, list[Hook]], kind: str, number: int) -> Hook:
    """Raises ``bad_arguments`` when there is no such hook."""
    for hook in hooks.get(kind, ()):
        if hook.number == number:
            return hook
    raise PatchError("bad_arguments", f"There is no hook {kind}[{number}] in the options of this task.")


def host_log(arguments: Mapping[str, Any], host: str) -> HookLog:
    """The log of this host in the run of this ansible-playbook."""
    run = run_of_task(arguments)
    return HookLog(run, host)


def now_text() -> str:
    """The controller's clock, UTC."""
    return utc_text(datetime.now(timezone.utc))
