"""Packages that fail, hang or cannot be trusted, hosts that are cut off, full or busy: what dnf hosts come to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from dnf_hosts import RHEL, everything, logs, transactions, versions, wait_for_slow
from install_runs import (
    STATE,
    Installer,
    entry,
    follow_until,
    go_on,
    job_results,
    only,
    processes,
    slow_for,
    slow_until_told,
    states,
    wait_for_job,
)
from openfleet_lab.api import LabHost
from openfleet_lab.locks import dnf_lock_held

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source

pytestmark = [pytest.mark.lab, pytest.mark.slow]
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
NEW, OLD = "1.1-1.el9", "1.0-1.el9"


def test_what_cannot_be_installed_keeps_nobody_else_from_the_host_and_says_why(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    bad = ("acme-badpre", "acme-thief", "acme-unsigned", "acme-forged")
    good = ("acme-badpost", "acme-bug", "acme-newdep")
    task = controller.install(only(*bad, *good), system=RHEL)
    document = task.result["document"]
    assert (task.status, task.kind, task.result["changed"]) == ("failed", "install_incomplete", True)
    assert versions(host, *bad, *good) == dict.fromkeys(bad, OLD) | dict.fromkeys(good, NEW)
    assert {name: states(document)[name] for name in bad} == dict.fromkeys(bad, "FAILED")
    told = {name: entry(document, name)["failure"] for name in bad}
    assert told["acme-badpre"] == "%prein(acme-badpre-1.1-1.el9.noarch) scriptlet failed, exit status 3"
    assert told["acme-thief"].startswith("file /usr/share/acme-shared/file from install of acme-thief-1.1-1.el9.noarch")
    assert told["acme-thief"].endswith("conflicts with file from package acme-owner-1.0-1.el9.noarch")
    assert told["acme-unsigned"] == "Package acme-unsigned-1.1-1.el9.noarch.rpm is not signed"
    assert "they are not correct for this package" in told["acme-forged"]
    # rpm counts a package as installed whose %post failed, so that is said beside its state.
    [warning] = [each["message"] for each in document["warnings"] if each["kind"] == "script_failed"]
    assert warning == "acme-badpost: %post(acme-badpost-1.1-1.el9.noarch) scriptlet failed, exit status 3"
    assert len(transactions(document)) == len(set(transactions(document))) >= 3


def test_a_script_that_hangs_is_ended_with_its_children_and_the_rest_is_installed(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    names = ("acme-hangpost", "acme-bug", "acme-crit")
    task = controller.install(only(*names), system=RHEL, step_timeout=14)
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert processes(host, "sleep 100000") == []
    assert versions(host, *names) == {"acme-hangpost": NEW, "acme-bug": NEW, "acme-crit": "1.2-1.el9"}
    assert job_results(document) == ["FAILED"]
    [step] = [step for job in document["installation"]["jobs"] for step in job["steps"] if step["ended_by"]]
    assert (step["ended_by"], any("sleep" in line for line in step["hung"])) == ("step", True)
    messages = [each["message"] for each in document["warnings"] if each["kind"] == "script_failed"]
    assert messages == ["acme-hangpost: %post(acme-hangpost-1.1-1.el9.noarch) scriptlet failed, signal 15"]
    # dnf itself came to its end: its history is complete, so nothing has to be repaired.
    assert controller.scan(only(*names), system=RHEL)["findings"].get("unfinished") is None


def test_a_dnf_that_was_killed_in_mid_transaction_is_finished_by_the_same_run(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    slow_for(host, 600)
    names = ("acme-slow", "acme-bug", "acme-newdep")
    running = controller.begin(only(*names), system=RHEL)
    wait_for_slow(host, 600)
    slow_for(host, 0)
    # As the kernel does when memory runs out.
    host.run(["pkill", "-KILL", "-f", "files/transaction-program"])
    task = controller.end(running).only()
    document = task.result["document"]
    assert task.status == "ok", task.result
    assert job_results(document) == ["FAILED", "SUCCEEDED"]
    assert versions(host, *names) == dict.fromkeys(names, NEW)
    assert {states(document)[name] for name in names} == {PENDING}
    assert "is a duplicate with" not in host.run(["dnf", "-C", "check", "--duplicates"], check=False).stdout


def test_a_power_cut_in_mid_transaction_is_finished_by_the_next_boot(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    slow_for(host, 600)
    names = ("acme-slow", "acme-crit", "acme-imp", "acme-newdep")
    running = controller.begin(only(*names), system=RHEL, reconnect_timeout=1)
    wait_for_slow(host, 600)
    slow_for(host, 1)
    host.power_cut()
    play = controller.end(running)
    assert play.only().status == "unreachable", play.output
    assert controller.outcome(host)["status"] == "unreachable"
    host.power_on()
    wait_for_job(host)
    expected = {
        "acme-slow": NEW,
        "acme-crit": "1.2-1.el9",
        "acme-imp": NEW,
        "acme-newdep": NEW,
        "acme-newlib": "1.0-1.el9",
    }
    assert versions(host, *expected) == expected
    assert "left by an interrupted transaction: " in logs(host)
    assert "is a duplicate with" not in host.run(["dnf", "-C", "check", "--duplicates"], check=False).stdout
    task = controller.install(only(*names), system=RHEL)
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", False)
    assert document["installation"]["result"] == "NOTHING_TO_DO"
    assert {states(document)[name] for name in expected} == {PENDING}


def test_what_somebody_elses_interrupted_dnf_left_is_finished_first_and_said(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    slow_for(host, 600)
    # Not waited for, so that the power goes while it works.
    host.run(["systemd-run", "--quiet", "dnf", "-y", "upgrade", "acme-slow", "acme-newdep"])
    wait_for_slow(host, 600)
    slow_for(host, 0)
    host.power_cut()
    host.power_on()
    document = controller.scan(only("acme-slow"), system=RHEL)
    # Both are in rpm's database; the newer one is not what it should be.
    found = {each["installed_version"]: each for each in document["patches"] if each["name"] == "acme-slow"}
    assert {version: each["state"] for version, each in found.items()} == {NEW: "FAILED", OLD: "INSTALLED"}
    assert "it is beside 1.0-1.el9" in found[NEW]["failure"]
    task = controller.install(only("acme-slow", "acme-bug"), system=RHEL)
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert versions(host, "acme-slow", "acme-newdep", "acme-bug") == {
        "acme-slow": NEW,
        "acme-newdep": NEW,
        "acme-bug": NEW,
    }
    assert job_results(document) == ["SUCCEEDED", "SUCCEEDED"]
    [note] = [each["message"] for each in document["warnings"] if each["kind"] == "interrupted_transaction"]
    assert "was finished" in note
    assert "acme-slow beside 1.0-1.el9" in note


def test_a_cut_connection_leaves_the_job_running_and_the_next_run_follows_it(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    slow_until_told(host)
    running = controller.begin(only("acme-slow", "acme-bug"), system=RHEL, reconnect_timeout=5)
    wait_for_slow(host, 600)
    host.unplug()
    task = controller.end(running).only()
    assert task.status == "unreachable"
    host.plug()
    following = controller.begin(only("acme-slow", "acme-bug"), system=RHEL)
    follow_until(following, "is still running; waiting for its end")
    go_on(host)
    task = controller.end(following).only()
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", False), task.result
    assert document["interrupted_run"]["result"] == "SUCCEEDED"
    assert len(document["interrupted_run"]["transactions"]) == 1
    assert versions(host, "acme-slow", "acme-bug") == {"acme-slow": NEW, "acme-bug": NEW}
    assert len(host.run(["ls", f"{STATE}/jobs"]).stdout.split()) == 1


def test_a_lock_is_waited_for_by_the_name_of_its_holder_and_then_given_up(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    with dnf_lock_held(host):
        task = controller.install(only("acme-bug"), system=RHEL, lock_timeout=3, refresh="never")
        assert (task.status, task.kind) == ("failed", "locked"), task.result["output"]
        assert "python3 (pid" in task.result["msg"]
        assert "/var/cache/dnf/metadata_lock.pid" in task.result["msg"]
        # Whoever takes the lock after the reading is waited for by the step itself.
        words = ["acme-bug-1.1-1.el9.noarch"]
        order = {"targets": words, "arriving": words, "leaving": [], "erasing": False, "lock_timeout": 2}
        host.run(["tee", "/root/order"], stdin=json.dumps(order))
        host.run(["tee", "/root/program"], stdin=program_source("dnf_transaction").decode())
        command = ["/usr/bin/python3", "-B", "-I", "/root/program", "install", "/root/order"]
        done = host.run(command, check=False)
        assert done.returncode == 1
        assert re.search(r"^openfleet-patch: waiting for python3 \(pid \d+\), which holds ", done.stderr, re.M)
        assert re.search(r"^openfleet-patch: error: python3 \(pid \d+\) holds ", done.stderr, re.M)
        assert versions(host, "acme-bug") == {"acme-bug": OLD}


def test_another_updater_is_waited_for_and_what_it_did_is_not_done_again(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    slow_until_told(host)
    host.run(["systemd-run", "--quiet", "dnf", "-y", "upgrade", "acme-slow"])
    wait_for_slow(host, 600)
    running = controller.begin(only("acme-slow", "acme-bug"), system=RHEL, lock_timeout=120, refresh="never")
    follow_until(running, "waiting for dnf (pid")
    go_on(host)
    task = controller.end(running).only()
    assert (task.status, task.result["changed"]) == ("ok", True), task.result
    assert [each["name"] for each in task.result["document"]["installation"]["installed"]] == ["acme-bug"]
    [job] = task.result["document"]["installation"]["jobs"]
    assert [step["name"] for step in job["steps"] if step["name"].startswith("install")] == [
        "install acme-bug 1.1-1.el9"
    ]


def test_a_full_disk_and_a_dead_repository_fail_in_the_words_of_dnf_and_change_nothing(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    before = everything(host)
    view = host.own_rpm_repositories()
    view.fault("503")
    task = controller.install(only("acme-bug"), system=RHEL, refresh="never")
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    assert "503" in entry(task.result["document"], "acme-bug")["failure"]
    view.fault(None)
    host.run(["sh", "-c", "for f in /var/cache/dnf/baseos-*/; do mkdir -p $f/packages;"
              " mount -t tmpfs -o size=4k tmpfs $f/packages; done"])  # fmt: skip
    host.run(
        ["sh", "-c", "for f in /var/cache/dnf/baseos-*/packages; do dd if=/dev/zero of=$f/full bs=4k count=1; done"]
    )
    task = controller.install(only("acme-bug"), system=RHEL, refresh="never")
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    assert "Failed writing received data to disk" in entry(task.result["document"], "acme-bug")["failure"]
    assert everything(host) == before
    # Room for the download, none where the package goes: rpm's own test finds it, and the others come.
    host.run(["sh", "-c", "umount /var/cache/dnf/baseos-*/packages"])
    full = "/usr/share/acme-bug-1.1-1.el9"
    host.run(
        ["sh", "-c", f"mkdir {full} && mount -t tmpfs -o size=4k tmpfs {full} && head -c 4096 /dev/zero >{full}/x"]
    )
    task = controller.install(only("acme-bug", "acme-imp"), system=RHEL, refresh="never")
    failure = entry(task.result["document"], "acme-bug")["failure"]
    assert failure.startswith("installing package acme-bug-1.1-1.el9.noarch needs ")
    assert failure.endswith(f" more space on the {full} filesystem")
    assert versions(host, "acme-bug", "acme-imp") == {"acme-bug": OLD, "acme-imp": NEW}


def test_a_version_that_left_its_repository_is_decided_again_and_never_silently_replaced(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    controller.scan(only("acme-crit"), system=RHEL)
    host.own_rpm_repositories().withdraw("acme-crit", "1.2-1.el9")
    task = controller.install(only("acme-crit"), system=RHEL, refresh="never")
    assert task.status == "ok", task.result["output"]
    assert versions(host, "acme-crit") == {"acme-crit": "1.1-1.el9"}
