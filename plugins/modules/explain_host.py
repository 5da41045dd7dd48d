# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: explain_host
short_description: Say which baseline a host got and why its patches were decided as they were
version_added: 1.0.0
description:
  - Answers from the newest document of the host that a scan or an install left on the controller.
  - Works on the controller alone and connects to no host.
author:
  - The openfleet.patch developers (@openfleet)
options:
  patches:
    description:
      - What to explain. A package name, C(name.arch), a title, a CVE, an advisory or KB id, in any case, with C(*) for
        anything.
      - Without any, everything that is not simply installed.
    type: list
    elements: str
    default: []
  show:
    description:
      - Print the answer.
    type: bool
    default: true
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
seealso:
  - module: openfleet.patch.scan_host
  - module: openfleet.patch.evaluate_baseline
"""

EXAMPLES = r"""
- name: Why is curl not approved on this host?
  openfleet.patch.explain_host:
    patches: [curl, CVE-2026-1234]
"""

RETURN = r"""
found:
  description: Whether there is a document of this host. Without one nothing else is returned but a message.
  returned: always
  type: bool
document:
  description: The file that was read.
  returned: when found
  type: str
baseline:
  description: Name, digest and source of the baseline that judged the host; null where the host could not be read.
  returned: when found
  type: dict
as_of:
  description: The time that the host was judged at.
  returned: when found
  type: str
patches:
  description: The entries of the document for each word of O(patches), or for the empty word.
  returned: when found
  type: dict
text:
  description: The answer as it is printed.
  returned: when found
  type: list
  elements: str
  sample:
    - "web1 (UBUNTU, Ubuntu22.04), judged as of 2026-11-20T00:00:00Z, run 0b0e5b3e-1c5f-4a53-9f0e-2f3b7c1d9a11"
    - "  baseline web-prod: patch group 'web', UBUNTU"
"""
