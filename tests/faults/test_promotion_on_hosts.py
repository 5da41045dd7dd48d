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
NAMES = ("acme-web", "acme-libauto", "acme-newdep", "acme-newlib", "acme-tool", "acme-crit", "acme-imp")
FROZEN = {
    "deb": {"acme-web": "1.2", "acme-libauto": "1.1", "acme-newdep": "1.1", "acme-newlib": "1.0", "acme-tool": "1.1"},
    "rpm": {"acme-crit": "1.2-1.el9", "acme-newdep": "1.1-1.el9", "acme-newlib": "1.0-1.el9", "acme-imp": "1.1-1.el9"},
}
OLD = {"deb": "1.0", "rpm": "1.0-1.el9"}
GONE = {"deb": "acme-tool.all 1.1", "rpm": "acme-imp.noarch 1.1-1.el9"}
NEWER = {"deb": ("acme-web", "1.3"), "rpm": ("acme-crit", "1.3-1.el9")}


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
    others = {family: hosts[family] for family in ("deb", "rpm")}
    canaries = ",".join(hosts[f"canary-{family}"].name for family in others)
    limit = ",".join(host.name for host in others.values())
    assert fleet.tasks("install_patches", limit=canaries).code == 0
    frozen = fleet.run_playbook("openfleet.patch.freeze", fleet.variables(patch_snapshot_file="frozen.yml"))
    assert frozen.code == 0, frozen.output
    file = tmp_path / "frozen.yml"
    for family, part in zip(others, yaml.safe_load(file.read_text())["systems"], strict=True):
        assert packages(hosts[f"canary-{family}"], *NAMES) == FROZEN[family]
        assert [each["name"] for each in part["pulled_in"]] == ["acme-newlib"]
        assert {each["name"] for each in part["approved"]} == FROZEN[family].keys() - {"acme-newlib"}
    file.write_text(file.read_text().replace("signed_off_by: ''", "signed_off_by: somebody"))
    publish_newer(hosts["deb"], hosts["rpm"])

    play = fleet.tasks("install_patches", limit=limit, snapshot="frozen.yml")
    for family, host in others.items():
        task = play.task(host.name)
        assert (task.status, task.kind) == ("failed", "snapshot_unavailable")
        assert GONE[family] in task.result["msg"]
        assert packages(host, "acme-newdep") == {"acme-newdep": OLD[family]}

    play = fleet.tasks("install_patches", limit=limit, snapshot="frozen.yml", snapshot_unavailable="report")
    assert play.code == 0, play.output
    for family, host in others.items():
        document = play.task(host.name).result["document"]
        left_out = GONE[family].split(".")[0]
        assert packages(host, *NAMES) == FROZEN[family] | {left_out: OLD[family]}
        [warning] = [each for each in document["warnings"] if each["kind"] == "snapshot_unavailable"]
        assert GONE[family] in warning["message"]
        assert document["installation"]["selection"]["signed_off_by"] == "somebody"
        # Compliance goes by the baseline, which the newer version has to please.
        assert {(each["name"], each["version"]) for each in document["patches"] if each["state"] == "MISSING"} == {
            NEWER[family]
        }
    assert "acme-newlib" in hosts["deb"].run(["apt-mark", "showauto"]).stdout.split()

    file.write_text(file.read_text().replace("1.2", "1.3"))
    play = fleet.run_playbook("openfleet.patch.install", fleet.variables(patch_snapshot="frozen.yml"), "-l", limit)
    assert play.code != 0
    assert f"patch_snapshot ({file}): changed after it was frozen" in play.output
    assert "none was connected to" in play.output
