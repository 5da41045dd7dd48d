"""install_patches from end to end on real hosts: exactly what is approved, nothing twice, nothing in check mode."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from install_runs import EVERYTHING, STATE, Installer, entry, job_results, only, states, version
from openfleet_lab.api import LabHost
from openfleet_lab.fingerprint import LOGIN_RECORDS, differences, fingerprint

pytestmark = pytest.mark.lab
Fresh = Callable[..., tuple[LabHost, Installer]]
PENDING = "INSTALLED_PENDING_REBOOT"
# Fetched lists, and what a host writes by itself.
IGNORED = (*LOGIN_RECORDS, "/var/log/journal", "/var/lib/apt/lists", "/var/cache/apt", "/var/lib/apt", "/var/cache")
LEFT_ALONE = {"acme-held": "hi 1.0", "acme-pinned": "ii 1.0", "acme-phased-out": "ii 1.0", "acme-mover": "ii 1.0",
              "acme-victim": "ii 1.0", "acme-backport": "ii 1.0"}  # fmt: skip


def automatic(host: LabHost) -> str:
    return host.run(["apt-mark", "showauto"]).stdout


def a_controller_that_forgot_its_files_gets_the_document_back(
    host: LabHost, controller: Installer, document: dict[str, Any]
) -> None:
    kept = f"{STATE}/documents/last-install.json"
    assert host.run(["stat", "-c", "%a %U", kept]).stdout == "600 root\n"
    assert controller.collect()["status"] == "known"
    shutil.rmtree(controller.state)
    assert controller.collect()["status"] == "added"
    [path] = controller.state.glob("runs/*/hosts/*.json")
    assert json.loads(path.read_text()) == document
    host.run(["sed", "-i", 's/"compliant": false/"compliant": true/', kept])
    altered = controller.collect()
    assert (altered["status"], altered["added"]) == ("differs", False)
    assert "altered there" in altered["problem"]
    assert json.loads(path.read_text()) == document


def test_what_is_approved_is_installed_once_and_nothing_else_is_touched(fresh: Fresh) -> None:
    host, controller = fresh(kind="ubuntu2204")
    controller.scan(EVERYTHING, system="UBUNTU")
    marks, seen = automatic(host), fingerprint(host, ignore=IGNORED)

    planned = controller.install(EVERYTHING, "--check", "--diff", system="UBUNTU", refresh="never")
    assert (planned.status, planned.result["changed"]) == ("ok", True), planned.result["output"]
    assert differences(seen, fingerprint(host, ignore=IGNORED)) == []
    assert planned.result["document"]["operation"] == "Scan"
    assert "+acme-web.all 1.2\n" in planned.result["output"]
    assert "-acme-web.all 1.0\n" in planned.result["output"]

    task = controller.install(EVERYTHING, "--diff", system="UBUNTU")
    document = task.result["document"]
    # acme-mover's fix would remove acme-victim, so it is refused and the task says so.
    assert (task.status, task.kind, task.result["changed"]) == ("failed", "install_incomplete", True)
    assert states(document)["acme-mover"] == "FAILED"
    assert "would remove acme-victim 1.0" in entry(document, "acme-mover")["failure"]
    installed = {each["name"]: each["version"] for each in document["installation"]["installed"]}
    assert installed["acme-web"] == "1.2"
    assert installed["acme-epoch"] == "1:1.0"
    assert installed["acme-tilde"] == "2.0"
    assert installed == {each["name"]: each["version"] for each in [*planned.result["plan"]["install"],
                                                                    *planned.result["plan"]["pulled_in"]]}  # fmt: skip
    assert {name: version(host, name) for name in installed} == {name: f"ii {new}" for name, new in installed.items()}
    assert {name: version(host, name) for name in LEFT_ALONE} == LEFT_ALONE
    along = {each["name"] for each in document["pulled_in"]}
    assert along == {"acme-newlib", "linux-image-6.1.0-2-lab"}
    # What came along is automatic; nothing that was, or was not, has changed.
    assert set(automatic(host).split()) == set(marks.split()) | along
    assert document["installation"]["conffiles_kept"] == ["/etc/acme/conf.ini.dpkg-dist"]
    assert host.run(["cat", "/etc/acme/conf.ini"]).stdout == "colour=red\n"
    assert (job_results(document), task.result["installed_count"]) == (["SUCCEEDED"], len(installed))

    again = controller.install(EVERYTHING, "--diff", system="UBUNTU")
    assert again.result["changed"] is False
    assert again.result["installed_count"] == 0
    assert again.result["document"]["installation"]["jobs"] == []
    a_controller_that_forgot_its_files_gets_the_document_back(host, controller, again.result["document"])


def test_dependencies_obey_the_baseline_and_removals_the_operator(fresh: Fresh) -> None:
    host, controller = fresh()
    blocked = only("acme-newdep", "acme-tool", rejected_patches=["acme-newlib"], rejected_patches_action="BLOCK")
    task = controller.install(blocked)
    assert (task.status, version(host, "acme-newdep"), version(host, "acme-newlib")) == ("failed", "ii 1.0", "")
    assert version(host, "acme-tool") == "ii 1.1"
    failure = entry(task.result["document"], "acme-newdep")["failure"]
    assert "needs acme-newlib 1.0, which the baseline rejects (BLOCK)" in failure
    task = controller.install(only("acme-newdep"), require_approved_dependencies=True)
    assert "needs acme-newlib 1.0, which the baseline does not approve" in task.result["msg"]
    assert version(host, "acme-newlib") == ""
    task = controller.install(only("acme-newdep", unapproved_dependencies="REFUSE"))
    assert "needs acme-newlib 1.0, which the baseline does not approve" in task.result["msg"]
    allowed = only("acme-newdep", rejected_patches=["acme-newlib"], rejected_patches_action="ALLOW_AS_DEPENDENCY")
    task = controller.install(allowed)
    assert (task.status, version(host, "acme-newdep"), version(host, "acme-newlib")) == ("ok", "ii 1.1", "ii 1.0")
    assert [each["name"] for each in task.result["document"]["pulled_in"]] == ["acme-newlib"]
    task = controller.install(only("acme-mover"), "--diff", allow_removals=True)
    assert (task.status, version(host, "acme-mover"), version(host, "acme-victim")) == ("ok", "ii 1.1", "un")
    assert "-acme-victim.all 1.0\n" in task.result["output"]


def test_python3_apt_comes_first_although_nothing_approves_it(fresh: Fresh) -> None:
    host, controller = fresh()
    host.upgrade_in_repository("python3-apt", "99.0")
    task = controller.install(only("acme-tool"))
    document = task.result["document"]
    assert task.status == "ok", task.result["output"]
    assert version(host, "python3-apt") == "ii 99.0"
    names = [step["name"] for step in document["installation"]["jobs"][0]["steps"]]
    assert names.index("install python3-apt 99.0") < names.index("install acme-tool 1.1")
    assert {each["name"] for each in document["installation"]["installed"]} == {"python3-apt", "acme-tool"}


@pytest.mark.slow
def test_python3_apt_is_installed_where_it_is_missing_but_never_by_a_scan(fresh: Fresh) -> None:
    host, controller = fresh()
    # unattended-upgrades and the like need it; the case is that of a host without them.
    host.run(["dpkg", "--purge", "--force-depends", "python3-apt"])
    scan = controller.scan(only("acme-tool"))
    assert scan["error"]["kind"] == "no_interpreter"
    planned = controller.install(only("acme-tool"), "--check")
    assert (planned.status, planned.kind) == ("failed", "no_interpreter")
    # The lab lists the base's own python3-apt without serving it, so that it cannot be had.
    task = controller.install(only("acme-tool"))
    assert (task.status, task.kind) == ("failed", "no_interpreter")
    assert "Installing python3-apt did not work: " in task.result["msg"]
    assert version(host, "acme-tool") == "ii 1.0"
    host.upgrade_in_repository("python3-apt", "99.0")
    task = controller.install(only("acme-tool"))
    assert task.status == "ok", task.result["output"]
    assert (version(host, "python3-apt"), version(host, "acme-tool")) == ("ii 99.0", "ii 1.1")
    changed = {each["name"]: each["version"] for each in task.result["document"]["installation"]["installed"]}
    assert changed == {"python3-apt": "99.0", "acme-tool": "1.1"}


def test_what_was_installed_is_pending_until_the_host_has_booted_and_progress_can_be_silenced(fresh: Fresh) -> None:
    host, controller = fresh()
    task = controller.install(only("acme-tool"), reboot_option="NoReboot", progress=False)
    assert task.status == "ok", task.result["output"]
    assert f"{host.name}: " not in task.result["output"].split("PLAY RECAP")[0].replace("[", "").replace("]", "")
    assert states(task.result["document"]) == {"acme-tool": PENDING}
    assert states(controller.scan(only("acme-tool"))) == {"acme-tool": PENDING}
    host.reboot()
    assert states(controller.scan(only("acme-tool"))) == {"acme-tool": "INSTALLED"}


def test_without_root_nothing_is_begun(fresh: Fresh) -> None:
    host, controller = fresh(user="nosudo")
    for variables in controller.hosts.values():
        variables["ansible_become"] = False
    task = controller.install(only("acme-tool"))
    assert (task.status, task.kind) == ("failed", "no_privilege"), task.result["output"]
    assert host.run(["ls", "/var/lib/openfleet-patch"], check=False).returncode != 0
