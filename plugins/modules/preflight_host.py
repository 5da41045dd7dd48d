# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host
short_description: Check everything that patching a host needs, and tell all findings at once
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads a host as M(openfleet.patch.scan_host) does and checks what patching needs, without an agent and without
    installing anything. That is privilege, a usable interpreter with the package manager's library, an operating system that is
    supported, every enabled repository within reach, disk space for what is missing, the package manager's lock, the
    clock, and the baseline.
  - Checks the controller as well, that is forks, ssh keep-alive and open files against the number of hosts in the play.
  - Fails if a finding is an error, after everything was checked.
  - Fetches the package lists on the host, since that is what shows that its repositories can be reached, see O(refresh).
options:
  refresh:
    description:
      - Whether the host fetches its package lists. With V(never), repositories are not tried.
    type: str
    choices: [auto, always, never]
    default: always
  metadata_stale_after:
    description:
      - Age in seconds from which package lists no longer prove that a host is compliant.
    type: int
    default: 86400
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.reads
  - openfleet.patch.baselines
  - openfleet.patch.baselines.errata
  - openfleet.patch.host
  - openfleet.patch.host.windows
  - openfleet.patch.host.macos
  - openfleet.patch.run
attributes:
  platform:
    platforms: posix, windows
    details: Windows and macOS are a preview.
notes:
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.scan_host
  - module: openfleet.patch.summarize_run
"""

EXAMPLES = r"""
- name: Check what patching needs
  openfleet.patch.preflight_host:
  become: true

- name: Look at all findings, errors too, and decide yourself
  openfleet.patch.preflight_host:
  become: true
  register: preflight
  failed_when: preflight.findings | selectattr('kind', 'equalto', 'no_space') | list | length > 0
"""

RETURN = r"""
ready:
  description: Whether no finding is an error.
  returned: success or failure
  type: bool
findings:
  description: Everything that was found, errors first. Empty when all is well.
  returned: success or failure
  type: list
  elements: dict
  contains:
    severity:
      description: V(error) if patching will not work like this, V(warning) if someone should look at it.
      type: str
    kind:
      description: A stable word for programs.
      type: str
    message:
      description: What was seen and what to do.
      type: str
  sample:
    - severity: error
      kind: repository_unreachable
      message: "deb.example.com bookworm-security: Could not resolve host"
operating_system:
  description: What the host was taken for, as Patch Manager calls it; null if it could not be read.
  returned: success or failure
  type: str
  sample: DEBIAN
product:
  description: The product that filters see.
  returned: success or failure
  type: str
  sample: Debian12
baseline:
  description: C(name), C(digest) and C(source) of the baseline that the host gets.
  returned: success or failure
  type: dict
run_id:
  description: The run that this check belongs to.
  returned: success or failure
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
"""
