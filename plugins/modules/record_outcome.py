# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: record_outcome
short_description: Note in the run directory what became of a host
version_added: 1.0.0
description:
  - Writes the outcome of a task for one host into the run directory of this C(ansible-playbook), where
    M(openfleet.patch.summarize_run) and the rate control of the playbooks count it.
  - Works on the controller alone and connects to no host.
  - M(openfleet.patch.scan_host) notes its own outcome. This task is for what it cannot see, such as a task of yours that failed
    before it or arguments that were refused. It belongs into the C(rescue) of a block.
author:
  - The openfleet.patch developers (@openfleet)
options:
  result:
    description:
      - The result to note, C(ansible_failed_result) in a C(rescue) or a registered variable.
      - Its C(failed) and C(unreachable) decide the status, its C(error) or C(msg) become the message.
    type: dict
    required: true
  task:
    description:
      - Name of the task that the result is of, C(ansible_failed_task.name) in a C(rescue).
    type: str
  operation:
    description:
      - What was being done.
    type: str
    choices: [Scan, Install, Reboot, Rollback, Preflight, Window]
    default: Scan
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
  - openfleet.patch.run.progress
seealso:
  - module: openfleet.patch.summarize_run
"""

EXAMPLES = r"""
- name: Scan, with a check of our own before it
  ignore_unreachable: true
  block:
    - name: Our own check
      ansible.builtin.command: /usr/local/bin/may-i-be-scanned
      changed_when: false

    - name: Scan
      openfleet.patch.scan_host:
  rescue:
    - name: Note the failure
      openfleet.patch.record_outcome:
        result: "{{ ansible_failed_result }}"
        task: "{{ ansible_failed_task.name }}"
      delegate_to: localhost
"""

RETURN = r"""
outcome:
  description:
    - What is on record for the host now. If the failing task noted its own outcome, that one stays.
  returned: success
  type: dict
  contains:
    status:
      description: V(ok), V(failed), V(timed_out) or V(unreachable).
      type: str
    kind:
      description: Slug of the failure, or null.
      type: str
    message:
      description: What was tried, what was seen and what to do next, or null.
      type: str
    operation:
      description: What was being done.
      type: str
    host:
      description: The host.
      type: str
    task:
      description: The task that the outcome is of.
      type: str
    at:
      description: When it was noted, UTC.
      type: str
  sample:
    status: failed
    kind: task_failed
    message: non-zero return code
    operation: Scan
    host: web1
    task: Our own check
    at: '2026-11-20T12:00:00Z'
"""
