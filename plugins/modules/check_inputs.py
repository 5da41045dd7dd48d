# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
short_description: Check what is set for all hosts of a play before the first one is touched
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads the variables C(patch_*) of all hosts and tells everything that is wrong with them at once, each finding with its
    place and its hosts. Every variable that a role of this collection declares is held against its type; beyond that,
    baselines and the files that they are in, patch groups, default baselines, tags that name patch groups, maintenance
    windows, blackouts, rate control, override lists, snapshots, errata files, times, timeouts and mappings are looked at.
  - Fails for any finding. With C(run_once) that ends the play for all hosts, before any of them is connected to.
  - Values that are the same for many hosts are judged once.
  - Works on the controller alone. Variables that need facts of a host cannot be worked out before it was asked for them.
options:
  operation:
    description:
      - What is going to be done. For V(Install), V(Reboot) and V(Rollback), what rate control goes by must be the same
        for all hosts.
    type: str
    choices: [Scan, Install, Reboot, Rollback, Preflight]
    default: Scan
  hosts:
    description:
      - The hosts to look at. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
seealso:
  - module: openfleet.patch.preflight_host
  - module: openfleet.patch.plan_rates
"""

EXAMPLES = r"""
- name: Check what is set for the hosts, before one is touched
  openfleet.patch.check_inputs:
    operation: Install
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
total:
  description: How many hosts were looked at.
  returned: success
  type: int
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
    problems:
      description: Every finding, with C(where), C(message) and C(hosts).
      type: list
      elements: dict
"""
