"""Drives the real job runner under a chosen shell, and ends it at the k-th command that it runs.

Crash points: every external command that changes something (``mv``, ``cp``, ``sync``, ``ln``, ...) is found first in a
folder of stand-ins, which count and, at the k-th, end what the mode says before the command takes place. Between two
such commands nothing on disk changes, so k = 1, 2, ... visits every state that a crash can leave.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import job_client
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobRequest, JobState, LogCursor
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan

COUNTED = ("mv", "cp", "rm", "mkdir", "ln", "sync", "dd", "setsid", "env")
SHELLS = {
    "dash": shutil.which("dash"),
    "bash": shutil.which("bash"),
    "busybox": shutil.which("busybox"),
}
MODES = {
    "power": "everything dies at once",
    "lossy power": "everything dies at once, and what was not flushed is gone",
    "runner": "the process that holds the lock is killed, its children live on",
    "parent": "whichever shell was about to run the command is killed",
}
OTHER_BOOT = "00000000-dead-4bad-8bad-000000000000"

_STAND_IN = """#!/bin/dash
real={real}
if [ -f '{root}/armed' ]; then
    read -r at <'{root}/armed'
    read -r seen <'{root}/count'
    echo "$((seen + 1))" >'{root}/count'
    if [ "$((seen + 1))" -ge "$at" ] && /bin/ln '{root}/armed' '{root}/crashed' 2>/dev/null; then
        /bin/rm -f '{root}/armed'
        {crash}
    fi
fi
{after}
exec $real "$@"
"""
_KILL_ALL = """
        for signal in STOP STOP KILL; do
            for file in $(/bin/grep -laF '{root}/state' /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null); do
                pid=${{file#/proc/}}; pid=${{pid%%/*}}
                [ "$pid" = "$$" ] || kill -$signal "$pid" 2>/dev/null
            done
        done
        exit 1
"""
_KILL_HOLDER = """
        token= role= job= pid=
        read -r token role job pid rest 2>/dev/null <'{root}/state/lock' || pid=$PPID
        kill -KILL "$pid"
"""
# What a disk is sure to hold: the content of a file that was flushed, the names in a folder that was flushed.
# On tmpfs no inode number is used twice.
_REMEMBER_FLUSHED = """
for path in "$@"; do
    [ -e "$path" ] && [ ! -L "$path" ] || continue
    inode=$(/usr/bin/stat -c %i "$path")
    if [ -d "$path" ]; then
        /usr/bin/find "$path" -mindepth 1 -maxdepth 1 -printf '%i %y %f\\n' >'{root}/flushed/'$inode.new
    else
        /bin/cp -p "$path" '{root}/flushed/'$inode.new
    fi
    /bin/mv '{root}/flushed/'$inode.new '{root}/flushed/'$inode
done
"""


@dataclass
class JobHost:
    """One host's state directory under ``root`` (on tmpfs), reached through ``shell``."""

    root: Path
    shell: str = "dash"
    mode: str = "power"

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.stand_ins = self.root / "stand-ins"
        self.stand_ins.mkdir(parents=True)
        (self.root / "flushed").mkdir()
        self.shell_path = SHELLS[self.shell] or ""
        self.tools = self._tools()

    def _tools(self) -> Path | None:
        if self.shell != "busybox":
            return None
        tools = self.root.parent.parent / "busybox-tools"
        if not tools.exists():
            tools.mkdir()
            listing = subprocess.run([self.shell_path, "--list"], capture_output=True, text=True, check=True)
            for applet in listing.stdout.split():
                # Its sync flushes the whole machine.
                if applet != "sync":
                    (tools / applet).symlink_to(self.shell_path)
        self.shell_path = str(tools / "sh")
        return tools

    def _stand_in(self, name: str) -> None:
        real = str(self.tools / name) if self.tools and (self.tools / name).exists() else shutil.which(name)
        crash = {"runner": _KILL_HOLDER, "parent": "kill -KILL $PPID"}.get(self.mode, _KILL_ALL)
        after = _REMEMBER_FLUSHED if self.mode == "lossy power" and name == "sync" else ""
        text = _STAND_IN.format(real=real, root=self.root, crash=crash, after=after)
        path = self.stand_ins / name
        path.write_text(text.replace("{root}", str(self.root)).replace("{{", "{").replace("}}", "}"))
        path.chmod(0o755)

    @property
    def search_path(self) -> str:
        return ":".join([str(self.stand_ins), *([str(self.tools)] if self.tools else []), job_client.SEARCH_PATH])

    def ask(self, request: JobRequest) -> JobState:
        return job_client.parse_answer(self.send(request), request.nonce)

    def send(self, request: JobRequest) -> str:
        answer = subprocess.run(
            [self.shell_path],
            input=request.program.encode(),
            capture_output=True,
            env={"HOST": str(self.state)},
            timeout=120,
            check=False,
        )
        return answer.stdout.decode()

    def start_request(self, plan: Plan) -> JobRequest:
        return job_client.start_request(
            plan, state_directory=str(self.state), search_path=self.search_path, shell=self.shell_path
        )

    def start(self, plan: Plan) -> JobState:
        return self.ask(self.start_request(plan))

    def poll(self, job_id: str, cursor: LogCursor | None = None, *, wait: int = 0) -> JobState:
        return self.ask(job_client.poll_request(job_id, cursor, wait=wait, state_directory=str(self.state)))

    def recover(self) -> JobState:
        return self.ask(job_client.recover_request(state_directory=str(self.state)))

    def current(self) -> JobState:
        return self.ask(job_client.current_request(state_directory=str(self.state)))

    def undo(self, job_id: str) -> JobState:
        return self.ask(job_client.undo_request(job_id, state_directory=str(self.state)))

    def job(self, job_id: str) -> Path:
        return self.state / "jobs" / job_id

    def settle(self, job_id: str, *, seconds: float = 120) -> JobState:
        """The job's state once nobody works on it any more."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # A look at the lock costs less than a poll; a dead runner leaves its lock, which only a poll can tell.
            soon = time.monotonic() + 0.2
            while (self.state / "lock").exists() and time.monotonic() < soon:
                time.sleep(0.02)
            state = self.poll(job_id, wait=2)
            if state.state in ("finished", "interrupted"):
                return state
        raise AssertionError(f"job {job_id} still runs: {state}")

    def arm(self, count: int) -> None:
        for name in COUNTED:
            self._stand_in(name)
        (self.root / "count").write_text("0\n")
        (self.root / "crashed").unlink(missing_ok=True)
        (self.root / "armed").write_text(f"{count}\n")

    def disarm(self) -> bool:
        """Whether the crash took place. From now on the real commands are found, except where flushing is recorded."""
        (self.root / "armed").unlink(missing_ok=True)
        for name in COUNTED:
            if name != "sync" or self.mode != "lossy power":
                (self.stand_ins / name).unlink(missing_ok=True)
        return (self.root / "crashed").exists()

    def new_boot(self) -> None:
        """What a reboot makes of the journal: its boot id is another one; if lossy, only flushed things are there."""
        self.end_all()
        if self.mode == "lossy power":
            self._only_flushed()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        for path in self.state.rglob("*"):
            if path.is_file() and (path.name in ("pid", "created") or path.name.startswith("lock")):
                text = path.read_text()
                if boot in text:
                    path.write_text(text.replace(boot, OTHER_BOOT))

    def end_all(self) -> None:
        """Nothing of this host is left running (a process between fork and exec may have escaped the stand-in)."""
        for _round in range(50):
            if not self.processes():
                return
            for pid in self.processes():
                subprocess.run(["kill", "-KILL", str(pid)], capture_output=True, check=False)
            time.sleep(0.02)
        raise AssertionError(f"cannot end {self.processes()}")

    def processes(self) -> list[int]:
        """Processes of the runner or of a step on this host."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
            except OSError:
                continue
            if str(self.state).encode() in text and not dead:
                found.append(int(folder.name))
        return found

    def _only_flushed(self) -> None:
        inode = self.state.stat().st_ino if self.state.exists() else 0
        rebuilt = self.root / "rebuilt"
        rebuilt.mkdir()
        self._rebuild(inode, rebuilt)
        if self.state.exists():
            shutil.rmtree(self.state)
        rebuilt.rename(self.state)
        # Inodes are new now, and all that is there is durable.
        flushed = self.root / "flushed"
        shutil.rmtree(flushed)
        flushed.mkdir()
        for path in [self.state, *self.state.rglob("*")]:
            known = flushed / str(path.stat().st_ino)
            if path.is_dir():
                kinds = [(entry, "d" if entry.is_dir() else "f") for entry in path.iterdir()]
                known.write_text("".join(f"{entry.stat().st_ino} {kind} {entry.name}\n" for entry, kind in kinds))
            else:
                shutil.copy2(path, known)
                shutil.chown(known, path.stat().st_uid, path.stat().st_gid)

    def _rebuild(self, inode: int, target: Path) -> None:
        listing = self.root / "flushed" / str(inode)
        if not listing.exists():
            return
        for line in listing.read_text().splitlines():
            number, kind, name = line.split(" ", 2)
            kept = self.root / "flushed" / number
            if kind == "d":
                (target / name).mkdir()
                self._rebuild(int(number), target / name)
            elif kind == "f" and kept.exists():
                shutil.copy2(kept, target / name)
                shutil.chown(target / name, os.stat(kept).st_uid, os.stat(kept).st_gid)
            elif kind == "f":
                (target / name).write_bytes(b"")
