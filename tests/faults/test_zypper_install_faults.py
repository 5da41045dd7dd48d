"""Packages that fail, hang or cannot be trusted, hosts that are cut off, full or busy: what zypper hosts come to."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from dnf_hosts import everything, logs, versions, wait_for_slow
from install_runs import Installer, entry, job_results, only, processes, slow_for, states, wait_for_job
from openfleet_lab.api import LabHost

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source

pytestmark = [pytest.mark.lab, pytest.mark.slow]
Fresh = Callable[..., tuple[LabHost, Installer]]
OLD, NEW = "1.0-150600.1.1", "1.1-150600.3.1"


def names(*packages: str) -> dict[str, object]:
    """A baseline that approves these packages: SUSE's lists name files, so each with any version."""
    return only(*(f"{name}-1*" for name in packages))


def test_what_cannot_be_installed_keeps_nobody_else_from_the_host_and_says_why(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="sles15")
    bad, good = ("acme-badpre", "acme-clash", "acme-stranger"), ("acme-badpost", "acme-mod", "acme-parent")
    task = controller.install(names(*bad, *good), system="SUSE")
    document = task.result["document"]
    assert (task.status, task.kind, task.result["changed"]) == ("failed", "install_incomplete", True)
    assert versions(host, *bad, *good) == dict.fromkeys(bad, OLD) | dict.fromkeys(good, NEW)
    told = {name: entry(document, name)["failure"] for name in bad}
    assert told["acme-badpre"] == "%prein(acme-badpre-1.1-150600.3.1.noarch) scriptlet failed, exit status 3"
    assert "/usr/share/acme-owner/file" in told["acme-clash"] or "acme-owner-1.0" in told["acme-clash"]
    assert told["acme-stranger"] == "Signature verification failed [4-Signatures public key is not available]"
    # rpm counts a package as installed whose %post failed, so that is said beside its state.
    [warning] = [each["message"] for each in document["warnings"] if each["kind"] == "script_failed"]
    assert warning == "acme-badpost: %post(acme-badpost-1.1-150600.3.1.noarch) scriptlet failed, exit status 3"


def test_a_script_that_hangs_is_ended_with_its_children(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="sles15")
    task = controller.install(names("acme-hangpost", "acme-mod"), system="SUSE", step_timeout=14)
    document = task.result["document"]
    assert processes(host, "sleep 100000") == []
    [step] = [step for job in document["installation"]["jobs"] for step in job["steps"] if step["ended_by"]]
    assert (step["ended_by"], any("sleep" in line for line in step["hung"])) == ("step", True)
    # A second run brings what is left and repairs what was cut off.
    controller.install(names("acme-hangpost", "acme-mod"), system="SUSE", step_timeout=20)
    assert versions(host, "acme-hangpost", "acme-mod") == {"acme-hangpost": NEW, "acme-mod": NEW}


def test_a_power_cut_in_mid_transaction_is_finished_by_the_next_boot(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="sles15")
    slow_for(host, 600)
    packages = ("acme-slow", "acme-mod", "acme-imp", "acme-libauto", "acme-parent")
    running = controller.begin(names(*packages), system="SUSE", reconnect_timeout=1)
    wait_for_slow(host, 600)
    slow_for(host, 1)
    host.power_cut()
    assert controller.end(running).only().status == "unreachable"
    host.power_on()
    wait_for_job(host)
    assert versions(host, *packages, "acme-child") == dict.fromkeys((*packages, "acme-child"), NEW)
    assert "left by an interrupted transaction: acme-slow-1.0" in logs(host)
    assert "acme-libauto" in host.run(["cat", "/var/lib/zypp/AutoInstalled"]).stdout.split()
    task = controller.install(names(*packages), system="SUSE")
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", False), task.result["output"]
    assert {states(document)[name] for name in packages} == {"INSTALLED_PENDING_REBOOT"}


def test_what_somebody_elses_interrupted_zypper_left_is_finished_first_and_said(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="sles15")
    slow_for(host, 600)
    # Not waited for, so that the power goes while it works.
    host.run(["systemd-run", "--quiet", "zypper", "--non-interactive", "install", "acme-slow"])
    wait_for_slow(host, 600)
    slow_for(host, 0)
    host.power_cut()
    host.power_on()
    document = controller.scan(names("acme-slow"), system="SUSE")
    found = {each["installed_version"]: each["state"] for each in document["patches"] if each["name"] == "acme-slow"}
    assert found[NEW] == "FAILED"
    task = controller.install(names("acme-slow", "acme-mod"), system="SUSE")
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert versions(host, "acme-slow", "acme-mod") == {"acme-slow": NEW, "acme-mod": NEW}
    [note] = [each["message"] for each in document["warnings"] if each["kind"] == "interrupted_transaction"]
    assert "was finished" in note


def test_a_lock_is_waited_for_by_the_name_of_its_holder_and_then_given_up(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="sles15")
    slow_for(host, 600)
    host.run(["systemd-run", "--quiet", "zypper", "--non-interactive", "install", "acme-slow"])
    wait_for_slow(host, 600)
    task = controller.install(names("acme-mod"), system="SUSE", lock_timeout=3, refresh="never")
    assert (task.status, task.kind) == ("failed", "locked"), task.result["output"]
    assert "zypper (pid" in task.result["msg"]
    assert "/run/zypp.pid" in task.result["msg"]
    # Whoever takes the lock after the reading is waited for by the step itself.
    order = f"target acme-mod.noarch={NEW}\nexpect arrive acme-mod noarch {NEW}\nlock_timeout 2\n"
    host.run(["tee", "/root/order"], stdin=order)
    host.run(["tee", "/root/program"], stdin=program_source("zypper_transaction").decode())
    done = host.run(["/bin/sh", "/root/program", "install", "/root/order"], check=False)
    assert done.returncode == 7
    assert re.search(r"^openfleet-patch: waiting: zypper \(pid \d+\) holds /run/zypp.pid$", done.stdout, re.M)
    assert re.search(r"^openfleet-patch: error: zypper \(pid \d+\) holds /run/zypp.pid$", done.stdout, re.M)
    assert versions(host, "acme-mod") == {"acme-mod": OLD}
    # What zypper would do beyond the order is not done at all.
    host.run(["pkill", "sleep"], check=False)
    order = f"target acme-parent.noarch={NEW}\nexpect arrive acme-parent noarch {NEW}\nlock_timeout 60\n"
    host.run(["tee", "/root/order"], stdin=order)
    done = host.run(["/bin/sh", "/root/program", "install", "/root/order"], check=False)
    assert done.returncode == 90
    assert f"arrive acme-child noarch {NEW}" in done.stdout
    assert versions(host, "acme-parent") == {"acme-parent": OLD}


def test_a_full_disk_and_a_dead_repository_fail_in_the_words_of_zypper_and_change_nothing(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    before = everything(host)
    view = host.own_rpm_repositories()
    view.fault("drop")
    task = controller.install(names("acme-mod"), system="SUSE", refresh="never")
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    assert "Empty reply from server" in entry(task.result["document"], "acme-mod")["failure"]
    view.fault(None)
    host.run(["sh", "-c", "d=/var/cache/zypp/packages; mkdir -p $d && mount -t tmpfs -o size=4k tmpfs $d "
              "&& dd if=/dev/zero of=$d/full bs=4k count=1"])  # fmt: skip
    task = controller.install(names("acme-mod"), system="SUSE", refresh="never")
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    assert everything(host) == before


def test_a_version_that_left_its_repository_is_decided_again_and_never_silently_replaced(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    controller.scan(names("acme-crit"), system="SUSE")
    host.own_rpm_repositories().withdraw("acme-crit", "1.2-150600.5.1")
    task = controller.install(names("acme-crit"), system="SUSE", refresh="never")
    assert task.status == "ok", task.result["output"]
    assert versions(host, "acme-crit") == {"acme-crit": NEW}
    assert job_results(task.result["document"])[-1] in ("SUCCEEDED", "PARTIAL")
