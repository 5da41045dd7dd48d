# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_window
short_description: Tell whether patching may start on a host now, and when its maintenance windows open next
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Decides by the maintenance windows and blackouts of a host whether patching may start on it now, says why, and lists the
    next openings.
  - Schedules are those of Systems Manager, C(cron), C(rate) and C(at), with time zones, offsets, durations and cutoffs.
    C(docs/windows.md) of this collection describes them and every key.
  - Works on the controller alone, by its clock, and connects to no host.
  - The roles C(openfleet.patch.install) and C(openfleet.patch.reboot) run it where C(patch_maintenance_windows),
    C(patch_blackouts) or C(patch_run_timeout) is set.
options:
  run_timeout:
    description:
      - Seconds that the whole run may take, from when it was opened. After that no host may start, whichever window is open.
    type: int
  openings:
    description:
      - How many openings to list.
    type: int
    default: 5
  at:
    description:
      - The time to decide for, such as V(2026-11-20T12:00:00Z); UTC where it names no zone. Without it, now.
    type: str
  record:
    description:
      - Whether a host that may not start is noted in the run directory as not started, with the reason, for
        M(openfleet.patch.summarize_run). In check mode nothing is noted. Not to be used with O(at).
    type: bool
    default: false
  operation:
    description:
      - What was to be done, as the note says it.
    type: str
    choices: [Install, Reboot, Rollback]
    default: Install
  run_id:
    description:
      - The run to note it in, and whose beginning C(CONTINUE_TASK) goes by. Without it, the run of this C(ansible-playbook).
    type: str
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.maintenance
  - openfleet.patch.run.state
  - openfleet.patch.run.progress
notes:
  - Time zones other than UTC need the time zone database of the controller, the package C(tzdata) of its system or of PyPI.
seealso:
  - module: openfleet.patch.install_patches
  - module: openfleet.patch.summarize_run
"""

EXAMPLES = r"""
- name: Look whether patching may start
  openfleet.patch.maintenance_window:
    maintenance_windows:
      - name: web-nights
        schedule: cron(0 2 ? * TUE#2 *)
        schedule_offset: 4
        schedule_timezone: Europe/Berlin
        duration: 4
        cutoff: 1
    blackouts:
      - name: year-end
        start: 2026-12-20
        end: 2027-01-06
  delegate_to: localhost
  register: window

- name: Install
  ansible.builtin.include_role:
    name: openfleet.patch.install
  when: window.go

- name: What would it say on Sunday, with an hour for the patches and a quarter for the reboot?
  openfleet.patch.maintenance_window:
    maintenance_windows: "{{ patch_maintenance_windows }}"
    at: '2026-11-22T02:30:00+01:00'
    expected_minutes: 60
    reboot_reserve_minutes: 15
  delegate_to: localhost
"""

RETURN = r"""
go:
  description: Whether patching may start.
  returned: success
  type: bool
decision:
  description: V(open), V(closed), V(past_cutoff), V(blackout) or V(run_timeout).
  returned: success
  type: str
  sample: closed
reason:
  description: Why, and if not, when next.
  returned: success
  type: str
  sample: "no maintenance window is open; the next start is 2026-12-12 02:00 Europe/Berlin in window 'web-nights'"
window:
  description: The window that the decision is about, or null.
  returned: success
  type: str
closes:
  description: When that window closes, UTC, or null.
  returned: success
  type: str
start_until:
  description: Hosts may start before this, UTC, or null where they may not or no end is known.
  returned: success
  type: str
next_start:
  description:
    - Where a host may start next, or null. When open, that is in the next opening. As an element of RV(openings).
  returned: success
  type: dict
openings:
  description: The next openings of all windows, also those that a blackout covers.
  returned: success
  type: list
  elements: dict
  contains:
    window:
      description: Name of the window.
      type: str
    opens:
      description: When it opens, UTC.
      type: str
    closes:
      description: When it closes, UTC.
      type: str
    cutoff:
      description: From when on no host starts, UTC.
      type: str
    opens_local:
      description: When it opens, by the clock of its time zone.
      type: str
    starts:
      description: When a host may start first, UTC, or null if none may.
      type: str
    blackout:
      description: The blackout that takes the beginning of the opening, or all of it, or null.
      type: str
  sample:
    - window: web-nights
      opens: '2026-12-12T01:00:00Z'
      closes: '2026-12-12T05:00:00Z'
      cutoff: '2026-12-12T04:00:00Z'
      opens_local: '2026-12-12T02:00:00+01:00'
      starts: '2026-12-12T01:00:00Z'
      blackout: null
report:
  description: The reason and the openings, as lines for people.
  returned: success
  type: list
  elements: str
  sample:
    - "no maintenance window is open; the next start is 2026-12-12 02:00 Europe/Berlin in window 'web-nights'"
    - "web-nights: Sat 2026-12-12 02:00 to 06:00 Europe/Berlin, hosts start before 05:00"
host:
  description: The host.
  returned: success
  type: str
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
    problems:
      description: Every mistake in windows and blackouts, with C(where) and C(message).
      type: list
      elements: dict
"""
