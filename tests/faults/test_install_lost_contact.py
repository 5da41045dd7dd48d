"""Connection, controller, session or patience end in mid-transaction: the job goes on, and the next run tells of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from install_runs import (
    STATE,
    Installer,
    follow_until,
    go_on,
    job_results,
    only,
    processes,
    slow_for,
    slow_until_told,
    states,
    unfinished,
    version,
    wait_for_job,
    wait_for_slow,
)
from openfleet_lab.api import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.slow]
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
SLOW = only("acme-slow", "acme-tool")


def assert_finished_once(host: LabHost) -> None:
    """Both packages are there, and one job did it in one attempt."""
    assert (version(host, "acme-slow"), version(host, "acme-tool")) == ("ii 1.1", "ii 1.1")
    assert unfinished(host) == ""
    jobs = host.run(["ls", f"{STATE}/jobs"]).stdout.split()
    assert len(jobs) == 1, jobs
    assert host.run(["cat", f"{STATE}/jobs/{jobs[0]}/steps/002/started"]).stdout.split()[1] == "1"


def test_a_cut_connection_is_followed_on_and_one_that_stays_cut_is_unreachable(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_until_told(host)
    running = controller.begin(SLOW, reconnect_timeout=5)
    wait_for_slow(host)
    host.unplug()
    play = controller.end(running)
    task = play.only()
    assert task.status == "unreachable", play.output
    assert "run this again to follow it" in task.result["msg"]
    assert controller.outcome(host)["status"] == "unreachable"
    # The host is back while its job still runs: the next run attaches.
    host.plug()
    following = controller.begin(SLOW)
    follow_until(following, "is still running; waiting for its end")
    go_on(host)
    task = controller.end(following).only()
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", False), task.result
    assert document["interrupted_run"]["result"] == "SUCCEEDED"
    assert document["installation"]["result"] == "NOTHING_TO_DO"
    assert set(states(document).values()) == {PENDING}
    assert_finished_once(host)


def test_a_task_follows_on_over_a_connection_that_comes_back(fresh: Fresh) -> None:
    host, controller = fresh("trouble", "killuser", user="opslab")
    slow_until_told(host)
    running = controller.begin(SLOW, reconnect_timeout=60)
    wait_for_slow(host)
    host.run(["systemctl", "stop", "ssh"])
    host.run(["loginctl", "terminate-user", "opslab"])
    follow_until(running, "asking again for up to 60 s")
    host.run(["systemctl", "start", "ssh"])
    go_on(host)
    play = controller.end(running)
    task = play.only()
    assert (task.status, task.result["installed_count"]) == ("ok", 2), play.output
    assert job_results(task.result["document"]) == ["SUCCEEDED"]
    assert task.result["document"]["installation"]["jobs"][0]["detached"] == "systemd"
    assert_finished_once(host)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_controller_that_goes_away_leaves_its_job_running(fresh: Fresh, end: signal.Signals) -> None:
    host, controller = fresh("trouble")
    slow_until_told(host)
    running = controller.begin(SLOW)
    wait_for_slow(host)
    os.killpg(running.pid, end)
    running.communicate(timeout=90)
    assert running.returncode != 0
    go_on(host)
    wait_for_job(host)
    assert_finished_once(host)
    # What was installed meanwhile is known to the next run, and nothing is done twice.
    task = controller.install(SLOW)
    assert (task.status, task.result["changed"]) == ("ok", False)
    assert set(states(task.result["document"]).values()) == {PENDING}
    assert_finished_once(host)


def test_a_task_timeout_detaches_without_cancelling(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_until_told(host)
    play = controller.end(controller.begin(SLOW, keywords={"timeout": 14}))
    assert play.only().status == "failed", play.output
    assert "imeout" in play.output or "timed out" in play.output
    assert controller.outcome(host)["status"] == "failed"
    assert processes(host, "acme-slow.postinst"), "the job was cancelled"
    go_on(host)
    wait_for_job(host)
    assert_finished_once(host)


def test_a_host_whose_time_is_up_is_timed_out_and_the_next_run_repairs_it(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_for(host, 600)
    task = controller.install(SLOW, host_timeout=8)
    document = task.result["document"]
    assert (task.status, task.kind) == ("failed", "timed_out"), task.result["output"]
    assert controller.outcome(host)["status"] == "timed_out"
    assert document["installation"]["result"] == "TIMED_OUT"
    assert states(document)["acme-slow"] == "FAILED"
    assert processes(host, "acme-slow.postinst") == []
    slow_for(host, 0)
    task = controller.install(SLOW)
    assert task.status == "ok", task.result["output"]
    assert set(states(task.result["document"]).values()) == {PENDING}
    assert (version(host, "acme-slow"), version(host, "acme-tool"), unfinished(host)) == ("ii 1.1", "ii 1.1", "")
