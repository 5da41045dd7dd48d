# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every task that is given hooks."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  pre_install:
    description:
      - Hooks before anything is installed, one or a list. The first that fails ends the way; nothing is installed then.
      - A hook is the path of a task file, or a mapping with C(tasks), C(role) or C(command); C(docs/hooks.md) of this
        collection tells every key.
    type: raw
  post_install:
    description:
      - Hooks after the installation and before the reboot. The first that fails ends the way, without a reboot.
    type: raw
  on_exit:
    description:
      - Hooks at the end, after the reboot. All of them are run, whatever went wrong before.
    type: raw
  after_reboot_checks:
    description:
      - What must hold once the host was rebooted, one or a list of mappings with C(services), C(port), C(url),
        C(tasks), C(role) or C(command). One that does not hold, unless it has C(required=false), makes the host a
        failed one.
    type: raw
"""
