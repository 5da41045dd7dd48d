"""Where the lab keeps its things, the one error it raises, and the locks that let runs share it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

SUBNET = "10.77.0"
CONTROLLER_ADDRESS = f"{SUBNET}.1"
BRIDGE = "lab0"
# Says which lab folder the bridge belongs to: two folders cannot share one address range.
OWNER_FILE = Path("/run/openfleet-lab.owner")
GUEST_FILES = Path(__file__).parent / "guest"


class LabError(Exception):
    """Something the lab tried did not work; the message says what was seen."""


class LabUnavailable(LabError):
    """This machine cannot carry the lab at all (not root, not Debian). Tests turn it into a skip."""


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    check: bool = True,
    env: dict[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one command, output captured; raises LabError with the end of its output unless `check` is off."""
    words = [str(word) for word in argv]
    where = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
        timeout=timeout,
        env={**os.environ, **env} if env else None,
        **where,
    )
    if check and done.returncode:
        raise LabError(f"{' '.join(words)}: exit {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
    return done


def replace(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old one or the new one whole; a hard link elsewhere keeps the old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.rename(path)


class Lab:
    """Paths inside one lab folder. Nothing is created before `prepare()`."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or os.environ.get("OPENFLEET_LAB") or "/var/tmp/openfleet-lab")
        self.bases = self.folder / "bases"
        self.layers = self.folder / "layers"
        self.hosts = self.folder / "hosts"
        self.addresses = self.folder / "addresses"
        self.repositories = self.folder / "repositories"
        self.keys = self.folder / "keys"
        self.locks = self.folder / "locks"
        self.logs = self.folder / "logs"
        self.users = self.folder / "users"
        self.control_sockets = self.folder / "cp"
        self.inventory = self.folder / "inventory.json"

    @property
    def cgroup_name(self) -> str:
        """Each folder's own: a lab in other namespaces still shares the machine's one cgroup tree."""
        return f"openfleet-lab-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]}"

    def prepare(self) -> None:
        for path in (
            self.bases,
            self.layers,
            self.hosts,
            self.addresses,
            self.repositories,
            self.locks,
            self.logs,
            self.users,
        ):
            path.mkdir(parents=True, exist_ok=True)
        for path in (self.keys, self.control_sockets):
            path.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold one named lock of this folder, across processes; the kernel frees it when the holder dies."""
        self.locks.mkdir(parents=True, exist_ok=True)
        with open(self.locks / name, "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @property
    def ssh_key(self) -> Path:
        return self.keys / "id_ed25519"

    def ensure_ssh_key(self) -> Path:
        with self.lock("keys"):
            if not self.ssh_key.exists():
                run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "openfleet-lab", "-f", self.ssh_key])
        return self.ssh_key
