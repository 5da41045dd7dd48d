# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that judges patches."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  baselines:
    description:
      - Patch baselines, each a mapping as described in the collection's docs/baselines.md, or a patch baseline of
        AWS Systems Manager as C(aws ssm get-patch-baseline) prints it. The patch groups that this output names get it.
      - The output of C(aws ssm describe-patch-baselines) says which baseline is the default of its operating system.
      - A text is the path of a YAML or JSON file with one of these or a list of them, or of a folder of such files;
        on the controller, relative to the playbook.
      - All of them are checked before a host is touched, and all problems are told at once.
      - The C(sources) of a baseline replace the repositories of its hosts for the run; the collection's docs/sources.md
        says how. What may be written down of a run holds none of their credentials.
    type: list
    elements: raw
    default: []
  patch_groups:
    description:
      - 'Which baseline each patch group gets, per operating system, for example C({web: {UBUNTU: web-prod}}).'
    type: dict
    default: {}
  patch_group:
    description:
      - The patch group of this host.
      - Without one, or where the group has no baseline for the operating system, O(default_baselines) counts, then
        the predefined baseline of that operating system.
    type: str
  cloud_tags:
    description:
      - The tags of this host, of which C(Patch Group) or C(PatchGroup) names its patch group where O(patch_group) does
        not. Two that differ are refused.
      - Without it, the host variable C(tags), which the inventory plugins of cloud providers set.
    type: dict
  default_baselines:
    description:
      - 'The baseline of each operating system for hosts that no patch group covers, for example
        C({DEBIAN: debian-default}).'
    type: dict
    default: {}
  os_mappings:
    description:
      - For distributions that this collection does not know by themselves, the operating system and product that
        they count as, by the ID of their os-release file.
    type: dict
    default: {}
"""

    EXCLUDES = r"""
options:
  honour_host_excludes:
    description:
      - Whether a hold, version lock, exclude or negative pin on the host keeps a patch from being approved.
      - Patch Manager itself does not look at them; set this to V(false) to judge as it does.
    type: bool
    default: true
  honour_phasing:
    description:
      - Whether an update that the distribution hands out in phases, and has not handed out to this host, waits.
    type: bool
    default: true
"""

    ERRATA = r"""
options:
  errata:
    description:
      - A file of update notices for hosts with rpm packages whose repositories have none, such as CentOS, by its path
        on the controller or by its https address.
      - Either an C(updateinfo.xml) as repositories have it, or JSON as docs/errata.md describes it; as it is, or packed
        with gzip, bzip2 or xz.
      - It counts for packages from repositories without notices of their own, and is read once per run. The document
        tells where such notices come from.
    type: str
"""

    DECISIONS = r"""
options:
  delay_clock:
    description:
      - From when the days of an approval rule count.
      - V(vendor) is the release date that the vendor publishes, and where there is none, Patch Manager's rule for
        the operating system.
      - V(first_seen) is the time at which any scan of this fleet first saw the version, as the ledger knows it.
      - V(vendor_else_first_seen) is the vendor's date, and the first sight where the vendor gives none (Debian, Ubuntu,
        macOS, repositories without update notices).
      - V(repository) is the vendor's date, else that of the package's build, else that of the repository's own file,
        the earliest one that any scan saw the version under.
      - By the last three, a patch without a date is approved by no rule with a delay or a cut-off date.
    type: str
    choices: [vendor, vendor_else_first_seen, repository, first_seen]
    default: vendor
  store_url:
    description:
      - The compliance store that keeps the ledger of O(delay_clock), for all controllers that share it; an SQLite file
        or a PostgreSQL URL. Without it the ledger is the file C(first_seen.jsonl) in O(state_directory).
      - With O(delay_clock=vendor) no store is opened.
    type: str
  newest_release:
    description:
      - Whether hosts with Amazon Linux 2023 are judged by the newest release, and updated to it, as Patch Manager does,
        instead of by the one that their repositories are locked to. Their own configuration stays as it is.
      - Without effect on any other operating system.
    type: bool
    default: false
  metadata_stale_after:
    description:
      - Age in seconds from which package lists no longer prove that a host is compliant.
    type: int
    default: 86400
"""
