"""From a canary to other hosts by a snapshot, while the repositories move on: what is frozen comes, nothing newer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fleet_runs import RHEL, Fleet, packages
from install_runs import only
from openfleet_lab import packages as debs
from openfleet_lab import rpm_packages as rpms
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = pytest.mark.lab
NAMES = ("acme-web", "acme-libauto", "acme-newdep", "acme-newlib", "acme-tool", "acme-crit", "acme-imp", "acme-bug")
FROZEN = {
    "deb": {"acme-web": "1.2", "acme-libauto": "1.1", "acme-newdep": "1.1", "acme-newlib": "1.0", "acme-tool": "1.1"},
    "rpm": {"acme-crit": "1.2-1.el9", "acme-newdep": "1.1-1.el9", "acme-newlib": "1.0-1.el9", "acme-imp": "1.1-1.el9"},
}


@pytest.fixture
def hosts(lab: Lab) -> Iterator[dict[str, LabHost]]:
    """A canary and another host of each family."""
    started: dict[str, LabHost] = {}
    try:
        for name, kind, features in (
            ("canary-deb", "bookworm", ()),
            ("canary-rpm", "rhel9", ("trouble",)),
            ("deb", "bookworm", ()),
            ("rpm", "rhel9", ("trouble",)),
        ):
            started[name] = start_host(lab, kind, features=features)
        yield started
    finally:
        for host in started.values():
            host.destroy()


def publish_newer(deb: LabHost, rpm: LabHost) -> None:
    """The repositories go on: newer versions, of a dependency too, and of one frozen version nothing is left."""
    apt = deb.own_repositories()
    named = {each.name: each for each in debs.PACKAGES}
    apt.add(named["acme-web"], debs.Version("1.3", "updates", depends="acme-libauto"), publish=False)
    apt.add(named["acme-newlib"], debs.Version("1.1", "updates"), publish=False)
    apt.publish(["updates"])
    apt.remove("acme-tool", "1.1", "updates")
    dnf = rpm.own_rpm_repositories()
    of_rpm = {each.name: each for each in (*rpms.PACKAGES, *rpms.TROUBLE)}
    dnf.add(of_rpm["acme-crit"], rpms.Version("1.3-1.el9"))
    dnf.add(of_rpm["acme-newlib"], rpms.Version("1.1-1.el9"))
    dnf.withdraw("acme-imp", "1.1-1.el9")


def test_what_a_canary_proved_comes_elsewhere_exactly_so(hosts: dict[str, LabHost], tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, *hosts.values())
    fleet.baselines = {
        "DEBIAN": only("acme-web", "acme-libauto", "acme-newdep", "acme-tool"),
        RHEL: only("acme-crit-*", "acme-newdep-*", "acme-imp-*"),
    }
    canaries = ",".join(hosts[name].name for name in ("canary-deb", "canary-rpm"))
    others = ",".join(hosts[name].name for name in ("deb", "rpm"))
    assert fleet.tasks("install_patches", limit=canaries).code == 0
    for family in ("deb", "rpm"):
        assert packages(hosts[f"canary-{family}"], *NAMES) == {
            **FROZEN[family], **({"acme-bug": "1.0-1.el9"} if family == "rpm" else {})
        }  # fmt: skip
    file = tmp_path / "frozen.yml"
    play = fleet.run_playbook("openfleet.patch.freeze", fleet.variables(patch_snapshot_file=str(file)))
    assert play.code == 0, play.output
    print(file.read_text())
    publish_newer(hosts["deb"], hosts["rpm"])

    play = fleet.tasks("install_patches", limit=others, snapshot=str(file))
    for family in ("deb", "rpm"):
        task = play.task(hosts[family].name)
        print(task.status, task.kind, task.result.get("msg"))
    play = fleet.tasks("install_patches", limit=others, snapshot=str(file), snapshot_unavailable="report")
    print(play.output)
    for family in ("deb", "rpm"):
        task = play.task(hosts[family].name)
        print(task.status, task.kind, task.result.get("msg"), task.result.get("plan"))
        print(packages(hosts[family], *NAMES))
        print(task.result["document"]["warnings"], [(e["id"], e["version"], e["state"]) for e in task.result["document"]["patches"] if e["state"] in ("MISSING", "FAILED")])
