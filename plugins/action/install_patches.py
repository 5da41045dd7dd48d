# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install approved patches. Options and results are documented in plugins/modules/install_patches.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.compliance.hooks import needs_install
from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.install import HostInstall
from ..plugin_utils.flow.progress import teller
from ..plugin_utils.flow.results import failed, plain, untrusted
from ..plugin_utils.flow.windows_install import WindowsInstall
from ..plugin_utils.host.windows_channel import is_windows


class ActionModule(ActionBase):
    """Check mode plans and simulates; diff mode shows versions before and after."""

    _supports_check_mode = True
    _supports_async = False
    # For tasks that change hosts in the same way and differ in what they bring.
    _module = "install_patches"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, validated = self.validate_argument_spec(argument_spec(self._module))
        arguments = plain(validated)
        install: HostInstall | WindowsInstall | None = None
        try:
            install = self._kind()(
                self,
                task_vars or {},
                arguments,
                check_mode=self._task.check_mode,
                tell=teller(task_vars or {}, quiet=not arguments["progress"]),
            )
            document = install.scan()
        except PatchError as error:
            known = {} if install is None else self._done(install)
            return result | failed(error, document=install.document if install else None) | known
        saved = {"inventory_file": install.inventory_file} if install.inventory_file else {}
        return result | {
            **saved,
            **self._done(install),
            "document": untrusted(document),
            "compliant": document["compliant"],
            "verdict": document["verdict"],
            "summary": document["summary"],
            "run_id": document["run"]["id"],
            **self._more(document, install.plan(), arguments),
        }

    def _kind(self) -> type[HostInstall | WindowsInstall]:
        return WindowsInstall if is_windows(self._connection) else HostInstall

    def _more(self, document: dict[str, Any], plan: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
        return {"needed": needs_install(document, plan, reboot_option=arguments["reboot_option"])}

    def _done(self, install: HostInstall | WindowsInstall) -> dict[str, Any]:
        """What changed, in check mode what would, as far as the installation got."""
        if not install.is_planned:
            return {}
        done: dict[str, Any] = {
            "changed": bool(install.changes),
            "installed_count": len(install.changes),
            "plan": untrusted(install.plan()),
        }
        if isinstance(install, WindowsInstall):
            done["installed_since_boot"] = install.installed_since_boot
        else:
            done["restarted"] = install.restarted
        if self._task.diff:
            done["diff"] = untrusted(install.diff())
        return done
