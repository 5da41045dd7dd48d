# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: selftest_host
short_description: Show what a Windows host or a Mac says about its updates, without private things
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads the host as M(openfleet.patch.scan_host) does and shows what came as JSON, which can be attached to an issue.
    Windows and macOS stay in preview until such a record of a real host is among the tests of this collection.
  - Names of hosts and people, addresses, and what a company publishes for itself are taken out. Look it through all the
    same before you show it to anybody.
  - Changes nothing on the host and keeps nothing on the controller.
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.host
  - openfleet.patch.host.windows
  - openfleet.patch.host.macos
attributes:
  platform:
    platforms: posix, windows
    details: Windows and macOS are a preview.
notes:
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.scan_host
"""

EXAMPLES = r"""
- name: Show what this host says about its updates
  openfleet.patch.selftest_host:
"""

RETURN = r"""
selftest:
  description: What was shown.
  returned: success
  type: dict
  contains:
    form:
      description: The form of this record.
      type: int
    ansible_core:
      description: The ansible-core that read the host.
      type: str
    connection:
      description: The connection plugin.
      type: str
    reading:
      description: What the host said.
      type: dict
    understood:
      description: What this collection makes of it, in numbers.
      type: dict
    error:
      description: Why it makes nothing of it, by C(kind) and C(message), in place of RV(selftest.understood).
      type: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
      sample: unsupported_os
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
