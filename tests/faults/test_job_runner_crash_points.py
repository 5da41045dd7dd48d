"""The real job runner, ended at every point where its journal can be left; then the next contact, then the truth.

See job_harness for what a crash point is. No point is chosen by hand: k counts up, by one or by five, until
a run ends without a crash.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_harness import SHELLS, JobHost

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import OnCrash, Plan, Step, Undo

pytestmark = pytest.mark.slow

SECRET = "correct-horse-battery-staple"
CONTENT = b"deb http://archive.invalid jessie-backports main\n\x00\xff no newline at the end"
OWNER = (1234, 4321) if os.geteuid() == 0 else (os.getuid(), os.getgid())


@pytest.fixture
def root() -> Iterator[Path]:
    if not Path("/dev/shm").is_dir():
        pytest.skip("/dev/shm is needed: inode numbers must not come twice")
    path = Path(tempfile.mkdtemp(prefix="openfleet-job-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@dataclasses.dataclass
class World:
    """What the plan changes: a file with unusual owner, mode and time, a file that is not there, and a ledger."""

    root: Path

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.target = self.root / "sources.list"
        self.created = self.root / "stretch key.gpg"
        self.ledger = self.root / "ledger"
        self.target.write_bytes(CONTENT)
        os.chown(self.target, *OWNER)
        self.target.chmod(0o640)
        os.utime(self.target, ns=(1_400_000_000_123_456_789, 1_400_000_000_987_654_321))

    def plan(self, *, fails: bool) -> Plan:
        def note(name: str, then: str = "") -> tuple[str, ...]:
            # Each command of a stand-in's name is a crash point inside the step.
            text = f'rm -f "$2/x"; echo {name} >>"$1"; rm -f "$2/x"; {then}'
            return ("sh", "-c", text, "note", str(self.ledger), str(self.root))

        edit = 'echo changed >"$2/sources.list"; rm -f "$2/x"; echo key >"$2/stretch key.gpg"'
        return Plan(
            "job",
            "crash me",
            (
                Step("first", note("first")),
                Step(
                    "edit",
                    note("edit", edit),
                    on_crash=OnCrash.RETRY,
                    undo=Undo(files=(str(self.target), str(self.created)), argv=note("undo-edit")),
                ),
                Step(
                    "install",
                    note("install", 'test -n "$TOKEN" || exit 9; ' + ("exit 3" if fails else "")),
                    undo=Undo(argv=note("undo-install"), always=False),
                ),
                Step("optional", note("optional", "exit 1"), continue_on_failure=True, on_crash=OnCrash.REPORT),
                Step("clean", note("clean"), cleanup=True, on_crash=OnCrash.RETRY),
            ),
            secret_environment={"TOKEN": SECRET},
            kill_grace=1,
        )

    def entries(self) -> list[str]:
        return self.ledger.read_text().split() if self.ledger.exists() else []

    def assert_untouched(self, where: str) -> None:
        status = self.target.stat()
        assert self.target.read_bytes() == CONTENT, where
        assert (status.st_uid, status.st_gid) == OWNER, where
        assert status.st_mode & 0o7777 == 0o640, where
        assert status.st_mtime_ns == 1_400_000_000_987_654_321, where
        assert not self.created.exists(), where
        assert {path.name for path in self.root.iterdir()} - {"ledger"} == {"sources.list"}, where


def crash_once(host: JobHost, plan: Plan, count: int) -> bool:
    """A run that is ended at its ``count``-th command. False: it came to its end before."""
    host.arm(count)
    host.send(host.start_request(plan))
    if host.mode in ("power", "lossy power"):
        crashed = host.root / "crashed"
        while not crashed.exists() and host.processes():
            time.sleep(0.01)
    elif host.job("job").exists():
        host.settle("job")
    if not host.disarm():
        return False
    if host.mode in ("power", "lossy power"):
        host.new_boot()
    return True


def contact(host: JobHost, plan: Plan, *, by_start: bool) -> JobState:
    """What a controller does next: run again, or ask what was left and then run again."""
    if not by_start:
        host.recover()
    state = host.start(plan)
    assert state.disposition in ("started", "attached")
    for _again in range(5):
        state = host.settle("job")
        if state.finished:
            break
        host.recover()
    return state


def check(host: JobHost, world: World, state: JobState, where: str, *, fails: bool, crashes: int = 1) -> None:
    assert state.finished, where
    allowed = {"FAILED", "INTERRUPTED"} if fails else {"PARTIAL", "INTERRUPTED"}
    # Killing the shell of a step, or the one waiting for it, fails that step.
    assert state.result in allowed | ({"FAILED"} if host.mode == "parent" else set()), where
    if host.mode == "parent" and state.undo_result == "failed":
        # An undo command that somebody kills has failed; asked for again, it succeeds.
        host.undo("job")
        state = host.settle("job")
    assert state.undo_result in ("done", "none"), where
    world.assert_untouched(where)
    counts = Counter(world.entries())
    for name in ("first", "install", "optional"):
        assert counts[name] <= 1, where
    for name in ("edit", "clean"):
        assert counts[name] <= 1 + crashes, where
    begun = [step.attempts > 0 for step in state.steps]
    assert counts["clean"] >= 1 or (begun[4] and host.mode == "parent"), where
    assert not counts["edit"] or counts["undo-edit"], where
    assert not counts["undo-edit"] or begun[1], where
    went_wrong = state.result != "PARTIAL"
    assert not (counts["install"] and went_wrong) or counts["undo-install"], where
    assert not counts["undo-install"] or (begun[2] and went_wrong), where
    if state.result == "PARTIAL":
        assert [name for name in world.entries() if not name.startswith("undo")][:1] == ["first"], where
        assert all(counts[name] for name in ("first", "edit", "install")), where
    assert not (host.job("job") / "secrets").exists(), where
    assert not any(SECRET.encode() in path.read_bytes() for path in host.state.rglob("*") if path.is_file()), where
    leftovers = [path.name for path in host.state.iterdir() if path.name.startswith("lock")]
    before = (world.entries(), (host.job("job") / "result").read_text())
    again = host.recover()
    assert (again.disposition, again.result, leftovers) == ("idle", state.result, []), where
    assert (world.entries(), (host.job("job") / "result").read_text()) == before, where


def crashed_runs(root: Path, shell: str, mode: str, *, fails: bool, stride: int) -> Counter[str]:
    """What became of the runs that were ended at every point, or at every fifth with a ``stride`` of 5."""
    results: Counter[str] = Counter()
    for count in range(1, 1000, stride):
        folder = root / f"{count}"
        folder.mkdir()
        host, world = JobHost(folder / "host", shell, mode), World(folder / "world")
        plan = world.plan(fails=fails)
        where = f"{shell}, {mode}, killed at command {count}"
        crashed = crash_once(host, plan, count)
        if not crashed:
            state = host.settle("job")
            check(host, world, state, where, fails=fails, crashes=0)
            return results
        state = contact(host, plan, by_start=bool(count % 2))
        check(host, world, state, where, fails=fails)
        results[str(state.result)] += 1
        shutil.rmtree(folder)
    raise AssertionError("the run never ended without a crash")


MATRIX = [
    ("dash", "lossy power", False),
    ("bash", "runner", True),
    ("busybox", "power", False),
]
MORE = [
    ("dash", "lossy power", True),
    ("dash", "runner", False),
    ("dash", "parent", True),
]
ALL = os.environ.get("OPENFLEET_TEST_ALL") == "1"
IN_TEST_ALL = pytest.mark.skipif(not ALL, reason="the second half of the crash matrix is part of `make test-all`")


@pytest.mark.parametrize(
    ("shell", "mode", "fails"), [*MATRIX, *(pytest.param(*case, marks=IN_TEST_ALL) for case in MORE)]
)
def test_a_crash_at_any_command_ends_finished_or_undone(root: Path, shell: str, mode: str, fails: bool) -> None:
    if SHELLS[shell] is None:
        pytest.skip(f"{shell} is not installed")
    # What differs between shells shows at any point: dash takes them all, the others a part of them in `make test`.
    stride = 1 if ALL or shell == "dash" else 5
    results = crashed_runs(root, shell, mode, fails=fails, stride=stride)
    print(f"{shell}, {mode}: {sum(results.values())} crash points, {dict(results)}")
    # Fewer would mean that the stand-ins were not used.
    assert sum(results.values()) > 60 // stride
    if "power" in mode and stride == 1:
        assert results["INTERRUPTED"] > 0
    assert results["FAILED" if fails else "PARTIAL"] > 20 // stride


@pytest.mark.parametrize(
    "mode", ["lossy power", *(pytest.param(mode, marks=IN_TEST_ALL) for mode in ("power", "runner"))]
)
def test_crashes_during_recovery_end_the_same_way(root: Path, mode: str) -> None:
    dice = random.Random(f"recovery {mode}")
    for sample in range(25):
        folder = root / f"{sample}"
        folder.mkdir()
        host, world = JobHost(folder / "host", "dash", mode), World(folder / "world")
        plan = world.plan(fails=bool(sample % 2))
        counts = [dice.randint(1, 130), dice.randint(1, 40), dice.randint(1, 40)]
        crashes = sum(crash_once(host, plan, count) for count in counts)
        where = f"{mode}, killed at commands {counts} of one run after the other"
        state = contact(host, plan, by_start=True)
        check(host, world, state, where, fails=bool(sample % 2), crashes=crashes)
        shutil.rmtree(folder)
