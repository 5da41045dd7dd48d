# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_host
short_description: Wait for the turn of a host, and tell that it has ended
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - In a play with the strategy C(host_pinned), waits until this host may start by what M(openfleet.patch.plan_rates) noted for
    the run, or tells that no further host starts.
  - A host that may start counts as under way until the same task with O(turn=end) was run for it.
  - Works on the controller alone and connects to no host. Waiting takes a fork. Give the task C(timeout=0) where a timeout for
    all tasks is configured.
options:
  turn:
    description:
      - V(begin) waits until the host may start. V(end) notes what became of it, by its outcome in the run directory.
    type: str
    choices: [begin, end]
    required: true
  healthy_wave:
    description:
      - The RV(check_wave) of the task before, when its health check went well.
    type: int
  unhealthy_wave:
    description:
      - The RV(check_wave) of the task before, when its health check failed. No further host starts then.
    type: int
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.plan_rates
  - module: openfleet.patch.gate_batch
"""

EXAMPLES = r"""
- name: Wait for the turn of the host
  openfleet.patch.gate_host:
    turn: begin
  delegate_to: localhost
  timeout: 0
  register: turn

- name: Install
  ansible.builtin.include_role:
    name: openfleet.patch.install
  when: turn.go

- name: Let the next host start
  openfleet.patch.gate_host:
    turn: end
  delegate_to: localhost
"""

RETURN = r"""
go:
  description: Whether the host may start.
  returned: with O(turn=begin)
  type: bool
check_wave:
  description: The wave whose health this host is to check before it asks again, from 0, or null.
  returned: with O(turn=begin)
  type: int
wave_hosts:
  description: All hosts that had their turn so far, when there is something to check.
  returned: with O(turn=begin)
  type: list
  elements: str
reason:
  description: Why no further host starts, or nothing.
  returned: with O(turn=begin)
  type: str
failed_hosts:
  description: The hosts that count as failed.
  returned: with O(turn=begin)
  type: list
  elements: str
ended:
  description: Whether the host was under way before.
  returned: with O(turn=end)
  type: bool
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
