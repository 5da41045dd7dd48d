# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: scan_host
short_description: Scan a host for patches and judge it by its patch baseline
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads what is installed on a host and what could be, decides for every patch by the host's baseline, and returns
    one compliance document in which every decision carries its reason.
  - Installs and changes nothing on the host. Package lists are fetched when they are old, see O(refresh).
  - Takes one command execution on the host. No facts are gathered and no Ansible module runs there, so hosts can be
    scanned whose Python ansible-core no longer supports, and hosts reached without pipelining.
  - Run it with C(become=true) to see everything; without root the result is V(unknown) where something was hidden.
options:
  install_document:
    description:
      - The document of an M(openfleet.patch.install_patches) of this run that this scan follows, after a reboot for example.
      - The new document is then one of the operation Install as well, with the states of now, and keeps how the
        installation went and why a patch could not be installed.
    type: dict
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.baselines
  - openfleet.patch.baselines.decisions
  - openfleet.patch.baselines.errata
  - openfleet.patch.baselines.excludes
  - openfleet.patch.host
  - openfleet.patch.host.windows
  - openfleet.patch.host.macos
  - openfleet.patch.run
  - openfleet.patch.run.document
  - openfleet.patch.run.progress
attributes:
  platform:
    platforms: posix, windows
    details: Windows and macOS are a preview.
notes:
  - The task's C(environment) reaches the package manager and travels on standard input, never on a command line.
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.evaluate_baseline
"""

EXAMPLES = r"""
- name: Scan by the predefined baseline of the host's operating system
  openfleet.patch.scan_host:
  become: true

- name: Scan by the baseline of a patch group, through a proxy
  openfleet.patch.scan_host:
    baselines:
      - name: web-prod
        operating_system: UBUNTU
        approval_rules:
          - filters:
              priority: [Required, Important, Standard]
            approve_after_days: 7
            compliance_level: HIGH
        rejected_patches: [docker-ce]
    patch_groups:
      web:
        UBUNTU: web-prod
    patch_group: web
  become: true
  environment:
    https_proxy: http://proxy.example.com:3128

- name: Scan without fetching package lists, and tell what is missing
  openfleet.patch.scan_host:
    refresh: never
  become: true
  register: scanned

- name: Show what is missing
  ansible.builtin.debug:
    msg: "{{ scanned.document.patches | selectattr('state', 'equalto', 'MISSING') | map(attribute='title') }}"
"""

RETURN = r"""
document:
  description:
    - The compliance document, as described in docs/document.md and by docs/schema/document.schema.json.
    - Returned by a failed scan too, then with V(unknown) as verdict and the error in it.
  returned: when the run could be opened
  type: dict
compliant:
  description: Whether the host is compliant; null when that cannot be known.
  returned: success
  type: bool
verdict:
  description: The same in a word, V(compliant), V(non_compliant) or V(unknown).
  returned: success
  type: str
  sample: non_compliant
summary:
  description: Counts of patches by state and level.
  returned: success
  type: dict
run_id:
  description: The run that this scan belongs to.
  returned: success
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
inventory_file:
  description: Where the inventory was saved on the controller.
  returned: when O(save_inventory=true)
  type: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
      sample: no_interpreter
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
