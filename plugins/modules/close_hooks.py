# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: close_hooks
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
short_description: Say the last word on a host with hooks
description:
  - Keeps the document of the host once more, with its hooks, and its outcome, which is that of its installation and a failed
    one where a hook or a check failed. Fails where the host did.
  - The role C(openfleet.patch.install) runs it. Works on the controller alone.
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
  - openfleet.patch.run.progress
seealso:
  - module: openfleet.patch.plan_hooks
  - module: openfleet.patch.note_hook
"""

EXAMPLES = r"""
- name: Say the last word
  openfleet.patch.close_hooks:
  delegate_to: localhost
"""

RETURN = r"""
hooks:
  description: Every hook and check with what became of it, in the order of the flow, as in the document.
  returned: always
  type: list
  elements: dict
document:
  description: The compliance document with the hooks, or null where the host could not be read.
  returned: always
  type: dict
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
"""
