# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reboot_host
short_description: Reboot a host after its patches, if it is to be, and prove that it happened
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Decides by O(reboot_option) whether a host is rebooted, reboots it and waits until it is back.
  - Never reboots while a patch job of this collection is at work there or while a package manager holds its locks.
  - A reboot counts as done when the host has another boot id and its first process (PID 1) is younger than the wish
    for the reboot. A host that did not go down and one that did not come back are told apart.
  - Works like M(ansible.builtin.reboot), but asks the host by C(sh) instead of modules, so that any Python there will do,
    and none.
  - States of patches after the reboot come from a fresh scan, see M(openfleet.patch.scan_host) and the role C(reboot).
options:
  reboot_option:
    description:
      - V(RebootIfNeeded) reboots if this run installed something (O(installed_count)) or if something that was installed
        since the last boot waits for a reboot. Whether the operating system needs one is not looked at. This is what
        Patch Manager does.
      - V(NoReboot) never reboots. Services that still run replaced files are listed, see RV(services).
      - V(OnlyIfRequired) is an addition of this collection. It reboots if the operating system says that it needs to,
        whatever was installed. Where that cannot be known the host is not rebooted, which a warning says, and what was
        installed stays INSTALLED_PENDING_REBOOT.
    type: str
    choices: [RebootIfNeeded, NoReboot, OnlyIfRequired]
    default: RebootIfNeeded
  installed_count:
    description:
      - How many patches this run installed on this host.
    type: int
  document:
    description:
      - The host's compliance document, as an earlier task returned it. It tells what waits for a reboot, whether the
        operating system needs one, and which services still run replaced files.
      - Without it, or if it is of an earlier boot, the journal of patch jobs on the host tells what waits, and the host
        is read where the rest is needed.
    type: dict
  reboot_timeout:
    description:
      - Seconds within which the host must have gone down and come back.
    type: int
    default: 600
  connect_timeout:
    description:
      - Seconds that one attempt to connect may take while the host is waited for. Without it, the connection's own.
    type: int
  pre_reboot_delay:
    description:
      - Seconds to wait before the reboot, after whoever is logged in on the host was told.
    type: int
    default: 0
  post_reboot_delay:
    description:
      - Seconds to wait after the reboot was asked for, before the host is looked for.
    type: int
    default: 0
  message:
    description:
      - What those are told who are logged in on the host.
    type: str
    default: Reboot after patches were installed
  lock_timeout:
    description:
      - Seconds to wait for a patch job or a package manager that is at work to end. Then the task fails and names it.
    type: int
    default: 120
  max_reboots:
    description:
      - How often one run may reboot one host. One more fails, since a host that wants reboot after reboot is most
        probably in a loop.
    type: int
    default: 5
  allow_controller:
    description:
      - Whether the machine that runs this play may be rebooted. It is recognized by a local connection or by its boot id,
        which it shares with containers of most kinds that it runs.
      - The reboot is then put off by a minute so that the play can end, and nothing is proved.
    type: bool
    default: false
  restart_services:
    description:
      - Whether, when the host is not rebooted, services that still run replaced files are restarted.
      - Left alone are the message bus, login sessions, the network, storage, containers and virtual machines, and a service
        whose restart would end this task's own connection. The first process is not restarted, it executes itself anew.
    type: bool
    default: false
  interpreters:
    description:
      - Python interpreters on the host to try first where the host has to be read, by path or name.
    type: list
    elements: str
    default: []
  os_mappings:
    description:
      - For distributions that this collection does not know by themselves, the operating system and product that
        they count as, by the ID of their os-release file.
    type: dict
    default: {}
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.run
attributes:
  check_mode:
    support: full
    details: Tells whether the host would be rebooted, or which services restarted, and changes nothing.
  diff_mode:
    support: none
    details: A reboot has no difference to show.
  platform:
    description: Which operating systems it works on.
    platforms: posix, windows
    details: Windows and macOS are a preview.
    support: full
notes:
  - Needs root on the host where it is rebooted, so run it with C(become=true).
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: ansible.builtin.reboot
  - module: openfleet.patch.scan_host
"""

EXAMPLES = r"""
- name: Reboot if anything that was installed waits for it
  openfleet.patch.reboot_host:
  become: true

- name: Scan
  openfleet.patch.scan_host:
  become: true
  register: scanned

- name: Reboot only if the operating system says so
  openfleet.patch.reboot_host:
    reboot_option: OnlyIfRequired
    document: "{{ scanned.document }}"
    reboot_timeout: 900
  become: true

- name: Do without a reboot, and restart what still runs replaced libraries
  openfleet.patch.reboot_host:
    reboot_option: NoReboot
    restart_services: true
  become: true
"""

RETURN = r"""
state:
  description:
    - V(rebooted), proved; V(not_rebooted); V(would_reboot) in check mode; V(scheduled) for the controller itself.
    - V(did_not_go_down) or V(did_not_come_back) when the task fails after the reboot was asked for.
  returned: when it was decided
  type: str
  sample: rebooted
rebooted:
  description: Whether a reboot was proved.
  returned: always
  type: bool
reason:
  description: Why it was to be rebooted, or why not, in a sentence.
  returned: when it was decided
  type: str
  sample: This run installed 3 patches.
pending:
  description:
    - What was installed since the last boot and waits for one. By title, or by name, architecture and version where no
      document was given.
  returned: when it was decided
  type: list
  elements: str
required:
  description: Whether the operating system needs a reboot; null if not known or not looked at.
  returned: when it was decided
  type: bool
elapsed:
  description: Seconds from the wish for the reboot to its proof, or to giving up.
  returned: always
  type: int
boot:
  description: The proof.
  returned: when the host was reached
  type: dict
  contains:
    before:
      description: Boot id when the task began.
      type: str
    after:
      description: Boot id after the reboot, else null.
      type: str
    first_process_age:
      description: Seconds that the first process had run when it was last looked at.
      type: float
reboots:
  description: How often this run has rebooted this host by now.
  returned: when it is to be rebooted
  type: int
  sample: 1
services:
  description: What runs replaced files.
  returned: when the host was not rebooted and the services are known
  type: dict
  contains:
    stale:
      description: Services that can be restarted.
      type: list
      elements: str
    first_process:
      description: Whether the first process runs replaced files too.
      type: bool
    left:
      description: What is left alone, C(name) and C(why).
      type: list
      elements: dict
    restarted:
      description: What was restarted; V(systemd) is the first process.
      type: list
      elements: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
      sample: did_not_come_back
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
