# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ansible-playbook process is this, and will this machine still have its files tomorrow?"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

EPHEMERAL_ADVICE = (
    "the files of this run are lost when the job's container ends. To keep them, run openfleet.patch.store in the same"
    " job with patch_store_url, or mount a persistent volume into the execution environment and set"
    " patch_state_directory to a folder on it"
)


def controller_key(pid: int | None = None) -> str:
    """A name for one ansible-playbook process that no other process, host or boot shares.

    Actions run in processes forked from ansible-playbook, so the parent is asked for by default. Host name and
    boot id are part of the key because several controllers may share one state directory.
    """
    pid = os.getppid() if pid is None else pid
    return f"{socket.gethostname()}:{_boot_id()}:{pid}:{_start_time(pid)}"


def login_name(environment: Mapping[str, str]) -> str | None:
    """Who runs the play: behind sudo the person who called it. None where the system has no name for the user."""
    behind = environment.get("SUDO_USER")
    if behind:
        return behind
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "-"


def _start_time(pid: int) -> str:
    try:
        # "123 (a name) with) S 1 ...": the name may hold anything, fields count from the last parenthesis.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        # No /proc, as on macOS.
        answer = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
        )
        return "-".join(answer.stdout.split())
    except (OSError, subprocess.TimeoutExpired):
        return "-"


def ephemeral_reason(environment: Mapping[str, str], *, runner_directory: bool) -> str | None:
    """Why the controller's files will not outlive the job, or None.

    ``runner_directory``: whether ``/runner`` exists, the private data folder that ansible-runner mounts into
    an execution environment. AWX and automation controller set ``AWX_*`` and ``JOB_ID`` in the job.
    """
    for name in ("AWX_JOB_ID", "TOWER_JOB_ID"):
        if environment.get(name):
            return f"this is AWX or automation controller job {environment[name]}"
    if any(name.startswith("AWX_") and value for name, value in environment.items()):
        return "this is an AWX or automation controller job"
    if runner_directory and environment.get("JOB_ID"):
        return f"this is an automation job ({environment['JOB_ID']}) in an execution environment"
    if runner_directory:
        return "this is an execution environment (/runner exists)"
    return None


def ephemeral_warning(environment: Mapping[str, str], *, runner_directory: bool) -> str | None:
    """The sentence to show, or None on a controller that keeps its files."""
    reason = ephemeral_reason(environment, runner_directory=runner_directory)
    return f"{reason}: {EPHEMERAL_ADVICE}" if reason else None
