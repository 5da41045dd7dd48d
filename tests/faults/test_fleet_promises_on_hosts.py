"""What the flow of a run promises where hosts are restarted, too slow, or patched from elsewhere, on real hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dnf_hosts import versions
from fleet_runs import Fleet, documents, packages
from install_runs import only, processes, slow_for, states, version
from openfleet_lab import suse_packages
from openfleet_lab.api import Lab, LabHost, start_host
from test_sources_on_hosts import KINDS
from test_sources_on_hosts import Fleet as FleetOfSources

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.digests import canonical_digest
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import FORMAT

pytestmark = [pytest.mark.lab, pytest.mark.endurance]
BOOT = ["cat", "/proc/sys/kernel/random/boot_id"]
Started = Callable[..., LabHost]


@pytest.fixture
def started(lab: Lab) -> Iterator[Started]:
    hosts: list[LabHost] = []

    def start(kind: str = "bookworm") -> LabHost:
        hosts.append(start_host(lab, kind, features=["trouble"]))
        return hosts[-1]

    yield start
    for host in hosts:
        host.destroy()


def test_hooks_may_restart_the_host_before_and_after_the_installation(started: Started, tmp_path: Path) -> None:
    hosts = [started(), started()]
    fleet = Fleet(tmp_path, *hosts)
    fleet.baselines = {"DEBIAN": only("acme-tool")}
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "boot.yml").write_text(
        "- name: Restart\n  ansible.builtin.reboot:\n    reboot_timeout: 120\n"
    )
    before = [host.boot_id() for host in hosts]
    hooks: dict[str, Any] = {
        "patch_reboot_option": "RebootIfNeeded",
        "patch_pre_install": [{"name": "first", "command": BOOT}, "hooks/boot.yml"],
        "patch_post_install": [{"name": "second", "command": BOOT}, "hooks/boot.yml"],
        "patch_on_exit": [{"name": "third", "command": BOOT}],
    }
    play = fleet.run_playbook("openfleet.patch.install", fleet.variables(**hooks))
    assert play.code == 0, play.output
    for host, boot in zip(hosts, before, strict=True):
        document = documents(fleet)[host.name]
        assert {each["result"] for each in document["hooks"]} == {"ok"}
        seen = [each["output"] for each in document["hooks"] if each["how"] == "command"]
        assert (seen[0], len(set(seen))) == (boot, 3)
        # What the hook's boot has put in force waits for no other one.
        assert states(document) == {"acme-tool": "INSTALLED"}


def test_a_run_out_of_time_starts_nobody_and_a_host_out_of_time_is_timed_out_by_the_name_of_who_asked(
    started: Started, tmp_path: Path
) -> None:
    hosts = [started(), started()]
    fleet = Fleet(tmp_path, *hosts)
    fleet.baselines = {"DEBIAN": only("acme-slow")}
    for host in hosts:
        slow_for(host, 12)
    of_awx = ("-e", "awx_user_name=bea", "-e", "tower_user_name=carl", "-e", '{"awx_job_id": 42}')
    given = fleet.variables(patch_run_timeout=8, patch_concurrency=1, patch_comment="CHG-1")
    play = fleet.run_playbook("openfleet.patch.install", given, *of_awx)
    assert play.code == 2, play.output
    assert (fleet.outcome(hosts[0])["status"], version(hosts[0], "acme-slow")) == ("ok", "ii 1.1")
    data = documents(fleet)[hosts[0].name]["run"]["data"]
    assert (data["requested_by"], data["requested_by_source"], data["job_id"]) == ("bea", "awx_user_name", "42")
    late = fleet.outcome(hosts[1])
    assert (late["status"], late["kind"]) == ("not_started", "run_timeout")
    assert version(hosts[1], "acme-slow") == "ii 1.0"

    slow_for(hosts[1], 600)
    of_tower = ("-e", "tower_user_name=carl", "-e", "tower_job_id=7", "-l", hosts[1].name)
    play = fleet.run_playbook("openfleet.patch.install", fleet.variables(patch_host_timeout=15), *of_tower)
    assert play.code == 2, play.output
    assert fleet.outcome(hosts[1])["status"] == "timed_out"
    document = documents(fleet)[hosts[1].name]
    assert document["installation"]["result"] == "TIMED_OUT"
    data = document["run"]["data"]
    assert (data["requested_by"], data["requested_by_source"], data["job_id"]) == ("carl", "tower_user_name", "7")
    assert processes(hosts[1], "acme-slow.postinst") == []


@pytest.mark.parametrize(("name", "old"), [("debian12", "1.0"), ("rhel9", "1.0-1.el9"), ("sles15", "1.0-150600.1.1")])
def test_what_came_from_other_sources_goes_back_to_what_the_hosts_own_repositories_have(
    lab: Lab, tmp_path: Path, name: str, old: str
) -> None:
    fleet = FleetOfSources(lab, tmp_path, {name: KINDS[name]})
    host = fleet.hosts[name]
    package = "acme-web" if name == "debian12" else "acme-crit"
    try:
        slow_for(host, 0)
        assert fleet.document(fleet.end(fleet.begin("install_patches")), name)["installation"]["result"] == "SUCCEEDED"
        assert packages(host, package)[package].startswith("9.0")
        play = fleet.end(fleet.begin("rollback_patches"))
        task = play.task(host.name)
        assert task.status == "ok", (task.result.get("msg"), play.output[-3000:])
        assert packages(host, package) == {package: old}
        assert fleet.holding_the_secret(name) == []
    finally:
        host.destroy()


def test_with_zypper_a_dependency_that_is_not_the_frozen_one_is_refused_before_anything_comes(
    started: Started, tmp_path: Path
) -> None:
    host = started("sles15")
    fleet = Fleet(tmp_path, host)
    fleet.baselines = {"SUSE": only("acme-parent*", "acme-mod*")}
    parent, child, plain = "1.1-150600.3.1", "1.1-150600.3.1", "1.1-150600.3.1"
    system: dict[str, Any] = {"operating_system": "SUSE", "product": "Suse15.6", "hosts": {}}
    system["approved"] = [
        {"name": name, "arch": "noarch", "version": version}
        for name, version in (("acme-parent", parent), ("acme-mod", parent))
    ]
    system["pulled_in"] = [
        {"name": name, "arch": "noarch", "version": version}
        for name, version in (("acme-child", child), ("acme-plain", plain))
    ]
    content = {"format": FORMAT, "frozen_at": "2026-11-20T00:00:00Z", "systems": [system]}
    (tmp_path / "frozen.yml").write_text(yaml.safe_dump({**content, "digest": canonical_digest(content)}))
    [of_child] = [each for each in suse_packages.PACKAGES if each.name == "acme-child"]
    newer = replace(of_child.versions[-1], evr="1.2-150600.5.1")
    host.own_rpm_repositories().add(of_child, newer)
    play = fleet.tasks("install_patches", snapshot="frozen.yml")
    task = play.task(host.name)
    assert (task.status, task.kind) == ("failed", "install_incomplete"), play.output
    assert "acme-child" in task.result["msg"]
    found = versions(host, "acme-parent", "acme-mod", "acme-plain")
    assert found == {"acme-parent": "1.0-150600.1.1", "acme-mod": parent, "acme-plain": "1.0-150600.1.1"}
