# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: query_compliance
short_description: Ask what the compliance documents of a fleet tell together
version_added: 1.0.0
description:
  - Answers a question from the compliance documents that earlier scans and installations left on the controller.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
  - A host that could not be read is never taken for one without patches to install.
author:
  - The openfleet.patch developers (@openfleet)
options:
  question:
    description:
      - V(group_state) is the counts of DescribePatchGroupState, the number of hosts of O(patch_group) with patches of
        each kind.
      - V(hosts) is the state of each host of O(patch_group) that fits O(filters), as
        DescribeInstancePatchStatesForPatchGroup has it.
      - V(patches) is the patches of O(host) that fit O(filters), as DescribeInstancePatches has them.
      - V(effective_patches) is what O(baseline) makes of all that its hosts have or could have, C(APPROVED),
        C(PENDING_APPROVAL) with its date, C(EXPLICIT_APPROVED) or C(EXPLICIT_REJECTED).
      - V(changes) is what opened, was resolved and changed from O(before_run) to O(after_run), host by host.
      - V(host_history) is every document of O(host), with what changed since the one before.
      - V(where_open) is where O(patch) is not in force, on which hosts, since when and why. It reads every document
        that there is.
      - V(not_scanned) is hosts that were not read for O(days), and those that never were.
    type: str
    required: true
    choices: [group_state, hosts, patches, effective_patches, changes, host_history, where_open, not_scanned]
  hosts:
    description:
      - Hosts that the question is about. An empty list takes every host that has a document.
      - Without it, C(ansible_play_hosts_all), every host that the play targets after C(--limit).
    type: list
    elements: str
  patch_group:
    description:
      - The patch group for V(group_state) and V(hosts). Without it hosts of every group and of none.
    type: str
  filters:
    description:
      - Filters that must all hold. For V(hosts) at most four with one of Patch Manager's count names, such as
        C({key=MissingCount, type=GreaterThan, values=[0]}). A count that is not known fits none.
      - For V(patches) keys C(Classification), C(KBId), C(Severity) and C(State), any of the values.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description:
          - What is compared.
        type: str
        required: true
      type:
        description:
          - How a count is compared.
        type: str
        choices: [Equal, NotEqual, LessThan, GreaterThan]
        default: Equal
      values:
        description:
          - What it is compared with; exactly one whole number for a count.
        type: list
        elements: str
        required: true
  host:
    description:
      - The host for V(patches) and V(host_history), by its inventory name.
    type: str
  baseline:
    description:
      - The name of the baseline for V(effective_patches).
    type: str
  before_run:
    description:
      - The earlier run for V(changes), a UUID, V(latest) or V(previous). Without it, V(previous).
    type: str
  after_run:
    description:
      - The later run for V(changes). Without it, V(latest).
    type: str
  patch:
    description:
      - What V(where_open) looks for, a CVE or advisory id, a package name, C(name.arch), C(name.arch:version) or a KB id.
    type: str
  include_closed:
    description:
      - Whether V(where_open) also tells where it was open and is not any more.
    type: bool
    default: false
  days:
    description:
      - The number of days for V(not_scanned).
    type: float
    default: 7
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.store
seealso:
  - module: openfleet.patch.report
"""

EXAMPLES = r"""
- name: Ask about all hosts of the inventory
  hosts: all
  gather_facts: false
  tasks:
    - name: Where is it still open, since when, and why?
      openfleet.patch.query_compliance:
        question: where_open
        patch: CVE-2026-1234
      delegate_to: localhost
      run_once: true
      register: open_on

    - name: Which hosts of a group lack critical patches?
      openfleet.patch.query_compliance:
        question: hosts
        patch_group: web
        filters:
          - key: MissingCount
            type: GreaterThan
            values: [0]
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
answer:
  description:
    - The answer. A dictionary for V(group_state) and V(changes), a list of dictionaries for any other question.
    - What the members mean is in C(docs/questions.md) of the collection.
  returned: success
  type: raw
  sample: [{host: web1, patch_id: openssl.amd64, version: 3.0.15-1, since: '2026-11-02T03:10:00Z', state: MISSING}]
problems:
  description: Files that could not be read and are left out.
  returned: success
  type: list
  elements: str
  sample: []
"""
