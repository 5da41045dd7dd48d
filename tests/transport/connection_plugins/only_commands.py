# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to this machine that takes commands and files but no standard input, as paramiko does."""

from __future__ import annotations

import shutil
import subprocess

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: only_commands
short_description: this machine without pipelining
description: [For the transport tests.]
options:
  unreadable:
    description: Whether files arrive so that nobody but root may read them, as under an application allow-list.
    type: bool
    default: false
    vars: [{name: only_commands_unreadable}]
  run_as:
    description: The user that commands run as.
    default: root
    vars: [{name: only_commands_run_as}]
"""


class Connection(ConnectionBase):
    transport = "only_commands"
    has_pipelining = False

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if in_data:
            raise AnsibleError("this connection takes no standard input")
        argv = ["/bin/sh", "-c", cmd]
        if self.get_option("run_as") != "root":
            argv = ["setpriv", "--reuid", self.get_option("run_as"), "--clear-groups", *argv]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, out_path)
        if self.get_option("unreadable"):
            shutil.chown(out_path, "root")
            subprocess.run(["chmod", "0600", out_path], check=True)

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        shutil.copyfile(in_path, out_path)

    def close(self):
        self._connected = False
