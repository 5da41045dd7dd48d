# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_batch
short_description: Tell whether the next batch of hosts may start
version_added: 0.1.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Counts the hosts of this play that have failed, timed out or could not be reached so far, by the outcomes in the run
    directory, and compares their share of all targeted hosts with a limit.
  - Works on the controller alone and connects to no host. Made for the first task of a play with C(serial), with
    C(run_once) and C(delegate_to=localhost).
  - Ansible's own C(max_fail_percentage) looks at one batch at a time and not at unreachable hosts.
options:
  max_fail_percentage:
    description:
      - The percentage of all hosts of the play that may have failed for another batch to start. The next batch does not
        start when more than that have failed; with V(0), when one has.
    type: float
    default: 0
  hosts:
    description:
      - All hosts that the play is for. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
  state_directory:
    description:
      - Folder on the controller for run directories, documents and the record of when versions were first seen.
    type: path
    default: ~/.openfleet-patch
  run_id:
    description:
      - The run to look at. Without it, the run of this C(ansible-playbook).
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
seealso:
  - module: openfleet.patch.record_outcome
  - module: openfleet.patch.summarize_run
"""

EXAMPLES = r"""
- name: Look whether enough hosts of the earlier batches went well
  openfleet.patch.gate_batch:
    max_fail_percentage: 5
  delegate_to: localhost
  run_once: true
  register: gate

- name: Install
  ansible.builtin.include_role:
    name: openfleet.patch.install
  when: gate.go
"""

RETURN = r"""
go:
  description: Whether the next batch may start.
  returned: success
  type: bool
failed_hosts:
  description: The hosts that count as failed.
  returned: success
  type: list
  elements: str
total:
  description: How many hosts the play is for.
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
"""
