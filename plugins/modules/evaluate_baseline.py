# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: evaluate_baseline
short_description: Judge a saved inventory by a patch baseline
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Decides for every patch of a saved inventory, or of a compliance document, whether a baseline approves it, and
    explains each decision in a sentence.
  - Needs no host. Use it to try a baseline before it counts, to see what a change of it would do, or to repeat an
    earlier judgement at its own time.
options:
  inventory:
    description:
      - What to judge, as a mapping or as the path of a JSON file on the controller.
      - Either an inventory that M(openfleet.patch.scan_host) saved (its O(openfleet.patch.scan_host#module:save_inventory)),
        which has every detail, or a compliance document, which has what was decided by.
    type: raw
    required: true
  baseline:
    description:
      - The baseline to judge by. Without it the one that a scan with the other options would take.
    type: dict
  operation:
    description:
      - Judge as for a scan or as for an installation. O(install_override_list) counts for V(Install) only.
    type: str
    choices: [Scan, Install]
    default: Install
  install_override_list:
    description:
      - A list of patches to install instead of what the baseline approves, as its file says in YAML.
    type: dict
  as_of:
    description:
      - The time to judge at, for example V(2026-11-20T12:00:00Z).
      - Without it the time of a document's run, and for an inventory now.
    type: str
  include_installed:
    description:
      - Whether what is installed already is judged too.
    type: bool
    default: false
  delay_clock:
    description:
      - From when the days of an approval rule count, as in M(openfleet.patch.scan_host).
    type: str
    choices: [vendor, vendor_else_first_seen, repository, first_seen]
    default: vendor
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.baselines
  - openfleet.patch.baselines.excludes
notes:
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.scan_host
"""

EXAMPLES = r"""
- name: See what a new baseline would do with yesterday's inventory
  openfleet.patch.evaluate_baseline:
    inventory: ~/.openfleet-patch/latest/inventories/web1.json
    baseline:
      name: web-next
      operating_system: UBUNTU
      approval_rules:
        - filters:
            priority: [Required, Important]
          approve_after_days: 3
  delegate_to: localhost
  register: judged

- name: Show the sentences
  ansible.builtin.debug:
    msg: "{{ judged.decisions | map(attribute='explanation') }}"
"""

RETURN = r"""
decisions:
  description: One decision per patch, in the order of the inventory.
  returned: success
  type: list
  elements: dict
  contains:
    patch:
      description: The patch.
      type: str
      sample: openssl:3.0.15-1~deb12u1
    decision:
      description: V(approved), V(not_approved), V(rejected) or V(filtered_out).
      type: str
      sample: approved
    reason:
      description: Why, in a stable word for programs.
      type: str
    explanation:
      description: Why, in a sentence.
      type: str
    detail:
      description:
        - V(HELD) or V(DEFERRED_PHASED) where the version is approved and the host is kept from it, by a hold, lock,
          exclude or pin of its own or because the update is handed out in phases.
      type: str
    rule:
      description: Number of the approval rule, from 1, where one decided.
      type: int
    compliance_level:
      description: How bad it is when the patch is missing.
      type: str
    approves_on:
      description: The day from which it is approved, where it waits.
      type: str
    version:
      description: The version judged.
      type: str
    installed_version:
      description: The version on the host.
      type: str
counts:
  description: How many patches had which decision.
  returned: success
  type: dict
  sample: {approved: 12, not_approved: 40}
baseline:
  description: Name, digest and origin of the baseline.
  returned: success
  type: dict
operating_system:
  description: The operating system judged for.
  returned: success
  type: str
as_of:
  description: The time judged at.
  returned: success
  type: str
notes:
  description: Warnings about the baseline, and what the input could not tell.
  returned: success
  type: list
  elements: str
error:
  description: What went wrong, with C(kind) and C(message).
  returned: failure
  type: dict
"""
