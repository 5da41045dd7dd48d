# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the host, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_host
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
short_description: Check a host after its reboot
description:
  - Looks whether services, a TCP port or an address are as they should be, and tries again until they are or the time of the
    check is up. Changes nothing, and needs nothing of Ansible on the host.
  - The role C(openfleet.patch.install) runs it for C(patch_after_reboot_checks).
options:
  number:
    description:
      - The place of the check in O(after_reboot_checks), from 0.
    type: int
    default: 0
  record:
    description:
      - Only tell which services are up now, for O(services) later.
    type: bool
    default: false
  services:
    description:
      - What the task returned as RV(services) before the reboot.
    type: dict
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.hooks
seealso:
  - module: openfleet.patch.plan_hooks
"""

EXAMPLES = r"""
- name: Note which services are up
  openfleet.patch.check_host:
    record: true
  become: true
  register: before

- name: Are they up again?
  openfleet.patch.check_host:
    after_reboot_checks:
      - services: true
        timeout: 120
    services: "{{ before.services }}"
  become: true
"""

RETURN = r"""
services:
  description:
    - The names of services that are up and that systemd starts at boot (C(up)) and of those that failed (C(failed)); null
      where the host has no systemd.
  returned: with O(record=true)
  type: dict
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
