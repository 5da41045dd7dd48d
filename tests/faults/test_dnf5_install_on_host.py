"""install_patches from end to end on a host with dnf 5, which Patch Manager does not know and a mapping makes one of
its systems."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from dnf_hosts import RHEL, everything, transactions, versions
from install_runs import Installer, entry, job_results, only, states
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
MAPPED: dict[str, Any] = {"system": RHEL, "os_mappings": {"fedora": {"operating_system": RHEL, "product": "Fedora42"}}}
# What a host writes by itself; whoever opens rpm's database touches the first.
IGNORED = ("/var/lib/rpm/rpmdb.sqlite-shm", *LOGIN_RECORDS, "/var/log/journal", "/dev/shm", "/tmp:")
SECURITY = {"approval_rules": [{"filters": {"classification": ["Security"]}, "approve_after_days": 0}]}


def user_installed(host: LabHost) -> set[str]:
    text = host.run(["dnf5", "-C", "-q", "repoquery", "--userinstalled", "--qf", "%{name}\\n"]).stdout
    return set(text.split())


def history(host: LabHost) -> list[int]:
    text = host.run(["dnf5", "-C", "history", "list"]).stdout
    return [int(number) for number in re.findall(r"^ *(\d+) ", text, re.M)]


def program(host: LabHost, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs an operation of the transaction program, as a plan's step does."""
    host.run(["tee", "/root/program"], stdin=program_source("dnf5_transaction").decode())
    return host.run(["/usr/bin/python3", "-B", "-I", "/root/program", *words], check=False)


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

    taken_back = program(host, "undo", *map(str, transactions(document)))
    assert taken_back.returncode == 0, taken_back.stdout + taken_back.stderr
    assert everything(host) == before
    assert user_installed(host) == wanted
