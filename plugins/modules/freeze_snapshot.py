# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: freeze_snapshot
short_description: Freeze the exact versions that a canary run approved
version_added: 1.0.0
description:
  - Writes a YAML file with the exact versions that an installation approved and brought to its hosts, per operating system
    and product, for O(openfleet.patch.install_patches#module:snapshot) to install elsewhere.
  - The file is made to be read and signed off by a person. It tells the runs, baselines and hosts that it comes from, with
    digests, and a digest of its own, so that later edits are noticed.
  - Refused where a host of the run was not installed on, could not be read, failed, or lacks an approved patch.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
options:
  path:
    description:
      - The file to write, relative to the playbook, or with a playbook of this collection to the current folder. Its folder has
        to be there.
      - A file that says the same already is left as it is, with its signature.
    type: path
    required: true
  force:
    description:
      - Whether a file that says something else is replaced.
    type: bool
    default: false
  run_id:
    description:
      - The run of the canaries; V(latest) is the newest one, V(previous) the one before it.
    type: str
    default: latest
  hosts:
    description:
      - The hosts of that run that count; without it all of them.
    type: list
    elements: str
  comment:
    description:
      - A remark for the file, such as a change number.
    type: str
  store_url:
    description:
      - The compliance store to read documents from instead, see M(openfleet.patch.store_documents).
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
attributes:
  check_mode:
    details: The snapshot is made and returned, and not written.
  diff_mode:
    details: The file is one to read as a whole.
seealso:
  - module: openfleet.patch.install_patches
"""

EXAMPLES = r"""
- name: Freeze what the canaries got
  openfleet.patch.freeze_snapshot:
    path: snapshots/2026-11.yml
    hosts: "{{ groups['canary'] }}"
    comment: CHG-4711
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
digest:
  description: The digest that the file has of itself.
  returned: success
  type: str
  sample: sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
snapshot:
  description: What is in the file.
  returned: success
  type: dict
"""
