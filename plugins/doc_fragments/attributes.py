# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of this collection support."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Whether this runs as an action plugin on the controller.
    support: full
  async:
    description: Whether the task keyword C(async) can be used.
    support: none
  check_mode:
    description: Whether the task can run in check mode and tell truthfully what would change.
  diff_mode:
    description: Whether the task tells details of what changed in diff mode.
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Nothing on a host is changed, so check mode does the same.
  diff_mode:
    support: none
    details: There is no change to show.
  platform:
    description: Which operating systems it works on.
    platforms: posix
    support: full
"""

    CONTROLLER = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Nothing on a host is changed, so check mode does the same.
  diff_mode:
    support: none
    details: There is no change to show.
  platform:
    description: Which operating systems it works on.
    platforms: all
    support: full
"""
