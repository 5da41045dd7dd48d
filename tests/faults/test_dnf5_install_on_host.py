"""install_patches from end to end on a host with dnf 5, which Patch Manager does not know and a mapping makes one of
its systems."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from dnf_hosts import MAPPED, everything, logs, transactions, versions, wait_for_slow
from install_runs import ROOT, Installer, entry, job_results, only, processes, states
from jsonschema import Draft202012Validator
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint
from openfleet_lab.locks import file_lock_held

pytestmark = pytest.mark.lab
SCHEMA = ROOT / "docs" / "schema" / "document.schema.json"
Fresh = Callable[..., tuple[LabHost, Installer]]
OLD, NEW = "1.0-1.fc42", "1.1-1.fc42"
# What a host writes by itself; whoever opens rpm's database touches the first.
IGNORED = ("/var/lib/rpm/rpmdb.sqlite-shm", *LOGIN_RECORDS, "/var/log/journal", "/dev/shm", "/tmp:")
SECURITY = {"approval_rules": [{"filters": {"classification": ["Security"]}, "approve_after_days": 0}]}


def user_installed(host: LabHost) -> set[str]:
    text = host.run(["dnf5", "-C", "-q", "repoquery", "--userinstalled", "--qf", "%{name}\\n"]).stdout
    return set(text.split())


def history(host: LabHost) -> list[int]:
    text = host.run(["dnf5", "-C", "history", "list"]).stdout
    return [int(number) for number in re.findall(r"^ *(\d+) ", text, re.M)]


def test_what_is_approved_is_installed_once_and_can_be_taken_back(fresh: Fresh) -> None:
    host, controller = fresh(kind="fedora42")
    controller.scan(SECURITY, **MAPPED)
    before, wanted, seen = everything(host), user_installed(host), fingerprint(host, ignore=IGNORED)

    planned = controller.install(SECURITY, "--check", "--diff", refresh="never", **MAPPED)
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert "+acme-crit.noarch 1.1-1.fc42\n" in planned.result["output"]

    task = controller.install(SECURITY, "--diff", **MAPPED)
    document = task.result["document"]
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert (task.status, task.result["changed"]) == ("ok", True), task.result["output"]
    installed = {(each["name"], each["arch"]): each["version"] for each in document["installation"]["installed"]}
    assert installed == {(each["name"], each["arch"]): each["version"] for each in planned.result["plan"]["install"]}
    # The critical fix, not the later bugfix; kernels and architectures beside each other; epochs; modules' streams.
    assert installed["acme-crit", "noarch"] == "1.1-1.fc42"
    assert installed["acme-epoch", "noarch"] == "1:1.0-1.fc42"
    assert installed["acme-db", "x86_64"] == "10.2-1.module+fc42+2"
    assert (installed["acme-multi", "x86_64"], installed["acme-multi", "i686"]) == ("1.1-1.fc42", "1.1-1.fc42")
    assert versions(host, "kernel-core") == {"kernel-core": "5.14.0-1.fc42, 5.14.0-2.fc42, 5.14.0-3.fc42"}
    held = ("acme-locked", "acme-excluded")
    assert versions(host, *held) == dict.fromkeys(held, "1.0-1.fc42")
    assert user_installed(host) == wanted
    assert states(document)["acme-crit"] == "INSTALLED_PENDING_REBOOT"
    assert job_results(document) == ["SUCCEEDED"]
    numbers = history(host)
    assert transactions(document) == [max(numbers)]
    comment = host.run(["dnf5", "-C", "history", "info", str(max(numbers))]).stdout
    assert f"openfleet.patch /var/lib/openfleet-patch/jobs/{document['installation']['jobs'][0]['job']}/" in comment

    again = controller.install(SECURITY, "--diff", **MAPPED)
    assert (again.result["changed"], again.result["document"]["installation"]["result"]) == (False, "NOTHING_TO_DO")

    back = controller.roll_back(SECURITY, "--diff", **MAPPED)
    assert back.status == "ok", back.result["output"]
    assert "-kernel-core.x86_64 5.14.0-3.fc42\n" in back.result["output"]
    assert everything(host) == before
    assert user_installed(host) == wanted


def test_what_comes_along_and_what_goes_obeys_the_baseline_and_the_operator(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="fedora42")
    blocked = only("acme-newdep", "acme-bug", rejected_patches=["acme-newlib"], rejected_patches_action="BLOCK")
    task = controller.install(blocked, **MAPPED)
    assert task.status == "failed"
    assert versions(host, "acme-newdep", "acme-newlib", "acme-bug") == {"acme-newdep": OLD, "acme-bug": NEW}
    failure = entry(task.result["document"], "acme-newdep")["failure"]
    assert f"needs acme-newlib {OLD}, which the baseline rejects (BLOCK)" in failure
    task = controller.install(only("acme-mover", "acme-whole"), **MAPPED)
    assert entry(task.result["document"], "acme-mover")["failure"] == f"would remove acme-victim {OLD}"
    assert entry(task.result["document"], "acme-whole")["failure"] == f"would remove acme-part {OLD}"
    assert task.result["changed"] is False
    allowed = only("acme-newdep", "acme-mover", "acme-whole", "acme-locked", "acme-excluded", "kernel-core")
    host.run(["sed", "-i", "s/installonly_limit=3/installonly_limit=2/", "/etc/dnf/dnf.conf"])
    task = controller.install(allowed, "--diff", allow_removals=True, honour_host_excludes=False, **MAPPED)
    assert task.status == "ok", task.result["output"]
    assert [each["name"] for each in task.result["document"]["pulled_in"]] == ["acme-newlib"]
    assert "acme-newlib" not in user_installed(host)
    names = ("acme-newdep", "acme-newlib", "acme-mover", "acme-whole", "acme-victim", "acme-part", "acme-locked")
    moved = dict.fromkeys(("acme-newdep", "acme-mover", "acme-whole", "acme-locked"), NEW)
    assert versions(host, *names, "acme-excluded") == {**moved, "acme-newlib": OLD, "acme-excluded": NEW}
    assert f"-acme-victim.noarch {OLD}\n" in task.result["output"]
    # Old kernels go as the host has it set.
    assert versions(host, "kernel-core") == {"kernel-core": "5.14.0-2.fc42, 5.14.0-3.fc42"}


@pytest.mark.slow
def test_what_is_blocked_is_replaced_by_something_else_that_serves(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="fedora42")
    planned = controller.install(only("acme-choosy"), "--check", **MAPPED)
    [first] = [each["name"] for each in planned.result["plan"]["pulled_in"]]
    blocked = only("acme-choosy", rejected_patches=[first], rejected_patches_action="BLOCK")
    task = controller.install(blocked, **MAPPED)
    assert task.status == "ok", task.result["output"]
    [other] = {"acme-pick-a", "acme-pick-b"} - {first}
    assert versions(host, "acme-choosy", first, other) == {"acme-choosy": NEW, other: OLD}


@pytest.mark.slow
def test_what_fails_keeps_nobody_else_from_the_host_and_says_why(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="fedora42")
    bad = ("acme-badpre", "acme-thief", "acme-unsigned", "acme-forged")
    good = ("acme-bug", "acme-badpost")
    with file_lock_held(host, "/run/dnf/rpmtransaction.lock"):
        task = controller.install(only(*good), lock_timeout=2, refresh="never", **MAPPED)
        assert (task.status, task.kind) == ("failed", "locked"), task.result["output"]
        assert "python3 (pid " in task.result["msg"]
        assert "holds /run/dnf/rpmtransaction.lock" in task.result["msg"]
    task = controller.install(only(*bad, *good), **MAPPED)
    document = task.result["document"]
    assert (task.status, task.kind, task.result["changed"]) == ("failed", "install_incomplete", True)
    assert versions(host, *bad, *good) == {**dict.fromkeys(bad, OLD), **dict.fromkeys(good, NEW)}
    why = {name: entry(document, name)["failure"] for name in bad}
    assert why["acme-badpre"] == "its %pre scriptlet failed: cannot prepare"
    assert "conflicts with file from package acme-owner" in why["acme-thief"]
    assert why["acme-unsigned"] == "The package is not signed."
    assert "wrong key" in why["acme-forged"]
    told = [each["message"] for each in document["warnings"] if each["kind"] == "script_failed"]
    assert told == ["acme-badpost: its %post scriptlet failed: cannot configure"]


@pytest.mark.slow
def test_what_a_power_cut_left_is_finished_first(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="fedora42")
    names = ("acme-bug", "acme-slow")
    host.run(["tee", "/etc/acme-slow"], stdin="7000\n")
    process = controller.begin(only(*names), **MAPPED)
    wait_for_slow(host, 7000)
    host.power_cut()
    # Its script runs once more after the boot.
    (host.root / "etc/acme-slow").write_text("0\n")
    host.power_on()
    controller.end(process)
    task = controller.install(only(*names), **MAPPED)
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    # Nothing of the old is left beside the new, and the history says of the first transaction what became of it.
    assert versions(host, *names) == dict.fromkeys(names, NEW)
    assert host.run(["dnf5", "-C", "check"], check=False).returncode == 0
    assert "unfinished" not in document["findings"]
    [left] = re.findall(r"^openfleet-patch: left by an interrupted transaction: (.*)$", logs(host), re.M)
    assert f"acme-slow-{NEW}.noarch" in left.split(", "), left


@pytest.mark.slow
def test_a_script_that_hangs_is_ended_and_the_rest_goes_on(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="fedora42")
    names = ("acme-hangpost", "acme-bug", "acme-imp")
    task = controller.install(only(*names), step_timeout=10, **MAPPED)
    document = task.result["document"]
    # rpm counts a package as installed whose %post failed, and went on to its end.
    assert versions(host, *names) == dict.fromkeys(names, NEW), task.result["output"]
    assert processes(host, "sleep 100000") == []
    assert transactions(document) == [max(history(host))]
    assert "unfinished" not in controller.scan(only(*names), **MAPPED)["findings"]
    assert host.run(["dnf5", "-C", "check"], check=False).returncode == 0
