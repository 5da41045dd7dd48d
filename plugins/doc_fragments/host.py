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
      - Where a baseline has alternative sources, theirs are fetched in any case when a run has none of them yet.
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
  windows_offline_file:
    description:
      - The path on a Windows host of Microsoft's scan file, C(wsusscn2.cab), by which the host is searched instead of
        by a server. That file knows security updates, service packs and update rollups alone, and has none to install.
      - The update agent takes it from local callers alone, so the task needs C(become=true), C(become_method=runas) and
        C(become_user=SYSTEM), and the controller the collection C(ansible.windows). See docs/windows-updates.md.
    type: str
"""

    MACOS = r"""
options:
  macos_title_rules:
    description:
      - Which updates of a Mac count as security, by their titles, since neither softwareupdate nor Homebrew says so.
        These rules stand before the collection's own (docs/macos.md); the first that fits counts, and the document
        names it.
    type: list
    elements: dict
    suboptions:
      title:
        description: A regular expression that is looked for in the title, or in the name of a formula or cask.
        type: str
        required: true
      security:
        description: Whether what it fits counts as security.
        type: bool
        required: true
      source:
        description: Where it counts. Everywhere if not set.
        type: str
        choices: [softwareupdate, brew, brew cask, installer]
      reason:
        description: What the document says about it. The rule itself if not set.
        type: str
  macos_major_upgrades:
    description:
      - Whether the next release of macOS is a patch like others. Without it a Mac stays on its release, whatever a
        baseline approves, and the document warns that there is another one.
    type: bool
    default: false
  macos_brew_path:
    description:
      - Where C(brew) is on a Mac, if neither in C(/opt/homebrew) nor in C(/usr/local). It runs as the owner of its
        folder.
    type: path
"""
