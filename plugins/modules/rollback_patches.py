# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback_patches
short_description: Take back on a host what the last installation brought
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads in the host's journal (C(/var/lib/openfleet-patch)) what the last M(openfleet.patch.install_patches) changed there,
    brings each package back to exactly the version before, removes what came along and nothing else needs, brings back what
    had to go, and returns the compliance document of what is there then.
  - What cannot be taken back is said before anything starts, and then nothing is taken back at all, unless
    O(allow_partial=true). That is a version that is not to be had any more, a package that somebody changed since, one that
    the host holds by now, the kernel that runs, and whatever would take more with it than the installation had brought.
  - 'With dnf, dnf 5 and yum by their own history; where that cannot do it, and with zypper, by the versions that the journal
    names; with apt by these versions from the repositories or from C(/var/cache/apt/archives). The package manager
    simulates it first, and does nothing else than that in the end.'
  - It is a job of its own on the host, with a journal, as an installation is. It goes on when the connection or the controller
    is lost; the next task on that host, or the next boot, finishes it. What is left then is taken back by the next run, since
    what counts are the versions on the host. Once nothing is left, further runs change nothing.
  - It never reboots; see M(openfleet.patch.reboot_host).
  - The baseline still approves what was taken back, so the next installation brings it again. See docs/rollback.md.
options:
  install_run:
    description:
      - The run whose installation is to be taken back, a UUID. Where a later run installed on the host, that has to be taken
        back first. A host on which that run installed nothing is left as it is.
      - Without it the last installation of each host, whichever run that was.
    type: str
  allow_partial:
    description:
      - Whether the rest is taken back where some of the packages cannot be.
    type: bool
    default: false
  auto_agree_with_licenses:
    description:
      - Whether the licences of packages are agreed with on your behalf, as C(zypper --auto-agree-with-licenses) does. Matters
        on SUSE alone.
    type: bool
    default: false
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.baselines
  - openfleet.patch.baselines.decisions
  - openfleet.patch.baselines.errata
  - openfleet.patch.baselines.excludes
  - openfleet.patch.host
  - openfleet.patch.job
  - openfleet.patch.run
  - openfleet.patch.run.document
  - openfleet.patch.run.progress
attributes:
  check_mode:
    support: full
    details: The plan is made and simulated on the host, and returned; nothing is taken back. It fails where a real run would
      refuse to begin.
  diff_mode:
    support: full
    details: Shows each package with its version before and after.
  platform:
    description: Which operating systems it works on.
    platforms: posix
    support: full
notes:
  - The task's C(environment) reaches the package manager, and is kept in files of mode 0600 on the host while the job runs.
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.install_patches
  - module: openfleet.patch.reboot_host
"""

EXAMPLES = r"""
- name: Show what would be taken back, and what cannot be
  openfleet.patch.rollback_patches:
  become: true
  check_mode: true
  diff: true

- name: Take back what the run of last night installed
  openfleet.patch.rollback_patches:
    install_run: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
  become: true
"""

RETURN = r"""
document:
  description:
    - The compliance document, as described in docs/document.md and by docs/schema/document.schema.json. Its operation is
      V(Install); C(installation.rollback) tells what was taken back.
    - In check mode the document of the host as it is.
  returned: when the run could be opened
  type: dict
compliant:
  description: Whether the host is compliant; null when that cannot be known.
  returned: success
  type: bool
verdict:
  description: The same in a word, V(compliant), V(non_compliant) or V(unknown).
  returned: success
  type: str
  sample: non_compliant
summary:
  description: Counts of patches by state and level.
  returned: success
  type: dict
run_id:
  description: The run that this belongs to, not the one that was taken back.
  returned: success
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
installed_count:
  description: How many packages have another version than before; in check mode, how many would.
  returned: when the host could be read
  type: int
plan:
  description: What was to be taken back.
  returned: when the host could be read
  type: dict
  contains:
    restore:
      description: Packages that get the version that they had, each with C(name), C(arch), C(version) and C(installed_version).
      type: list
      elements: dict
    remove:
      description: Packages that had come along and go, in the same form.
      type: list
      elements: dict
    keep:
      description: Packages that had come along and stay, with C(reasons), since something needs them or somebody asked for them.
      type: list
      elements: dict
    refused:
      description: What cannot be taken back, each with C(patch) and C(reasons).
      type: list
      elements: dict
    back:
      description: How many packages are as they were before already.
      type: int
inventory_file:
  description: Where the inventory was saved on the controller.
  returned: when O(save_inventory=true)
  type: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
      sample: cannot_undo
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
