# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes hosts out of reach for the hooks. Ansible loads it with the playbooks here, as any callback beside a playbook.

It prints nothing and writes nothing.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import out_of_reach

DOCUMENTATION = r"""
name: openfleet_patch_reach
type: aggregate
short_description: Notes hosts out of reach for the hooks of openfleet.patch
version_added: 1.0.0
description:
  - Without it a hook whose task cannot reach its host would count as done, since the playbooks
    keep such hosts in the play.
"""


class CallbackModule(CallbackBase):
    """Runs in the process of ansible-playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "openfleet_patch_reach"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        out_of_reach.begin(self.CALLBACK_NAME)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        # The names without underscore are those of ansible-core 2.19 and later.
        host = getattr(result, "host", None) or result._host
        task = getattr(result, "task", None) or result._task
        found = getattr(result, "result", None) or result._result
        loss = out_of_reach.Loss(not task.delegate_to, str(found.get("msg") or "")[:1000])
        out_of_reach.note(host.get_name(), loss)
