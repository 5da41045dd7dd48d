"""Locks, full disks, lost networks and repositories that cannot be trusted: a clear result, and nothing from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from install_runs import EVERYTHING, Installer, entry, follow_until, job_results, only, version
from openfleet_lab.api import LabHost
from openfleet_lab.locks import file_lock_held
from openfleet_lab.packages import Package, Version

pytestmark = [pytest.mark.lab, pytest.mark.slow]
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
LOCK = "/var/lib/dpkg/lock-frontend"


def test_a_lock_is_waited_for_by_the_name_of_its_holder_and_then_given_up(fresh: Fresh) -> None:
    host, controller = fresh()
    with file_lock_held(host, LOCK):
        task = controller.install(only("acme-tool"), lock_timeout=3)
        assert (task.status, task.kind) == ("failed", "locked"), task.result["output"]
        assert "waiting for python3 (pid" in task.result["output"]
        assert "python3 (pid" in task.result["msg"]
        assert "holds /var/lib/dpkg/lock-frontend" in task.result["msg"]
        assert task.result["document"]["compliant"] is None
        assert version(host, "acme-tool") == "ii 1.0"
    with file_lock_held(host, LOCK):
        running = controller.begin(only("acme-tool"), lock_timeout=120)
        follow_until(running, "waiting for python3 (pid")
    task = controller.end(running).only()
    assert (task.status, task.result["changed"]) == ("ok", True), task.result
    assert version(host, "acme-tool") == "ii 1.1"


def test_a_full_archive_folder_fails_in_the_words_of_apt_and_changes_nothing(fresh: Fresh) -> None:
    host, controller = fresh()
    host.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/var/cache/apt/archives"])
    host.run(["sh", "-c", "dd if=/dev/zero of=/var/cache/apt/archives/full bs=1k count=64 2>/dev/null || true"])
    task = controller.install(only("acme-tool"))
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    told = entry(task.result["document"], "acme-tool")
    assert told["state"] == "FAILED"
    assert "space" in told["failure"].lower()
    assert version(host, "acme-tool") == "ii 1.0"
    host.run(["umount", "/var/cache/apt/archives"])
    assert controller.install(only("acme-tool")).status == "ok"


def test_without_its_repositories_a_host_says_so_and_keeps_what_it_has(fresh: Fresh) -> None:
    host, controller = fresh()
    view = host.own_repositories()
    view.fault("503")
    task = controller.install(only("acme-tool"))
    document = task.result["document"]
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    # A busy machine may let the connection time out instead of answering with 503.
    assert "Failed to fetch http://deb.lab/" in entry(document, "acme-tool")["failure"]
    assert document["refresh"]["ok"] is False
    assert version(host, "acme-tool") == "ii 1.0"
    view.fault(None)
    assert controller.install(only("acme-tool")).status == "ok"


def test_nothing_is_ever_installed_from_a_repository_that_cannot_be_trusted(fresh: Fresh) -> None:
    host, controller = fresh()
    view = host.own_repositories()
    # The host has never seen these repositories: there are no older lists that it could trust.
    host.run(["sh", "-c", "rm -rf /var/lib/apt/lists/*"])
    view.sign("security", "missing")
    view.sign("updates", "stranger")
    view.sign("backports", "broken")
    view.expire("vendor")
    task = controller.install(EVERYTHING)
    document = task.result["document"]
    # Only the release pocket is good, which has one thing newer than the host.
    assert {each["name"] for each in document["installation"]["installed"]} <= {"acme-point", "acme-flat"}
    for name in ("acme-libtls", "acme-web", "acme-tool", "acme-admin"):
        assert version(host, name) == "ii 1.0"
    assert version(host, "acme-agent") == "ii 3.0"
    assert document["refresh"]["ok"] is False
    told = " ".join(document["refresh"]["errors"])
    for words in ("not signed", "NO_PUBKEY", "expired"):
        assert words in told, told
    assert document["verdict"] != "compliant"


def test_a_version_that_left_its_repository_is_decided_again_and_never_silently_replaced(fresh: Fresh) -> None:
    host, controller = fresh()
    view = host.own_repositories()
    controller.scan(only("acme-tool"))
    # After the lists were read: 1.1 goes, 1.2 comes. The list asks for 1.1 alone.
    view.remove("acme-tool", "1.1", "updates")
    newer = Package("acme-tool", "newer", (Version("1.2", "updates"),))
    view.add(newer, newer.versions[0])
    pool = next(view.folder.rglob("acme-tool_1.1_*.deb"), None)
    if pool is not None:
        pool.unlink()
    wanted = {"patches": [{"id": "acme-tool.all", "title": "acme-tool.all:1.1"}, {"id": "acme-extra.all"}]}
    task = controller.install(only(), refresh="never", install_override_list=wanted)
    assert version(host, "acme-tool") == "ii 1.0", task.result["output"]
    assert version(host, "acme-extra") == "ii 1.1"
    # Where the newer one is approved, too, it is decided on and installed by its own name.
    task = controller.install(only("acme-tool"), refresh="never")
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert version(host, "acme-tool") == "ii 1.2"
    assert job_results(document)[-1] == "SUCCEEDED"
    assert [each["version"] for each in document["installation"]["installed"]] == ["1.2"]
