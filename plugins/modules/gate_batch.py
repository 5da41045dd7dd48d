# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_batch
short_description: Tell whether the next batch of hosts may start
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Counts the hosts of this play that have failed, timed out or could not be reached so far, by the outcomes in the run
    directory, and compares them with what M(openfleet.patch.plan_rates) noted for this run, or where it noted nothing, their
    share of all targeted hosts with O(max_fail_percentage).
  - With waves, the first batch of a wave waits for the pause after the one before, and is told to check its health.
  - Works on the controller alone and connects to no host. Made for the first task of a play with C(serial), with
    C(run_once) and C(delegate_to=localhost).
  - Ansible's own C(max_fail_percentage) looks at one batch at a time and not at unreachable hosts.
options:
  max_fail_percentage:
    description:
      - The percentage of all hosts of the play that may have failed for another batch to start. The next batch does not
        start when more than that have failed; with V(0), when one has. Without effect on a planned run.
    type: float
    default: 0
  hosts:
    description:
      - All hosts that the play is for. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
  healthy_wave:
    description:
      - The RV(check_wave) of the task before, when its health check went well. Without it, a check that was asked for
        and got no answer has failed.
    type: int
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.plan_rates
  - module: openfleet.patch.gate_host
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
check_wave:
  description: The wave whose health is to be checked before this task is asked again, from 0, or null.
  returned: success
  type: int
wave_hosts:
  description: All hosts that had their turn so far, when there is something to check.
  returned: success
  type: list
  elements: str
reason:
  description: Why no further host starts, or nothing.
  returned: success
  type: str
  sample: "2 of 10 hosts failed, timed out or were unreachable (web3, web4), and 1 are allowed: no further host starts"
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
