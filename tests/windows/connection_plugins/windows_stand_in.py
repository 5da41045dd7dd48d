# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a Windows host that is none (tests/tools/windows_host.py), as winrm and psrp are to real ones."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from windows_host import Unreachable, WindowsHost

DOCUMENTATION = """
name: windows_stand_in
short_description: a stand-in for a Windows host
description: [For tests.]
options:
  folder:
    description: The folder of the host's state.
    required: true
    vars: [{name: windows_folder}]
  connection_timeout:
    description: Seconds, which win_reboot sets and resets.
    type: float
    default: 30
    vars: [{name: windows_connection_timeout}]
"""


class Connection(ConnectionBase):
    transport = "windows_stand_in"
    module_implementation_preferences = (".ps1", ".exe", "")
    allow_executable = False
    has_pipelining = True
    always_pipeline_modules = True

    def __init__(self, *args, **kwargs):
        self._shell_type = "powershell"
        super().__init__(*args, **kwargs)

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        try:
            return WindowsHost(Path(self.get_option("folder"))).answer(cmd, in_data)
        except Unreachable as error:
            raise AnsibleConnectionFailure(str(error)) from error

    def put_file(self, in_path, out_path):
        raise AnsibleError("nothing is put on a Windows host")

    def fetch_file(self, in_path, out_path):
        raise AnsibleError("nothing is fetched from a Windows host")

    def reset(self):
        self.close()
        self._connect()

    def close(self):
        self._connected = False
