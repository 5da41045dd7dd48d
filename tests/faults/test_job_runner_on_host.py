"""The job runner on a real systemd host: it outlives the session, sshd and a power cut, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openfleet_lab.api import LabHost, lab_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import job_client
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobRequest, JobState
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import OnCrash, Plan, Step, Undo

pytestmark = [pytest.mark.lab, pytest.mark.slow]

HOOK = "/etc/systemd/system/openfleet-patch-recover.service"
WANT = "/etc/systemd/system/multi-user.target.wants/openfleet-patch-recover.service"
SOURCES = "/etc/apt/sources.list.d/lab-job.list"
KEY = "/etc/apt/trusted.gpg.d/lab-job.gpg"


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    with lab_host("bookworm", features=["killuser"]) as fresh:
        yield fresh


@pytest.fixture
def sources(host: LabHost) -> str:
    """A file of unusual owner, mode and time; what `stat` and `cksum` say about it."""
    make = f"echo 'deb http://x.invalid/ a b' >{SOURCES}; chown 1234:4321 {SOURCES}; chmod 604 {SOURCES}"
    host.run(["sh", "-c", make])
    host.run(["touch", "-d", "2014-05-13 16:53:20.123456789 UTC", SOURCES])
    return facts(host)


def facts(host: LabHost) -> str:
    look = f"stat -c '%u %g %a %y %s' {SOURCES}; cksum {SOURCES}; ls {KEY} 2>&1"
    return host.run(["sh", "-c", look], check=False).stdout


def ask(host: LabHost, request: JobRequest, *, inside: bool = False) -> JobState:
    """Over SSH as a controller does, or inside the host where sshd is away."""
    if inside:
        return job_client.parse_answer(host.run(["/bin/sh"], stdin=request.program).stdout, request.nonce)
    answer = subprocess.run(
        [*host.ssh_argv(), "/bin/sh"], input=request.program, capture_output=True, text=True, timeout=60, check=False
    )
    return job_client.parse_answer(answer.stdout, request.nonce)


def wait_for(host: LabHost, job_id: str, *, inside: bool = False, seconds: float = 120) -> JobState:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = ask(host, job_client.poll_request(job_id, wait=3), inside=inside)
        if state.finished:
            return state
    raise AssertionError(f"{job_id} does not end: {state}")


def go_on(host: LabHost, job_id: str) -> None:
    """Lets the second step of an editing plan end, in whatever boot it runs."""
    host.run(["touch", f"/var/tmp/go-{job_id}"])


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def until_it_waits(host: LabHost, job_id: str) -> None:
    """The first step has changed the host, the second has begun; both are on disk."""
    started = f"/var/lib/openfleet-patch/jobs/{job_id}/steps/002/started"
    until(lambda: host.run(["test", "-s", started], check=False).returncode == 0, f"{job_id} waits")


def editing_plan(job_id: str, *, retry: bool = False) -> Plan:
    """Changes two files, then waits to be told to go on, or for the host to go down in good order."""
    going_down = '[ "$(systemctl is-system-running)" = stopping ]'
    wait = f"until [ -e /var/tmp/go-{job_id} ] || {going_down}; do sleep 0.2; done"
    edit = 'echo changed >"$1"; echo key >"$2"; sync'
    return Plan(
        job_id,
        "edit and wait",
        (
            Step("edit", ("sh", "-c", edit, "edit", SOURCES, KEY), undo=Undo(files=(SOURCES, KEY))),
            Step("wait", ("sh", "-c", wait), on_crash=OnCrash.RETRY if retry else OnCrash.UNDO),
        ),
        secret_environment={"TOKEN": "s3cret-on-host"},
    )


def assert_clean(host: LabHost, job_id: str, before: str) -> None:
    assert facts(host) == before
    assert host.run(["ls", HOOK, WANT], check=False).stdout == ""
    assert host.run(["grep", "-rl", "s3cret-on-host", "/var/lib/openfleet-patch"], check=False).stdout == ""
    assert host.run(["stat", "-c", "%a", "/var/lib/openfleet-patch"]).stdout.strip() == "700"
    assert host.run(["ls", f"/var/lib/openfleet-patch/jobs/{job_id}/secrets"], check=False).stdout == ""


def test_a_job_outlives_its_session_where_logind_kills_what_a_user_leaves(host: LabHost, sources: str) -> None:
    # The control: the same logind does end an ordinary background process of such a session.
    host.ssh(["setsid", "sleep", "4242", "</dev/null", ">/dev/null", "2>&1", "&"], user="opslab")
    state = ask(host, job_client.start_request(editing_plan("session")))
    assert (state.disposition, state.detached) == ("started", "systemd")
    until(lambda: host.run(["pgrep", "-f", "sleep 4242"], check=False).stdout == "", "the session's process is ended")
    assert ask(host, job_client.poll_request("session")).state == "running"
    properties = host.run(["systemctl", "show", "openfleet-patch-*"]).stdout
    assert "session/runner" in properties
    assert "s3cret-on-host" not in properties
    go_on(host, "session")
    state = wait_for(host, "session")
    assert (state.result, state.undo_result, state.boot_hook) == ("SUCCEEDED", "done", "systemd")
    assert_clean(host, "session", sources)


def test_a_job_goes_on_while_sshd_is_stopped(host: LabHost, sources: str) -> None:
    ask(host, job_client.start_request(editing_plan("no-sshd")))
    host.run(["systemctl", "stop", "ssh"])
    try:
        go_on(host, "no-sshd")
        state = wait_for(host, "no-sshd", inside=True)
    finally:
        host.run(["systemctl", "start", "ssh"])
    assert state.result == "SUCCEEDED"
    assert_clean(host, "no-sshd", sources)


def test_after_a_power_cut_the_next_boot_undoes_without_any_contact(host: LabHost, sources: str) -> None:
    ask(host, job_client.start_request(editing_plan("power")))
    until_it_waits(host, "power")
    assert host.run(["cat", SOURCES]).stdout == "changed\n"
    assert set(host.run(["ls", HOOK, WANT]).stdout.split()) == {HOOK, WANT}
    host.power_cut()
    host.power_on()
    until(lambda: facts(host) == sources, "the boot undoes what was begun")
    state = wait_for(host, "power")
    assert (state.result, state.result_step, state.undo_result, state.runners) == ("INTERRUPTED", 2, "done", 2)
    assert_clean(host, "power", sources)


def test_after_a_power_cut_a_step_that_may_be_repeated_is(host: LabHost, sources: str) -> None:
    ask(host, job_client.start_request(editing_plan("again", retry=True)))
    until_it_waits(host, "again")
    host.power_cut()
    host.power_on()
    go_on(host, "again")
    state = wait_for(host, "again")
    assert (state.result, state.steps[1].attempts, state.runners) == ("SUCCEEDED", 2, 2)
    assert_clean(host, "again", sources)


def test_an_orderly_reboot_in_mid_job_is_survived_too(host: LabHost, sources: str) -> None:
    ask(host, job_client.start_request(editing_plan("reboot", retry=True)))
    until_it_waits(host, "reboot")
    host.reboot()
    go_on(host, "reboot")
    state = wait_for(host, "reboot")
    assert state.result == "SUCCEEDED"
    assert_clean(host, "reboot", sources)


def test_a_daemon_that_shed_session_parent_and_environment_dies_with_its_step(host: LabHost) -> None:
    daemon = "(env -i setsid sh -c 'exec sleep 31337' </dev/null >/dev/null 2>&1 &) ; sleep 600"
    plan = Plan("daemon", "hang", (Step("hang", ("sh", "-c", daemon), timeout=5),), kill_grace=1)
    ask(host, job_client.start_request(plan))
    state = wait_for(host, "daemon")
    assert (state.result, state.steps[0].ended_by) == ("FAILED", "step")
    assert state.steps[0].hung.count(" sleep\n") == 2
    assert host.run(["pgrep", "-f", "sleep 31337"], check=False).stdout == ""
