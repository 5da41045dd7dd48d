# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_history
short_description: Check that compliance documents are what was written
version_added: 1.0.0
description:
  - Every document is recorded with its digest in a chain per host. This task holds documents and chains against each
    other and fails when one was edited, removed or added by hand.
  - Whoever can write the documents can write the chains too. Keep heads elsewhere with O(write_heads), and pass them as
    O(expect_heads), to notice that the newest documents or a whole chain were replaced.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
options:
  expect_heads:
    description:
      - A file that O(write_heads) wrote earlier. Each head in it has to be a link of its chain still.
    type: path
  write_heads:
    description:
      - A file on the controller for the newest link of every chain. Copy it to where those who can write documents
        cannot write, and sign it there if you like.
    type: path
  allowed_signers:
    description:
      - A file of keys that may sign, as C(ssh-keygen) describes it under ALLOWED SIGNERS. With it every document has to be
        signed by one of them, see M(openfleet.patch.sign_history); O(state_directory) is where signatures are, also those
        of documents in O(store_url).
    type: path
  accept:
    description:
      - Kinds of problems that are told and do not fail the task. V(run_removed) is for those who delete run directories,
        V(unrecorded) for documents that are older than the chains, V(unsigned) for those that were not signed yet.
    type: list
    elements: str
    choices: [run_removed, unrecorded, unsigned]
    default: []
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
  - openfleet.patch.run.store
seealso:
  - module: openfleet.patch.sign_history
  - module: openfleet.patch.store_documents
"""

EXAMPLES = r"""
- name: Verify the history against the heads of last week, and note those of today
  hosts: all
  gather_facts: false
  tasks:
    - name: Verify
      openfleet.patch.verify_history:
        expect_heads: /mnt/audit/heads-last-week.json
        write_heads: /mnt/audit/heads-today.json
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
documents:
  description: Number of documents that are as they were recorded.
  returned: success or failure
  type: int
  sample: 240
problems:
  description:
    - What is wrong, by C(host) (as in file names), C(run_id), C(kind) and C(message).
    - Kinds are C(edited), C(removed), C(run_removed), C(broken_chain), C(lost_head), C(unrecorded),
      C(unsigned) and C(bad_signature).
  returned: success or failure
  type: list
  elements: dict
  sample: []
signers:
  description: Who signed, as O(allowed_signers) names them.
  returned: success or failure
  type: list
  elements: str
  sample: [audit@example.com]
heads:
  description: The newest link of every chain, by host as in file names.
  returned: success or failure
  type: dict
  sample: {web1: 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'}
"""
