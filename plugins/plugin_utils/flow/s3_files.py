# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in S3, through the module of the collection amazon.aws, which runs on the controller."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ..errors import PatchError

ADDRESS = re.compile(r"s3://([^/]+)/(.*?([^/]+))")
"""Patch Manager user guide, InstallOverrideList."""
_MODULE = "amazon.aws.s3_object"


def bucket_and_key(source: str, *, what: str, kind: str) -> tuple[str, str]:
    """Of ``s3://BUCKET/KEY``; raises ``PatchError(kind)`` for anything else."""
    found = ADDRESS.fullmatch(source)
    if not found or "@" in found[1]:
        raise PatchError(kind, f"The {what} {source[:200]} must be like s3://BUCKET/KEY.")
    return found[1], found[2]


class S3Reader:
    """``action`` is the running action plugin. Credentials are those that boto3 finds for the user who runs Ansible, or
    in the task's ``environment``."""

    def __init__(self, action: Any, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._task_vars = task_vars

    def read(self, source: str, *, what: str, kind: str, most: int) -> bytes:
        """At most one byte more than ``most``."""
        bucket, key = bucket_and_key(source, what=what, kind=kind)
        with tempfile.TemporaryDirectory(prefix="openfleet-patch-") as folder:
            target = Path(folder) / "object"
            answer = self._run(
                {"bucket": bucket, "object": key, "mode": "get", "dest": str(target)}, source, what, kind
            )
            if answer.get("failed") or not target.is_file():
                told = " ".join(str(answer.get("msg") or answer.get("module_stderr") or "it brought no file").split())
                raise PatchError(kind, f"The {what} {source} cannot be read: {told[:500]}.")
            with open(target, "rb") as handle:
                return handle.read(most + 1)

    def _run(self, arguments: dict[str, Any], source: str, what: str, kind: str) -> dict[str, Any]:
        """The module's answer; in check mode too, since it changes nothing but a file that is ours."""
        outer = self._action
        task = outer._task.copy()
        task.become, task.check_mode, task.diff, task.delegate_to = False, False, False, None
        context = outer._play_context.copy()
        context.become = False
        loaders = outer._shared_loader_obj
        connection = loaders.connection_loader.get("ansible.builtin.local", context, "/dev/null")
        action = loaders.action_loader.get(
            "ansible.builtin.normal", task=task, connection=connection, play_context=context, loader=outer._loader,
            templar=outer._templar, shared_loader_obj=loaders,
        )  # fmt: skip
        own = {name: value for name, value in self._task_vars.items() if not name.startswith("ansible_become")}
        own |= {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        try:
            answer: dict[str, Any] = action._execute_module(
                module_name=_MODULE, module_args=arguments, task_vars=own, wrap_async=False
            )
        except AnsibleError as error:
            raise PatchError(
                kind, f"The {what} {source} cannot be read by {_MODULE}, of the collection amazon.aws, with boto3"
                f" on the controller: {' '.join(str(error).split())[:500]}",
            ) from error  # fmt: skip
        return answer
