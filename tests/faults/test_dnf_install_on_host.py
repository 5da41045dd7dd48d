"""install_patches from end to end on hosts with dnf: exactly what is approved, nothing twice, nothing in check mode."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dnf_hosts import MAPPED, RHEL, everything, last_history, transactions, user_installed, versions
from install_runs import Installer, entry, job_results, only, states
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
# What a host writes by itself; whoever opens rpm's database touches the first.
IGNORED = ("/var/lib/rpm/rpmdb.sqlite-shm", *LOGIN_RECORDS, "/var/log/journal", "/dev/shm", "/tmp:")
SECURITY = {"approval_rules": [{"filters": {"classification": ["Security"]}, "approve_after_days": 0}]}


def test_what_is_approved_is_installed_once_and_can_be_taken_back(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    controller.scan(SECURITY, system=RHEL)
    before, wanted, seen = everything(host), user_installed(host), fingerprint(host, ignore=IGNORED)

    planned = controller.install(SECURITY, "--check", "--diff", system=RHEL, refresh="never")
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert "+acme-crit.noarch 1.1-1.el9\n" in planned.result["output"]

    task = controller.install(SECURITY, "--diff", system=RHEL)
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", True), task.result["output"]
    installed = {(each["name"], each["arch"]): each["version"] for each in document["installation"]["installed"]}
    assert installed == {(each["name"], each["arch"]): each["version"] for each in planned.result["plan"]["install"]}
    # The critical fix, not the later bugfix; kernels and architectures beside each other; epochs; modules' streams.
    assert installed[("acme-crit", "noarch")] == "1.1-1.el9"
    assert installed[("acme-epoch", "noarch")] == "1:1.0-1.el9"
    assert installed[("acme-db", "x86_64")] == "10.2-1.module+el9+2"
    assert (installed[("acme-multi", "x86_64")], installed[("acme-multi", "i686")]) == ("1.1-1.el9", "1.1-1.el9")
    assert versions(host, "kernel-core") == {"kernel-core": "5.14.0-1.el9, 5.14.0-2.el9, 5.14.0-3.el9"}
    assert versions(host, "acme-locked", "acme-excluded") == {"acme-locked": "1.0-1.el9", "acme-excluded": "1.0-1.el9"}
    assert user_installed(host) == wanted
    assert states(document)["acme-crit"] == PENDING
    assert job_results(document) == ["SUCCEEDED"]
    assert transactions(document) == [last_history(host)]
    comment = host.run(["dnf", "-C", "history", "info"]).stdout
    assert f"openfleet.patch /var/lib/openfleet-patch/jobs/{document['installation']['jobs'][0]['job']}/" in comment

    again = controller.install(SECURITY, "--diff", system=RHEL)
    assert (again.result["changed"], again.result["document"]["installation"]["result"]) == (False, "NOTHING_TO_DO")

    planned = controller.roll_back(SECURITY, "--check", "--diff", system=RHEL, refresh="never")
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert "+acme-crit.noarch 1.0-1.el9\n" in planned.result["output"]
    assert last_history(host) == transactions(document)[0]
    back = controller.roll_back(SECURITY, system=RHEL)
    assert back.status == "ok", back.result["output"]
    assert everything(host) == before
    assert user_installed(host) == wanted
    # By dnf's own history, in one go.
    assert transactions(back.result["document"]) == [transactions(document)[0] + 1] == [last_history(host)]
    missing = {each["name"] for each in back.result["document"]["patches"] if each["state"] == "MISSING"}
    assert missing == {name for name, _arch in installed}


def test_dependencies_obey_the_baseline_and_removals_the_operator(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    blocked = only("acme-newdep", "acme-bug", "acme-mover", "acme-whole", rejected_patches=["acme-newlib"],
                   rejected_patches_action="BLOCK")  # fmt: skip
    task = controller.install(blocked, system=RHEL)
    assert (task.status, task.kind) == ("failed", "install_incomplete")
    told = {
        name: entry(task.result["document"], name)["failure"] for name in ("acme-newdep", "acme-mover", "acme-whole")
    }
    assert "needs acme-newlib 1.0-1.el9, which the baseline rejects (BLOCK)" in told["acme-newdep"]
    assert told["acme-mover"] == "would remove acme-victim 1.0-1.el9"
    assert told["acme-whole"] == "would remove acme-part 1.0-1.el9"
    names = ("acme-newdep", "acme-newlib", "acme-bug", "acme-mover", "acme-whole", "acme-victim", "acme-part")
    before = dict.fromkeys(names, "1.0-1.el9") | {"acme-bug": "1.1-1.el9"}
    del before["acme-newlib"]
    assert versions(host, *names) == before
    allowed = only("acme-newdep", "acme-mover", "acme-whole", "acme-conf", rejected_patches=["acme-newlib"],
                   rejected_patches_action="ALLOW_AS_DEPENDENCY")  # fmt: skip
    host.run(["sh", "-c", "echo colour=red >/etc/acme/conf.ini"])
    task = controller.install(allowed, "--diff", system=RHEL, allow_removals=True)
    assert task.status == "ok", task.result["output"]
    assert [each["name"] for each in task.result["document"]["pulled_in"]] == ["acme-newlib"]
    assert "acme-newlib" not in user_installed(host)
    assert versions(host, *names) == dict.fromkeys(names[:5], "1.1-1.el9") | {"acme-newlib": "1.0-1.el9"}
    assert "-acme-victim.noarch 1.0-1.el9\n" in task.result["output"]
    assert task.result["document"]["installation"]["conffiles_kept"] == ["/etc/acme/conf.ini.rpmnew"]
    assert host.run(["cat", "/etc/acme/conf.ini"]).stdout == "colour=red\n"


@pytest.mark.slow
def test_what_is_blocked_is_replaced_by_something_else_that_serves(fresh: Fresh) -> None:
    host, controller = fresh("trouble", kind="rhel9")
    planned = controller.install(only("acme-choosy"), "--check", system=RHEL)
    [first] = [each["name"] for each in planned.result["plan"]["pulled_in"]]
    blocked = only("acme-choosy", rejected_patches=[first], rejected_patches_action="BLOCK")
    task = controller.install(blocked, system=RHEL)
    assert task.status == "ok", task.result["output"]
    [other] = {"acme-pick-a", "acme-pick-b"} - {first}
    assert versions(host, "acme-choosy", first, other) == {"acme-choosy": "1.1-1.el9", other: "1.0-1.el9"}


@pytest.mark.slow
def test_old_kernels_go_as_the_host_has_it_set_and_are_told(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    host.run(["sed", "-i", "s/installonly_limit=3/installonly_limit=2/", "/etc/dnf/dnf.conf"])
    task = controller.install(only("kernel-core"), "--check", system=RHEL)
    assert [(each["name"], each["installed_version"]) for each in task.result["plan"]["remove"]] == [
        ("kernel-core", "5.14.0-1.el9")
    ]
    task = controller.install(only("kernel-core"), "--diff", system=RHEL)
    assert task.status == "ok", task.result["output"]
    assert versions(host, "kernel-core") == {"kernel-core": "5.14.0-2.el9, 5.14.0-3.el9"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rhel9", "fedora42"])
def test_what_is_locked_excluded_or_protected_stays_even_where_removals_are_allowed(fresh: Fresh, kind: str) -> None:
    host, controller = fresh("trouble", kind=kind)
    options = {"allow_removals": True, **({"system": RHEL} if kind == "rhel9" else MAPPED)}
    old, new = ("1.0-1.el9", "1.1-1.el9") if kind == "rhel9" else ("1.0-1.fc42", "1.1-1.fc42")
    # acme-whole takes the place of acme-part.
    host.run([host.kind.manager, "-y", "versionlock", "add", "acme-part"])
    host.run(["sh", "-c", "sed -i /^exclude/d /etc/dnf/dnf.conf; echo excludepkgs=acme-victim >>/etc/dnf/dnf.conf"])
    task = controller.install(only("acme-mover", "acme-whole", "acme-bug"), **options)
    assert "acme-victim" in entry(task.result["document"], "acme-mover")["failure"]
    if kind == "rhel9":
        # dnf 5 itself keeps back what would take the place of a locked package.
        failure = entry(task.result["document"], "acme-whole")["failure"]
        assert failure == f"would remove acme-part {old}, which is locked (versionlock)"
    host.run(["sed", "-i", "/^exclude/d", "/etc/dnf/dnf.conf"])
    host.run(["sh", "-c", "echo acme-victim >/etc/dnf/protected.d/acme.conf"])
    task = controller.install(only("acme-mover", "acme-bug"), **options)
    assert "acme-victim" in entry(task.result["document"], "acme-mover")["failure"]
    assert versions(host, "acme-mover", "acme-victim", "acme-whole", "acme-part", "acme-bug") == {
        "acme-mover": old, "acme-victim": old, "acme-whole": old, "acme-part": old, "acme-bug": new,
    }  # fmt: skip


@pytest.mark.slow
def test_a_held_version_is_installed_where_the_hosts_excludes_do_not_count(fresh: Fresh) -> None:
    host, controller = fresh(kind="rhel9")
    names = ("acme-locked", "acme-excluded")
    task = controller.install(only(*names), system=RHEL)
    assert (task.status, task.result["changed"]) == ("ok", False)
    task = controller.install(only(*names), system=RHEL, honour_host_excludes=False)
    assert task.status == "ok", task.result["output"]
    assert versions(host, *names) == dict.fromkeys(names, "1.1-1.el9")
