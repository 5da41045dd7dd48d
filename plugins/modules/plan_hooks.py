# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_hooks
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
short_description: Read the hooks of a host and note them in the run
description:
  - Checks hooks and checks after the reboot, finds their task files, and notes in the run directory what is to come.
  - The role C(openfleet.patch.install) runs it where one of its variables for hooks is set. Works on the controller alone.
  - Commands and checks that need a program on a Windows host are refused.
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.hooks
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.note_hook
  - module: openfleet.patch.close_hooks
"""

EXAMPLES = r"""
- name: Read the hooks
  openfleet.patch.plan_hooks:
    pre_install: tasks/drain.yml
    on_exit:
      - name: Back into service
        command: [/usr/local/sbin/undrain, "{{ inventory_hostname }}"]
        timeout: 60
  register: hooks
"""

RETURN = r"""
any:
  description: Whether there is anything to run. In check mode only hooks with C(check_mode=true) are.
  returned: success
  type: bool
look:
  description: Whether the host has to be looked at first, since there are hooks before or after the installation.
  returned: success
  type: bool
services:
  description: Whether a check compares services with those that were up before.
  returned: success
  type: bool
hooks:
  description: How many hooks there are, without checks.
  returned: success
  type: int
watched:
  description: Whether hosts out of reach are noted while hooks run, as they are with the playbooks of this collection.
  returned: success
  type: bool
pre_install:
  description:
    - The hooks to run before the installation, each with C(kind), C(number), C(name), C(how), C(path), C(role) and so on;
      without arguments, environment and secrets.
  returned: success
  type: list
  elements: dict
post_install:
  description: The same after the installation.
  returned: success
  type: list
  elements: dict
on_exit:
  description: The same at the end.
  returned: success
  type: list
  elements: dict
after_reboot:
  description: The checks after the reboot.
  returned: success
  type: list
  elements: dict
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
