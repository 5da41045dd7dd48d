# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: window_task
short_description: Take and give back a host's turn with one task of a maintenance window
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - At the beginning of a turn, tells whether the host may start the task that M(openfleet.patch.plan_window) planned for it.
    It may not once more hosts of this task had an error than are allowed, nor when the window is closed, past its cutoff or
    blacked out. With C(CONTINUE_TASK) a task that began before the cutoff goes on to start its hosts.
  - At the end, notes how the task went on this host, by the outcome that was recorded since. The outcome of the host is the worst of
    all its tasks.
  - Works on the controller alone and connects to no host.
options:
  turn:
    description:
      - Whether the turn begins or ends; V(report) shows what became of every task of the run.
    type: str
    choices: [begin, end, report]
    default: begin
  task:
    description:
      - The name of the task.
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.maintenance
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
seealso:
  - module: openfleet.patch.plan_window
"""

EXAMPLES = r"""
- name: Take the turn
  openfleet.patch.window_task:
    turn: begin
    task: patch
    maintenance_windows: "{{ patch_maintenance_windows }}"
  delegate_to: localhost
  register: window_turn
"""

RETURN = r"""
go:
  description: Whether the host may start the task.
  returned: when a turn begins
  type: bool
reason:
  description: Why not; nothing where the task is not for this host.
  returned: when a turn begins
  type: str
status:
  description: How the task went.
  returned: when a turn ends
  type: str
counts:
  description: By task, how many hosts had which status.
  returned: when a report is asked for
  type: dict
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
