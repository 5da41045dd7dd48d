"""Install override lists on hosts of all four package managers: from https and s3, by id, title, wildcard and CVE."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_runs import RHEL, Fleet, documents, packages
from https_for_tests import https_server, text_handler
from install_runs import only
from openfleet_lab.api import Lab, LabHost, start_host

pytestmark = pytest.mark.lab
BY_ID = """
patches:
  - id: acme-web            # Debian has 1.1 and 1.2
    title: "acme-web.*:1.1"
  - id: "acme-libt*"
  - id: acme-crit.noarch    # rpm repositories have 1.1 and 1.2
    title: "1.1-1*"
  - id: acme-mod
  - id: acme-available      # not installed, and a list only upgrades
"""
BY_CVE = """
patches:
  - cve: CVE-2026-0001      # acme-crit, there already
  - cve: cve-2026-0013      # the lower of two versions; with dnf one of which the repositories have only a later
  - cve: CVE-2026-0015      # the same with zypper
  - advisory: RHSA-2026:0011
  - cve: CVE-2026-9999      # nothing
"""
NAMES = ("acme-web", "acme-libtls", "acme-libauto", "acme-tool", "acme-crit", "acme-mod", "acme-bug", "acme-available")
FIXED = ("acme-vanished", "acme-super", "acme-epoch", "acme-crit", "acme-several")
# What is there after the first list, what the baseline then calls missing, what is there after the second.
EXPECTED = {
    "bookworm": (
        {"acme-web": "1.1", "acme-libtls": "1.1", "acme-libauto": "1.0", "acme-tool": "1.0"},
        {"acme-web.all 1.2", "acme-tool.all 1.1"},
        {"acme-epoch": "9.0"},
    ),
    "rhel9": (
        {"acme-crit": "1.1-1.el9", "acme-mod": "1.1-1.el9", "acme-bug": "1.0-1.el9"},
        {"acme-crit.noarch 1.2-1.el9", "acme-bug.noarch 1.1-1.el9"},
        {"acme-vanished": "1.2-1.el9", "acme-super": "1.1-1.el9", "acme-epoch": "1.0-1.el9", "acme-crit": "1.1-1.el9",
         "acme-several": "1.0-1.el9"},
    ),
    "fedora42": (
        {"acme-crit": "1.1-1.fc42", "acme-mod": "1.1-1.fc42", "acme-bug": "1.0-1.fc42"},
        {"acme-crit.noarch 1.2-1.fc42", "acme-bug.noarch 1.1-1.fc42"},
        {"acme-vanished": "1.2-1.fc42", "acme-super": "1.0-1.fc42", "acme-epoch": "1.0-1.fc42",
         "acme-crit": "1.1-1.fc42", "acme-several": "1.0-1.fc42"},
    ),
    "sles15": (
        {"acme-libauto": "1.0-150600.1.1", "acme-crit": "1.1-150600.3.1", "acme-mod": "1.1-150600.3.1"},
        {"acme-crit.noarch 1.2-150600.5.1", "acme-rec.noarch 1.1-150600.3.1"},
        {"acme-vanished": "1.2-150600.5.1", "acme-super": "1.1-150600.3.1", "acme-epoch": "9.0-1.1",
         "acme-crit": "1.1-150600.3.1", "acme-several": "1.0-150600.1.1"},
    ),
}  # fmt: skip
KINDS = [("bookworm", "rhel9"), pytest.param(("fedora42", "sles15"), marks=pytest.mark.endurance)]


@pytest.fixture
def hosts(lab: Lab, request: pytest.FixtureRequest) -> Iterator[dict[str, LabHost]]:
    started: dict[str, LabHost] = {}
    try:
        for kind in request.param:
            started[kind] = start_host(lab, kind)
        yield started
    finally:
        for host in started.values():
            host.destroy()


@pytest.mark.parametrize("hosts", KINDS, indirect=True, ids=str)
def test_a_list_replaces_the_baseline_for_what_is_installed_and_for_nothing_else(
    hosts: dict[str, LabHost], tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path, *hosts.values())
    fleet.baselines = {
        "DEBIAN": only("acme-web", "acme-tool"),
        RHEL: only("acme-crit-*", "acme-bug-*"),
        "SUSE": only("acme-crit-*", "acme-rec-*"),
    }
    with https_server(tmp_path, text_handler({"/list.yml": BY_ID.encode()})) as (address, certificate):
        fleet.environment = {"SSL_CERT_FILE": str(certificate)}
        play = fleet.tasks("install_patches", install_override_list=f"{address}/list.yml?signature=secret")
    assert play.code == 0, play.output
    for kind, host in hosts.items():
        document = play.task(host.name).result["document"]
        installed, missing, _later = EXPECTED[kind]
        assert packages(host, *NAMES) == installed, kind
        found = {f"{each['id']} {each['version']}" for each in document["patches"] if each["state"] == "MISSING"}
        assert (found, document["verdict"]) == (missing, "non_compliant"), kind
        assert document["installation"]["selection"]["source"] == f"{address}/list.yml"
    kept = [path.read_text() for path in fleet.state.rglob("*") if path.is_file()]
    assert kept
    assert not any("secret" in text for text in kept)

    fleet.keep_in_s3("lists", "2026/close.yml", BY_CVE)
    play = fleet.tasks("install_patches", install_override_list="s3://lists/2026/close.yml")
    for kind, host in hosts.items():
        task = play.task(host.name)
        assert packages(host, *FIXED) == EXPECTED[kind][2], kind
        if kind == "bookworm":
            assert (task.status, task.kind) == ("failed", "no_update_notices")
            assert "List the packages by id" in task.result["msg"]
            continue
        told = {each["kind"]: each["message"] for each in task.result["document"]["warnings"]}
        assert task.status == "ok", task.result
        assert told["fix_not_named"].endswith("CVE-2026-9999" if kind == "rhel9" else "CVE-2026-9999, RHSA-2026:0011")
        assert "acme" in told["fix_partly_unknown"]
    if "bookworm" in hosts:
        what_cannot_come_fails_the_role_alone(fleet, hosts["bookworm"])
    (tmp_path / "close.yml").write_text(BY_CVE)
    plan = fleet.documented("override_lists.md", 0, "-l", host.name, groups={})
    assert plan.code == 0, plan.output
    [planned] = [each.result for each in plan.tasks if "plan" in each.result]
    assert (planned["changed"], planned["plan"]["install"]) == (False, [])
    assert planned["plan"]["selection"]["source"] == str(tmp_path / "close.yml")


def what_cannot_come_fails_the_role_alone(fleet: Fleet, host: LabHost) -> None:
    """The baseline does not ask for it, so that the scan after the installation misses nothing."""
    unwanted = {"patches": [{"id": "acme-mover"}]}
    fleet.baselines = {"DEBIAN": only("acme-libtls")}
    play = [{"hosts": "all", "gather_facts": False, "roles": ["openfleet.patch.install"]}]
    (fleet.folder / "role.json").write_text(json.dumps(play))
    played = fleet.run_playbook("role.json", fleet.variables(patch_install_override_list=unwanted), "-l", host.name)
    told = "1 patch that the install override list names could not be installed: acme-mover.all 1.1: would remove"
    outcome = fleet.outcome(host)
    assert (played.code, outcome["status"], outcome["kind"]) == (2, "failed", "install_incomplete"), played.output
    assert outcome["message"].startswith(told)
    assert told in played.output
    assert {"MISSING", "FAILED"}.isdisjoint(each["state"] for each in documents(fleet)[host.name]["patches"])
