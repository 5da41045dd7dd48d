# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For the transport tests: one call of HostChannel, with the reading or the error as task result."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.channel import HostChannel


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        options = dict(self._task.args)
        request = options.pop("request", {"protocol": 1, "op": "hello"})
        if "seconds" in options:
            options["seconds"] = int(options["seconds"])
        channel = HostChannel(self, task_vars, **options)
        try:
            return {**result, "changed": False, "reading": wrap_var(channel.call(request))}
        except PatchError as error:
            return {**result, "failed": True, "msg": wrap_var(error.message), "error": wrap_var(error.as_result())}
