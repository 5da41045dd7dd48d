"""A scan leaves a host as it was, byte for byte; a refresh changes lists and their caches and says what failed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from apt_reading import READER, read_answer, reading, request
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences
from openfleet_lab.fingerprint import fingerprint as everything
from openfleet_lab.locks import file_lock_held

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt import build_inventory

pytestmark = pytest.mark.lab

# A host that has just booted still writes its journal.
ALIVE = (*LOGIN_RECORDS, "/var/log/journal")
LISTS_AND_CACHES = ("/var/lib/apt/lists", "/var/cache/apt", "/tmp:", "/dev/shm:")


def fingerprint(host: LabHost) -> dict[str, str]:
    return everything(host, ignore=ALIVE)


@pytest.fixture(params=["bookworm", "trixie", "bullseye"])
def host(request: pytest.FixtureRequest, lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, request.param)
    yield started
    started.destroy()


@pytest.fixture
def bookworm(lab: Lab) -> Iterator[LabHost]:
    started = start_host(lab, "bookworm")
    yield started
    started.destroy()


@pytest.mark.parametrize(
    "before",
    [
        "true",
        "touch /var/lib/dpkg/status",
        "touch -d '1 hour ago' /var/cache/apt/*.bin",
        "sleep 0.1; touch /etc/apt/sources.list /etc/apt/sources.list.d/*",
        "rm /var/lib/apt/lists/*backports*; sleep 0.1; touch /var/cache/apt/*.bin",
        "rm /var/cache/apt/*.bin",
        "echo rubbish > /var/cache/apt/pkgcache.bin; echo rubbish > /var/cache/apt/srcpkgcache.bin",
        "rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists",
    ],
    ids=["valid caches", "new dpkg status", "old caches", "new sources", "lists gone", "no caches", "broken caches",
         "never refreshed"],
)  # fmt: skip
def test_a_scan_leaves_the_host_byte_for_byte_as_it_was(host: LabHost, before: str) -> None:
    host.run(["sh", "-c", before])
    seen = fingerprint(host)
    answer = read_answer(host)
    assert differences(seen, fingerprint(host)) == []
    assert answer["ok"], answer["error"]
    assert len(answer["result"]["installed"]["rows"]) > 150


def test_a_refresh_changes_lists_and_caches_alone(host: LabHost) -> None:
    seen = fingerprint(host)
    answer = read_answer(host, refresh="always")
    changed = differences(seen, fingerprint(host))
    assert answer["result"]["refresh"]["ok"] is True
    assert changed
    # overlayfs shows the folders above a change as well, with the time that they had.
    above = ("/var/lib/apt: was not there", "/var/cache: was not there")
    assert [line for line in changed if not line.startswith((*LISTS_AND_CACHES, *above))] == []
    assert host.run(["ls", "/dev/shm"]).stdout == ""


def test_hooks_of_other_programs_run_only_when_asked_for(bookworm: LabHost) -> None:
    hook = 'APT::Update::Post-Invoke-Success {"touch /var/tmp/hook-ran";};\n'
    bookworm.run(["tee", "/etc/apt/apt.conf.d/99hook"], stdin=hook)
    read_answer(bookworm, refresh="always")
    assert bookworm.run(["test", "-e", "/var/tmp/hook-ran"], check=False).returncode == 1
    read_answer(bookworm, refresh="always", refresh_hooks="run")
    assert bookworm.run(["test", "-e", "/var/tmp/hook-ran"], check=False).returncode == 0


def test_lists_younger_than_asked_for_are_left_alone_and_older_ones_refreshed(bookworm: LabHost) -> None:
    read_answer(bookworm, refresh="always")
    young = read_answer(bookworm, refresh="auto", metadata_max_age=3600)["result"]["refresh"]
    assert young["attempted"] is False
    assert "younger than 3600 s" in young["skipped_because"]
    time.sleep(1.1)
    assert read_answer(bookworm, refresh="auto", metadata_max_age=1)["result"]["refresh"]["ok"] is True


def test_a_repository_that_fails_is_named_in_its_own_words_and_is_not_fatal(bookworm: LabHost) -> None:
    bookworm.own_repositories().sign("updates", "broken")
    before = read_answer(bookworm)["result"]["lists"]["age"]
    inventory = build_inventory(reading(bookworm, refresh="always"))
    assert inventory.refresh["ok"] is False
    assert any("bookworm-updates" in error for error in inventory.refresh["errors"])
    assert [each for each in inventory.warnings if each["kind"] == "refresh_failed"]
    # One that failed is not fresh, and a failed refresh makes none look fresh to the next scan.
    assert all(each["metadata_age"] >= before for each in inventory.repositories)
    assert any(each["security"] for each in inventory.candidates)


def test_without_network_the_lists_stay_as_old_as_they_were(bookworm: LabHost) -> None:
    bookworm.run(["sh", "-c", "touch -d '2 days ago' /var/lib/apt/lists/partial /var/lib/apt/lists"])
    bookworm.unplug()
    first = read_answer(bookworm, refresh="auto", refresh_timeout=20)["result"]
    assert first["refresh"]["ok"] is False
    assert first["refresh"]["errors"]
    assert first["lists"]["age"] > 86400
    assert read_answer(bookworm, refresh="auto", refresh_timeout=20)["result"]["refresh"]["attempted"] is True


def test_a_lock_held_by_another_program_is_waited_for_and_then_named(bookworm: LabHost) -> None:
    lock = "/var/lib/apt/lists/lock"
    with file_lock_held(bookworm, lock):
        started = time.monotonic()
        answer = read_answer(bookworm, refresh="always", lock_timeout=2)["result"]
        assert 2 <= time.monotonic() - started
        assert answer["refresh"]["ok"] is False
        assert "locked by python3 (pid" in answer["refresh"]["errors"][0]
        assert answer["lock"]["name"] == "python3"
    with file_lock_held(bookworm, lock, seconds=2):
        assert read_answer(bookworm, refresh="always", lock_timeout=60)["result"]["refresh"]["ok"] is True


def paragraph(name: str, version: str = "1.0", status: str = "install ok installed", **more: str) -> bytes:
    """A package in dpkg's status; Latin-1, so that other letters than those of English are no UTF-8."""
    fields = {"Status": status, "Architecture": "amd64", "Version": version, "Maintainer": "x", "Description": "x"}
    lines = [f"Package: {name}", *(f"{key}: {value}" for key, value in {**fields, **more}.items() if value)]
    return "\n".join(lines).encode("latin-1")


def test_odd_and_broken_packages_are_told_and_keep_no_other_from_being_read(bookworm: LabHost) -> None:
    root = Path(f"/proc/{bookworm.init_pid()}/root")
    status, [updates] = root / "var/lib/dpkg/status", root.glob("var/lib/apt/lists/*_bookworm-updates_main_*_Packages")
    before = build_inventory(reading(bookworm))
    sound = [
        paragraph("underscore", "1.0_1"), paragraph("noarch", Architecture=""),
        paragraph("oddarch", Architecture="ri_99"), paragraph("foreign", Architecture="armhf"),
        paragraph("latin", Section="m\xefsc", Maintainer="J\xf6rg"),
        paragraph("half", status="install ok half-configured"),
    ]  # fmt: skip
    odd = [paragraph("latinversion", "1.0\xe9"), paragraph("l\xe4tin"), paragraph("beta", "v1.0 (beta)"),
           paragraph("minus", "-1.0"), paragraph("long", "1" + "0" * 400)]  # fmt: skip
    gone = [paragraph("removed", status="deinstall ok config-files"), paragraph("noversion", "")]
    status.write_bytes(b"\n\n".join([status.read_bytes().strip(b"\n"), *sound, *odd, *gone]) + b"\n")
    offers = [paragraph("latin", "2.0", "", Filename="pool/l.deb", Size="1", Description="\xe9"),
              paragraph("underscore", "2.0 (beta)", "", Filename="pool/u.deb", Size="1")]  # fmt: skip
    updates.write_bytes(b"\n\n".join([updates.read_bytes().strip(b"\n"), *offers]) + b"\n")
    found = build_inventory(reading(bookworm))
    added = {each["name"]: each for each in found.installed if each not in before.installed}
    assert set(added) == {"underscore", "noarch", "oddarch", "foreign", "latin", "half"}
    assert (added["half"]["unfinished"], added["latin"]["section"]) == ("half-configured", None)
    assert len(found.installed) == len(before.installed) + len(added)
    assert [each["version"] for each in found.candidates if each not in before.candidates] == ["2.0"]
    names = [line.split(" ")[0] for line in found.findings["odd_packages"]]
    assert sorted(names) == ["?", "beta", "latinversion", "long", "minus", "underscore"]
    # With these apt opens nothing at all, not even for a package that has nothing to do with them.
    fatal = [paragraph("strange", status="install ok strange"), paragraph("noise") + b"\nwithout a colon",
             paragraph("again", status="install reinstreq half-installed")]  # fmt: skip
    status.write_bytes(b"\n\n".join([status.read_bytes().strip(b"\n"), *fatal]) + b"\n")
    seen = fingerprint(bookworm)
    worse = build_inventory(reading(bookworm))
    assert [each for each in differences(seen, fingerprint(bookworm)) if not each.startswith("/dev/shm:")] == []
    assert {*worse.findings["odd_packages"]} == {"strange", "noise", *found.findings["odd_packages"]}
    [again] = [each for each in worse.installed if each["name"] == "again"]
    assert again["unfinished"] == "reinstallation required"
    assert worse.candidates == found.candidates


def test_debian_8_is_read_without_jessie_backports_and_without_touching_etc(lab: Lab) -> None:
    host = start_host(lab, "debian8")
    try:
        line = host.run(["grep", "-rh", "jessie-backports", "/etc/apt"], check=False).stdout
        if not line:
            host.run(["sh", "-c", "sed -n 's/jessie-updates/jessie-backports/p' /etc/apt/sources.list "
                                  "> /etc/apt/sources.list.d/jessie-backports.list"])  # fmt: skip
        seen = fingerprint(host)
        found = reading(host)
        changed = differences(seen, fingerprint(host))
        assert [each for each in changed if not each.startswith(("/dev/shm:", "/tmp:"))] == []
        assert found["result"]["private"] == {"dropped": ["jessie-backports"], "sources": 0}
        inventory = build_inventory(found)
        assert inventory.product == "Debian8"
        assert "jessie-backports" not in {each["id"] for each in inventory.repositories}
        refreshed = reading(host, refresh="always")["result"]["refresh"]
        assert refreshed["ok"] is True, refreshed
        assert [path for path in differences(seen, fingerprint(host)) if path.startswith("/etc")] == []
    finally:
        host.destroy()


def test_sources_of_the_run_replace_those_of_the_host(bookworm: LabHost) -> None:
    line = bookworm.run(["grep", "-h", "bookworm-security", "/etc/apt/sources.list"]).stdout.strip()
    seen = fingerprint(bookworm)
    inventory = build_inventory(reading(bookworm, refresh="never", sources=line))
    assert {each["id"] for each in inventory.repositories} == {"bookworm-security"}
    assert inventory.candidates
    assert all(each["security"] for each in inventory.candidates)
    changed = differences(seen, fingerprint(bookworm))
    assert [each for each in changed if not each.startswith(("/dev/shm:", "/tmp:"))] == []


def test_an_unprivileged_user_reads_and_says_what_stayed_hidden(bookworm: LabHost) -> None:
    command = ["runuser", "-u", "opslab", "--", "/usr/bin/python3", "-I", "-c", READER]
    answer = json.loads(bookworm.run(command, stdin=request(refresh="always")).stdout)
    inventory = build_inventory({"system": {}, "result": answer["result"]})
    assert inventory.privileged is False
    assert inventory.refresh["skipped_because"] == "only root may refresh the lists"
    assert len(inventory.candidates) > 10
    assert inventory.reboot["required"] is None
    assert [each for each in inventory.warnings if each["kind"] == "not_privileged"]
