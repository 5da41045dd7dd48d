"""Is this machine able to carry the lab, and what is missing for it?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .places import LabError, LabUnavailable, run

# A command the lab calls -> the Debian package that has it.
NEEDED = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "rpmbuild": "rpm",
    "createrepo_c": "createrepo-c",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "xz": "xz-utils",
}
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")


def why_not() -> str | None:
    """One line saying why this machine cannot carry the lab, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "the lab starts systemd hosts, which needs root (sudo); nothing was started"
    if not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return "the lab builds its hosts with mmdebstrap, which needs a Debian-family machine; nothing was started"
    if not any(line.split()[2:3] == ["cgroup2"] for line in Path("/proc/self/mounts").read_text().splitlines()):
        return "the lab gives every host its own cgroup, which needs a mounted cgroup2 tree; nothing was started"
    return None


def require() -> None:
    """Raise LabUnavailable with the reason, or install what is missing and raise the kernel limits needed."""
    reason = why_not()
    if reason:
        raise LabUnavailable(reason)
    missing = sorted({package for command, package in NEEDED.items() if not shutil.which(command)})
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        missing.append("debian-archive-keyring")
    if missing:
        run(["apt-get", "update", "-q"])
        run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
    # 128, the default, ends at about 20 guests: "Too many open files".
    if int(INOTIFY_INSTANCES.read_text()) < 1024:
        try:
            INOTIFY_INSTANCES.write_text("1024\n")
        except OSError as error:
            raise LabError(f"cannot raise fs.inotify.max_user_instances: {error}") from error


def cgroup_root() -> Path:
    """Mount point of the cgroup2 tree: /sys/fs/cgroup, or its `unified` folder on a hybrid machine."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        target = Path(line.split()[1])
        # A mount can be hidden by a later one above it.
        if line.split()[2] == "cgroup2" and (target / "cgroup.controllers").exists():
            return target
    raise LabError("no cgroup2 tree is mounted")
