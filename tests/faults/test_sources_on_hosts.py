"""Sources of a baseline replace the repositories of real hosts for a run, and nothing of them stays."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from dnf_hosts import versions
from install_runs import STATE, Installer, processes, slow_for, states, version, wait_for_job, wait_until
from jsonschema import Draft202012Validator
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint
from openfleet_lab.packages import Package, Version
from openfleet_lab.private_repository import publish_debs, publish_rpms, requests_of
from openfleet_lab.rpm_packages import Notice
from openfleet_lab.rpm_packages import Package as RpmPackage
from openfleet_lab.rpm_packages import Version as RpmVersion
from test_install_secrets import CommandLines
from transport_play import ROOT, Play, inventory_of

pytestmark = pytest.mark.lab
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text())
LOGIN, SECRET = "mirrorman", "sources-5ecret-word"
# The same for grep, whose own command line must not hold it.
PATTERN = "sources-[5]ecret-word"
# It waits until somebody ends the waiting.
SCRIPT = 'sleep "$(cat /etc/acme-slow 2>/dev/null || echo 0)" || true'
SLOW = "sleep 600"
KINDS = {
    "debian12": "bookworm",
    "ubuntu2204": "ubuntu2204",
    "rhel9": "rhel9",
    "fedora42": "fedora42",
    "sles15": "sles15",
}
SYSTEMS = {
    "debian12": "DEBIAN", "ubuntu2204": "UBUNTU", "rhel9": "REDHAT_ENTERPRISE_LINUX",
    "fedora42": "REDHAT_ENTERPRISE_LINUX", "sles15": "SUSE",
}  # fmt: skip
# What a host writes by itself; whoever opens rpm's database touches the first. Folders that held ours show their time.
IGNORED = (
    "/var/lib/rpm/rpmdb.sqlite-shm", "/usr/lib/sysimage/rpm/rpmdb.sqlite-shm", *LOGIN_RECORDS, "/var/log/journal",
    "/dev/shm", "/tmp", "/run/zypp.pid", "/var/lib/YaST2", "/var/lib/YaST2/cookies",
)  # fmt: skip
CONFIGURATION = ("/etc", "/var/lib/apt/lists", "/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/zypp", "/root")


def deb_table() -> tuple[Package, ...]:
    slow = {"postinst": SCRIPT}
    return (Package("acme-web", "only the source has it", (Version("9.0", "release", scripts=slow),), section="httpd"),)


def rpm_table(kind: str, signed: str) -> tuple[tuple[RpmPackage, ...], tuple[Notice, ...]]:
    evr = {"rhel9": "9.0-1.el9", "fedora42": "9.0-1.fc42", "sles15": "9.0-150600.9.1"}[kind]
    made = RpmVersion(
        evr,
        scripts={"post": SCRIPT},
        provides="/bin/sh",
        signed=signed,
        vendor="SUSE LLC" if kind == "sles15" else "Lab",
    )
    notice = Notice("PRIVATE-2026:1", "security", (("acme-crit", evr, "noarch"),), severity="Critical")
    return (RpmPackage("acme-crit", "only the source has it", (made,)),), (notice,)


def source(name: str, configuration: str) -> list[dict[str, Any]]:
    return [{"name": name, "products": ["*"], "configuration": configuration}]


def prepare(host: LabHost, name: str) -> dict[str, Any]:
    """Publishes what this host alone may see; the baseline that names it."""
    password = f"{LOGIN}:{SECRET}"
    if name in ("debian12", "ubuntu2204"):
        address = publish_debs(host, deb_table(), password)
        keyring = "/etc/apt/keyrings/openfleet-lab.gpg"
        opened = address.replace("//", f"//{password}@")
        text = f"deb [signed-by={keyring}] {opened} ./"
        if name == "ubuntu2204":
            text = (
                f"Types: deb\nURIs: {address}\nSuites: ./\nSigned-By: {keyring}\n"
                f"machine {address} login {LOGIN} password {SECRET}"
            )
        rules = [{"filters": {}, "enable_non_security": True}]
    else:
        # Keys that the host does not trust are for dnf to bring and to take away; zypper wants them there before.
        table, notices = rpm_table(name, "lab" if name == "sles15" else "stranger")
        address = publish_rpms(host, table, notices, password)
        keys = "" if name == "sles15" else f"gpgkey={address}-keys/stranger.asc\n"
        text = f"[main]\nname=A mirror\nbaseurl={address}\nusername={LOGIN}\npassword={SECRET}\nenabled=1\n{keys}"
        rules = [{"filters": {"classification": ["Security"]}, "approve_after_days": 0}]
    return {
        "name": f"of-{name}", "operating_system": SYSTEMS[name], "approval_rules": rules,
        "sources": source("own-mirror", text),
    }  # fmt: skip


class Fleet:
    """The hosts, and what became of a scan and an installation of all of them at once."""

    def __init__(self, lab: Lab, folder: Path, kinds: dict[str, str]) -> None:
        self.folder = folder
        self.hosts: dict[str, LabHost] = {}
        self.log = lab.logs / "server.log"
        for name, kind in kinds.items():
            self.hosts[name] = start_host(lab, kind)
        self.baselines = [prepare(host, name) for name, host in self.hosts.items()]
        self.controller = Installer(folder, *self.hosts.values())
        self.variables = {
            host.name: dict(host.inventory("root")) | {"patch_group": name} for name, host in self.hosts.items()
        }
        self.asked: dict[str, list[str]] = {}

    def task(self, module: str, **more: Any) -> dict[str, Any]:
        groups = {name: {SYSTEMS[name]: f"of-{name}"} for name in self.hosts}
        options = {"baselines": self.baselines, "patch_groups": groups, "patch_group": "{{ patch_group }}",
                   "state_directory": str(self.controller.state),
                   "os_mappings": {"fedora": {"operating_system": "REDHAT_ENTERPRISE_LINUX"}}}  # fmt: skip
        return {"name": module, f"openfleet.patch.{module}": options | more}

    def begin(self, module: str, *arguments: str, **more: Any) -> Any:
        self.began_at = self.log.stat().st_size
        tasks = [self.task(module, **more)]
        return self.controller.start(inventory_of(self.variables), tasks, "-vvv", "-f", "5", *arguments)

    def end(self, process: Any) -> Play:
        play = self.controller.finish(process, time.monotonic(), 240)
        self.asked = {name: requests_of(host, self.began_at) for name, host in self.hosts.items()}
        return play

    def document(self, play: Play, name: str) -> dict[str, Any]:
        task = play.task(self.hosts[name].name)
        assert task.status == "ok", (task.result.get("msg"), play.output[-3000:])
        found: dict[str, Any] = task.result["document"]
        best = next(iter(Draft202012Validator(SCHEMA).iter_errors(found)), None)
        assert best is None, best.message[:500]
        return found

    def holding_the_secret(self, name: str) -> list[str]:
        places = ("/var/lib", "/var/log", "/var/cache", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/root")
        return self.hosts[name].run(["grep", "-rlsa", PATTERN, *places], check=False).stdout.split()


@pytest.fixture(scope="module")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(lab, tmp_path_factory.mktemp("sources"), KINDS)
    yield made
    for host in made.hosts.values():
        host.destroy()


def package_of(name: str) -> str:
    return "acme-web" if name in ("debian12", "ubuntu2204") else "acme-crit"


def only_private(asked: list[str]) -> bool:
    return bool(asked) and all(re.match(r"(http://rpm\.lab)?/private(-keys)?/", each) for each in asked)


def test_a_scan_reads_a_host_through_the_sources_alone_and_leaves_nothing(fleet: Fleet) -> None:
    before = {name: fingerprint(host, ignore=IGNORED) for name, host in fleet.hosts.items()}
    play = fleet.end(fleet.begin("scan_host"))
    for name, host in fleet.hosts.items():
        document = fleet.document(play, name)
        assert states(document)[package_of(name)] == "MISSING", name
        [entry] = [each for each in document["patches"] if each["name"] == package_of(name) and each["version"]]
        assert entry["version"].startswith("9.0"), name
        assert [each["name"] for each in document["sources"]["used"]] == ["own-mirror"], name
        assert document["sources"]["replaced"], name
        assert document["refresh"]["ok"] is True, (name, document["refresh"])
        assert only_private(fleet.asked[name]), (name, fleet.asked[name])
        changed = differences(before[name], fingerprint(host, ignore=IGNORED))
        assert changed == [], (name, changed)
        assert fleet.holding_the_secret(name) == [], name
    assert SECRET not in play.output


def test_an_installation_takes_the_sources_alone_and_keeps_their_password_to_itself(fleet: Fleet) -> None:
    for host in fleet.hosts.values():
        slow_for(host, 600)
    before = {name: fingerprint(host, ignore=IGNORED) for name, host in fleet.hosts.items()}
    keys = {name: host.run(["sh", "-c", "rpm -qa gpg-pubkey | sort"], check=False).stdout
            for name, host in fleet.hosts.items()}  # fmt: skip
    with CommandLines() as lines, ThreadPoolExecutor(1) as running:
        # Somebody has to take what it prints.
        ended = running.submit(fleet.end, fleet.begin("install_patches"))
        waiting = dict(fleet.hosts)
        while waiting and not ended.done():
            for name, host in [each for each in waiting.items() if processes(each[1], SLOW)]:
                del waiting[name]
                [job] = host.run(["ls", f"{STATE}/jobs"]).stdout.split()
                held = fleet.holding_the_secret(name)
                assert held, name
                ours = (f"{STATE}/jobs/{job}/secrets/", "/dev/shm/openfleet-patch-")
                assert [path for path in held if not path.startswith(ours)] == []
                assert set(host.run(["stat", "-c", "%a %U", *held]).stdout.splitlines()) == {"600 root"}
                host.run(["pkill", "-x", "sleep"])
            time.sleep(0.2)
        play = ended.result()
    assert not waiting, play.output[-3000:]
    for name, host in fleet.hosts.items():
        document = fleet.document(play, name)
        [change] = [each for each in document["installation"]["installed"] if each["name"] == package_of(name)]
        assert change["version"].startswith("9.0"), name
        assert document["installation"]["result"] == "SUCCEEDED", name
        assert only_private(fleet.asked[name]), (name, fleet.asked[name])
        assert [line for line in differences(before[name], fingerprint(host, ignore=IGNORED))
                if line.startswith(CONFIGURATION) and "was not there -> 4" not in line
                and not line.startswith("/var/cache/dnf/packages.db")] == [], name  # fmt: skip
        assert host.run(["ls", "-A", "/var/cache/openfleet-patch"]).stdout == "", name
        assert fleet.holding_the_secret(name) == [], name
        assert host.run(["sh", "-c", "rpm -qa gpg-pubkey | sort"], check=False).stdout == keys[name], name
        assert versions(host, "acme-crit") == {} or versions(host, "acme-crit")["acme-crit"].startswith("9.0")
    assert [line for line in lines.seen if SECRET.encode() in line] == []
    assert any(b"acme-crit" in line for line in lines.seen)
    assert SECRET not in play.output
    written = "".join(path.read_text() for path in fleet.controller.state.rglob("*.json*"))
    assert "own-mirror" in written
    assert SECRET not in written


@pytest.mark.endurance
@pytest.mark.parametrize("name", ["debian12", "rhel9", "fedora42", "sles15"])
def test_what_was_planned_is_finished_by_the_next_boot_after_a_power_cut(lab: Lab, tmp_path: Path, name: str) -> None:
    """The job has what opens its sources until it has ended, and no longer."""
    fleet = Fleet(lab, tmp_path, {name: KINDS[name]})
    host = fleet.hosts[name]
    try:
        slow_for(host, 600)
        before = fingerprint(host, ignore=IGNORED)
        planned = fleet.end(fleet.begin("install_patches", "--check")).task(host.name)
        assert [each["version"][:3] for each in planned.result["plan"]["install"]] == ["9.0"], planned.result
        assert differences(before, fingerprint(host, ignore=IGNORED)) == []
        assert only_private(fleet.asked[name]), fleet.asked[name]
        with ThreadPoolExecutor(1) as running:
            ended = running.submit(fleet.end, fleet.begin("install_patches", reconnect_timeout=1))
            wait_until(lambda: ended.done() or processes(host, SLOW), "its script runs", 60)
            assert not ended.done(), ended.result().output[-3000:]
            slow_for(host, 0)
            host.power_cut()
            assert ended.result().task(host.name).status == "unreachable"
        host.power_on()
        wait_for_job(host)
        assert (version(host, "acme-web") or versions(host, "acme-crit")["acme-crit"]).lstrip("i ").startswith("9.0")
        assert fleet.holding_the_secret(name) == []
        left = host.run(["ls", "/var/cache/openfleet-patch"]).stdout.split()
        assert len(left) == 1
        document = fleet.document(fleet.end(fleet.begin("install_patches")), name)
        assert document["installation"]["result"] == "NOTHING_TO_DO"
        assert host.run(["ls", "-A", "/var/cache/openfleet-patch"]).stdout == ""
        assert only_private(fleet.asked[name]), fleet.asked[name]
    finally:
        host.destroy()
