# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that asks whether a host may start now."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  maintenance_windows:
    description:
      - The windows of the host; any of them is enough. Without one, a host may start whenever no blackout is on.
      - Each has C(name), C(schedule), C(duration) and, if wanted, C(schedule_timezone), C(schedule_offset),
        C(start_date), C(end_date), C(cutoff), C(cutoff_behavior), C(enabled), C(created_date) and C(description);
        or is what C(aws ssm get-maintenance-window) prints.
      - Every mistake in every window and blackout is told at once.
    type: list
    elements: dict
    default: []
  blackouts:
    description:
      - Times in which nothing starts, whichever window is open.
      - Each has C(name), and either C(start) and C(end), or C(schedule) and C(duration); C(schedule_timezone) if
        wanted.
    type: list
    elements: dict
    default: []
  expected_minutes:
    description:
      - How long the work on the host is expected to take, in minutes. It starts only if this, and
        O(reboot_reserve_minutes), fit before the window closes or a blackout begins.
      - With V(0) for both, only the cutoff counts.
    type: int
    default: 0
  reboot_reserve_minutes:
    description:
      - Minutes to keep for the reboot.
    type: int
    default: 0
"""
