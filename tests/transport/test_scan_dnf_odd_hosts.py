"""Hosts with dnf that something is wrong with, or special about: what a scan says, and that it is never silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from transport_play import NEWEST, ROOT, Controller, Play, inventory_of

pytestmark = pytest.mark.lab
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text())
SECRETS = ("urlsecret", "querysecret", "reposecret", "proxysecret", "envsecret")
PRIVATE = """
[private]
name=A repository with credentials
baseurl=http://someone:urlsecret@rpm.lab/private?token=querysecret
username=someone
password=reposecret
proxy=http://someone:proxysecret@10.77.0.1:9
proxy_username=someone
proxy_password=proxysecret
gpgcheck=1
skip_if_unavailable=1
"""
# Without rpm.lab in /etc/hosts only the proxy of the task's environment leads there: the lab's server is one.
THROUGH_PROXY = "http://someone:envsecret@10.77.0.1:80"
CHANGES = {
    "credentials": ("rhel9", f"cat > /etc/yum.repos.d/private.repo <<'END'\n{PRIVATE}END\n"),
    "proxied": ("rocky9", "sed -i 's/ rpm\\.lab / /' /etc/hosts"),
    "unsubscribed": ("rhel8", "mkdir -p /etc/rhsm; rm /etc/yum.repos.d/*"),
    "extended": (
        "rhel8",
        "echo 8.10 > /etc/dnf/vars/releasever; sed -i 's/^gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/*",
    ),
    "stale": ("oracle8", "touch -d '3 days ago' /var/cache/dnf/*/repodata/*"),
    "amazon": ("amazonlinux2023", "true"),
    "centos": ("centos8", "true"),
    "errata": ("centos8", "true"),
    "image": ("rhel9", ": > /run/ostree-booted"),
}
REFRESH = {"credentials": "always", "proxied": "always"}
BASELINES = [
    {"name": "strict", "operating_system": "CENTOS", "approval_rules": [
        {"filters": {"classification": ["Security"]}, "approve_after_days": 0, "enable_non_security": True}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


@pytest.fixture(scope="module")
def play(lab: Any, folder: Path) -> Iterator[Play]:
    """All of them in one playbook."""
    from openfleet_lab.api import start_host
    from openfleet_lab.rpm_distributions import RPM_DISTRIBUTIONS
    from openfleet_lab.rpm_packages import NOTICES
    from openfleet_lab.rpm_repository import updateinfo

    notices = updateinfo(RPM_DISTRIBUTIONS["centos8"].notices(NOTICES))
    (folder / "errata.xml.gz").write_bytes(gzip.compress(notices.encode()))
    hosts = {}
    try:
        for name, (kind, change) in CHANGES.items():
            hosts[name] = start_host(lab, kind)
            hosts[name].run(["sh", "-ec", change])
        task = {
            "name": "scan",
            "openfleet.patch.scan_host": {
                "refresh": "{{ wish | default('never') }}", "state_directory": "state", "list_installed_other": True,
                "errata": "{{ errata | default('') }}",
                # A layer of the lab may be weeks old, and its metadata with it.
                "metadata_stale_after": "{{ stale_after | default(10 ** 9) }}",
                "baselines": "{{ house | default([]) }}", "default_baselines": "{{ defaults | default({}) }}",
            },
            "environment": {"http_proxy": "{{ through | default('') }}"},
        }  # fmt: skip
        variables = {
            name: host.inventory("root") | {"wish": REFRESH.get(name, "never")} for name, host in hosts.items()
        }
        variables["proxied"]["through"] = THROUGH_PROXY
        variables["stale"]["stale_after"] = 86400
        for name in ("centos", "errata"):
            variables[name] |= {"house": BASELINES, "defaults": {"CENTOS": "strict"}}
        variables["errata"]["errata"] = str(folder / "errata.xml.gz")
        controller = Controller(NEWEST, folder)
        yield controller.play(inventory_of(variables), [task], "-vvv", HOME=str(folder))
    finally:
        for host in hosts.values():
            host.destroy()


def document(play: Play, host: str) -> dict[str, Any]:
    result = play.task(host).result
    found: dict[str, Any] = result["document"]
    Draft202012Validator(SCHEMA).validate(found)
    return found


def warned(found: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in found["warnings"]}


def doubted(found: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in found["verdict_reasons"]} - {"missing"}


def test_credentials_of_repositories_and_proxies_are_in_no_document_and_no_output(play: Play, folder: Path) -> None:
    found = document(play, "credentials")
    assert [secret for secret in SECRETS if secret in play.output] == []
    assert [secret for secret in SECRETS if secret in json.dumps(found)] == []
    written = "".join(path.read_text() for path in (folder / "state").rglob("*.json*"))
    assert '"host": "credentials"' in written or '"host":"credentials"' in written
    assert [secret for secret in SECRETS if secret in written] == []


def test_an_optional_repository_that_cannot_be_reached_keeps_no_other_back_and_is_a_doubt(play: Play) -> None:
    found = document(play, "credentials")
    private = next(each for each in found["repositories"] if each["id"] == "private")
    assert (private["skip_if_unavailable"], private["metadata_age"]) == (True, None)
    assert private["site"] == "http://rpm.lab/private"
    assert any("private" in error for error in found["refresh"]["errors"]), found["refresh"]
    assert found["summary"]["missing_count"] > 5
    assert doubted(found) == {"refresh_failed", "metadata_age_unknown"}


def test_the_proxy_of_the_tasks_environment_reaches_dnf(play: Play) -> None:
    found = document(play, "proxied")
    assert found["refresh"]["ok"] is True, found["refresh"]
    assert (found["operating_system"], found["product"]) == ("ROCKY_LINUX", "RockyLinux9.4")


def test_a_host_without_subscription_is_unknown(play: Play) -> None:
    found = document(play, "unsubscribed")
    assert (found["verdict"], doubted(found)) == ("unknown", {"no_repositories"})
    assert "not_registered" in warned(found)


def test_a_minor_release_that_is_held_and_packages_that_nobody_checks_are_warnings(play: Play) -> None:
    found = document(play, "extended")
    assert {"release_locked", "unsigned_repository", "repository_without_notices"} <= warned(found)
    assert found["findings"]["release_lock"] == {"kind": "minor_release", "releasever": "8.10"}
    assert found["product"] == "RedhatEnterpriseLinux8.10"


def test_old_metadata_is_a_doubt_and_what_it_says_is_told(play: Play) -> None:
    found = document(play, "stale")
    assert doubted(found) == {"stale_metadata"}
    assert (found["product"], found["verdict"]) == ("OracleLinux8.10", "non_compliant")
    # The predefined baseline of Oracle Linux takes Important and Moderate.
    missing = {each["name"] for each in found["patches"] if each["state"] == "MISSING"}
    assert "acme-mod" in missing
    assert "acme-low" not in missing


def test_a_locked_amazon_linux_says_that_newer_releases_are_hidden(play: Play) -> None:
    found = document(play, "amazon")
    assert found["findings"]["release_lock"]["kind"] == "amazon_release"
    assert "release_locked" in warned(found)
    entries = {each["name"]: each for each in found["patches"] if each["state"] == "MISSING"}
    assert entries["acme-imp"]["severity"] == "Important"
    assert entries["acme-imp"]["advisories"] == ["ALAS2023-2026-0003"]
    moderate = next(each for each in found["patches"] if each["name"] == "acme-mod" and each["version"])
    assert (moderate["severity"], moderate["reason"]) == ("Medium", "no_rule_matches")


def test_security_of_a_host_that_cannot_tell_it_is_unknown_and_never_compliant(play: Play) -> None:
    found = document(play, "centos")
    assert (found["verdict"], doubted(found)) == ("unknown", {"no_security_metadata"})
    assert found["summary"]["missing_count"] == 0
    assert "no_security_metadata" in warned(found)


def test_an_errata_file_makes_a_host_without_notices_judgeable(play: Play, folder: Path) -> None:
    found = document(play, "errata")
    assert (found["verdict"], doubted(found)) == ("non_compliant", set())
    missing = {each["name"]: each for each in found["patches"] if each["state"] == "MISSING"}
    assert {"acme-crit", "acme-low", "acme-multi", "kernel-core"} <= set(missing)
    assert not {"acme-bug", "acme-plain"} & set(missing)
    assert (missing["acme-imp"]["severity"], missing["acme-imp"]["cves"]) == ("Important", ["CVE-2026-0003"])
    told = found["findings"]["errata"]
    assert (told["source"], told["repositories"]) == (
        str(folder / "errata.xml.gz"), ["acme", "appstream", "baseos"],
    )  # fmt: skip
    assert "errata_overlay" in warned(found)


def test_an_image_is_refused(play: Play) -> None:
    task = play.task("image")
    assert (task.status, task.kind) == ("failed", "immutable_host")
    assert task.result["document"]["verdict"] == "unknown"
