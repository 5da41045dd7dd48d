"""Maintainer scripts that fail, hang or ask, and transactions that were cut off: the document tells what is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from install_runs import (
    Installer,
    entry,
    job_results,
    only,
    processes,
    slow_for,
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


def test_a_script_that_fails_and_one_that_asks_keep_nobody_else_from_the_host(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_for(host, 0)
    names = ("acme-badpost", "acme-ask", "acme-slow", "acme-tool")
    task = controller.install(only(*names))
    document = task.result["document"]
    assert (task.status, task.kind, task.result["changed"]) == ("failed", "install_incomplete", True)
    bad = entry(document, "acme-badpost")
    assert bad["failure"].startswith(
        "installed acme-badpost package post-installation script subprocess returned error"
    )
    assert states(document) == dict.fromkeys(names, PENDING) | {"acme-badpost": "FAILED"}
    assert [version(host, name) for name in names] == ["iF 1.1", "ii 1.1", "ii 1.1", "ii 1.1"]
    assert host.run(["cat", "/var/lib/acme-ask"]).stdout == "none\n"
    assert task.result["installed_count"] == 3
    assert "acme-badpost" not in {each["name"] for each in document["installation"]["installed"]}
    # A scan without any memory of the run says the same.
    assert states(controller.scan(only(*names)))["acme-badpost"] == "FAILED"


def test_what_an_interrupted_run_of_dpkg_left_is_finished_first_and_said(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    controller.install(only("acme-badpost"))
    assert version(host, "acme-badpost") == "iF 1.1"
    # Somebody repairs the cause; the package itself is still half configured.
    host.run(["sh", "-c", "printf '#!/bin/sh\\n' >/var/lib/dpkg/info/acme-badpost.postinst"])
    task = controller.install(only("acme-badpost", "acme-tool"))
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", True)
    assert unfinished(host) == ""
    titles = [job["title"] for job in document["installation"]["jobs"]]
    assert titles == ["finish interrupted dpkg runs", "install 1 packages"]
    assert job_results(document) == ["SUCCEEDED", "SUCCEEDED"]
    [note] = [each for each in document["warnings"] if each["kind"] == "interrupted_transaction"]
    assert "acme-badpost half-configured" in note["message"]
    assert {each["name"]: each["version"] for each in document["installation"]["installed"]} == {
        "acme-badpost": "1.1", "acme-tool": "1.1"}  # fmt: skip
    again = controller.install(only("acme-badpost", "acme-tool"))
    assert (again.result["changed"], again.result["document"]["installation"]["result"]) == (False, "NOTHING_TO_DO")


def test_a_script_that_hangs_is_ended_with_its_children_and_the_rest_is_installed(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_for(host, 0)
    names = ("acme-hangpost", "acme-ask", "acme-slow", "acme-tool", "acme-libtls")
    task = controller.install(only(*names), step_timeout=10)
    document = task.result["document"]
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    hang = entry(document, "acme-hangpost")
    assert hang["state"] == "FAILED"
    assert "was ended because its own time was up" in hang["failure"]
    assert "acme-hangpost.p" in hang["failure"]
    assert "sleep" in hang["failure"]
    assert processes(host, "sleep 100000") == []
    assert processes(host, "acme-hangpost.postinst") == []
    assert {name: version(host, name) for name in names} == {
        "acme-hangpost": "iF 1.1", "acme-ask": "ii 1.1", "acme-slow": "ii 1.1", "acme-tool": "ii 1.1",
        "acme-libtls": "ii 1.1"}  # fmt: skip
    assert task.result["installed_count"] == 4
    # apt would run the waiting script before anything else, so the next fix is left out, with that reason.
    task = controller.install(only("acme-hangpost", "acme-extra"), step_timeout=2)
    assert entry(task.result["document"], "acme-hangpost")["state"] == "FAILED"
    assert entry(task.result["document"], "acme-extra")["state"] == "FAILED"
    assert "acme-hangpost.p" in entry(task.result["document"], "acme-extra")["failure"]
    assert version(host, "acme-extra") == "ii 1.0"


def test_a_power_cut_in_mid_transaction_is_finished_by_the_next_boot(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    slow_for(host, 600)
    names = ("acme-slow", "acme-tool", "acme-libauto")
    running = controller.begin(only(*names), reconnect_timeout=1)
    wait_for_slow(host)
    slow_for(host, 1)
    host.power_cut()
    play = controller.end(running)
    assert play.only().status == "unreachable", play.output
    assert controller.outcome(host)["status"] == "unreachable"
    host.power_on()
    wait_for_job(host)
    assert unfinished(host) == ""
    assert {name: version(host, name) for name in names} == dict.fromkeys(names, "ii 1.1")
    assert host.run(["apt-mark", "showauto", "acme-libauto"]).stdout == "acme-libauto\n"
    document = controller.scan(only(*names))
    assert set(states(document).values()) == {PENDING}
    task = controller.install(only(*names))
    assert (task.status, task.result["changed"]) == ("ok", False)
    assert task.result["document"]["installation"]["result"] == "NOTHING_TO_DO"


@pytest.mark.endurance
def test_a_hook_of_the_host_that_fails_after_everything_came_is_told_and_fails_nobody(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    host.run(["tee", "/etc/apt/apt.conf.d/99hook"], stdin='DPkg::Post-Invoke {"exit 3";};\n')
    task = controller.install(only("acme-tool", "acme-admin"))
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert states(document) == {"acme-tool": PENDING, "acme-admin": PENDING}
    assert document["installation"]["result"] == "FAILED"
    [told] = [each["message"] for each in document["warnings"] if each["kind"] == "step_failed"]
    assert "ended with exit code 100: E: Problem executing scripts DPkg::Post-Invoke 'exit 3'" in told


@pytest.mark.endurance
def test_a_package_that_could_not_be_unpacked_counts_once_and_comes_when_the_cause_is_gone(fresh: Fresh) -> None:
    host, controller = fresh("trouble")
    host.run(["sh", "-c", "mount --bind /etc /etc && mount -o remount,bind,ro /etc"])
    task = controller.install(only("acme-conf", "acme-tool"))
    assert (task.status, version(host, "acme-tool")) == ("failed", "ii 1.1"), task.result["output"]
    assert task.result["msg"].startswith("1 approved patch could not be installed: acme-conf.all 1.1: ")
    assert "Read-only file system" in task.result["msg"]
    assert states(controller.scan(only("acme-conf")))["acme-conf"] == "MISSING"
    host.run(["mount", "-o", "remount,bind,rw", "/etc"])
    task = controller.install(only("acme-conf", "acme-tool"))
    assert (task.status, version(host, "acme-conf")) == ("ok", "ii 1.1"), task.result["output"]
