"""install_patches from end to end on hosts with zypper: exactly what is approved, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dnf_hosts import everything, logs, versions
from install_runs import Installer, entry, job_results, only, states
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
OLD, NEW, LATER = "1.0-150600.1.1", "1.1-150600.3.1", "1.2-150600.5.1"
# What a host writes by itself; whoever opens rpm's database touches the first.
IGNORED = ("/var/lib/rpm/rpmdb.sqlite-shm", *LOGIN_RECORDS, "/var/log/journal", "/dev/shm", "/tmp:")
SECURITY = {
    "approval_rules": [{"filters": {"classification": ["Security"]}, "approve_after_days": 0}],
    "rejected_patches": ["acme-mover*", "acme-licence*"],
    "rejected_patches_action": "BLOCK",
}


def automatic(host: LabHost) -> set[str]:
    """Names that zypper counts as installed for the sake of others."""
    lines = host.run(["cat", "/var/lib/zypp/AutoInstalled"]).stdout.splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_what_is_approved_is_installed_once_and_the_host_keeps_its_marks_and_locks(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    controller.scan(SECURITY, system="SUSE")
    marked = automatic(host)
    before, seen, locks = (
        everything(host),
        fingerprint(host, ignore=IGNORED),
        host.run(["cat", "/etc/zypp/locks"]).stdout,
    )

    planned = controller.install(SECURITY, "--check", "--diff", system="SUSE", refresh="never")
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert f"+acme-crit.noarch {NEW}\n" in planned.result["output"]

    task = controller.install(SECURITY, "--diff", system="SUSE")
    document = task.result["document"]
    assert (task.status, task.result["changed"]) == ("ok", True), task.result["output"]
    installed = {each["name"]: each["version"] for each in document["installation"]["installed"]}
    named = {
        each["name"]: each["version"] for kind in ("install", "pulled_in") for each in planned.result["plan"][kind]
    }
    assert installed == named
    # The critical fix, not the later recommended update that zypper patch takes; what asks for a reboot or has a
    # message, which zypper skips without a word; an epoch; kernels beside each other.
    wanted = {"acme-crit": NEW, "acme-super": LATER, "acme-reboot": NEW, "acme-message": NEW, "acme-epoch": "1:1.0-1.1"}
    assert {name: installed.get(name) for name in wanted} == wanted
    assert versions(host, "kernel-default") == {"kernel-default": ", ".join(f"6.4.0-150600.{n}" for n in (1, 2, 3))}
    kept = ("acme-locked", "acme-licence", "acme-mover", "acme-oldname", "acme-vendor")
    assert versions(host, *kept) == dict.fromkeys(kept, OLD)
    assert [each["name"] for each in document["pulled_in"]] == ["acme-plain", "acme-child"]
    assert automatic(host) == {"acme-libauto", "acme-child"}
    assert host.run(["cat", "/etc/zypp/locks"]).stdout == locks
    assert states(document)["acme-crit"] == PENDING
    assert document["reboot"]["required"] is True
    assert job_results(document) == ["SUCCEEDED"]
    assert len(everything(host)) == len(before) + 2

    again = controller.install(SECURITY, "--diff", system="SUSE")
    assert (again.result["changed"], again.result["document"]["installation"]["result"]) == (False, "NOTHING_TO_DO")
    assert {states(again.result["document"])[name] for name in installed if name != "kernel-default"} == {PENDING}

    back = controller.roll_back(SECURITY, "--diff", system="SUSE")
    assert back.status == "ok", back.result["output"]
    assert everything(host) == before
    assert automatic(host) == marked
    assert f"+acme-super.noarch {OLD}\n" in back.result["output"]


def test_the_update_stack_goes_first_and_licences_and_removals_are_the_operators(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    approved = only("acme-rec*", "libzypp*", "zypper*", "acme-licence*", "acme-mover*")
    task = controller.install(approved, system="SUSE")
    document = task.result["document"]
    assert (task.status, task.kind) == ("failed", "install_incomplete"), task.result["output"]
    assert "has a licence that somebody has to agree to" in entry(document, "acme-licence")["failure"]
    assert "acme-mover-1.1-150600.3.1.noarch conflicts with acme-victim" in entry(document, "acme-mover")["failure"]
    titles = [
        step["name"] for job in document["installation"]["jobs"] for step in job["steps"] if "install " in step["name"]
    ]
    assert titles[:2] == ["install 2 packages, libzypp to zypper", f"install acme-rec {NEW}"]
    names = ("acme-rec", "libzypp", "zypper", "acme-licence", "acme-mover")
    assert versions(host, *names) == dict.fromkeys(names[:3], NEW) | dict.fromkeys(names[3:], OLD)
    task = controller.install(approved, system="SUSE", auto_agree_with_licenses=True)
    assert versions(host, "acme-licence") == {"acme-licence": NEW}


def test_dependencies_obey_the_baseline(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    blocked = only("acme-parent*", "acme-rec*", rejected_patches=["acme-child*"], rejected_patches_action="BLOCK")
    task = controller.install(blocked, system="SUSE")
    assert task.status == "failed"
    failure = entry(task.result["document"], "acme-parent")["failure"]
    assert f"needs acme-child {NEW}, which the baseline rejects (BLOCK)" in failure
    assert versions(host, "acme-parent", "acme-rec") == {"acme-parent": OLD, "acme-rec": NEW}
    task = controller.install(only("acme-parent*", unapproved_dependencies="REFUSE"), system="SUSE")
    assert f"needs acme-child {NEW}, which the baseline does not approve" in task.result["msg"]
    allowed = only("acme-parent*", rejected_patches=["acme-child*"], rejected_patches_action="ALLOW_AS_DEPENDENCY")
    assert controller.install(allowed, system="SUSE").status == "ok"
    assert versions(host, "acme-parent", "acme-child", "acme-plain") == dict.fromkeys(
        ("acme-parent", "acme-child", "acme-plain"), NEW
    )


@pytest.mark.slow
def test_a_held_version_is_installed_where_the_hosts_locks_do_not_count(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    names = only("acme-locked*", "acme-vendor*")
    task = controller.install(names, system="SUSE")
    assert (task.status, task.result["changed"]) == ("ok", False)
    task = controller.install(names, system="SUSE", honour_host_excludes=False)
    assert task.status == "ok", task.result["output"]
    assert versions(host, "acme-locked", "acme-vendor") == {"acme-locked": NEW, "acme-vendor": "2.0-1"}


@pytest.mark.slow
def test_what_was_installed_is_pending_until_the_host_has_booted(fresh: Fresh) -> None:
    host, controller = fresh(kind="sles15")
    task = controller.install(only("acme-reboot*"), system="SUSE", reboot_option="NoReboot")
    assert states(task.result["document"]) == {"acme-reboot": PENDING}
    reasons = [each["kind"] for each in task.result["document"]["reboot"]["reasons"]]
    assert reasons == ["reboot_needed_file"]
    host.reboot()
    document = controller.scan(only("acme-reboot*"), system="SUSE")
    assert (states(document), document["reboot"]["required"]) == ({"acme-reboot": "INSTALLED"}, False)


SNAPPER = """\
#!/bin/sh
count=$(cat /var/tmp/snapshots 2>/dev/null || echo 4)
printf ' # | Type   | Pre #\\n---+--------+------\\n'
for number in $(seq 0 "$count"); do printf '%2s | single |\\n' "$number"; done
"""


@pytest.mark.slow
def test_snapshots_that_appeared_are_named_in_the_document(fresh: Fresh) -> None:
    """snapper is a stand-in here: the lab has no btrfs."""
    host, controller = fresh("trouble", kind="sles15")
    host.run(["sh", "-c", "mkdir -p /etc/snapper/configs && touch /etc/snapper/configs/root && cat > /usr/bin/snapper "
              "&& chmod 755 /usr/bin/snapper && echo 0.42 > /etc/acme-slow && cp /bin/sleep /bin/slept"],
             stdin=SNAPPER)  # fmt: skip
    # acme-slow's script runs sleep, through which two snapshots appear.
    host.run(["sh", "-c", "cat > /bin/sleep.new && chmod 755 /bin/sleep.new && mv /bin/sleep.new /bin/sleep"],
             stdin='#!/bin/sh\n[ "$1" != 0.42 ] || echo 6 > /var/tmp/snapshots\nexec /bin/slept "$@"\n')  # fmt: skip
    task = controller.install(only("acme-slow*"), system="SUSE")
    jobs: list[dict[str, Any]] = task.result["document"]["installation"]["jobs"]
    assert task.status == "ok", task.result["output"]
    assert [job.get("snapshots") for job in jobs] == [[5, 6]]
    assert task.result["document"]["findings"]["snapshots"] is True
    assert "openfleet-patch: snapshot 5" in logs(host)
