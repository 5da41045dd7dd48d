# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that reads a host."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  refresh:
    description:
      - Whether the host fetches its package lists before they are read.
      - V(auto) fetches lists older than O(metadata_max_age). Fetching needs root.
    type: str
    choices: [auto, always, never]
    default: auto
  metadata_max_age:
    description:
      - Age in seconds up to which package lists are used without fetching.
    type: int
    default: 3600
  interpreters:
    description:
      - Python interpreters on the host to try first, by path or name. Then come C(ansible_python_interpreter) and
        those where the operating system keeps its package manager's library.
      - Any Python from 2.6 on that can load that library will do, also one that ansible-core itself refuses.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds after which a reading is given up; the task then fails with the error V(timed_out).
    type: int
    default: 900
"""
