"""What the lab needs of this machine, as data; no effect but looking."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Command, and the Debian package that brings it.
COMMANDS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "unshare": "util-linux",
}


def missing_for_the_lab() -> list[str]:
    """One phrase for each thing that is not there; empty when the lab can run."""
    missing = [] if os.geteuid() == 0 else ["needs root"]
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    for command, package in COMMANDS.items():
        if shutil.which(command, path=path) is None:
            missing.append(f"{command} is not installed (Debian package {package})")
    if not Path("/proc/self/ns/net").exists():
        missing.append("the kernel has no network namespaces")
    return missing
