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

    WINDOWS = r"""
options:
  windows_server_selection:
    description:
      - Which server a Windows host asks for updates. V(default) is what the host's own policy says, a WSUS server or
        Windows Update; V(managed_server) and V(windows_update) ask one of these whatever the policy says.
      - Nothing else than Windows looks at it.
    type: str
    choices: [default, managed_server, windows_update]
    default: default
    version_added: 0.1.0
  windows_offline_file:
    description:
      - The path on a Windows host of Microsoft's scan file, C(wsusscn2.cab), by which the host is searched instead of
        by a server. That file knows security updates, service packs and update rollups alone, and has none to install.
      - The update agent takes it from local callers alone, see docs/windows-updates.md.
    type: str
    version_added: 0.1.0
"""
