# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: install_patches
short_description: Install on a host what its patch baseline approves
version_added: 1.0.0
author:
  - The openfleet.patch developers (@openfleet)
description:
  - Reads the host, decides for every patch by the host's baseline, asks the package manager what else would come along,
    installs exactly the approved versions, reads the host again and returns the compliance document of what is there.
  - The installation is a job of its own on the host, with a journal in C(/var/lib/openfleet-patch). It goes on when the
    connection or the controller is lost; the next task on that host, or the next boot, finishes it. Interrupting the
    playbook leaves the job running.
  - Nothing new is installed except what approved versions depend on. Held packages are left alone, nothing is removed
    unless O(allow_removals=true), and changed configuration files stay as they are.
  - Where all approved patches cannot be installed together, what stands in the way is left out and reported.
  - The task fails when an approved patch could not be installed; the document tells the reason for each. A package that the
    package manager has begun and not finished counts as failed, never as installed.
  - What an interrupted run of the package manager left on the host is finished first, and said in the document. Where a
    package's own script hangs, it is ended with everything that it started, and nothing new is begun on that host.
  - With apt, python3-apt is brought up to date before anything else, whether a rule approves it or not, and installed where it
    is missing, as Patch Manager does.
  - It never reboots, except for Windows, where some updates are only offered, or can only be installed, after others have
    taken effect. There it reboots between rounds unless O(reboot_option=NoReboot). See M(openfleet.patch.reboot_host).
  - On Windows, M(ansible.windows.win_updates) installs, so that the collection ansible.windows has to be on the controller.
    It gets filters that select what is approved and nothing else; docs/windows-updates.md has the details.
  - Macs restart as well, since macOS 11 and later install an update of the system by restarting. With
    O(reboot_option=NoReboot), and where the Mac is the controller itself, such updates are refused; otherwise they come last,
    and the task waits for the Mac and reads it again.
  - On Debian 8 it comments out C(jessie-backports) in the host's apt sources, imports a signing key and brings python3-apt up
    to date first, as Patch Manager does; the sources are put back byte for byte and the key removed when each job ends, also
    when it fails or the host loses power.
options:
  install_override_list:
    description:
      - 'Patches to install instead of what the baseline approves, as Patch Manager''s install override list, for example
        C({patches: [{id: openssl.amd64}]}). Compliance still follows the baseline.'
      - A text is where the list is, in YAML; a path on the controller, an https address, or an address
        like C(s3://BUCKET/KEY), which wants the collection amazon.aws and boto3 on the controller. It is read once
        per run.
      - 'Beyond Patch Manager an entry may have C(cve), C(advisory) or C(kb) in place of C(id), such as
        C({cve: CVE-2026-1234}). Then the smallest set of updates is installed that closes it, see docs/override_lists.md.'
      - Not together with O(snapshot).
    type: raw
  snapshot:
    description:
      - A snapshot that M(openfleet.patch.freeze_snapshot) wrote, as a path on the controller, an https or an s3 address. The
        versions in it are installed where they are newer than what the host has, and no others, nothing newer in
        particular; what this host's baseline rejects stays away. Compliance still follows the baseline.
      - A host with an operating system and product that the snapshot does not have is refused.
    type: str
  snapshot_unavailable:
    description:
      - What happens where the host's repositories have a version of the snapshot no longer. V(refuse) installs nothing on
        that host and fails, V(report) installs the rest and warns.
    type: str
    choices: [refuse, report]
    default: refuse
  allow_removals:
    description:
      - Whether installing may remove packages.
    type: bool
    default: false
  auto_agree_with_licenses:
    description:
      - Whether the licences of packages are agreed with on your behalf, as C(zypper --auto-agree-with-licenses) does. Without
        it a patch whose package has a licence to agree with is left out and reported. Matters on SUSE, and on Windows for
        updates whose terms nobody has accepted on the host.
    type: bool
    default: false
  require_approved_dependencies:
    description:
      - Whether a patch is left out when it needs a package, new or newer, that the baseline does not approve.
      - A baseline can ask for it by itself, with C(unapproved_dependencies=REFUSE).
    type: bool
    default: false
  volume_owner:
    description:
      - A user who owns the volume, on a Mac with Apple silicon, which asks for one before an update of macOS. Without it
        such updates are refused there before anything is downloaded.
    type: str
  volume_owner_password:
    description:
      - The password of O(volume_owner). It travels on standard input, is on the Mac in a file of root's for as long as the
        installation runs, and reaches softwareupdate on standard input.
    type: str
  reboot_timeout:
    description:
      - Seconds that a Windows host may take for a reboot between two rounds of updates. Other systems are not rebooted here.
    type: int
    default: 1200
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.baselines
  - openfleet.patch.baselines.decisions
  - openfleet.patch.baselines.errata
  - openfleet.patch.baselines.excludes
  - openfleet.patch.host
  - openfleet.patch.host.windows
  - openfleet.patch.host.macos
  - openfleet.patch.job
  - openfleet.patch.run
  - openfleet.patch.run.document
  - openfleet.patch.run.progress
attributes:
  check_mode:
    support: full
    details: The plan is made and simulated on the host, and returned; nothing is installed.
  diff_mode:
    support: full
    details: Shows each package with its version before and after.
  platform:
    description: Which operating systems it works on.
    platforms: posix, windows
    details: Windows and macOS are a preview.
    support: full
notes:
  - The task's C(environment) reaches the package manager, and is kept in files of mode 0600 on the host while the job runs.
  - This file holds documentation only. The action plugin of the same name does the work.
seealso:
  - module: openfleet.patch.scan_host
  - module: openfleet.patch.reboot_host
  - module: openfleet.patch.freeze_snapshot
"""

EXAMPLES = r"""
- name: Install what the predefined baseline of the operating system approves
  openfleet.patch.install_patches:
  become: true
  register: installed

- name: Reboot if something was installed
  openfleet.patch.reboot_host:
    installed_count: "{{ installed.restarted | ternary(0, installed.installed_count) }}"
  become: true

- name: Close a CVE wherever it is open
  openfleet.patch.install_patches:
    install_override_list:
      patches:
        - cve: CVE-2026-1234
  become: true

- name: Install exactly what the canaries got
  openfleet.patch.install_patches:
    snapshot: snapshots/2026-11.yml
  become: true

- name: Show the plan for a baseline that approves everything
  openfleet.patch.install_patches:
    baselines:
      - name: everything
        operating_system: DEBIAN
        approval_rules:
          - filters: {}
            enable_non_security: true
    default_baselines:
      DEBIAN: everything
  become: true
  check_mode: true
  diff: true
"""

RETURN = r"""
document:
  description:
    - The compliance document, as described in docs/document.md and by docs/schema/document.schema.json. Its C(installation)
      tells how the installation went, its C(pulled_in) what came along.
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
  description: The run that this installation belongs to.
  returned: success
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
installed_count:
  description: How many packages have another version than before; in check mode, how many would.
  returned: when the host could be read
  type: int
installed_since_boot:
  description: How many updates Windows claims to have installed since this task last rebooted the host.
  returned: on Windows, when the host could be read
  type: int
needed:
  description:
    - Whether there was anything to do for an Install, which is also so where a patch only waits for a reboot that
      O(reboot_option) allows. In check mode whether there is.
  returned: success
  type: bool
restarted:
  description:
    - Whether what was installed has restarted the host by itself, as updates of macOS do. Nothing waits for a reboot then.
  returned: when the host could be read
  type: bool
plan:
  description: What was to be installed.
  returned: when the host could be read
  type: dict
  contains:
    install:
      description: Approved versions, each with C(name), C(arch), C(version) and C(installed_version).
      type: list
      elements: dict
    pulled_in:
      description: What the package manager takes along, in the same form.
      type: list
      elements: dict
    refused:
      description: Approved versions that cannot be installed, each with C(patch) and C(reasons).
      type: list
      elements: dict
    selection:
      description: The override list or snapshot that replaced the baseline, by C(kind), C(source) and C(digest), or null.
      type: dict
    remove:
      description: Packages that would go, with O(allow_removals=true); old kernels that make room for new ones in any case.
      type: list
      elements: dict
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
      sample: install_incomplete
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
