# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: note_hook
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
short_description: Note a step of a host on its way from hook to hook
description:
  - Writes into the run directory, and fails where the flow of AWS-RunPatchBaselineWithHooks goes on with the on-exit hooks.
  - The role C(openfleet.patch.install) runs it. Works on the controller alone.
options:
  moment:
    description:
      - V(look) is after the host was looked at, V(begin) and V(end) are those of a hook, V(installed) is after the
        installation, V(rebooted) after the reboot and its scan, V(failed) tells a step that failed.
    type: str
    choices: [look, begin, end, installed, rebooted, failed]
    required: true
  kind:
    description:
      - The kind of the hook that begins or ends.
    type: str
    choices: [pre_install, post_install, after_reboot, on_exit]
  number:
    description:
      - Its place in the list of its kind, from 0.
    type: int
  result:
    description:
      - The result of the task that did it. Empty for a hook that went well.
    type: dict
  hidden:
    description:
      - Whether the task that failed shows nothing of its result (C(no_log)).
    type: bool
    default: false
  task:
    description:
      - The name of the task that failed.
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.plan_hooks
  - module: openfleet.patch.close_hooks
"""

EXAMPLES = r"""
- name: Note that a hook begins
  openfleet.patch.note_hook:
    moment: begin
    kind: on_exit
    number: 0
  delegate_to: localhost
  register: hook
"""

RETURN = r"""
needed:
  description: Whether an Install has anything to do.
  returned: with O(moment=look)
  type: bool
state:
  description:
    - What the hook may know. C(result) is V(ok) or V(failed), C(failed_step) says what failed, C(installed_count) and
      C(rebooted) what was done, C(kind) and C(name) are those of the hook, C(run_id) of the run.
  returned: with O(moment=begin)
  type: dict
hook:
  description: What the document will say of the hook.
  returned: with O(moment=end)
  type: dict
rebooted:
  description: Whether the host is in another boot than when it was installed on, whoever rebooted it.
  returned: with O(moment=rebooted)
  type: bool
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
