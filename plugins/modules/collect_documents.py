# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collect_documents
short_description: Bring the document of a host's last installation home from the host
version_added: 1.0.0
description:
  - Every installation leaves its document on the host as well, in C(/var/lib/openfleet-patch/documents), readable by root
    alone. This task puts it into the run directory of its run on the controller, unless it is there already.
  - For controllers that forget their files, such as execution environments of AWX without a store, and for files that were
    lost. M(openfleet.patch.store_documents) with O(openfleet.patch.store_documents#module:run_id=all) stores what came home.
  - What a host sends is checked. A document of another host or of the future is refused, and so is one that differs from
    those that are known of its run. Each of these is a warning and does not fail the task.
  - Needs root on the host, so C(become=true). Windows hosts keep no document and are skipped.
author:
  - The openfleet.patch developers (@openfleet)
options:
  timeout:
    description:
      - Seconds after which reading is given up.
    type: int
    default: 900
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.run.state
attributes:
  check_mode:
    details: In check mode nothing is collected and the task is skipped.
seealso:
  - module: openfleet.patch.install_patches
  - module: openfleet.patch.store_documents
  - module: openfleet.patch.verify_history
"""

EXAMPLES = r"""
- name: Bring home what hosts kept of their last installation
  openfleet.patch.collect_documents:
  become: true
"""

RETURN = r"""
found:
  description: Whether the host has a document.
  returned: success
  type: bool
  sample: true
added:
  description: Whether it was added to its run on the controller.
  returned: success
  type: bool
  sample: true
status:
  description: V(added), V(known), V(differs), or null where there was none or it was refused.
  returned: success
  type: str
  sample: added
run_id:
  description: The run that it is of, or null.
  returned: success
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
problem:
  description: Why it was not taken, or null.
  returned: success
  type: str
  sample: null
"""
