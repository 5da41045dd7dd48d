# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_documents
short_description: Keep compliance documents in a database
version_added: 1.0.0
description:
  - Copies documents and outcomes of runs from the controller's run directories into the compliance store, an SQLite file
    or a PostgreSQL database. What is there already is left alone, so it can be repeated at any time.
  - Documents are added and never changed. Each is kept whole with its run, or not at all; several controllers and forks
    can write at the same time.
  - Tables are made, and brought to the version of this release, when the store is opened.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
requirements:
  - SQLAlchemy 2 or newer in the Python that runs Ansible
  - psycopg 3 for PostgreSQL
options:
  store_url:
    description:
      - The store, such as V(sqlite:////srv/patching/compliance.db) or V(postgresql://patching@db.example.com/patching).
        A path stands for an SQLite file.
      - A password is best kept out of it, in C(~/.pgpass) or C(PGPASSWORD). One that is in it is struck out of messages.
    type: str
    required: true
  run_id:
    description:
      - The run to copy, a UUID, V(latest) or V(previous); V(all) copies every run.
    type: str
    default: latest
  keep_days:
    description:
      - Afterwards delete documents from the store that are older than this many days, but the newest of each host.
        Without it, nothing is ever deleted. Run directories are left alone.
    type: float
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
attributes:
  check_mode:
    details: In check mode nothing is stored and the task is skipped.
seealso:
  - module: openfleet.patch.report
  - module: openfleet.patch.query_compliance
"""

EXAMPLES = r"""
- name: Keep the newest run
  hosts: all
  gather_facts: false
  tasks:
    - name: Keep it for a year
      openfleet.patch.store_documents:
        store_url: postgresql://patching@db.example.com/patching
        keep_days: 365
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
runs:
  description: Ids of the runs that were copied.
  returned: success
  type: list
  elements: str
  sample: [3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10]
added:
  description: Number of documents that were added.
  returned: success
  type: int
  sample: 20
known:
  description: Number of documents that were there already, or are too old to be kept beside newer ones of their host.
  returned: success
  type: int
  sample: 0
forgotten:
  description: Number of documents that were deleted for their age.
  returned: success
  type: int
  sample: 0
problems:
  description: Files that could not be read and are left out.
  returned: success
  type: list
  elements: str
  sample: []
"""
