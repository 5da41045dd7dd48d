# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep one exec within its time and size.

Ansible's connections collect all output before they return, for as long as it comes. While an exec runs, a
thread looks at the clock and at the growth of this worker's memory; past a limit it raises an exception in the
main thread by a signal, which works for every connection plugin, with a child process or without.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.frames import too_large

_INTERVAL = 0.1
_SIGNAL = signal.SIGUSR2
# Output is held as chunks, joined and decoded while a connection collects it.
_COPIES = 3


class _Stop(BaseException):
    """Not an Exception: connection plugins retry those."""


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as handle:
            return int(handle.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _parents() -> dict[int, int]:
    """``{pid: parent pid}`` of all processes that can be seen."""
    parents = {}
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as handle:
                        # "17 (a name) with) S 1 ..."
                        parents[int(name)] = int(handle.read().rpartition(")")[2].split()[1])
        return parents
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        pid, parent = line.split()
        parents[int(pid)] = int(parent)
    return parents


def _descendants(parents: dict[int, int], root: int) -> list[int]:
    found, level = [], {root}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        found += sorted(level)
    return found


def _end_children(before: set[int]) -> None:
    """End what this exec started (an ssh client, a local shell and its children), never what was there before."""
    for pid in _descendants(_parents(), os.getpid()):
        if pid not in before:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class _Watch(threading.Thread):
    def __init__(self, seconds: float, limit: int) -> None:
        super().__init__(daemon=True)
        self._deadline = time.monotonic() + seconds
        self._start = _resident_bytes()
        self._limit = limit * _COPIES
        self._done = threading.Event()
        self._main = threading.main_thread().ident
        self.reason: str | None = None

    def run(self) -> None:
        while not self._done.wait(_INTERVAL):
            if time.monotonic() > self._deadline:
                self.reason = "time"
            elif _resident_bytes() - self._start > self._limit:
                self.reason = "size"
            if self.reason and self._main is not None:
                signal.pthread_kill(self._main, _SIGNAL)
                return

    def end(self) -> None:
        self._done.set()
        self.join()


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


@contextlib.contextmanager
def bounded(*, seconds: int, limit: int) -> Iterator[None]:
    """Raises ``PatchError`` ``timed_out`` or ``answer_too_large`` when the body exceeds ``seconds`` or ``limit`` bytes.

    Whatever ends the body early (an interrupt and Ansible's own task timeout too) also ends the processes that it
    started, so that no ssh client waits on for a host that hangs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = set(_descendants(_parents(), os.getpid()))
    watch = _Watch(seconds, limit)
    previous = signal.signal(_SIGNAL, _raise)
    finished = False
    try:
        try:
            watch.start()
            yield
            finished = True
        finally:
            watch.end()
    except _Stop:
        if watch.reason == "size":
            raise too_large(limit, limit) from None
        raise PatchError(
            "timed_out",
            f"The host did not finish within {seconds} seconds. It may hang, or its package lists take longer to "
            "refresh; see what it is doing, or raise the option timeout.",
            seconds=seconds,
        ) from None
    except Exception:
        finished = True
        raise
    finally:
        signal.signal(_SIGNAL, previous)
        if not finished:
            _end_children(before)
