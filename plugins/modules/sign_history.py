# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the task; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sign_history
short_description: Sign compliance documents with an SSH key
version_added: 1.0.0
description:
  - Writes a list of the digests of all documents of a run into C(signatures) of the state directory and signs it by
    C(ssh-keygen -Y sign), once for the run. M(openfleet.patch.verify_history) checks it by its O(openfleet.patch.verify_history#module:allowed_signers).
  - A run whose documents are all signed already is left alone.
  - Works on the controller alone and connects to no host. C(run_once) and C(delegate_to=localhost) belong to it.
author:
  - The openfleet.patch developers (@openfleet)
requirements:
  - OpenSSH 8.2 or newer on the controller
options:
  key:
    description:
      - The key to sign with, the path of a private key without a passphrase, or of a public key whose private key C(ssh-agent) has.
      - A key on a hardware token that asks to be touched asks once for each run.
    type: path
    required: true
  run_id:
    description:
      - The run to sign, a UUID, V(latest) or V(previous); V(all) signs every run.
    type: str
    default: latest
extends_documentation_fragment:
  - openfleet.patch.attributes
  - openfleet.patch.attributes.controller
  - openfleet.patch.run.state
attributes:
  check_mode:
    details: In check mode nothing is signed and the task is skipped.
seealso:
  - module: openfleet.patch.verify_history
"""

EXAMPLES = r"""
- name: Sign the newest run
  hosts: all
  gather_facts: false
  tasks:
    - name: Sign it
      openfleet.patch.sign_history:
        key: ~/.ssh/patch_evidence.pub
      delegate_to: localhost
      run_once: true
"""

RETURN = r"""
signed:
  description: Number of documents that were signed now, by run.
  returned: success
  type: dict
  sample: {3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10: 20}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: A stable word for programs.
      type: str
      sample: not_signed
    message:
      description: What was tried, what was seen and what to do.
      type: str
"""
