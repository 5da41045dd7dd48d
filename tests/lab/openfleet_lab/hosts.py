"""One host of the lab: start, stop, and everything that can happen to a host in between."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from . import machine, network
from .places import CONTROLLER_ADDRESS, GUEST_FILES, SUBNET, Lab, LabError, replace, run
from .recipes import ROOT_PASSWORD, USERS

BOOT_SECONDS = 120
# The same for all: apt's phasing draws its lot from it, and one host in a hundred draws "0 %" as its turn.
MACHINE_ID = hashlib.sha256(b"openfleet-lab").hexdigest()[:32]
GUEST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Host:
    """A host known by its name; its facts live in its folder, so any process can pick it up."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.folder = lab.hosts / name
        self.root = self.folder / "root"
        self.changes = self.folder / "up"

    @property
    def facts(self) -> dict[str, object]:
        """`number`, `kind` and `layers` (lowest last) as given to create(), `cgroup` below the cgroup2 tree."""
        loaded: dict[str, object] = json.loads((self.folder / "host.json").read_text())
        return loaded

    @property
    def layers(self) -> list[str]:
        """The read-only layers it stands on, topmost first."""
        found = self.facts["layers"]
        assert isinstance(found, list)
        return [str(layer) for layer in found]

    @property
    def number(self) -> int:
        return int(str(self.facts["number"]))

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    @property
    def netns(self) -> str:
        return f"lab-{self.number}"

    @property
    def cgroup(self) -> Path:
        return machine.cgroup_root() / str(self.facts["cgroup"])

    def claim_name(self, owner: int) -> None:
        """Make the host's folder; a name is taken as long as it exists. `owner`: the process it ends with, 0: none."""
        try:
            self.folder.mkdir(parents=True)
        except FileExistsError:
            raise LabError(f"there is a host called {self.name} already") from None
        replace(self.folder / "owner", f"{owner}\n".encode())

    @property
    def owner(self) -> int | None:
        """The living process that will destroy the host; 0 when it stays until someone says so; None: an orphan."""
        try:
            pid = int((self.folder / "owner").read_text())
        except FileNotFoundError:
            # Claimed a moment ago, or going away: somebody is at it.
            return os.getppid()
        return pid if pid == 0 or Path(f"/proc/{pid}").exists() else None

    def create(self, layers: Sequence[Path], *, kind: str, names: Sequence[str] = ()) -> None:
        """Give the host (its name claimed) its address and root: `layers` from the topmost to the base."""
        network.ensure_bridge(self.lab)
        number = network.claim_address(self.lab, self.name)
        facts = {
            "number": number,
            "kind": kind,
            "layers": [str(layer) for layer in layers],
            "cgroup": f"{self.lab.cgroup_name}/{self.name}",
        }
        replace(self.folder / "host.json", json.dumps(facts).encode())
        for part in ("up", "work", "root"):
            (self.folder / part).mkdir()
        self._mount()
        self._introduce(names)
        network.plug_in(self.netns, self.number)

    def _mount(self) -> None:
        lower = ":".join(self.layers)
        run(
            [
                "mount",
                "-t",
                "overlay",
                "overlay",
                "-o",
                f"lowerdir={lower},upperdir={self.changes},workdir={self.folder / 'work'}",
                self.root,
            ]
        )

    def _introduce(self, names: Sequence[str]) -> None:
        etc = self.root / "etc"
        (etc / "hostname").write_text(self.name + "\n")
        (etc / "machine-id").write_text(MACHINE_ID + "\n")
        (etc / "hosts").write_text(
            f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n{CONTROLLER_ADDRESS} controller.lab {' '.join(names)}\n"
        )
        public = self.lab.ssh_key.with_suffix(".pub").read_text()
        for home, owner in [("root", 0), *((f"home/{u.name}", self._uid(u.name)) for u in USERS)]:
            folder = self.root / home / ".ssh"
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "authorized_keys").write_text(public)
            for path in (folder, folder / "authorized_keys"):
                os.chown(path, owner, owner)

    def _uid(self, user: str) -> int:
        for line in (self.root / "etc/passwd").read_text().splitlines():
            if line.startswith(user + ":"):
                return int(line.split(":")[2])
        raise LabError(f"{self.name} has no user {user}")

    def power_on(self, *, wait: bool = True) -> None:
        if self.running():
            raise LabError(f"{self.name} is running already")
        (self.folder / "pid").unlink(missing_ok=True)
        # setsid forks: the supervisor belongs to nobody's process table, so no caller has to reap it.
        with open(self.lab.logs / f"{self.name}.log", "ab") as log:
            subprocess.run(
                [
                    "setsid",
                    "--fork",
                    "unshare",
                    "-m",
                    "--propagation",
                    "slave",
                    "sh",
                    str(GUEST_FILES / "supervise.sh"),
                    self.name,
                    str(self.root),
                    self.netns,
                    str(self.facts["cgroup"]),
                    str(self.folder / "pid"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )
        if wait:
            self.wait_until_up()

    def processes(self) -> list[int]:
        """Process ids, as the machine sees them, of everything that belongs to the host."""
        found: list[int] = []
        # Units end while the tree is walked, above all at boot; os.walk passes over folders that are gone.
        for folder, _folders, _files in os.walk(self.cgroup):
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()]
        return found

    def running(self) -> bool:
        return bool(self.processes())

    def init_pid(self) -> int:
        """The host's PID 1 as the machine sees it."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("NSpid:") and len(line.split()) == 3 and line.split()[2] == "1":
                        return pid
        raise LabError(f"{self.name} has no PID 1: it is not running")

    def wait_until_up(self, seconds: float = BOOT_SECONDS) -> None:
        """Until sshd answers and systemd lets unprivileged users in."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError, LabError):
                with socket.create_connection((self.address, 22), timeout=1) as connection:
                    connection.settimeout(1)
                    if connection.recv(4) == b"SSH-" and not Path(f"/proc/{self.init_pid()}/root/run/nologin").exists():
                        return
            time.sleep(0.03)
        tail = (self.lab.logs / f"{self.name}.log").read_text(errors="replace")[-1500:]
        raise LabError(f"{self.name} ({self.address}) did not come up within {seconds:.0f} s:\n{tail}")

    def boot_id(self) -> str:
        return self.ssh(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def run(
        self, argv: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: float | None = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run as root inside the running host without sshd (also when its network is unplugged)."""
        enter = [
            "nsenter",
            "-t",
            str(self.init_pid()),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "--",
            "env",
            "-i",
            f"PATH={GUEST_PATH}",
            "HOME=/root",
            "LC_ALL=C.UTF-8",
        ]
        return run([*enter, *argv], check=check, stdin=stdin, timeout=timeout)

    def ssh_argv(self, user: str = "root") -> list[str]:
        options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "BatchMode=yes",
            "ConnectTimeout=5",
        ]
        return [
            "ssh",
            "-i",
            str(self.lab.ssh_key),
            *(word for o in options for word in ("-o", o)),
            f"{user}@{self.address}",
        ]

    def ssh(
        self, argv: Sequence[str], *, user: str = "root", check: bool = True, timeout: float | None = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run over SSH; the words are joined by the remote shell, as ssh does."""
        return run([*self.ssh_argv(user), *argv], check=check, timeout=timeout)

    def reboot(self) -> None:
        """An orderly reboot asked for inside the host; returns when it is up with another boot id."""
        before = self.boot_id()
        self.run(["systemctl", "--no-block", "reboot"])
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(LabError, subprocess.TimeoutExpired):
                self.wait_until_up(5)
                if self.boot_id() != before:
                    return
        raise LabError(f"{self.name} still has boot id {before} after {BOOT_SECONDS} s")

    def power_off(self, seconds: float = 10) -> None:
        """An orderly stop; what does not stop within `seconds` loses its power."""
        self.thaw()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "pid").read_text()), signal.SIGTERM)
        until = time.monotonic() + seconds
        while self.running() and time.monotonic() < until:
            time.sleep(0.05)
        self.power_cut()

    def power_cut(self) -> None:
        """Everything of the host dies at once, without a word to it. What it had written stays written."""
        if self.cgroup.exists():
            (self.cgroup / "cgroup.kill").write_text("1")
            until = time.monotonic() + 10
            while self.running():
                if time.monotonic() > until:
                    raise LabError(f"{self.name}: processes {self.processes()} outlived cgroup.kill")
                time.sleep(0.02)
        for path in sorted(self.cgroup.rglob("*"), reverse=True) if self.cgroup.exists() else []:
            if path.is_dir():
                path.rmdir()
        with contextlib.suppress(FileNotFoundError):
            self.cgroup.rmdir()

    def freeze(self) -> None:
        """The host stands still: connections are open, nothing answers."""
        (self.cgroup / "cgroup.freeze").write_text("1")

    def thaw(self) -> None:
        if self.cgroup.exists():
            (self.cgroup / "cgroup.freeze").write_text("0")

    def unplug(self) -> None:
        network.unplug(self.netns)

    def plug(self) -> None:
        network.plug(self.netns)

    def destroy(self) -> None:
        """Stop it and take everything of it away. Safe to repeat, and on a half-made host."""
        if (self.folder / "host.json").exists():
            self._end_connections()
            self.power_cut()
            network.pull_out(self.netns, self.number)
        while os.path.ismount(self.root):
            run(["umount", self.root])
        network.release_address(self.lab, self.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.lab.logs / f"{self.name}.log").unlink(missing_ok=True)

    def _end_connections(self) -> None:
        """End Ansible's kept SSH connections: the address's next owner must not be reached through them."""
        for socket_path in self.lab.control_sockets.glob(f"*@{self.address}"):
            run(["ssh", "-O", "exit", "-o", f"ControlPath={socket_path}", "lab"], check=False, timeout=10)
            socket_path.unlink(missing_ok=True)

    def inventory(self, user: str = "root") -> dict[str, object]:
        """Ansible variables that reach the host as `user`."""
        common = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        variables: dict[str, object] = {
            "ansible_host": self.address,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.lab.ssh_key),
            "ansible_ssh_common_args": f"{common} -o ControlPath={self.lab.control_sockets}/%r@%h",
            "lab_root_password": ROOT_PASSWORD,
            "lab_passwords": {u.name: u.password for u in USERS},
        }
        if user != "root":
            variables["ansible_become"] = True
            variables["ansible_become_password"] = next(u.password for u in USERS if u.name == user)
        return variables
