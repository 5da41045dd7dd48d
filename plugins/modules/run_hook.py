# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the host, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_hook
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
short_description: Run a hook that is a command
description:
  - Runs the command of one hook as an argument vector, with its environment, and ends it when its time is up. No shell reads
    the arguments, and nothing of Ansible has to be on the host.
  - The command finds C(OPENFLEET_PATCH_HOOK), C(OPENFLEET_PATCH_HOST), C(OPENFLEET_PATCH_RUN_ID), C(OPENFLEET_PATCH_RESULT),
    C(OPENFLEET_PATCH_FAILED_STEP), C(OPENFLEET_PATCH_INSTALLED) and C(OPENFLEET_PATCH_REBOOTED) in its environment.
  - The role C(openfleet.patch.install) runs it, in check mode for hooks with C(check_mode=true) alone.
options:
  kind:
    description:
      - The kind of the hook.
    type: str
    choices: [pre_install, post_install, after_reboot, on_exit]
    required: true
  number:
    description:
      - Its place in the list of its kind, from 0.
    type: int
    required: true
  state:
    description:
      - What M(openfleet.patch.note_hook) returned as C(state).
    type: dict
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.hooks
attributes:
  check_mode:
    support: none
    details: The command is run. M(openfleet.patch.plan_hooks) leaves out in check mode what is not to be run then.
seealso:
  - module: openfleet.patch.plan_hooks
"""

EXAMPLES = r"""
- name: Run the first hook at the end
  openfleet.patch.run_hook:
    on_exit: "{{ patch_on_exit }}"
    kind: on_exit
    number: 0
  become: true
"""

RETURN = r"""
rc:
  description: Exit code of the command.
  returned: when it could be run
  type: int
stdout:
  description: The end of what it printed, without secrets. Absent for a hook with C(no_log).
  returned: when it could be run
  type: str
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
