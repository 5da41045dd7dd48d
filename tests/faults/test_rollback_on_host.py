"""rollback_patches from end to end on real hosts: every package as it was before, or a clear word why not, before
anything starts. That whole installations go back on hosts with dnf, dnf 5 and zypper is beside those of installing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dnf_hosts import RHEL, transactions, versions
from install_runs import EVERYTHING, ROOT, Installer, only, processes, version, wait_for_job, wait_until
from jsonschema import Draft202012Validator
from openfleet_lab import packages as packages_of_debian
from openfleet_lab import rpm_packages
from openfleet_lab.api import Lab, LabHost, start_host
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
SCHEMA = ROOT / "docs" / "schema" / "document.schema.json"
IGNORED = (*LOGIN_RECORDS, "/var/log/journal", "/var/lib/apt/lists", "/var/cache/apt", "/var/lib/apt", "/var/cache")
ARCHIVES = "/var/cache/apt/archives"


def packages(host: LabHost) -> list[str]:
    form = "${db:Status-Abbrev}${Package}:${Architecture} ${Version}\n"
    return sorted(line for line in host.run(["dpkg-query", "-W", "-f", form]).stdout.splitlines() if line[:2] == "ii")


def automatic(host: LabHost) -> set[str]:
    return set(host.run(["apt-mark", "showauto"]).stdout.split())


def refused(result: dict[str, Any]) -> dict[str, str]:
    return {each["patch"]: "; ".join(each["reasons"]) for each in result["plan"]["refused"]}


def states_of(document: dict[str, Any], name: str) -> set[str]:
    return {each["state"] for each in document["patches"] if each["name"] == name}


def test_with_apt_every_package_goes_back_and_a_second_time_has_nothing_left(fresh: Fresh) -> None:
    host, controller = fresh(kind="ubuntu2204")
    baseline = {**EVERYTHING, "rejected_patches": ["acme-mover", "acme-point"]}
    nothing = controller.roll_back(baseline, system="UBUNTU")
    assert (nothing.status, nothing.kind) == ("failed", "no_journal"), nothing.result["output"]
    assert nothing.result["document"]["installation"]["result"] == "REFUSED"
    before, marks = packages(host), automatic(host)
    task = controller.install(baseline, system="UBUNTU")
    assert task.status == "ok", task.result["output"]
    assert version(host, "acme-newlib") == "ii 1.0"
    after, seen = packages(host), fingerprint(host, ignore=IGNORED)

    planned = controller.roll_back(baseline, "--check", "--diff", system="UBUNTU", refresh="never")
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert "-acme-web.all 1.2\n" in planned.result["output"]
    assert "+acme-web.all 1.0\n" in planned.result["output"]
    assert {each["name"] for each in planned.result["plan"]["remove"]} == {"acme-newlib", "linux-image-6.1.0-2-lab"}
    assert packages(host) == after

    back = controller.roll_back(baseline, system="UBUNTU", install_run=task.result["run_id"].upper())
    document = back.result["document"]
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert (back.status, back.result["changed"]) == ("ok", True), back.result["output"]
    assert packages(host) == before
    assert automatic(host) == marks
    assert "colour=red\n" in host.run(["cat", "/etc/acme/conf.ini"]).stdout
    assert document["operation"] == "Install"
    assert document["installation"]["rollback"]["of"]["run"] == task.result["run_id"]
    # Missing once more, and what is in force now waits for its reboot as after any change.
    assert states_of(document, "acme-web") >= {"MISSING", "INSTALLED_PENDING_REBOOT"}
    [told] = [each["message"] for each in document["warnings"] if each["kind"] == "would_come_again"]
    assert "rejected_patches" in told

    again = controller.roll_back(baseline, system="UBUNTU")
    assert (again.status, again.result["changed"]) == ("ok", False), again.result["output"]
    assert again.result["document"]["installation"]["result"] == "NOTHING_TO_DO"
    assert again.result["plan"]["back"] == len(task.result["document"]["installation"]["installed"])


def test_with_apt_what_cannot_be_undone_is_said_first_and_the_rest_is_the_operators(fresh: Fresh) -> None:
    host, controller = fresh()
    names = ("acme-tool", "acme-web", "acme-admin", "acme-newdep", "acme-extra")
    # What apt fetched before is in its archives; of acme-tool only there.
    host.run(["sh", "-c", "apt-get update -q && apt-get install -q -y --reinstall --download-only acme-tool=1.0"])
    assert "acme-tool_1.0_all.deb" in host.run(["ls", ARCHIVES]).stdout
    task = controller.install(only(*names))
    assert task.status == "ok", task.result["output"]
    view = host.own_repositories()
    for gone in ("acme-tool", "acme-admin"):
        view.remove(gone, "1.0", "release")
    host.run(["sh", "-c", f"echo needs it >/root/x && rm -f {ARCHIVES}/acme-admin_*"])
    # Somebody took one away, and needs what had come along.
    host.run(["apt-get", "-q", "-y", "remove", "acme-extra"])
    host.run(["apt-mark", "manual", "acme-newlib"])
    after = packages(host)

    first = controller.roll_back(only(*names))
    assert (first.status, first.kind, first.result["changed"]) == ("failed", "cannot_undo", False)
    assert refused(first.result) == {
        "acme-admin.all 1.1": f"acme-admin 1.0 is in no repository and not in {ARCHIVES} any more",
        "acme-extra.all 1.0": "somebody changed it since: it was removed since",
    }
    assert "acme-admin.all 1.1: acme-admin 1.0 is in no repository" in first.result["msg"]
    assert packages(host) == after
    planned = controller.roll_back(only(*names), "--check")
    assert (planned.status, planned.kind, planned.result["changed"]) == ("failed", "cannot_undo", False)

    rest = controller.roll_back(only(*names), allow_partial=True)
    assert rest.status == "ok", rest.result["output"]
    assert [version(host, name) for name in names[:4]] == ["ii 1.0", "ii 1.0", "ii 1.1", "ii 1.0"]
    assert version(host, "acme-newlib") == "ii 1.0"
    assert [each["name"] for each in rest.result["document"]["installation"]["rollback"]["kept"]] == ["acme-newlib"]
    assert {each["patch"] for each in rest.result["document"]["installation"]["refused"]} == {
        "acme-admin.all 1.1",
        "acme-extra.all 1.0",
    }


@pytest.mark.endurance
def test_installations_go_back_in_their_order_and_only_what_is_left_of_them(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    first = controller.install(only("acme-crit", "acme-imp"), system=RHEL, as_of="2026-01-15T00:00:00Z")
    assert first.status == "ok", first.result["output"]
    second = controller.install(only("acme-mod", "kernel-core"), system=RHEL)
    assert second.status == "ok", second.result["output"]
    told = controller.roll_back(only("acme-mod"), system=RHEL, install_run=first.result["run_id"])
    assert (told.status, told.kind) == ("failed", "newer_install")
    assert second.result["run_id"] in told.result["msg"]

    # An administrator was there, too: dnf's history cannot go back over that, the versions can.
    host.run(["dnf", "-q", "-y", "install", "acme-available"])
    host.run(["dnf", "-q", "-y", "downgrade", "acme-mod"])
    host.own_rpm_repositories().withdraw("acme-imp", "1.0-1.el9")
    last = controller.roll_back(only("acme-mod"), system=RHEL)
    assert (last.status, last.result["installed_count"]) == ("ok", 1), last.result["output"]
    assert versions(host, "kernel-core", "acme-mod", "acme-available") == {
        "kernel-core": "5.14.0-1.el9, 5.14.0-2.el9", "acme-mod": "1.0-1.el9", "acme-available": "1.0-1.el9",
    }  # fmt: skip

    gone = controller.roll_back(only("acme-mod"), system=RHEL, install_run=first.result["run_id"])
    assert (gone.status, gone.kind) == ("failed", "cannot_undo"), gone.result["output"]
    [(patch, reason)] = refused(gone.result).items()
    assert (patch, "acme-imp-1.0-1.el9.noarch is in no repository any more" in reason) == (
        "acme-imp.noarch 1.1-1.el9",
        True,
    )
    rest = controller.roll_back(only("acme-mod"), system=RHEL, install_run=first.result["run_id"], allow_partial=True)
    assert rest.status == "ok", rest.result["output"]
    newest = {each["name"]: each["version"] for each in first.result["document"]["installation"]["installed"]}
    assert versions(host, "acme-crit", "acme-imp") == {"acme-crit": "1.0-1.el9", "acme-imp": newest["acme-imp"]}
    assert len(transactions(rest.result["document"])) == 1


LATE = "of which the version before takes its time, so that taking back can be cut off in its midst"
SLEEP = 'sleep "$(cat /etc/acme-late)"'
KINDS = {
    "bookworm": ("1.0", "1.1", {}),
    "rhel9": ("1.0-1.el9", "1.1-1.el9", {"system": RHEL}),
    "fedora42": (
        "1.0-1.fc42", "1.1-1.fc42",
        {"system": RHEL, "os_mappings": {"fedora": {"operating_system": RHEL, "product": "Fedora42"}}},
    ),
    "sles15": ("1.0-150600.1.1", "1.1-150600.3.1", {"system": "SUSE"}),
}  # fmt: skip


def with_late(host: LabHost, kind: str) -> None:
    """acme-late 1.0 is installed, and 1.1 to be had."""
    host.run(["tee", "/etc/acme-late"], stdin="0\n")
    old, new, _options = KINDS[kind]
    if kind == "bookworm":
        view = host.own_repositories()
        for version, pocket in ((old, "release"), (new, "security")):
            deb = packages_of_debian.Version(version, pocket, scripts={"postinst": SLEEP} if version == old else {})
            view.add(packages_of_debian.Package("acme-late", LATE, (deb,)), deb)
        host.run(["sh", "-c", "apt-get -q update && apt-get -q -y install acme-late=1.0"])
        return
    own = host.own_rpm_repositories()
    repository = "SLE-Module-Basesystem15-SP6-Updates" if kind == "sles15" else "baseos"
    for version in (old, new):
        scripts = {"post": SLEEP} if version == old else {}
        rpm = rpm_packages.Version(version, repository, scripts=scripts)
        own.add(rpm_packages.Package("acme-late", LATE, (rpm,), (), ("noarch",)), rpm)
    program = {
        "rhel9": ["dnf", "-q", "--refresh"],
        "fedora42": ["dnf5", "-q", "--refresh"],
        "sles15": ["zypper", "-n", "-q"],
    }
    if kind == "sles15":
        host.run(["zypper", "-n", "-q", "refresh", "-f"])
    host.run([*program[kind], "install", "-y", f"acme-late-{old}"])


@pytest.mark.endurance
@pytest.mark.parametrize("kind", KINDS)
def test_taking_back_that_lost_its_host_goes_on_after_the_boot_to_the_version_before(fresh: Fresh, kind: str) -> None:
    old, new, options = KINDS[kind]
    host, controller = fresh("trouble", kind=kind)
    with_late(host, kind)
    names = ("acme-late", "acme-mod" if kind != "bookworm" else "acme-tool")
    approved = only(*(f"{name}*" for name in names))
    task = controller.install(approved, **options)
    assert task.status == "ok", task.result["output"]
    host.run(["tee", "/etc/acme-late"], stdin="7000\n")
    running = controller.begin_roll_back(approved, reconnect_timeout=1, **options)
    wait_until(lambda: processes(host, "sleep 7000"), "acme-late's script sleeps")
    (host.root / "etc/acme-late").write_text("0\n")
    host.power_cut()
    assert controller.end(running).only().status == "unreachable"
    host.power_on()
    wait_for_job(host)
    again = controller.roll_back(approved, **options)
    assert again.status == "ok", again.result["output"]
    found = (
        {name: version(host, name).removeprefix("ii ") for name in names}
        if kind == "bookworm"
        else versions(host, *names)
    )
    assert found["acme-late"] == old
    assert again.result["plan"]["restore"] == []
    assert "unfinished" not in again.result["document"]["findings"]


@pytest.fixture
def three(lab: Lab) -> Iterator[list[LabHost]]:
    hosts: list[LabHost] = []
    try:
        hosts += [start_host(lab, "bookworm") for _each in range(3)]
        yield hosts
    finally:
        for each in hosts:
            each.destroy()


@pytest.mark.endurance
@pytest.mark.parametrize("core", ["2.16", "2.21"])
def test_the_playbook_takes_a_run_back_in_batches_and_stops_where_too_many_cannot(
    three: list[LabHost], tmp_path: Path, core: str
) -> None:
    controller = Installer(tmp_path, *three, core=core)
    baseline = {"name": "of-the-test", "operating_system": "DEBIAN", **only("acme-tool", "acme-newdep")}
    variables = {
        "patch_baselines": [baseline],
        "patch_default_baselines": {"DEBIAN": "of-the-test"},
        "patch_state_directory": str(controller.state),
        "patch_refresh": "always",
        "patch_reboot_option": "NoReboot",
    }
    installed = controller.run_playbook("openfleet.patch.install", variables)
    assert installed.code == 0, installed.output
    run = (controller.state / "latest").resolve().name
    three[1].run(["apt-get", "-q", "-y", "remove", "acme-tool"])
    variables |= {"patch_rollback_run": run, "patch_concurrency": 1}
    planned = controller.run_playbook("openfleet.patch.rollback", variables, "--check", "--limit", three[0].name)
    assert planned.code == 0, planned.output
    assert version(three[0], "acme-tool") == "ii 1.1"
    back = controller.run_playbook("openfleet.patch.rollback", variables)
    assert back.code != 0
    assert "somebody changed it since: it was removed since" in back.output
    assert "1 of 3 hosts failed" in back.output
    assert "1 not started" in back.output
    assert [version(each, "acme-tool") for each in three[::2]] == ["ii 1.0", "ii 1.1"]
    assert [version(each, "acme-newlib") for each in three] == ["", "ii 1.0", "ii 1.0"]
    rest = controller.run_playbook("openfleet.patch.rollback", variables | {"patch_rollback_partial": True})
    assert rest.code == 0, rest.output
    assert [version(each, "acme-newdep") for each in three] == ["ii 1.0"] * 3
    # The document of the scan that follows still says what was taken back.
    newest = json.loads((controller.state / "hosts" / f"{three[2].name}.json").read_text())
    assert newest["installation"]["rollback"]["of"]["run"] == run
