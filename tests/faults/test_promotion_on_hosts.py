"""From a canary to other hosts by a snapshot, while the repositories move on: what is frozen comes, nothing newer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fleet_runs import RHEL, Fleet, documents, packages
from install_runs import only
from openfleet_lab.api import Lab, LabHost, start_host
from transport_play import ALL_CORES

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.digests import canonical_digest
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import FORMAT

# What goes well is walked on six hosts by the molecule scenario fleet_promotion.
pytestmark = [pytest.mark.lab, pytest.mark.endurance]
OLDEST = ALL_CORES[0]
# Commands of the page by their place.
INSTALL_ON_CANARIES, FREEZE, INSTALL_ELSEWHERE, SAME_RUN = range(4)
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
    deb.publish("acme-web", "1.3")
    deb.publish("acme-newlib", "1.1")
    view = deb.repositories()
    assert view is not None
    view.remove("acme-tool", "1.1", "updates")
    rpm.publish("acme-crit", "1.3-1.el9")
    rpm.publish("acme-newlib", "1.1-1.el9")
    rpm.rpm_repositories().withdraw("acme-imp", "1.1-1.el9")


def test_what_a_canary_proved_comes_elsewhere_exactly_so(hosts: dict[str, LabHost], tmp_path: Path) -> None:
    """By the commands of docs/snapshots.md, on the oldest supported ansible-core."""
    fleet = Fleet(tmp_path, *hosts.values(), core=OLDEST)
    fleet.baselines = {
        "DEBIAN": only("acme-web", "acme-libauto", "acme-newdep", "acme-tool"),
        RHEL: only("acme-crit-*", "acme-newdep-*", "acme-imp-*"),
    }
    others = {family: hosts[family] for family in ("deb", "rpm")}
    groups = {"canary": [hosts[f"canary-{family}"].name for family in others]}
    for number in (INSTALL_ON_CANARIES, FREEZE):
        play = fleet.documented("snapshots.md", number, groups=groups)
        assert play.code == 0, play.output
    file = tmp_path / "2026-11.yml"
    for family, part in zip(others, yaml.safe_load(file.read_text())["systems"], strict=True):
        assert packages(hosts[f"canary-{family}"], *NAMES) == FROZEN[family]
        assert [each["name"] for each in part["pulled_in"]] == ["acme-newlib"]
        assert {each["name"] for each in part["approved"]} == FROZEN[family].keys() - {"acme-newlib"}
    file.write_text(file.read_text().replace("signed_off_by: ''", "signed_off_by: somebody"))
    publish_newer(hosts["deb"], hosts["rpm"])

    limit = ",".join(host.name for host in others.values())
    play = fleet.tasks("install_patches", limit=limit, snapshot=file.name)
    for family, host in others.items():
        task = play.task(host.name)
        assert (task.status, task.kind) == ("failed", "snapshot_unavailable")
        assert GONE[family] in task.result["msg"]
        assert packages(host, "acme-newdep") == {"acme-newdep": OLD[family]}

    play = fleet.documented("snapshots.md", INSTALL_ELSEWHERE, groups=groups, patch_snapshot_unavailable="report")
    assert play.code == 0, play.output
    for family, host in others.items():
        document = documents(fleet)[host.name]
        left_out = GONE[family].split(".")[0]
        assert packages(host, *NAMES) == FROZEN[family] | {left_out: OLD[family]}
        assert document["installation"]["selection"]["signed_off_by"] == "somebody"
        # Compliance goes by the baseline, which the newer version has to please.
        assert {(each["name"], each["version"]) for each in document["patches"] if each["state"] == "MISSING"} == {
            NEWER[family]
        }
    assert "acme-newlib" in hosts["deb"].run(["apt-mark", "showauto"]).stdout.split()

    file.write_text(file.read_text().replace("1.2", "1.3"))
    play = fleet.documented("snapshots.md", INSTALL_ELSEWHERE, groups=groups)
    assert play.code != 0
    assert f"patch_snapshot ({file}): changed after it was frozen" in play.output
    assert "none was connected to" in play.output

    # A later invocation of one run: the time and the baselines of the first one, or none.
    first = fleet.documented("snapshots.md", SAME_RUN, "--check", "-l", hosts["deb"].name, groups=groups)
    judged = documents(fleet)[hosts["deb"].name]["run"]
    fleet.baselines = {**fleet.baselines, "DEBIAN": only("acme-web")}
    later = fleet.documented("snapshots.md", SAME_RUN, "--check", "-l", hosts["deb"].name, groups=groups)
    assert (first.code, later.code) == (0, 2), first.output + later.output
    assert "baseline 'of-debian' has two definitions in run" in later.output
    newest = documents(fleet)[hosts["deb"].name]
    assert (newest["run"]["id"], newest["run"]["as_of"]) == (judged["id"], judged["as_of"])
    assert newest["error"]["kind"] == "run_conflict"


def test_with_dnf_5_a_dependency_comes_in_its_frozen_version_too(lab: Lab, tmp_path: Path) -> None:
    host = start_host(lab, "fedora42", features=("trouble",))
    try:
        host.publish("acme-newlib", "1.1-1.fc42")
        fleet = Fleet(tmp_path, host)
        fleet.baselines = {RHEL: only("acme-newdep-*")}
        system = {"operating_system": RHEL, "product": "Fedora42", "hosts": {}, "approved": [], "pulled_in": []}
        for part, name, version in (("approved", "acme-newdep", "1.1"), ("pulled_in", "acme-newlib", "1.0")):
            system[part] = [{"name": name, "arch": "noarch", "version": f"{version}-1.fc42"}]
        content = {"format": FORMAT, "frozen_at": "2026-11-20T00:00:00Z", "systems": [system]}
        (tmp_path / "frozen.yml").write_text(yaml.safe_dump({**content, "digest": canonical_digest(content)}))
        play = fleet.tasks("install_patches", snapshot="frozen.yml")
        assert play.code == 0, play.output
        assert packages(host, *NAMES)["acme-newlib"] == "1.0-1.fc42"
        assert packages(host, *NAMES)["acme-newdep"] == "1.1-1.fc42"
    finally:
        host.destroy()
