# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: summarize_run
short_description: Show what became of every host of a run, and fail the play if something went wrong
version_added: 1.0.0
description:
  - Reads the documents and outcomes that the tasks of this run left in the run directory, prints a summary and returns it.
  - Works on the controller alone and connects to no host.
  - Made for the last task of a play, with C(run_once) and C(delegate_to=localhost). It is this task that makes C(ansible-playbook)
    end with an exit code other than 0 when hosts failed, could not be reached or were never started, because the
    playbooks of this collection keep failed and unreachable hosts in the play, so that they are counted.
author:
  - The openfleet.patch developers (@openfleet)
options:
  hosts:
    description:
      - Hosts that the play is for. Those of them without an outcome are reported as not started.
      - Without it, C(ansible_play_hosts_all), every host that the play targets after C(--limit).
    type: list
    elements: str
  operation:
    description:
      - What the play does, for the headline.
    type: str
    choices: [Scan, Install, Reboot, Rollback, Preflight, Window]
    default: Scan
  fail_on:
    description:
      - What makes this task fail. V(unknown) and V(non_compliant) are verdicts on hosts whose scan went well.
      - An empty list never fails.
    type: list
    elements: str
    choices: [failed, timed_out, unreachable, not_started, unknown, non_compliant]
    default: [failed, timed_out, unreachable, not_started]
  show:
    description:
      - Print the summary. With a callback that prints JSON nothing is printed, since that would spoil its output.
    type: bool
    default: true
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
notes:
  - An empty O(hosts) list of a play without hosts gives an empty summary and no failure.
seealso:
  - module: openfleet.patch.scan_host
  - module: openfleet.patch.record_outcome
"""

EXAMPLES = r"""
- name: Scan every host, whatever becomes of the others
  hosts: all
  gather_facts: false
  tasks:
    - name: Scan
      ignore_unreachable: true
      block:
        - name: Scan
          openfleet.patch.scan_host:
      rescue:
        - name: Note the failure
          openfleet.patch.record_outcome:
            result: "{{ ansible_failed_result }}"
          delegate_to: localhost

    - name: Show the summary, and fail if a host is not compliant
      openfleet.patch.summarize_run:
        fail_on: [failed, timed_out, unreachable, not_started, unknown, non_compliant]
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
report:
  description: The summary, line by line.
  returned: when it was not printed, or verbosity asks for it
  type: list
  elements: str
  sample: ["openfleet.patch scan, run 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10, judged as of 2026-11-20T12:00:00Z"]
counts:
  description: How many hosts ended as what. The sum is the number of hosts.
  returned: success or failure
  type: dict
  sample: {compliant: 3, failed: 0, non_compliant: 1, not_started: 0, ready: 0, timed_out: 0, unknown: 0, unreachable: 1}
hosts:
  description: Each host's word, one of those in RV(counts).
  returned: success
  type: dict
  sample: {web1: non_compliant, web2: compliant}
run_id:
  description: The run's id, a UUID.
  returned: success or failure
  type: str
  sample: 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
as_of:
  description: The time every host was judged at, UTC.
  returned: success or failure
  type: str
  sample: '2026-11-20T12:00:00Z'
run_directory:
  description: Where documents, outcomes, baselines and this summary (C(summary.txt)) are.
  returned: success or failure
  type: str
  sample: /home/ops/.openfleet-patch/runs/3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10
"""
