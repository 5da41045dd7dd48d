"""A scan leaves a host with dnf as it was, byte for byte; a refresh changes the cache and says what failed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from dnf_reading import read_answer, reading
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences
from openfleet_lab.fingerprint import fingerprint as everything
from openfleet_lab.locks import dnf_lock_held

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory

pytestmark = pytest.mark.lab
# A host that has just booted still writes its journal. Whoever opens rpm's database, rpm -q too, gives this file the
# time of day, and whoever has a folder in memory for a moment, the one above it.
ALIVE = (*LOGIN_RECORDS, "/var/log/journal", "/var/lib/rpm/rpmdb.sqlite-shm", "/dev/shm")
CACHE = ("/var/cache/dnf", "/var/cache:", "/var/log/dnf", "/var/log/hawkey", "/var/log:", "/var/lib/dnf",
         "/tmp:", "/dev/shm:")  # fmt: skip


def fingerprint(host: LabHost) -> dict[str, str]:
    return everything(host, ignore=ALIVE)


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "rhel9")
    yield started
    started.destroy()


@pytest.mark.parametrize(
    "before",
    [
        "true",
        "rm /var/cache/dnf/*.solv /var/cache/dnf/*.solvx",
        "for f in /var/cache/dnf/*.solv; do echo rubbish > $f; done",
        "rm -r /var/cache/dnf/baseos-*",
        "rm -r /var/cache/dnf",
        "rm -r /var/lib/dnf",
        "echo rubbish > /var/lib/dnf/history.sqlite",
    ],
    ids=["valid caches", "no binary caches", "broken binary caches", "one repository gone", "never refreshed",
         "no history", "broken history"],
)  # fmt: skip
def test_a_scan_leaves_the_host_byte_for_byte_as_it_was(host: LabHost, before: str) -> None:
    host.run(["sh", "-c", before])
    seen = fingerprint(host)
    answer = read_answer(host)
    assert differences(seen, fingerprint(host)) == []
    assert host.run(["ls", "-A", "/dev/shm"]).stdout == ""
    assert answer["ok"], answer["error"]
    assert len(answer["result"]["installed"]["rows"]) == 25


def test_a_refresh_changes_the_cache_alone(host: LabHost) -> None:
    seen = fingerprint(host)
    found = reading(host, refresh="always")["result"]
    changed = differences(seen, fingerprint(host))
    assert found["refresh"]["ok"] is True, found["refresh"]
    assert changed
    assert [line for line in changed if not line.startswith(CACHE)] == []
    assert host.run(["ls", "/dev/shm"]).stdout == ""


def test_metadata_younger_than_asked_for_is_left_alone_and_older_is_refreshed(host: LabHost) -> None:
    read_answer(host, refresh="always")
    young = read_answer(host, refresh="auto", metadata_max_age=3600)["result"]["refresh"]
    assert young["attempted"] is False
    assert "younger than 3600 s" in young["skipped_because"]
    time.sleep(2)
    assert read_answer(host, refresh="auto", metadata_max_age=1)["result"]["refresh"]["ok"] is True


def test_a_host_that_was_never_refreshed_has_no_candidates_and_says_so(host: LabHost) -> None:
    host.run(["sh", "-c", "rm -r /var/cache/dnf/*.solv* /var/cache/dnf/*/repodata"])
    inventory = build_inventory(reading(host))
    assert inventory.candidates == []
    assert all(each["metadata_age"] is None for each in inventory.repositories)
    assert [each["kind"] for each in inventory.warnings].count("never_downloaded") == 3
    refreshed = build_inventory(reading(host, refresh="auto"))
    assert refreshed.refresh["ok"] is True
    assert len(refreshed.candidates) == 24


@pytest.mark.parametrize("how", ["broken", "stranger", "missing"])
def test_metadata_with_a_wrong_signature_is_refused_and_the_repository_named(host: LabHost, how: str) -> None:
    host.own_rpm_repositories().sign("appstream", how)
    inventory = build_inventory(reading(host, refresh="always"))
    assert inventory.refresh["ok"] is False
    assert any("appstream" in error for error in inventory.refresh["errors"]), inventory.refresh
    assert [each for each in inventory.warnings if each["kind"] == "refresh_failed"]


def test_a_key_that_nobody_accepted_yet_is_not_accepted_by_a_scan(host: LabHost) -> None:
    host.run(["sh", "-c", "rm -r /var/cache/dnf/*"])
    inventory = build_inventory(reading(host, refresh="always"))
    assert inventory.refresh["ok"] is False
    assert any("'baseos'" in error and "GPG" in error for error in inventory.refresh["errors"]), inventory.refresh
    assert inventory.candidates == []


def test_without_network_the_metadata_stays_as_old_as_it_was(host: LabHost) -> None:
    host.run(["sh", "-c", "touch -d '2 days ago' /var/cache/dnf/*/repodata/*"])
    host.unplug()
    first = build_inventory(reading(host, refresh="auto", refresh_timeout=60))
    assert first.refresh["ok"] is False
    assert first.refresh["errors"]
    assert all(each["metadata_age"] > 86400 for each in first.repositories if each["enabled"])
    assert len(first.candidates) == 24


def test_a_lock_held_by_another_dnf_is_waited_for_and_then_named(host: LabHost) -> None:
    with dnf_lock_held(host):
        answer = read_answer(host, refresh="always", lock_timeout=1)["result"]
        assert answer["refresh"]["ok"] is False
        assert "locked by python3 (pid" in answer["refresh"]["errors"][0]
        assert answer["lock"]["name"] == "python3"
    assert read_answer(host, refresh="always", lock_timeout=60)["result"]["refresh"]["ok"] is True


def test_without_root_a_refresh_goes_to_a_folder_of_its_own(host: LabHost) -> None:
    seen = fingerprint(host)
    answer = read_answer(host, "opslab", refresh="always")["result"]
    changed = [line for line in differences(seen, fingerprint(host)) if not line.startswith(("/tmp:", "/dev/shm:"))]
    assert [line for line in changed if line.startswith(("/var/cache", "/var/lib", "/etc"))] == []
    assert answer["refresh"]["ok"] is True, answer["refresh"]
    inventory = build_inventory({"system": {}, "result": answer})
    assert inventory.privileged is False
    assert len(inventory.candidates) == 24
    assert [each for each in inventory.warnings if each["kind"] == "not_privileged"]


def test_a_package_installed_since_the_boot_that_needs_one_calls_for_a_reboot(host: LabHost) -> None:
    before = build_inventory(reading(host)).reboot
    assert before == {"required": False, "reasons": []}
    host.run(["dnf", "-y", "-q", "upgrade", "microcode_ctl"])
    reasons = build_inventory(reading(host)).reboot["reasons"]
    assert [(each["kind"], each["packages"]) for each in reasons] == [
        ("core_packages_newer_than_boot", ["microcode_ctl"])
    ]
