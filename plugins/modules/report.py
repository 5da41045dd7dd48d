# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write reports about a fleet's patch compliance
version_added: 1.0.0
description:
  - Reads the compliance documents that earlier scans and installations left on the controller and writes reports from
    them, as one self-contained HTML file, CSV, JSON, Markdown, JUnit XML, Prometheus metrics, findings of OCSF or shapes of
    the AWS API.
  - Without O(run_id) every host is told by its newest document of any run. A host whose newest document is older than
    O(stale_after_days) is C(stale), one without any is C(never_scanned); neither counts as compliant.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
options:
  run_id:
    description:
      - Report about this run alone, a UUID. V(latest) is the newest run, V(previous) the one before it.
      - In a report about one run a host without an outcome was C(not_started), and nothing is stale.
    type: str
  hosts:
    description:
      - Hosts that the report is about. Those of them that nobody has scanned are told as well, documents of other hosts
        are left out. An empty list takes every host that has a document.
      - Without it, C(ansible_play_hosts_all), every host that the play targets after C(--limit).
    type: list
    elements: str
  formats:
    description:
      - What to write. V(html) is C(report.html), V(csv) is C(hosts.csv) and C(patches.csv), V(json) is C(report.json),
        V(markdown) is C(report.md), V(junit) is C(junit.xml), V(prometheus) is C(openfleet_patch.prom) for the textfile
        collector of node_exporter, V(ocsf) is C(openfleet_patch.ocsf.jsonl) with a finding in each line, V(aws) is
        C(aws_compliance_items.json) (requests of PutComplianceItems) and C(aws_instance_patch_states.json)
        (InstancePatchState).
    type: list
    elements: str
    choices: [html, csv, json, markdown, junit, prometheus, ocsf, aws]
    default: [html]
  output_directory:
    description:
      - Folder on the controller to write into. It is made with mode 0700 where it is missing; files that are there
        already are replaced in one step.
      - Without it, C(reports) below O(state_directory).
    type: path
  mode:
    description:
      - Mode of the files, three octal digits in quotes. Reports tell what hosts lack; widen it only for who has to read
        them, the user of node_exporter for example.
    type: str
    default: '0600'
  stale_after_days:
    description:
      - Age of a host's newest document in days, from which it proves nothing any more.
    type: float
    default: 7
  list_installed:
    description:
      - List patches that are installed and in order as well, as far as documents list them. They are counted anyhow.
    type: bool
    default: false
  trend_runs:
    description:
      - How many of the newest runs the trend shows; V(0) leaves it out.
    type: int
    default: 30
  aws_instance_ids:
    description:
      - Managed node ids for V(aws), by inventory name, such as C(mi-0123456789abcdef0). A host that is called by
        its id needs none. Hosts without an id are left out of both files and told in RV(without_aws_instance).
    type: dict
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.store
notes:
  - The JSON report's schema is C(docs/schema/report.schema.json) of the collection.
seealso:
  - module: openfleet.patch.scan_host
  - module: openfleet.patch.summarize_run
"""

EXAMPLES = r"""
- name: Report about all hosts of the inventory
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the report as a page and as tables
      openfleet.patch.report:
        formats: [html, csv]
        output_directory: /srv/reports/patching
      delegate_to: localhost
      run_once: true

    - name: Write metrics for node_exporter
      openfleet.patch.report:
        formats: [prometheus]
        output_directory: /var/lib/prometheus/node-exporter
        mode: '0644'
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
files:
  description: Paths of the files that were written.
  returned: success
  type: list
  elements: str
  sample: [/home/ops/.openfleet-patch/reports/report.html]
verdict:
  description: V(compliant) when every host is, V(non_compliant) when one is that, else V(unknown).
  returned: success
  type: str
  sample: non_compliant
counts:
  description: How many hosts have which status. The sum is the number of hosts.
  returned: success
  type: dict
  sample: {compliant: 3, failed: 0, never_scanned: 0, non_compliant: 1, not_started: 0, ready: 0, stale: 1, timed_out: 0,
    unknown: 0, unreachable: 0}
problems:
  description: Files that could not be read and are left out.
  returned: success
  type: list
  elements: str
  sample: []
without_aws_instance:
  description: Hosts that are left out of the AWS shapes because no managed node id of theirs is known.
  returned: success
  type: list
  elements: str
  sample: []
"""
