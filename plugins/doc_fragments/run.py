# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that takes part in a run."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state_directory:
    description:
      - Folder on the controller for run directories, documents and the record of when versions were first seen.
      - It is made with mode 0700 where it is missing.
    type: path
    default: ~/.openfleet-patch
  run_id:
    description:
      - The run to join or make, a UUID. Without it all hosts of one C(ansible-playbook) share a new run.
    type: str
  as_of:
    description:
      - The time to judge at, fixed for the whole run when it is made, for example V(2026-11-20T12:00:00Z).
      - Without it the time at which the run is made.
    type: str
  comment:
    description:
      - Words that every document of this run carries, a change number for example.
    type: str
  requested_by:
    description:
      - Who asked for the run, as every document of it says.
      - Without it C(awx_user_name) or C(tower_user_name), which AWX gives to the jobs that a person launches, and
        else who runs the play on the controller.
    type: str
  run_timeout:
    description:
      - Seconds that the whole run may take, as every document of it says.
      - The role C(openfleet.patch.install) starts no host after that.
    type: int
"""

    STATE = r"""
options:
  state_directory:
    description:
      - Folder on the controller for run directories, documents and the record of when versions were first seen.
    type: path
    default: ~/.openfleet-patch
"""

    STORE = r"""
options:
  store_url:
    description:
      - The compliance store to read from, such as V(sqlite:////srv/patching/compliance.db) or
        V(postgresql://patching@db.example.com/patching), see M(openfleet.patch.store_documents). Without it,
        O(state_directory) is read.
    type: str
"""

    JOINED = r"""
options:
  run_id:
    description:
      - The run that this is about, a UUID. Without it, the run of this C(ansible-playbook).
    type: str
"""

    PROGRESS = r"""
options:
  progress:
    description:
      - Whether lines on the terminal tell what changes on the host, how its turn ended, and how many hosts of the play
        have had theirs.
    type: bool
    default: true
"""

    DOCUMENT = r"""
options:
  list_installed_other:
    description:
      - Whether the document lists installed packages that the baseline does not approve. They are counted always.
    type: bool
    default: false
  save_inventory:
    description:
      - Whether everything that was read last is kept beside the document, as C(inventories/HOST.json) in the run
        directory, for M(openfleet.patch.evaluate_baseline). A host takes about half a megabyte.
    type: bool
    default: false
"""
