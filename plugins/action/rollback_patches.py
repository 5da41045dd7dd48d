# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take an installation back. Options and results are documented in plugins/modules/rollback_patches.py."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.errors import PatchError
from ..plugin_utils.flow.rollback import HostRollback
from ..plugin_utils.host.windows_channel import is_windows
from .install_patches import ActionModule as InstallPatches


class ActionModule(InstallPatches):
    """Check mode plans and simulates; diff mode shows versions before and after."""

    _module = "rollback_patches"

    def _kind(self) -> type[HostRollback]:
        if is_windows(self._connection):
            raise PatchError(
                "unsupported_os",
                "Installations are not taken back on Windows. Uninstall single updates there, where they allow it, "
                "with wusa /uninstall /kb:NUMBER, and reject them in the baseline.",
            )
        return HostRollback

    def _more(self, document: dict[str, Any], plan: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
        return {}
