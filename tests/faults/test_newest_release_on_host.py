"""A host with Amazon Linux 2023, locked to its release: judged by the newest one where asked, and updated to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from install_runs import Installer, only
from openfleet_lab.api import LabHost
from openfleet_lab.rpm_packages import Notice, Package, Version

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.endurance]
SYSTEM = "AMAZON_LINUX_2023"
VARIABLE = "/etc/dnf/vars/releasever"


def publish_newest(host: LabHost, package: str, evr: str) -> None:
    """A second release beside the one that the host is locked to, with one version more."""
    view = host.own_rpm_repositories()
    locked = view.repositories
    view.repositories = tuple(
        dataclasses.replace(each, release="latest") if "$releasever" in each.path else each for each in locked
    )
    view.publish()
    newer = Package(package, "a fix of the newest release", (Version(evr, "baseos"),))
    notice = Notice("ALAS2023-2026-999", "security", ((package, evr, "noarch"),), "important", repository="baseos")
    view.add(newer, newer.versions[0], (notice,))


def test_the_newest_release_counts_only_where_asked_and_the_host_stays_locked(
    fresh: Callable[..., tuple[LabHost, Installer]],
) -> None:
    host, controller = fresh(kind="amazonlinux2023")
    package, evr = "acme-imp", "9.0-1.amzn2023.0.1"
    publish_newest(host, package, evr)
    before = host.run(["cat", VARIABLE]).stdout
    options: dict[str, Any] = {"system": SYSTEM}

    def versions(document: dict[str, Any]) -> set[str]:
        return {each["version"] for each in document["patches"] if each["name"] == package and each["version"]}

    locked = controller.scan(only(package), **options)
    assert evr not in versions(locked)
    assert locked["findings"]["release_lock"]["releasever"] == before.strip()
    assert "judged_release" not in locked["findings"]

    newest = controller.scan(only(package), newest_release=True, **options)
    assert evr in versions(newest)
    assert newest["findings"]["judged_release"] == {"releasever": "latest", "locked_to": before.strip()}
    assert "release_lock" not in newest["findings"]
    entry = next(each for each in newest["patches"] if each["version"] == evr)
    assert (entry["advisories"], entry["state"]) == (["ALAS2023-2026-999"], "MISSING")

    done = controller.install(only(package), newest_release=True, **options)
    assert done.status == "ok", done.result["output"]
    assert host.run(["rpm", "-q", package]).stdout.strip() == f"{package}-{evr}.noarch"
    assert host.run(["cat", VARIABLE]).stdout == before
