"""The scan task from end to end on a host with dnf that is dressed as Red Hat Enterprise Linux 9."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from transport_play import ROOT, Controller, inventory_of

pytestmark = pytest.mark.lab
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text())


@pytest.fixture(scope="module")
def rhel9(lab: Any) -> Iterator[Any]:
    from openfleet_lab.api import start_host

    started = start_host(lab, "rhel9")
    try:
        yield started
    finally:
        started.destroy()


@pytest.fixture(autouse=True)
def state_in_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of these tests lands in the home of whoever runs them."""
    monkeypatch.setenv("HOME", str(tmp_path))


def scanned(controller: Controller, host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    task = {"name": "scan", "openfleet.patch.scan_host": {"refresh": "never", "state_directory": "state", **options}}
    play = controller.play(inventory_of({"a": host.inventory(user)}), [task], "-vvv")
    assert play.only().status == "ok", play.output
    assert sum(line.count("SSH: EXEC") for line in play.output.splitlines()) == 1
    document: dict[str, Any] = play.only().result["document"]
    Draft202012Validator(SCHEMA).validate(document)
    return document


def states(document: dict[str, Any], state: str) -> set[str]:
    return {
        f"{each['name']}.{each['arch']} {each['version']}" for each in document["patches"] if each["state"] == state
    }


def test_the_predefined_baseline_misses_critical_and_important_fixes_and_bugfixes(
    controller: Controller, rhel9: Any
) -> None:
    document = scanned(controller, rhel9)
    assert (document["operating_system"], document["product"]) == (
        "REDHAT_ENTERPRISE_LINUX",
        "RedhatEnterpriseLinux9.4",
    )
    assert document["baseline"]["name"] == "AWS-RedHatDefaultPatchBaseline"
    assert states(document, "MISSING") == {
        "acme-crit.noarch 1.2-1.el9", "acme-imp.noarch 1.1-1.el9", "acme-bug.noarch 1.1-1.el9",
        "acme-several.noarch 1.1-1.el9", "acme-super.noarch 1.2-1.el9", "acme-epoch.noarch 1:1.0-1.el9",
        "acme-tilde.noarch 2.0-1.el9", "acme-multi.x86_64 1.1-1.el9", "acme-multi.i686 1.1-1.el9",
        "kernel-core.x86_64 5.14.0-3.el9", "acme-db.x86_64 10.2-1.module+el9+2",
    }  # fmt: skip
    assert document["verdict"] == "non_compliant"
    entries = {(each["name"], each["version"]): each for each in document["patches"]}
    several = entries["acme-several", "1.1-1.el9"]
    assert (several["classification"], several["severity"]) == ("Security", "Important")
    assert several["advisories"] == ["RHBA-2026:0010", "RHSA-2026:0009"]
    assert several["cves"] == ["CVE-2026-0009"]


def test_what_a_lock_or_an_exclude_keeps_back_is_held_and_not_missing(newest: Controller, rhel9: Any) -> None:
    document = scanned(newest, rhel9)
    held = {each["name"]: each["detail"] for each in document["patches"] if each["detail"] == "HELD"}
    assert set(held) == {"acme-locked", "acme-excluded"}
    without = scanned(newest, rhel9, honour_host_excludes=False)
    assert {"acme-locked.noarch 1.1-1.el9", "acme-excluded.noarch 1.1-1.el9"} <= states(without, "MISSING")


def test_a_scan_through_sudo_is_one_execution_too(newest: Controller, rhel9: Any) -> None:
    assert scanned(newest, rhel9, user="opslab")["privileged"] is True


def test_a_refresh_brings_what_was_published_since(newest: Controller, rhel9: Any) -> None:
    document = scanned(newest, rhel9, refresh="always")
    assert document["refresh"]["ok"] is True
    assert document["verdict"] == "non_compliant"


def test_preflight_finds_a_host_in_order_and_names_a_repository_that_is_not(newest: Controller, lab: Any) -> None:
    from openfleet_lab.api import start_host

    own = start_host(lab, "rhel9")
    task = {"name": "check", "openfleet.patch.preflight_host": {"state_directory": "state"}}
    try:
        good = newest.play(inventory_of({"a": own.inventory("opslab")}), [task]).only()
        own.own_rpm_repositories().sign("appstream", "broken")
        bad = newest.play(inventory_of({"a": own.inventory("opslab")}), [task]).only()
    finally:
        own.destroy()
    assert (good.status, good.result["ready"]) == ("ok", True), good.result
    assert good.result["operating_system"] == "REDHAT_ENTERPRISE_LINUX"
    told = [each["message"] for each in bad.result["findings"] if each["severity"] == "error"]
    assert any("appstream" in message for message in told), bad.result


def test_by_an_errata_file_security_fixes_alone_are_installed_where_no_repository_tells_them(
    newest: Controller, lab: Any
) -> None:
    from openfleet_lab.api import start_host
    from openfleet_lab.rpm_distributions import RPM_DISTRIBUTIONS
    from openfleet_lab.rpm_packages import NOTICES
    from openfleet_lab.rpm_repository import updateinfo

    notices = updateinfo(RPM_DISTRIBUTIONS["centos8"].notices(NOTICES))
    (newest.folder / "errata.xml").write_text(notices)
    rule = {"filters": {"classification": ["Security"], "severity": ["Critical"]}, "approve_after_days": 0}
    options = {
        "refresh": "never", "state_directory": "state", "errata": str(newest.folder / "errata.xml"),
        "baselines": [{"name": "critical", "operating_system": "CENTOS", "approval_rules": [rule]}],
        "default_baselines": {"CENTOS": "critical"},
    }  # fmt: skip
    centos = start_host(lab, "centos8")
    try:
        before = set(centos.run(["rpm", "-qa"]).stdout.split())
        task = {"name": "install", "openfleet.patch.install_patches": options}
        play = newest.play(inventory_of({"a": centos.inventory("root")}), [task])
        after = set(centos.run(["rpm", "-qa"]).stdout.split())
    finally:
        centos.destroy()
    assert play.only().status == "ok", play.output
    # The bugfix above the critical fix stays away, as does the newer version of acme-vanished, whose notice's is gone.
    assert after - before == {"acme-crit-1.1-1.el8.noarch", "acme-super-1.2-1.el8.noarch"}
    document = play.only().result["document"]
    assert document["findings"]["errata"]["source"] == str(newest.folder / "errata.xml")
    assert document["installation"]["result"] == "SUCCEEDED"


def test_a_host_without_any_security_metadata_is_never_compliant(newest: Controller, lab: Any) -> None:
    from openfleet_lab.api import start_host

    bare = start_host(lab, "rhel9")
    try:
        bare.own_rpm_repositories().drop_notices()
        document = scanned(newest, bare, refresh="always")
    finally:
        bare.destroy()
    assert document["refresh"]["ok"] is True
    assert states(document, "MISSING") == set()
    assert document["verdict"] == "unknown"
    assert document["compliant"] is not True
    assert [each["kind"] for each in document["verdict_reasons"]] == ["no_security_metadata"]
    assert "no_security_metadata" in {each["kind"] for each in document["warnings"]}
