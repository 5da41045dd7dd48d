# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notify_run
short_description: Tell people and services about a run, by mail, chat, webhook, SNS or object storage
version_added: 1.0.0
description:
  - Looks at what became of all hosts and tells those who asked for such an event, by modules of existing collections, which
    are needed only where they are used. Texts come from Jinja2 templates that can be replaced.
  - Never fails. What could not be sent is a warning, and the summary of the run tells it as well.
  - Works on the controller. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
options:
  notifications:
    description:
      - Who is told what by which way; docs/notifications.md explains the members. A list of mappings with C(via), one of
        V(mail), V(slack), V(teams), V(teams_connector), V(webhook), V(sns), V(s3) and V(put), and C(options), those of the
        module behind it.
      - Without it, the variable C(patch_notifications), which is not shown in task arguments then.
    type: list
    elements: dict
  operation:
    description:
      - What the play does. With V(Report) it is about O(counts) and O(files), without looking at a run.
    type: str
    choices: [Scan, Install, Reboot, Rollback, Preflight, Window, Report]
    default: Scan
  hosts:
    description:
      - Hosts that the play is for. Without it, C(ansible_play_hosts_all).
    type: list
    elements: str
  counts:
    description:
      - How many hosts have which status, as M(openfleet.patch.report) returns it.
    type: dict
  files:
    description:
      - Files on the controller that are uploaded, or attached to a mail that asks for it. Without any, the summary of the run.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.joined
attributes:
  check_mode:
    details: In check mode nothing is sent; it is told who would be told.
seealso:
  - module: openfleet.patch.summarize_run
  - module: openfleet.patch.report
  - module: community.general.mail
  - module: community.general.slack
  - module: community.aws.sns
  - module: amazon.aws.s3_object
  - module: ansible.builtin.uri
"""

EXAMPLES = r"""
- name: Tell about a scan, before its summary is shown
  openfleet.patch.notify_run:
    operation: Scan
    notifications:
      - via: mail
        events: [failure, threshold]
        options:
          host: smtp.example.com
          from: patching@example.com
          to: [oncall@example.com]
      - via: slack
        events: [non_compliant]
        options:
          token: "{{ vault_slack_token }}"
  delegate_to: localhost
  run_once: true
  no_log: true
"""

RETURN = r"""
events:
  description: What is true of the run, of V(finish), V(failure), V(threshold) and V(non_compliant).
  returned: always
  type: list
  elements: str
  sample: [finish, failure, non_compliant]
notifications:
  description: What became of each one that was wanted, by C(name), C(via), C(sent) and C(message).
  returned: always
  type: list
  elements: dict
  sample: [{name: mail, via: mail, sent: true, message: ''}]
unsent:
  description: How many could not be sent.
  returned: always
  type: int
  sample: 0
"""
