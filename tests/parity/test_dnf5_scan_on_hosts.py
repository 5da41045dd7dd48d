"""A scan leaves a host with dnf 5 as it was, byte for byte; a refresh changes the cache and says what failed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dnf_reading import MAPPINGS, read_answer, reading
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences
from openfleet_lab.fingerprint import fingerprint as everything

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf5 import build_inventory

pytestmark = pytest.mark.lab
# A host that has just booted still writes its journal. Whoever opens rpm's database, rpm -q too, gives this file the
# time of day, and whoever has a folder in memory for a moment, the one above it.
ALIVE = (*LOGIN_RECORDS, "/var/log/journal", "/var/lib/rpm/rpmdb.sqlite-shm", "/dev/shm")
CACHE = ("/var/cache/libdnf5", "/var/cache:", "/var/log/dnf5.log", "/var/log:", "/var/lib/dnf", "/tmp:", "/dev/shm:",
         "/run/dnf", "/run:")  # fmt: skip
STATE = "/usr/lib/sysimage/libdnf5"


def fingerprint(host: LabHost) -> dict[str, str]:
    return everything(host, ignore=ALIVE)


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "fedora42")
    yield started
    started.destroy()


def test_a_scan_leaves_the_host_byte_for_byte_as_it_was_whatever_it_finds(host: LabHost) -> None:
    befores = {
        "valid caches": "true",
        "broken binary caches": "for f in /var/cache/libdnf5/*/solv/*; do echo rubbish > $f; done",
        "no binary caches": "rm -r /var/cache/libdnf5/*/solv",
        "broken history": f"echo rubbish > {STATE}/transaction_history.sqlite",
        "no reasons": f"rm {STATE}/packages.toml {STATE}/nevras.toml {STATE}/system.toml",
        "no state": f"rm -r {STATE}",
        "one repository gone": "rm -r /var/cache/libdnf5/updates-*",
        "never refreshed": "rm -r /var/cache/libdnf5",
    }
    for user in ("root", "opslab"):
        for name, before in befores.items():
            if user == "root":
                host.run(["sh", "-c", before])
            seen = fingerprint(host)
            answer = read_answer(host, user)
            assert answer["ok"], (name, answer["error"])
            assert differences(seen, fingerprint(host)) == [], name
            assert host.run(["ls", "-A", "/dev/shm"]).stdout == "", name
            assert len(answer["result"]["installed"]["rows"]) == 25, name
            if user == "root" and name in ("valid caches", "broken binary caches", "no binary caches"):
                assert len(answer["result"]["candidates"]["rows"]) == 24, name


def test_a_refresh_changes_the_cache_alone_and_without_root_not_even_that(host: LabHost) -> None:
    seen = fingerprint(host)
    theirs = read_answer(host, "opslab", refresh="always")["result"]
    assert theirs["refresh"]["ok"] is True, theirs["refresh"]
    assert len(theirs["candidates"]["rows"]) == 24
    assert [line for line in differences(seen, fingerprint(host)) if not line.startswith(("/tmp:", "/dev/shm:"))] == []
    found = reading(host, refresh="always")["result"]
    changed = differences(seen, fingerprint(host))
    assert found["refresh"]["ok"] is True, found["refresh"]
    assert changed
    assert [line for line in changed if not line.startswith(CACHE)] == []
    young = read_answer(host, refresh="auto", metadata_max_age=3600)["result"]["refresh"]
    assert young["attempted"] is False
    assert "younger than 3600 s" in young["skipped_because"]


def test_metadata_that_nobody_vouches_for_is_refused_and_the_repository_named(host: LabHost) -> None:
    view = host.own_rpm_repositories()
    for how in ("broken", "missing"):
        view.sign("updates", how)
        inventory = build_inventory(reading(host, refresh="always"), mappings=MAPPINGS)
        assert inventory.refresh["ok"] is False
        assert any("updates" in error and "GPG" in error for error in inventory.refresh["errors"]), inventory.refresh
    view.sign("updates", "good")
    # A key that nobody has accepted yet is not accepted by a scan.
    host.run(["sh", "-c", "rm -r /var/cache/libdnf5/*"])
    inventory = build_inventory(reading(host, refresh="always"), mappings=MAPPINGS)
    assert inventory.refresh["ok"] is False
    assert any("fedora" in error and "Signing key not found" in error for error in inventory.refresh["errors"])
    assert inventory.candidates == []
    assert [each["kind"] for each in inventory.warnings].count("never_downloaded") == 3


def test_without_network_the_metadata_stays_as_old_as_it_was(host: LabHost) -> None:
    host.run(["sh", "-c", "touch -d '2 days ago' /var/cache/libdnf5/*/repodata/*"])
    host.unplug()
    inventory = build_inventory(reading(host, refresh="auto", refresh_timeout=60), mappings=MAPPINGS)
    assert inventory.refresh["ok"] is False
    assert inventory.refresh["errors"]
    assert all(each["metadata_age"] > 86400 for each in inventory.repositories if each["enabled"])
    assert len(inventory.candidates) == 24


CUT_OFF = """
import sqlite3
history = sqlite3.connect("/usr/lib/sysimage/libdnf5/transaction_history.sqlite")
last = "(SELECT MAX(id) FROM trans)"
history.execute("UPDATE trans SET state_id = 1, dt_begin = 1700000000, dt_end = NULL WHERE id = " + last)
history.commit()
"""


def test_a_transaction_that_never_ended_and_one_that_waits_for_the_next_boot_are_told(host: LabHost) -> None:
    host.run(["dnf5", "-y", "-q", "upgrade", "--offline", "acme-bug"])
    host.run(["dnf5", "-y", "-q", "upgrade", "microcode_ctl"])
    host.run(["/usr/bin/python3", "-c", CUT_OFF])
    inventory = build_inventory(reading(host), mappings=MAPPINGS)
    assert inventory.findings["unfinished"]["begun_at"] == "2023-11-14T22:13:20Z"
    assert inventory.findings["offline"]["status"] == "download-complete"
    assert "offline_transaction" in {each["kind"] for each in inventory.warnings}
    assert [(each["kind"], each["packages"]) for each in inventory.reboot["reasons"]] == [
        ("core_packages_newer_than_boot", ["microcode_ctl"])
    ]
