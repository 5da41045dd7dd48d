"""The running hosts as an Ansible inventory (JSON, which is YAML to Ansible)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .api import LabHost, all_hosts
from .places import Lab


def inventory(lab: Lab, *, hosts: Sequence[LabHost] | None = None, user: str = "root") -> dict[str, object]:
    """Every host under `all`, in a group per kind, reached as `user`."""
    found = list(hosts) if hosts is not None else all_hosts(lab)
    groups: dict[str, dict[str, object]] = {}
    for host in found:
        members = groups.setdefault(host.kind.name, {"hosts": {}})["hosts"]
        members[host.name] = {}  # type: ignore[index]
    return {"all": {"hosts": {host.name: host.inventory(user) for host in found}, "children": groups}}


def write(lab: Lab, path: Path | None = None, *, hosts: Sequence[LabHost] | None = None, user: str = "root") -> Path:
    """The same as a file; by default the lab folder's inventory.json."""
    target = path or lab.inventory
    target.write_text(json.dumps(inventory(lab, hosts=hosts, user=user), indent=2) + "\n")
    return target
