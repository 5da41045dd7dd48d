"""What the channel says of a host that cannot be reached."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.channel import HostChannel

GONE = 'Data could not be sent to remote host "web1". Make sure this host can be reached over ssh: '
REASON = "Failed to connect to the host via ssh: ssh: connect to host web1 port 1: Connection refused"


class Action:
    """An action whose ssh is gone before it takes the data, and has its reason only when asked without any."""

    def __init__(self, reason: str) -> None:
        self._connection = SimpleNamespace(become=None, transport="ssh", get_option=lambda _name: True)
        self._task = SimpleNamespace(environment=None)
        self._templar = None
        self.reason = reason

    def _low_level_execute_command(self, _command: str, in_data: bytes | None = None, **_more: Any) -> None:
        raise AnsibleConnectionFailure(GONE if in_data is not None else self.reason)


def test_ssh_that_is_gone_before_it_takes_the_data_is_asked_once_more_for_its_reason() -> None:
    action: Any = Action(REASON)
    channel = HostChannel(action, {"inventory_hostname": "web1"}, seconds=5)
    with pytest.raises(AnsibleConnectionFailure, match="port 1: Connection refused"):
        channel._run("true", b"data", None)
