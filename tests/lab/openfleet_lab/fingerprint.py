"""A host's files as a value to compare: what a scan must leave as it was."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from .hosts import Host

# Written by the login itself or by systemd's own housekeeping, whoever comes.
LOGIN_RECORDS = (
    "/var/log/wtmp",
    "/var/log/lastlog",
    "/var/log/btmp",
    "/var/log/wtmp.db",
    "/var/lib/lastlog",
    "/var/log/journal",
    "/run",
    "/run/motd.dynamic",
    "/run/utmp",
    "/run/systemd",
    "/run/user",
    "/run/log",
    "/run/dbus",
    "/run/credentials",
)


def fingerprint(host: Host, *, ignore: tuple[str, ...] = LOGIN_RECORDS) -> dict[str, str]:
    """Path -> type, mode, owner, time and content of everything that differs from the host's read-only layers.

    A file that is created, changed or removed anywhere shows, since overlayfs keeps every change in one folder; so does
    one that came and went, in its folder's time. /run, /tmp and /dev/shm, which are in memory, are read whole.
    A folder in `ignore` hides itself, and what is in it unless it is the top of what is read (/run).
    """
    found: dict[str, str] = {}
    inside = Path(f"/proc/{host.init_pid()}/root")
    below = [Path(layer) for layer in host.layers]
    for top, prefix in ((host.changes, ""), *((inside / name, f"/{name}") for name in ("run", "tmp", "dev/shm"))):
        for folder, folders, files in os.walk(top):
            shown = prefix + folder[len(str(top)) :]
            folders[:] = [name for name in folders if f"{shown}/{name}" not in ignore]
            for path in [folder, *(f"{folder}/{name}" for name in files)]:
                name = prefix + path[len(str(top)) :]
                seen = _describe(Path(path))
                if name not in ignore and (prefix or seen != _below(below, name)):
                    found[name or "/"] = seen
    return found


def _below(layers: list[Path], name: str) -> str:
    """What the topmost read-only layer has there: overlayfs copies a folder up unchanged for what it holds."""
    for layer in layers:
        path = Path(f"{layer}{name}")
        if path.exists() or path.is_symlink():
            return _describe(path)
    return "nothing"


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """One line for each path that is not as it was."""
    return [
        f"{path}: {before.get(path, 'was not there')} -> {after.get(path, 'is gone')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _describe(path: Path) -> str:
    try:
        seen = path.lstat()
        if stat.S_ISREG(seen.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = os.readlink(path) if stat.S_ISLNK(seen.st_mode) else str(seen.st_rdev)
    except FileNotFoundError:
        return "vanished while read"
    return f"{seen.st_mode:o} {seen.st_uid}:{seen.st_gid} {seen.st_mtime_ns} {content}"
