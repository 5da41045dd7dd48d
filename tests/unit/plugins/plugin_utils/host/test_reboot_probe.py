"""The real script under the shells of this machine, with a stand-in for every command that does something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import reboot_probe
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import SEARCH_PATH
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.reboot_probe import (
    first_process_age,
    program,
    rows_of,
)

NONCE = "0123456789abcdef0123456789abcdef"
BOOT = Path("/proc/sys/kernel/random/boot_id")
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
linux = pytest.mark.skipif(not BOOT.exists(), reason="the script reads /proc, which this machine does not have")
pytestmark = linux


@pytest.fixture(params=SHELLS)
def shell(request):
    return [shutil.which(request.param), *(["sh"] if request.param == "busybox" else [])]


@pytest.fixture
def host(tmp_path, shell):
    return FakeMachine(tmp_path, shell)


class FakeMachine:
    """This machine seen through the script, its commands replaced by ones that only write down how they were called."""

    def __init__(self, folder, shell):
        self.shell = shell
        self.base = folder / "state"
        self.stubs = folder / "stubs"
        self.calls = folder / "calls"
        self.package_lock = folder / "lock-frontend"
        self.stubs.mkdir()
        for name in ("shutdown", "reboot", "systemctl", "wall", "halt", "poweroff"):
            self.stub(name)
        self.stub("id", "echo 0")

    def stub(self, name, body=""):
        path = self.stubs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{body}\n')
        path.chmod(0o755)

    def ask(self, *words):
        text = program(words, nonce=NONCE, state_directory=str(self.base))
        assert text.count(f"PATH='{SEARCH_PATH}'") == 1
        text = text.replace(f"PATH='{SEARCH_PATH}'", f"PATH='{self.stubs}:{SEARCH_PATH}'")
        text, replaced = re.subn(r"^PACKAGE_LOCKS='[^']+'$", f"PACKAGE_LOCKS='{self.package_lock}'", text, flags=re.M)
        assert replaced == 1
        answer = subprocess.run(self.shell, input=text.encode(), capture_output=True, timeout=30, check=False)
        assert answer.stderr == b""
        return rows_of(answer.stdout.decode(), NONCE)

    def called(self):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if not line.startswith("id ")]

    def lock(self, role="run", job="job-1", *, alive=True):
        start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        self.base.mkdir(exist_ok=True)
        start = start if alive else str(int(start) + 1)
        line = f"token {role} {job} {os.getpid()} {start} {boot_id()}\n"
        (self.base / "lock").write_text(line)
        (self.base / "jobs" / job).mkdir(parents=True, exist_ok=True)
        (self.base / "jobs" / job / "plan").write_text("title Install\\0040of\\00403\n")


def boot_id():
    return BOOT.read_text().strip()


def test_a_look_tells_boot_id_and_the_age_of_the_first_process(host):
    state = reboot_probe._state(host.ask("look"))
    assert state.boot_id == boot_id()
    assert state.first_process_age is not None
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 <= state.first_process_age <= uptime
    assert (state.job, state.pending) == (None, ())
    assert host.called() == []


def test_a_look_names_the_job_at_work_by_its_title(host):
    host.lock()
    assert reboot_probe._state(host.ask("look")).job == "Install of 3 (job job-1)"


def test_a_lock_whose_holder_is_gone_is_no_job(host):
    host.lock(alive=False)
    assert reboot_probe._state(host.ask("look")).job is None


def test_a_look_lists_what_installs_of_ours_put_there_since_this_boot_only(host):
    folder = host.base / "pending"
    folder.mkdir(parents=True)
    (folder / boot_id()).write_text("openssl amd64 3.0.2-1\nzlib1g amd64 1:1.2\n")
    (folder / "00000000-0000-0000-0000-000000000000").write_text("curl amd64 8\n")
    assert reboot_probe._state(host.ask("look")).pending == ("openssl amd64 3.0.2-1", "zlib1g amd64 1:1.2")


def test_go_asks_shutdown_with_the_message_as_one_argument_whatever_is_in_it(host):
    host.stub("shutdown", f'printf "<%s>" "$@" >> {host.calls}')
    message = 'it\'s "over" $(touch /nowhere); `id` \\ * ü'
    rows = dict(host.ask("go", boot_id(), "now", message))
    assert rows["code"] == "0"
    assert f"<-r><now><{message}>" in host.calls.read_text()


def test_go_refuses_a_host_that_has_booted_since(host):
    with pytest.raises(PatchError, match="has booted since") as refused:
        host.ask("go", "11111111-1111-1111-1111-111111111111", "now", "x")
    assert refused.value.kind == "other_boot"
    assert host.called() == []


def test_go_refuses_without_root(host):
    host.stub("id", "echo 1000")
    with pytest.raises(PatchError) as refused:
        host.ask("go", boot_id(), "now", "x")
    assert refused.value.kind == "no_privilege"
    assert host.called() == []


def test_go_refuses_while_a_job_is_at_work(host):
    host.lock()
    with pytest.raises(PatchError, match="job-1") as refused:
        host.ask("go", boot_id(), "now", "x")
    assert refused.value.kind == "job_running"
    assert host.called() == []


def test_go_takes_the_lock_of_a_dead_job_and_holds_it_when_the_system_goes_down(host):
    host.lock(alive=False)
    host.ask("go", boot_id(), "now", "x")
    assert (host.base / "lock").read_text().split()[1] == "reboot"
    assert host.called() == ["shutdown -r now x"]


def test_a_reboot_command_that_fails_is_told_and_the_lock_is_free_again(host):
    host.base.mkdir()
    host.stub("shutdown", "echo 'no init here' >&2; exit 1")
    rows = dict(host.ask("go", boot_id(), "now", "x"))
    assert rows["code"] == "1"
    assert bytes.fromhex(rows["output.hex"]) == b"no init here"
    assert not (host.base / "lock").exists()


def test_a_host_that_never_had_a_job_is_left_without_our_folder(host):
    host.ask("go", boot_id(), "now", "x")
    assert not host.base.exists()


HOLD = """
import fcntl, sys
handle = open(sys.argv[1], "w")
fcntl.lockf(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(host):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(host.package_lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.communicate()


def test_a_look_names_the_holder_of_a_package_managers_lock(host, holder):
    lock = reboot_probe._state(host.ask("look")).lock
    assert lock is not None
    assert lock.startswith("python")
    assert f"(pid {holder.pid}) holds /" in lock
    holder.communicate()
    assert reboot_probe._state(host.ask("look")).lock is None


COME_AND_GO = """
import fcntl, sys
handles = [open(sys.argv[1] + str(number), "w") for number in range(60)]
print("started", flush=True)
while True:
    for how in (fcntl.LOCK_EX, fcntl.LOCK_UN):
        for handle in handles:
            fcntl.lockf(handle, how)
"""


@pytest.mark.slow
def test_locks_of_others_that_come_and_go_do_not_hide_it(host, holder, tmp_path):
    busy = subprocess.Popen([sys.executable, "-c", COME_AND_GO, str(tmp_path / "other")], stdout=subprocess.PIPE)
    try:
        assert busy.stdout.readline() == b"started\n"
        seen = [reboot_probe._state(host.ask("look")).lock for _time in range(25)]
    finally:
        busy.kill()
        busy.communicate()
    assert [lock for lock in seen if lock is None] == []


def test_go_refuses_while_packages_are_being_changed_and_leaves_our_lock_free(host, holder):
    host.base.mkdir()
    with pytest.raises(PatchError, match=f"Process {holder.pid} holds") as refused:
        host.ask("go", boot_id(), "now", "x")
    assert refused.value.kind == "packages_locked"
    assert host.called() == []
    assert not (host.base / "lock").exists()


def test_a_warning_reaches_wall_by_its_standard_input(host):
    host.stub("wall", f"cat >> {host.calls}")
    host.ask("warn", "down in 5 seconds; $(id)")
    assert host.calls.read_text() == "wall \ndown in 5 seconds; $(id)\n"


systemd = pytest.mark.skipif(
    not Path("/run/systemd/system").exists(), reason="systemd does not run on this machine; the lab's hosts cover this"
)


@systemd
def test_restarts_tell_each_units_exit_code_and_words(host):
    host.stub("systemctl", '[ "$3" != bad.service ] || { echo "went wrong"; exit 5; }')
    rows = host.ask("restart", "good.service", "bad.service", ".")
    told = [tuple(value.split(" ")) for name, value in rows if name == "unit"]
    assert told == [("0", "good.service", ""), ("5", "bad.service", b"went wrong".hex()), ("0", ".", "")]
    assert "systemctl daemon-reexec" in host.called()


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs on this machine")
def test_without_systemd_no_service_is_restarted(host):
    with pytest.raises(PatchError) as refused:
        host.ask("restart", "good.service")
    assert refused.value.kind == "no_systemd"
    assert host.called() == []


@pytest.mark.parametrize(
    ("uptime", "first", "age"),
    [
        ("1234.56", "120000 100", 34.56),
        ("1234.56", "1 100", 1234.55),
        ("5.00", "999999 100", 5.0),
        ("-", "120000 100", None),
        ("1234.56", "-", None),
        ("1234.56", "x 100", None),
        ("1234.56", "120000 0", None),
        ("1e9", "1 100", None),
    ],
)
def test_the_age_of_the_first_process_is_uptime_less_its_start(uptime, first, age):
    found = first_process_age(uptime, first)
    assert found == (None if age is None else pytest.approx(age))


def framed(*lines):
    return "\n".join([f"openfleet-patch-answer {NONCE} begin", *lines, f"openfleet-patch-answer {NONCE} end", ""])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Last login: today",
        framed("ok yes").replace(" end", " fin"),
        framed(),
        framed("ok yes", "ok yes"),
        framed("ok no", "kind job_running", "message.hex zz"),
        framed("ok yes").replace(NONCE, "f" * 32),
    ],
)
def test_an_answer_that_is_not_whole_is_a_bad_answer(text):
    with pytest.raises(PatchError) as refused:
        rows_of(text, NONCE)
    assert refused.value.kind == "bad_answer"


def test_noise_around_an_answer_does_no_harm():
    rows = rows_of("*** welcome ***\r\n" + framed("ok yes", "code 0").replace("\n", "\r\n") + "bye\r\n", NONCE)
    assert rows == [("ok", "yes"), ("code", "0")]


def test_a_refusal_of_a_kind_that_the_script_does_not_know_is_a_bad_answer():
    with pytest.raises(PatchError) as refused:
        rows_of(framed("ok no", "kind unreachable", "message.hex " + b"hello".hex()), NONCE)
    assert (refused.value.kind, refused.value.message) == ("bad_answer", "hello")


@pytest.mark.parametrize("line", ["boot ../../x", "boot", "uid root", "uid 99999999999"])
def test_a_state_with_values_that_cannot_be_is_refused(line):
    good = {"ok": "yes", "boot": boot_id(), "uid": "0"}
    name, _space, value = line.partition(" ")
    good[name] = value
    with pytest.raises(PatchError) as refused:
        reboot_probe._state(list(good.items()))
    assert refused.value.kind == "bad_answer"
