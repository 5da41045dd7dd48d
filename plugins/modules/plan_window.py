# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_window
short_description: Plan which tasks of maintenance windows run now, on which hosts, and in which order
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - For each registered task, finds the hosts of the play whose window is open now, by their C(patch_maintenance_windows) and
    C(patch_blackouts), and puts them into stages, one for each priority, and batches by the concurrency of each task.
  - A host has each task once in an opening of its window, whichever run comes first; what another run has had is left out. So
    the playbook C(openfleet.patch.window) can be started as often as wanted, from cron for example. In check mode nothing is
    taken.
  - Works on the controller alone, by its clock, and connects to no host. Made for C(run_once) and
    C(delegate_to=localhost).
options:
  tasks:
    description:
      - The registered tasks. Each has C(name) and C(type), which is V(scan), V(install), V(reboot) or V(tasks), and if wanted
        C(priority) (from V(0), lower first, V(1) if not given), C(window), C(targets), C(max_concurrency), C(max_errors),
        C(cutoff_behavior), C(file) (for V(tasks), a task file) and C(description).
      - C(docs/windows.md) of this collection describes every key. Every mistake in every task is told at once.
    type: list
    elements: dict
    required: true
  hosts:
    description:
      - The hosts to plan for. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
  as_of:
    description:
      - The time that the run judges by, where this task makes it.
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.window_task
  - module: openfleet.patch.maintenance_window
"""

EXAMPLES = r"""
- name: Plan what runs now
  openfleet.patch.plan_window:
    tasks:
      - {name: look, type: scan, priority: 0}
      - {name: patch, type: install, priority: 1, targets: [web, db], max_concurrency: 10%, max_errors: 2}
      - {name: tell, type: tasks, file: tell.yml, priority: 2}
  delegate_to: localhost
  run_once: true
  register: window_plan
"""

RETURN = r"""
stages:
  description:
    - By number, from C("0"), what runs beside each other, with C(priority), C(tasks) (C(name), C(type) and C(file) of each),
      C(order) (the hosts) and C(batches) (how many of them start together).
  returned: success
  type: dict
hosts:
  description: The hosts that anything runs on.
  returned: success
  type: list
  elements: str
waiting:
  description: Hosts with a window that is not open, and why, with the next start.
  returned: success
  type: dict
had:
  description: How many hosts had their tasks in this opening before.
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
