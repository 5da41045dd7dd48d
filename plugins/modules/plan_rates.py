# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_rates
short_description: Work out how many hosts at once, and after how many failures no further one starts
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Resolves concurrency, error threshold, waves and ramp-up for all hosts of the play and notes them in the run directory,
    where M(openfleet.patch.gate_batch) and M(openfleet.patch.gate_host) go by them.
  - The meaning is that of rate control in Systems Manager. C(docs/rates.md) of this collection tells it with examples.
  - Works on the controller alone and connects to no host. Made for C(run_once) and C(delegate_to=localhost), in a play of
    its own before the one that patches.
options:
  concurrency:
    description:
      - How many hosts may be under way at once, a number or a percentage of all hosts, rounded down to no less than one.
      - Without it all, or in a sliding window as many as there are forks.
    type: raw
  error_threshold:
    description:
      - How many hosts may fail, time out or be unreachable, a number or a percentage of all hosts, rounded down. With one
        more no further host starts; those under way finish.
      - Without it none, or what O(profile) says.
    type: raw
  waves:
    description:
      - Up to how much of all hosts each wave goes, such as V([1, 10%, 50%, 100%]). The next wave starts when every host of
        the one before has ended.
    type: list
    elements: raw
  ramp_up:
    description:
      - Whether to begin with one host at a time, then two, four, and so on up to O(concurrency).
    type: bool
  profile:
    description:
      - V(patch_now) takes concurrency and error threshold by the number of hosts, as Patch Manager does when patching on
        demand. What is set beside it comes first.
    type: str
    choices: [patch_now]
  max_per_domain:
    description:
      - At most so many hosts with the same variable C(patch_failure_domain) at once.
    type: int
  max_fail_percentage:
    description:
      - The percentage of all hosts that may fail. Another way to say O(error_threshold).
    type: float
  serial:
    description:
      - Batches as the play keyword C(serial) has them, instead of those that follow from the other options.
    type: raw
  wave_pause:
    description:
      - Seconds to wait after a wave, before its health check if there is one.
    type: int
    default: 0
  health_check:
    description:
      - A file of tasks on the controller that is run between waves, by its path or one relative to the current folder.
        When one of the tasks fails, no further host starts.
    type: str
  health_check_timeout:
    description:
      - Seconds after which a health check without an answer counts as failed, in a sliding window.
    type: int
    default: 1800
  sliding:
    description:
      - Whether hosts start one by one as others end, as with the strategy C(host_pinned), instead of in batches.
      - The width of that window is the number of forks; the task fails when O(concurrency) is something else.
    type: bool
    default: false
  hosts:
    description:
      - All hosts that the play is for, in their order. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
  run_id:
    description:
      - The run to join or make, a UUID. Without it, the run of this C(ansible-playbook).
    type: str
  as_of:
    description:
      - The time to judge at, fixed for the whole run when it is made, for example V(2026-11-20T12:00:00Z).
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
seealso:
  - module: openfleet.patch.check_inputs
  - module: openfleet.patch.gate_batch
  - module: openfleet.patch.gate_host
"""

EXAMPLES = r"""
- name: Plan the batches
  hosts: all
  gather_facts: false
  tasks:
    - name: Up to a tenth at once, three may fail
      openfleet.patch.plan_rates:
        concurrency: 10%
        error_threshold: 3
      delegate_to: localhost
      run_once: true
      register: rates
"""

RETURN = r"""
batches:
  description: What the play keyword C(serial) is to be; a number for each batch, or the option O(serial) as it is.
  returned: success
  type: list
  elements: raw
  sample: [1, 9, 10, 10, 10]
concurrency:
  description: How many hosts may be under way at once.
  returned: success
  type: int
max_errors:
  description: How many hosts may end in an error.
  returned: success
  type: int
waves:
  description: How many hosts have had their turn at the end of each wave.
  returned: success
  type: list
  elements: int
total:
  description: How many hosts there are.
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
