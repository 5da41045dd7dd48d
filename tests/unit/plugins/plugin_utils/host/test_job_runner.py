"""What one run of the real job runner does on this machine, under each POSIX shell found (setsid, no systemd)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_harness import SHELLS, JobHost

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState, LogCursor, runner_text
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import (
    FileReference,
    OnCrash,
    Plan,
    Step,
    Undo,
)

if not Path("/proc/self/stat").exists():
    pytest.skip("the job runner needs Linux with /proc", allow_module_level=True)

# Seconds in which a step gets going even on a busy machine.
LONG_ENOUGH = 4
AWKWARD = [
    "a b",
    "",
    " ",
    "tab\t",
    "new\nline\n",
    "'",
    '"',
    "$(x)`x`",
    "*",
    "?[a]",
    "\\n\\0101",
    "%s",
    "-n",
    "ü😀",
    "~",
]
ALL_BYTES = bytes(range(1, 256))


@pytest.fixture(params=["dash", *(pytest.param(shell, marks=pytest.mark.slow) for shell in ("bash", "busybox"))])
def host(request: pytest.FixtureRequest) -> Iterator[JobHost]:
    if SHELLS[request.param] is None:
        pytest.skip(f"{request.param} is not installed")
    folder = Path(tempfile.mkdtemp(prefix="openfleet-job-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    (folder / "host").mkdir()
    host = JobHost(folder / "host" / "one", request.param)
    yield host
    host.end_all()
    shutil.rmtree(folder)


def finish(host: JobHost, plan: Plan) -> JobState:
    host.start(plan)
    return host.settle(plan.job_id)


def log(host: JobHost, job_id: str, unit: str = "steps/001") -> bytes:
    return (host.job(job_id) / unit / "log").read_bytes()


def sh(text: str, *arguments: str) -> tuple[str, ...]:
    return ("sh", "-c", text, "sh", *arguments)


def test_arguments_environment_and_files_arrive_byte_for_byte(host: JobHost) -> None:
    raw = ALL_BYTES.decode("utf-8", "surrogateescape")
    show = Step("show", ("printf", "%s\\0", *AWKWARD, raw))
    names = sh('cat; printf "%s|" "$JOB" "$VALUE" "$PATH_LIKE"; cat "$1" "${2#--file=}"')
    files = (*names, FileReference("key"), FileReference("plain", "--file="))
    plan = Plan(
        "job",
        "title",
        (show, Step("use", files, environment={"JOB": "j  j", "VALUE": "v\n"}, stdin="plain")),
        secret_environment={"PATH_LIKE": "$HOME\n'"},
        secret_files={"key": ALL_BYTES + b"\0"},
        files={"plain": b"plain\n"},
    )
    state = finish(host, plan)
    assert (state.result, [step.exit_code for step in state.steps]) == ("SUCCEEDED", [0, 0])
    assert log(host, "job") == b"".join(text.encode() + b"\0" for text in AWKWARD) + ALL_BYTES + b"\0"
    assert log(host, "job", "steps/002") == b"plain\nj  j|v\n|$HOME\n'|" + ALL_BYTES + b"\0" + b"plain\n"


def test_a_step_has_no_input_and_a_session_of_its_own(host: JobHost) -> None:
    look = 'read -r line && echo input; read -r stat </proc/$$/stat; set -- ${stat##*) }; [ "$4" = $$ ] && echo leader'
    finish(host, Plan("job", "x", (Step("look", sh(look)),)))
    assert log(host, "job") == b"leader\n"


@pytest.mark.slow
def test_a_hanging_step_ends_with_all_its_processes_and_says_where(host: JobHost) -> None:
    # Seconds that no other test's processes carry.
    nap = f"sleep {100_000 + os.getpid()}"
    hang = f"trap '' TERM; (setsid {nap} >/dev/null 2>&1 &); echo here; {nap}; {nap}"
    steps = (Step("hang", sh(hang), timeout=LONG_ENOUGH), Step("next", ("true",)))
    state = finish(host, Plan("job", "x", steps, kill_grace=1))
    assert (state.result, state.result_step, state.steps[1].state) == ("FAILED", 1, "waiting")
    # The shell, its sleep, and the one that went away.
    assert (state.steps[0].ended_by, len(state.steps[0].hung.splitlines())) == ("step", 3), state.steps[0].hung
    left = subprocess.run(["pgrep", "-f", f"{nap}$"], capture_output=True, text=True, check=False)
    assert left.stdout == ""


@pytest.mark.slow
def test_the_time_of_the_job_is_a_result_of_its_own_and_cleanup_still_runs(host: JobHost) -> None:
    steps = (Step("long", ("sleep", "60")), Step("never", ("true",)), Step("clean", ("echo", "clean"), cleanup=True))
    state = finish(host, Plan("job", "x", steps, timeout=LONG_ENOUGH))
    assert (state.result, state.result_step, state.steps[0].ended_by) == ("TIMED_OUT", 1, "job")
    assert [step.state for step in state.steps] == ["ended", "waiting", "ended"]


def test_undo_ends_a_running_job_and_takes_it_back(host: JobHost, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("before")
    edit = Step("edit", sh('echo after >"$1"', str(target)), undo=Undo(files=(str(target),), always=False))
    host.start(Plan("job", "x", (edit, Step("wait", ("sleep", "600")))))
    while target.read_text() != "after\n":
        time.sleep(0.02)
    host.undo("job")
    state = host.settle("job")
    assert (state.result, state.undo_result, target.read_text()) == ("CANCELLED", "done", "before")


@pytest.mark.parametrize(("boots", "result", "code"), [(True, "SUCCEEDED", 0), (False, "PARTIAL", None)])
def test_a_step_that_restarts_the_host_is_done_when_another_boot_cut_it_off(
    host: JobHost, tmp_path: Path, boots: bool, result: str, code: int | None
) -> None:
    restart = sh('echo begun >>"$1"; exec sleep 60', str(tmp_path / "ledger"))
    steps = (Step("restart", restart, continue_on_failure=True, on_crash=OnCrash.RESTART), Step("last", ("true",)))
    host.start(Plan("job", "x", steps))
    # The file is there a little before its content.
    while not (tmp_path / "ledger").exists() or not (tmp_path / "ledger").read_text():
        time.sleep(0.02)
    host.end_all()
    if boots:
        host.new_boot()
    host.recover()
    state = host.settle("job")
    assert (state.result, state.steps[0].exit_code, state.steps[1].exit_code) == (result, code, 0)
    assert (tmp_path / "ledger").read_text() == "begun\n"


def test_what_was_saved_for_an_undo_does_not_outlive_its_use(host: JobHost, tmp_path: Path) -> None:
    target = tmp_path / "sources.list"
    target.write_text("deb https://user:hunter2@example.com/ stable main\n")
    edit = Step("edit", sh('echo none >"$1"', str(target)), undo=Undo(files=(str(target),)))
    assert finish(host, Plan("job", "x", (edit,))).undo_result == "done"
    assert "hunter2" in target.read_text()
    kept = subprocess.run(["grep", "-rl", "hunter2", str(host.state)], capture_output=True, text=True, check=False)
    assert kept.stdout == ""


def test_a_failed_undo_blocks_the_next_job_until_it_has_been_tried_again(host: JobHost, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    step = Step("a", ("true",), undo=Undo(argv=sh('test -f "$1"', str(flag))))
    state = finish(host, Plan("one", "x", (step,)))
    assert (state.result, state.undo_result) == ("SUCCEEDED", "failed")
    with pytest.raises(PatchError, match="job one failed") as caught:
        host.start(Plan("two", "x", (Step("b", ("true",)),)))
    assert caught.value.kind == "undo_pending"
    flag.touch()
    host.undo("one")
    assert host.settle("one").undo_result == "done"
    assert finish(host, Plan("two", "x", (Step("b", ("true",)),))).result == "SUCCEEDED"


def test_what_cannot_be_saved_is_not_changed(host: JobHost, tmp_path: Path) -> None:
    step = Step("edit", ("touch", str(tmp_path / "changed")), undo=Undo(files=(str(tmp_path),)))
    state = finish(host, Plan("job", "x", (step,)))
    assert (state.result, state.steps[0].state) == ("FAILED", "refused")
    assert not (tmp_path / "changed").exists()
    assert b"no regular file" in log(host, "job")


def waits_for(go: Path) -> Step:
    """A step that lasts until this file is there."""
    return Step("wait", sh('until [ -e "$1" ]; do sleep 0.05; done', str(go)))


def test_one_job_at_a_time_and_the_same_job_is_joined(host: JobHost, tmp_path: Path) -> None:
    plan = Plan("one", "x", (waits_for(tmp_path / "go"),))
    assert host.start(plan).disposition == "started"
    assert (host.start(plan).disposition, host.start(plan).runners) == ("attached", 1)
    other = host.start(Plan("two", "x", (Step("b", ("true",)),)))
    assert (other.disposition, other.job_id, other.state) == ("busy", "one", "running")
    (tmp_path / "go").touch()
    assert host.settle("one").result == "SUCCEEDED"
    assert (host.start(plan).disposition, host.poll("one").runners) == ("attached", 1)


def test_of_many_that_start_at_once_one_wins(host: JobHost, tmp_path: Path) -> None:
    plans = [Plan(f"job{number}", "x", (waits_for(tmp_path / "go"),)) for number in range(6)]
    requests = [host.start_request(plan) for plan in plans]
    running = [
        subprocess.Popen([host.shell_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _request in requests
    ]
    for process, request in zip(running, requests, strict=True):
        assert process.stdin is not None
        process.stdin.write(request.program)
        process.stdin.close()
    answers = []
    for process in running:
        assert process.stdout is not None
        with process.stdout as stream:
            answers.append(stream.read())
        process.wait()
    assert sum("disposition started" in answer for answer in answers) == 1
    assert sum("disposition busy" in answer or "kind busy" in answer for answer in answers) == 5
    [job] = (host.state / "jobs").glob("job*")
    (tmp_path / "go").touch()
    assert host.settle(job.name).result == "SUCCEEDED"


def holding(folder: Path, secret: bytes) -> list[Path]:
    """Files with these bytes; those that a runner at work takes away meanwhile have none."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            if secret in path.read_bytes():
                found.append(path)
    return found


def test_secrets_are_seen_by_nobody_and_gone_in_the_end(host: JobHost, tmp_path: Path) -> None:
    secret = "tr0ub4dor"
    # The shell compares by itself: no process has the secret among its arguments.
    look = (
        'lines=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "); case $lines in *"$TOKEN"*) echo seen ;; '
        '*look*) echo unseen ;; esac; stat -c %a "$1"; until [ -e "$2" ]; do sleep 0.05; done'
    )
    plan = Plan(
        "job",
        "x",
        (
            Step(
                "look",
                (*sh(look), FileReference("key"), str(tmp_path / "go")),
            ),
        ),
        secret_environment={"TOKEN": secret},
        secret_files={"key": secret.encode()},
    )
    host.start(plan)
    held = holding(host.state, secret.encode())
    assert {path.parent.name for path in held} == {"secrets"}
    assert {path.stat().st_mode & 0o777 for path in held} == {0o600}
    (tmp_path / "go").touch()
    assert host.settle("job").result == "SUCCEEDED"
    assert log(host, "job").split() == [b"unseen", b"600"]
    assert holding(host.state, secret.encode()) == []
    assert host.state.stat().st_mode & 0o777 == 0o700


def kept_of_log(host: JobHost) -> bytes:
    """What the log still has, holes left out."""
    hole = host.job("job") / "steps/001/log.hole"
    return log(host, "job")[int(hole.read_text() or 0) if hole.exists() else 0 :]


def long_log(host: JobHost, tmp_path: Path) -> tuple[JobState, bytes]:
    """The end of a job that wrote 4,000 lines, one more once those were cut, and what is kept of its log."""
    write = (
        "i=0; while [ $i -lt 4000 ]; do echo line$i; i=$((i + 1)); done; "
        'until [ -e "$1" ]; do sleep 0.05; done; echo last'
    )
    host.start(Plan("job", "x", (Step("write", sh(write, str(tmp_path / "go"))),), log_limit=8000))
    until = time.monotonic() + 60
    kept = kept_of_log(host)
    while not (kept.endswith(b"line3999\n") and len(kept) < 8000) and time.monotonic() < until:
        time.sleep(0.05)
        kept = kept_of_log(host)
    (tmp_path / "go").touch()
    return host.settle("job"), kept_of_log(host)


@pytest.mark.slow
def test_a_log_is_bounded_loses_nothing_of_its_end_and_is_read_on_from_where_one_was(
    host: JobHost, tmp_path: Path
) -> None:
    probe = host.root / "probe"
    probe.write_bytes(bytes(8192))
    punch = ["fallocate", "-p", "-o", "0", "-l", "1", probe]
    if subprocess.run(punch, check=False, env={"PATH": host.search_path}).returncode:
        pytest.skip(f"no fallocate under {host.shell}, or no holes in files of this file system")
    state, kept = long_log(host, tmp_path)
    assert len(kept) < 8000
    numbers = [int(line[4:]) for line in kept.splitlines()[1:-1]]
    assert numbers == list(range(numbers[0], 4000))
    assert kept.endswith(b"line3999\nlast\n")
    first = host.poll("job", LogCursor("steps/001", 0))
    assert first.cursor is not None
    assert first.cursor.offset == sum(len(f"line{number}\n") for number in range(4000)) + len("last\n")
    again = host.poll("job", LogCursor("steps/001", first.cursor.offset - 5))
    assert (first.log, again.log, state.steps[0].exit_code) == (kept, b"last\n", 0)
    assert (host.job("job") / "steps/001/log").stat().st_blocks * 512 < 8000 + 4096


@pytest.mark.slow
def test_where_no_hole_can_be_made_the_front_of_a_log_is_cut_off(host: JobHost, tmp_path: Path) -> None:
    (host.stand_ins / "fallocate").write_text("#!/bin/sh\nexit 1\n")
    (host.stand_ins / "fallocate").chmod(0o755)
    state, kept = long_log(host, tmp_path)
    assert (len(kept) < 8000, kept[-5:]) == (True, b"last\n")
    first = host.poll("job", LogCursor("steps/001", 0))
    assert first.cursor is not None
    again = host.poll("job", LogCursor("steps/001", first.cursor.offset - 5))
    assert (first.log, again.log, state.steps[0].exit_code) == (kept, b"last\n", 0)


def test_ten_jobs_are_kept(host: JobHost) -> None:
    for number in range(12):
        finish(host, Plan(f"job{number:02d}", "x", (Step("a", ("true",)),)))
        created = host.job(f"job{number:02d}") / "created"
        created.write_text(created.read_text().replace(created.read_text().split()[0], str(1000 + number)))
    kept = sorted(path.name for path in (host.state / "jobs").iterdir())
    assert kept == [f"job{number:02d}" for number in range(2, 12)]


def test_looking_changes_nothing_on_a_host_without_a_journal(host: JobHost) -> None:
    assert (host.current().state, host.recover().state) == ("none", "none")
    assert not host.state.exists()
    with pytest.raises(PatchError, match="no job x"):
        host.poll("x")


def test_a_journal_of_a_later_format_is_left_alone(host: JobHost) -> None:
    host.state.mkdir()
    (host.state / "version").write_text("2\n")
    with pytest.raises(PatchError, match="format 2") as caught:
        host.start(Plan("job", "x", (Step("a", ("true",)),)))
    assert caught.value.kind == "journal_version"
    assert sorted(path.name for path in host.state.iterdir()) == ["jobs", "version"]


@pytest.mark.slow
def test_a_service_that_a_step_restarted_is_spared(host: JobHost) -> None:
    if not os.access("/run", os.W_OK):
        pytest.skip("a pid file in /run can only be written as root")
    pid_file = Path(f"/run/openfleet-job-test-{host.root.parent.parent.name}.pid")
    start = f"(setsid sh -c 'echo $$ >{pid_file}; exec sleep 600' >/dev/null 2>&1 &); sleep 60"
    pid = 0
    try:
        state = finish(host, Plan("job", "x", (Step("hang", sh(start), timeout=LONG_ENOUGH),), kill_grace=1))
        pid = int(pid_file.read_text())
        assert state.steps[0].ended_by == "step"
        assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    finally:
        if pid:
            subprocess.run(["kill", "-KILL", str(pid)], check=False)
        pid_file.unlink(missing_ok=True)


def test_without_systemd_cron_calls_at_boot_for_as_long_as_the_job_lasts(host: JobHost, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not Path("/etc/cron.d").is_dir() or Path("/run/systemd/system").exists():
        pytest.skip("root, /etc/cron.d and a machine not run by systemd are needed")
    (tmp_path / "cron.d").mkdir()
    cron = host.stand_ins / "cron"
    cron.write_text("")
    cron.chmod(0o755)
    plan = Plan("job", "x", (Step("look", ("cat", "/etc/cron.d/openfleet-patch-recover")),))
    request = host.start_request(plan)
    # In a mount namespace of its own: this machine's cron is not to see it.
    inside = f"mount --bind {tmp_path}/cron.d /etc/cron.d && exec {host.shell_path}"
    subprocess.run(
        ["unshare", "-m", "sh", "-c", inside], input=request.program, text=True, capture_output=True, check=False
    )
    state = host.settle("job")
    assert (state.result, state.boot_hook) == ("SUCCEEDED", "cron")
    job = host.job("job")
    assert log(host, "job").decode() == f"@reboot root {host.shell_path} {job}/runner run {job}\n"
    assert list((tmp_path / "cron.d").iterdir()) == []


def test_the_joined_script_is_clean_for_shellcheck(tmp_path: Path) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed")
    joined = tmp_path / "runner.sh"
    # Each part says that its variables belong to the whole; the whole has no such excuse.
    joined.write_text(runner_text().replace(" disable=SC2034,SC2154", ""))
    found = subprocess.run([program, "--shell=sh", str(joined)], capture_output=True, text=True, check=False)
    assert found.stdout == ""
