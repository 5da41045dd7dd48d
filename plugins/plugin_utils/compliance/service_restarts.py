# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services that still run replaced files can be restarted at once, and which are better left for a reboot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StaleServices:
    """What still runs files that were replaced: ``restart`` may be restarted at any time."""

    restart: dict[str, list[int]]
    """Unit and those of its processes that run replaced files."""
    reexec: bool
    """The first process itself, which can execute itself anew without a reboot."""
    left: list[dict[str, str]]
    """``name`` and ``why`` of what is better left for a reboot."""


_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,200}\.service\Z")
_LEAVE = (
    (re.compile(r"dbus(-broker|-org\..*)?\.service\Z"), "the message bus: what is connected to it would lose it"),
    (re.compile(r"(systemd-logind|elogind)\.service\Z"), "it holds the login sessions"),
    (re.compile(r"user@.*\.service\Z|user-runtime-dir@"), "a user's own session"),
    (re.compile(r"(getty|serial-getty|console-getty|container-getty)\b"), "a login terminal"),
    (
        re.compile(r"(gdm3?|lightdm|sddm|xdm|kdm|display-manager|lxdm|nodm)\.service\Z"),
        "it would end graphical sessions",
    ),
    (
        re.compile(
            r"(NetworkManager|network-manager|networking|network|wpa_supplicant|connman|iwd|ifup@.*|wicked.*"
            r"|systemd-networkd|openvpn.*|wg-quick@.*|strongswan.*|ipsec)\.service\Z"
        ),
        "it carries the network that this connection may come by",
    ),
    (
        re.compile(
            r"(docker|containerd|crio|podman.*|lxc.*|lxd|incus|libvirtd|virtqemud|qemu-kvm|machine.*)\.service\Z"
        ),
        "containers or virtual machines may end with it",
    ),
    (
        re.compile(r"(iscsid|open-iscsi|multipathd|lvm2-.*|rpcbind|nfs-.*|glusterd|ceph.*)\.service\Z"),
        "it carries storage",
    ),
    (re.compile(r"openfleet-patch-"), "a patch job"),
)
_FIRST = ("systemd", "init")


def choose_restarts(stale: Mapping[str, Any]) -> StaleServices:
    """Sort the processes (``name``, ``service``, ``pids``) of ``findings["deleted_libraries"]`` by what can be done."""
    restart: dict[str, list[int]] = {}
    left: dict[str, str] = {}
    reexec = False
    for process in stale.get("processes") or ():
        name, unit = str(process.get("name")), process.get("service")
        if unit is None and name in _FIRST:
            reexec = True
        elif unit is None:
            left[name] = "it belongs to no service"
        elif not _UNIT.match(str(unit)):
            left[str(unit)] = "its name is not one of a service"
        else:
            why = next((reason for pattern, reason in _LEAVE if pattern.match(unit)), None)
            if why is None:
                restart.setdefault(unit, []).extend(int(pid) for pid in process.get("pids") or ())
            else:
                left[unit] = why
    return StaleServices(
        dict(sorted(restart.items())), reexec, [{"name": name, "why": left[name]} for name in sorted(left)]
    )
