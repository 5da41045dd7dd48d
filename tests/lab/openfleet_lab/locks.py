"""Locks that another program keeps on a host, for as long as a test wants them kept."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from .hosts import Host

_FILE = """\
import fcntl, os
os.makedirs(os.path.dirname({path!r}), exist_ok=True)
held = open({path!r}, "w")
fcntl.lockf(held, fcntl.LOCK_EX)
"""
_DNF = """\
import dnf.lock
lock = dnf.lock.build_metadata_lock("/var/cache/dnf", True)
lock.__enter__()
"""
# Ends when its standard input does, also together with the test.
_HELD = """\
import select, sys
print("held", flush=True)
select.select([sys.stdin], [], [], {seconds})
"""


@contextmanager
def file_lock_held(host: Host, path: str, *, seconds: float | None = None) -> Iterator[None]:
    """A Python keeps ``path`` locked until the block ends, or for so many seconds, as apt and dnf 5 lock theirs."""
    with _kept(host, _FILE.format(path=path) + _HELD.format(seconds=seconds)):
        yield


@contextmanager
def dnf_lock_held(host: Host) -> Iterator[None]:
    """Another dnf 4 keeps its lock until the block ends."""
    with _kept(host, f"{_DNF}{_HELD.format(seconds=None)}lock.__exit__()\n"):
        yield


@contextmanager
def _kept(host: Host, program: str) -> Iterator[None]:
    enter = ["nsenter", "-t", str(host.init_pid()), "-a", "--", "/usr/bin/python3", "-c", program]
    with subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()
