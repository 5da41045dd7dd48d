# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that changes packages, which is a job of its own on the host."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - Seconds to wait while another program uses the package manager.
    type: int
    default: 600
  step_timeout:
    description:
      - Seconds after which a single command on the host is ended, with every process that it started.
    type: int
    default: 7200
  host_timeout:
    description:
      - Seconds that installing or taking back may take on this host in all. What is under way then is ended and the
        result is C(TIMED_OUT).
    type: int
    default: 14400
  reconnect_timeout:
    description:
      - Seconds that the host may be out of reach while its job runs, before the task ends as unreachable. The job
        goes on.
    type: int
    default: 600
  debian8_signing_key:
    description:
      - The OpenPGP public key that is trusted on a Debian 8 host while it is patched, as an armored block or as the
        name of a file on the controller (armored or binary). It is removed from the host when the work ends,
        whatever its end.
      - Without it, the key that Patch Manager imports, the Debian Security Archive Automatic Signing Key
        (9/stretch). That one expired on 2025-05-20; give the key of your own mirror, or of extended support.
    type: str
  debian8_signing_key_fingerprint:
    description:
      - The fingerprint of O(debian8_signing_key), 40 hexadecimal digits; of each primary key where it holds
        several. The task fails before it touches a host unless they are exactly those.
    type: list
    elements: str
  debian8_accept_expired_release:
    description:
      - Whether Release files whose C(Valid-Until) has passed are accepted on Debian 8 for this run, as those of
        archives are that nobody updates any more. Signatures are checked always.
    type: bool
    default: false
  reboot_option:
    description:
      - How the run deals with reboots, for the document; M(openfleet.patch.reboot_host) acts on it.
    type: str
    choices: [RebootIfNeeded, NoReboot, OnlyIfRequired]
    default: RebootIfNeeded
"""
