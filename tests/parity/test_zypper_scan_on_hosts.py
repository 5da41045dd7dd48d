"""A scan leaves a host with zypper as it was, byte for byte; a refresh changes the cache and says what failed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences
from openfleet_lab.fingerprint import fingerprint as everything
from openfleet_lab.suse_packages import PACKAGES, UPDATES
from zypper_reading import inventory_of, reading

pytestmark = pytest.mark.lab
# A host that has just booted still writes its journal. Whoever opens rpm's database, rpm -q too, gives this file the
# time of day, and whoever has a folder in memory for a moment, the one above it.
ALIVE = (*LOGIN_RECORDS, "/var/log/journal", "/var/lib/rpm/rpmdb.sqlite-shm", "/dev/shm")
CACHE = ("/var/cache/zypp", "/var/cache:", "/var/log/zypp", "/var/log:", "/var/lib/zypp", "/run/zypp.pid", "/tmp:",
         "/var/tmp:", "/dev/shm:", "/run:", "/var/lib/rpm", "/var/lib/YaST2", "/var/lib:")  # fmt: skip
INSTALLED = sum(len(package.installed) for package in PACKAGES)
# The file goes only when the daemon runs from it: before that, there would be nothing left to start.
START_AND_REPLACE_A_DAEMON = """
cp /bin/sleep /usr/bin/acme-daemon
acme-daemon 100 >/dev/null 2>&1 &
until [ "$(readlink /proc/$!/exe)" = /usr/bin/acme-daemon ]; do sleep 0.05; done
rm /usr/bin/acme-daemon
"""


def fingerprint(host: LabHost) -> dict[str, str]:
    return everything(host, ignore=ALIVE)


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "sles15")
    yield started
    started.destroy()


def test_a_scan_leaves_the_host_byte_for_byte_as_it_was(host: LabHost) -> None:
    spoilt = (
        "true",
        "rm -r /var/cache/zypp/solv/acme",
        "for f in /var/cache/zypp/solv/*/solv; do echo rubbish > $f; done",
        "rm -r /var/cache/zypp/solv",
        "rm -r /var/cache/zypp/raw/acme",
        "rm -f /etc/zypp/locks /var/lib/zypp/AutoInstalled",
        "rm -r /var/cache/zypp",
    )
    for before in spoilt:
        host.run(["sh", "-c", before])
        seen = fingerprint(host)
        found = inventory_of(host)
        assert differences(seen, fingerprint(host)) == [], before
        assert host.run(["ls", "-A", "/dev/shm"]).stdout == ""
        assert len(found.installed) == INSTALLED, before


def test_a_scan_without_root_reads_the_same_and_says_what_it_cannot_know(host: LabHost) -> None:
    root = inventory_of(host)
    seen = fingerprint(host)
    other = inventory_of(host, "opslab", refresh="always")
    assert differences(seen, fingerprint(host)) == []
    assert other.privileged is False
    assert other.candidates == root.candidates
    assert other.installed == root.installed
    assert other.refresh["attempted"] is False
    assert "root" in other.refresh["skipped_because"]
    assert [each for each in other.warnings if each["kind"] == "not_privileged"]
    assert other.reboot["required"] is None


def test_the_reader_answers_alike_under_the_shell_that_suse_has(host: LabHost) -> None:
    """Debian's /bin/sh is dash, SUSE's is bash."""
    under_dash = inventory_of(host)
    host.run(["ln", "-sf", "bash", "/bin/sh"])
    under_bash = inventory_of(host)
    for each in (under_dash, under_bash):
        each.collected_at = ""
        each.findings.pop("disk")
        for repository in each.repositories:
            repository["metadata_age"] = None
    assert under_bash == under_dash
    assert len(under_bash.candidates) == 27


def test_a_refresh_changes_the_cache_alone_and_only_when_it_is_due(host: LabHost) -> None:
    seen = fingerprint(host)
    found = inventory_of(host, refresh="always")
    changed = differences(seen, fingerprint(host))
    assert found.refresh == {"attempted": True, "ok": True, "errors": [], "skipped_because": None}
    assert [line for line in changed if not line.startswith(CACHE)] == []
    young = inventory_of(host, refresh="auto", metadata_max_age=3600)
    assert young.refresh["attempted"] is False
    assert "younger than 3600 s" in young.refresh["skipped_because"]
    # What is of tomorrow was fetched before the clock was set back.
    for moment in ("2 hours ago", "tomorrow"):
        host.run(["touch", "-d", moment, "/var/cache/zypp/raw/acme/repodata/repomd.xml"])
        assert inventory_of(host, refresh="auto", metadata_max_age=3600).refresh["ok"] is True
    host.run(["rm", "-r", "/var/cache/zypp"])
    empty = inventory_of(host)
    assert empty.candidates == []
    assert [each["kind"] for each in empty.warnings].count("never_downloaded") == 3
    assert len(inventory_of(host, refresh="auto").candidates) == 27


@pytest.mark.parametrize("how", ["broken", "stranger", "missing"])
def test_metadata_with_a_wrong_signature_is_refused_and_the_repository_named(host: LabHost, how: str) -> None:
    view = host.own_rpm_repositories()
    # zypper looks at a signature only where the index is another than the one it has.
    for each in dict.fromkeys(["broken", how]):
        view.sign(UPDATES, each)
    found = inventory_of(host, refresh="always")
    assert found.refresh["ok"] is False
    assert any(UPDATES in error for error in found.refresh["errors"]), found.refresh
    assert [each for each in found.warnings if each["kind"] == "refresh_failed"]
    assert len(found.candidates) == 27, "the metadata that was verified before still counts"


def test_a_host_without_any_patches_says_so(host: LabHost) -> None:
    host.own_rpm_repositories().drop_notices()
    found = inventory_of(host, refresh="always")
    assert found.refresh["ok"] is True
    assert [each["kind"] for each in found.warnings] == ["no_security_metadata"]
    assert not any(each["security"] for each in found.candidates)


def test_a_key_that_nobody_accepted_yet_is_not_accepted_by_a_scan(host: LabHost) -> None:
    host.run(["sh", "-c", "rpm -e gpg-pubkey && rm -r /var/cache/zypp/*"])
    found = inventory_of(host, refresh="always")
    assert found.refresh["ok"] is False
    assert any("ignature verification failed" in error for error in found.refresh["errors"]), found.refresh
    assert found.candidates == []
    assert "gpg-pubkey" not in host.run(["rpm", "-qa"]).stdout


def test_a_server_that_fails_or_is_out_of_reach_is_told_and_old_metadata_counts(host: LabHost) -> None:
    view = host.own_rpm_repositories()
    view.fault("503")
    found = inventory_of(host, refresh="always")
    assert found.refresh["ok"] is False
    assert len(found.candidates) == 27
    view.fault("hang")
    began = time.monotonic()
    found = inventory_of(host, refresh="always", refresh_timeout=3)
    assert found.refresh["errors"][-1] == "zypper refresh took too long and was stopped"
    assert time.monotonic() - began < 60


def test_a_lock_held_by_another_zypper_is_waited_for_and_then_named(host: LabHost) -> None:
    # A process has the name of its program only once it runs that.
    named = 'until [ "$(readlink /proc/$!/exe)" = /tmp/zypper ]; do sleep 0.05; done'
    script = f"cp /bin/sleep /tmp/zypper; /tmp/zypper 600 & echo $! > /run/zypp.pid; {named}; echo held; wait"
    enter = ["nsenter", "-t", str(host.init_pid()), "-a", "--", "/bin/sh", "-c", script]
    with subprocess.Popen(enter, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        found = inventory_of(host, refresh="always", lock_timeout=1)
        assert found.refresh["ok"] is False
        assert "locked by zypper (pid" in found.refresh["errors"][0]
        assert found.findings["lock"]["name"] == "zypper"
        assert [each["name"] for each in found.findings["updaters"]["running"]] == ["zypper"]
        host.run(["sh", "-c", "kill $(cat /run/zypp.pid)"])
    assert inventory_of(host, refresh="always", lock_timeout=30).refresh["ok"] is True


def test_credentials_of_repositories_stay_on_the_host(host: LabHost) -> None:
    file = f"/etc/zypp/repos.d/{UPDATES}.repo"
    host.run(
        ["sed", "-i", "s,http://rpm.lab/sles15/updates,http://fred:hunter2@rpm.lab/sles15/updates?hunter2=1,", file]
    )
    for refresh in ("never", "always"):
        found = reading(host, refresh=refresh)
        assert "hunter2" not in repr(found)
        assert "http://rpm.lab/sles15/updates" in repr(found)


def test_a_reboot_is_called_for_by_a_package_that_asks_for_it_and_by_replaced_libraries(host: LabHost) -> None:
    assert inventory_of(host).reboot == {"required": False, "reasons": []}
    host.run(["zypper", "--non-interactive", "install", "--no-recommends", "acme-reboot"])
    found = inventory_of(host)
    assert (found.reboot["required"], [each["kind"] for each in found.reboot["reasons"]]) == (
        True,
        ["reboot_needed_file"],
    )
    host.run(["sh", "-c", START_AND_REPLACE_A_DAEMON])
    stale = inventory_of(host).findings["deleted_libraries"]["processes"]
    assert [(each["name"], each["libraries"]) for each in stale] == [("acme-daemon", ["/usr/bin/acme-daemon"])]
