# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readers of every Linux host say alike, whatever its package manager: disks, processes, boot, refresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.identity import Identity, parse_os_release
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import BOOT_RESERVE, LOW_DISK

from . import _answer
from ._answer import Part

Reason = dict[str, Any]
# First processes and buses cannot be restarted on their own; a login session outlives every restart of a service.
_NEEDS_BOOT = ("systemd", "init", "dbus-daemon", "dbus-broker", "systemd-logind")
_BUSY = 64 << 20


def utc(seconds: int) -> str:
    """1700000000 -> 2023-11-14T22:13:20Z"""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(instant: str) -> float:
    return datetime.strptime(instant, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


def os_release(reading: Mapping[str, Any], result: Part) -> dict[str, str]:
    """The fields of the os-release file as the bootstrap read it, else as the reader did."""
    text = Part.of(reading.get("system") or {}, "system").value.get("os_release")
    text = text or result.part("identity_files").value.get("os-release") or ""
    if not isinstance(text, str):
        raise _answer.refuse("system.os_release", "text", text)
    return {key: _answer.clean(value, 200) for key, value in parse_os_release(text[:65536]).items()}


def system(fields: Mapping[str, str], identity: Identity, kernels: Part) -> dict[str, Any]:
    """``os`` of an inventory; ``fields`` are those of the os-release file."""
    return {
        "id": identity.os_id,
        "id_like": fields.get("ID_LIKE"),
        "version": identity.version,
        "codename": identity.codename,
        "name": fields.get("PRETTY_NAME"),
        "kernel": kernels.text("running"),
        "arch": kernels.text("arch"),
    }


def refresh(part: Part) -> dict[str, Any]:
    return {
        "attempted": part.flag("attempted"),
        "ok": part.maybe_flag("ok"),
        "errors": part.texts("errors", 1000, 100),
        "skipped_because": part.text("skipped_because", 500),
    }


def conclude(result: Part, reasons: list[Reason]) -> dict[str, Any]:
    """``reboot`` of an inventory: not required only where every signal could be read."""
    processes = result.part("processes")
    hidden = processes.integer("unreadable") and not result.flag("privileged")
    unsure = bool(hidden) or processes.flag("truncated")
    required: bool | None = True
    if not any(reason["needs_boot"] for reason in reasons):
        required = None if unsure else False
    for reason in reasons:
        del reason["needs_boot"]
    return {"required": required, "reasons": reasons}


def deleted_libraries(result: Part) -> list[Reason]:
    reasons = []
    for part in result.part("processes").parts("stale"):
        name, service = part.text("name", 64) or "a process", part.text("service")
        libraries = part.texts("libraries", 300, 100)
        detail = f"{service or name} still runs replaced files: {', '.join(libraries[:3])}"
        needs_boot = name in _NEEDS_BOOT
        reasons.append({"kind": "deleted_libraries", "detail": detail, "packages": [], "needs_boot": needs_boot})
    return reasons


def disk(result: Part) -> list[dict[str, Any]]:
    """Each file system once: the reader asks for /boot and /var whether or not they are mounts of their own."""
    found: list[dict[str, Any]] = []
    for part in result.parts("disk"):
        row: dict[str, Any] = {"path": part.text("path", 500)}
        row.update({name: part.integer(name, 0, 2**64) for name in ("free_bytes", "size_bytes", "free_inodes")})
        if not any(_same_file_system(row, other) for other in found):
            found.append(row)
    return found


def _same_file_system(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Asked one after the other on a busy host, the free space of one file system differs a little."""
    near = abs(one["free_bytes"] - other["free_bytes"]) < _BUSY
    return bool(one["size_bytes"] == other["size_bytes"] and near)


def stale(processes: Part) -> dict[str, Any]:
    return {
        "processes": [
            {"name": part.text("name", 64), "service": part.text("service"),
             "pids": [_answer.integer(pid, f"{part.where}.pids", 0, 2**32) for pid in part.items("pids")],
             "libraries": part.texts("libraries", 300, 100)}
            for part in processes.parts("stale")
        ],
        "unreadable": processes.integer("unreadable"),
        "complete": not processes.flag("truncated"),
    }  # fmt: skip


def lock(result: Part) -> dict[str, Any] | None:
    part = result.maybe_part("lock")
    if part is None:
        return None
    return {"pid": part.integer("pid"), "name": part.text("name", 64), "file": part.text("file", 500)}


def running_updaters(part: Part) -> list[dict[str, Any]]:
    return [{"pid": each.integer("pid"), "name": each.text("name", 64)} for each in part.parts("running")]


def disk_warnings(rows: list[dict[str, Any]]) -> tuple[list[dict[str, str]], bool]:
    """Warnings, and whether /boot is full."""
    found, full = [], False
    for disk in rows:
        boot = disk["path"] == "/boot"
        if disk["free_bytes"] < (BOOT_RESERVE if boot else LOW_DISK):
            full = full or boot
            more = f"; a new kernel needs about {BOOT_RESERVE >> 20} MiB" if boot else ""
            found.append(warning("low_disk", f"{disk['path']} has {disk['free_bytes'] >> 20} MiB free{more}"))
    return found, full


def superseded_kernels(kernels: dict[str, Any]) -> list[str]:
    """Releases, newest first, beyond the running one and the two newest."""
    if kernels["container"]:
        return []
    return [each["release"] for each in kernels["installed"][2:] if each["release"] != kernels["running"]]


def warning(kind: str, message: str) -> dict[str, str]:
    return {"kind": kind, "message": message}
