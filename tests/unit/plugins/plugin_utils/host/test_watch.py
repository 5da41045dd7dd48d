"""An exec is kept within its time and size, whatever it does, and leaves no process behind."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.watch import bounded

MEGABYTE = 1024 * 1024


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            return handle.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_stays_within_its_bounds_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    with bounded(seconds=60, limit=MEGABYTE):
        assert sum(range(1000)) == 499500
    assert signal.getsignal(signal.SIGUSR2) == before


def test_a_child_that_hangs_is_given_up_in_time_and_ended_with_its_own_children() -> None:
    started = time.monotonic()
    children: list[subprocess.Popen[bytes]] = []

    def hang() -> None:
        with bounded(seconds=1, limit=MEGABYTE):
            children.append(subprocess.Popen(["sh", "-c", "sleep 61.5 & wait"], stdout=subprocess.PIPE))
            children[0].communicate()

    with pytest.raises(PatchError) as caught:
        hang()
    assert caught.value.kind == "timed_out"
    # Long before the child would have ended by itself.
    assert time.monotonic() - started < 45
    assert children[0].wait(timeout=30) == -signal.SIGKILL
    # Its output ends when the last process that holds it has gone.
    assert children[0].stdout is not None
    assert children[0].stdout.read() == b""


def test_output_without_end_is_cut_before_it_fills_the_memory() -> None:
    with pytest.raises(PatchError) as caught, bounded(seconds=60, limit=4 * MEGABYTE):
        subprocess.run(["cat", "/dev/zero"], capture_output=True, check=False)
    assert caught.value.kind == "answer_too_large"


def start_and_raise(error: BaseException) -> subprocess.Popen[bytes]:
    """The child of a body that ended by ``error``."""
    children = []

    def body() -> None:
        with bounded(seconds=60, limit=MEGABYTE):
            children.append(subprocess.Popen(["sleep", "300"]))
            raise error

    with pytest.raises(type(error), match="mine"):
        body()
    return children[0]


def test_an_exception_of_the_body_passes_and_its_children_are_not_touched() -> None:
    child = start_and_raise(ValueError("mine"))
    assert alive(child.pid)
    child.kill()
    child.wait()


def test_an_interrupt_passes_and_ends_what_was_started() -> None:
    child = start_and_raise(KeyboardInterrupt("mine"))
    assert child.wait(timeout=20) == -signal.SIGKILL


def test_processes_from_before_are_never_ended() -> None:
    earlier = subprocess.Popen(["sleep", "300"])
    with pytest.raises(PatchError), bounded(seconds=1, limit=MEGABYTE):
        time.sleep(60)
    assert alive(earlier.pid)
    earlier.kill()
    earlier.wait()


@pytest.mark.slow
def test_a_signal_that_comes_late_does_no_harm() -> None:
    for _round in range(20):
        with pytest.raises(PatchError) as caught, bounded(seconds=0, limit=MEGABYTE):
            time.sleep(30)
        assert caught.value.kind == "timed_out"


def test_outside_the_main_thread_the_body_still_runs() -> None:
    seen = []

    def work() -> None:
        with bounded(seconds=1, limit=MEGABYTE):
            seen.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [1]
