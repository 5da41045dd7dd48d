"""The hosts as an Ansible inventory (JSON, which is YAML to Ansible)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from .api import LabHost, all_hosts
from .places import Lab, LabError, replace


def inventory(lab: Lab, *, hosts: Sequence[LabHost] | None = None, user: str = "root") -> dict[str, object]:
    """Every host that stays (or `hosts`) under `all`, in a group per kind, reached as `user`."""
    variables: dict[str, dict[str, object]] = {}
    groups: dict[str, dict[str, dict[str, object]]] = {}
    for host in hosts if hosts is not None else [host for host in all_hosts(lab) if host.owner == 0]:
        # Other runs start and end hosts meanwhile: one that is half made or half gone is none, nor is one of a kind
        # that only another checkout knows.
        with contextlib.suppress(FileNotFoundError, LabError):
            kind, variables[host.name] = host.kind.name, host.inventory(user)
            groups.setdefault(kind, {"hosts": {}})["hosts"][host.name] = {}
    return {"all": {"hosts": variables, "children": groups}}


def script(lab: Lab, names: Sequence[str]) -> dict[str, object]:
    """What an inventory script answers to --list, for some hosts; nothing while there are none."""
    hosts = [host for host in all_hosts(lab) if host.name in names]
    return {
        "all": {"hosts": [host.name for host in hosts]},
        "_meta": {"hostvars": {host.name: host.inventory() for host in hosts}},
    }


def write(lab: Lab, path: Path | None = None, *, hosts: Sequence[LabHost] | None = None, user: str = "root") -> Path:
    """The same as a file; by default the lab folder's inventory.json."""
    target = path or lab.inventory
    replace(target, (json.dumps(inventory(lab, hosts=hosts, user=user), indent=2) + "\n").encode())
    return target
