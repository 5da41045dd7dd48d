"""Every operating system of Patch Manager is known by its own files, derivatives by mapping alone."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.identity import identify, parse_os_release
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

CASES = [
    ("ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy", {}, ("UBUNTU", "Ubuntu22.04", "22.04", "jammy")),
    ('ID=ubuntu\nVERSION_ID="14.04"\nVERSION="14.04.6 LTS, Trusty Tahr"', {},
     ("UBUNTU", "Ubuntu14.04", "14.04", "trusty")),
    ("ID=ubuntu\nVERSION_ID=\"25.10\"\nVERSION_CODENAME=questing", {}, ("UBUNTU", "Ubuntu25.10", "25.10", "questing")),
    ("ID=ubuntu\nVERSION_ID=\"27.04\"\nVERSION_CODENAME=newone", {}, ("UBUNTU", "Ubuntu27.04", "27.04", "newone")),
    ('ID=debian\nVERSION_ID="8"\nVERSION="8 (jessie)"', {}, ("DEBIAN", "Debian8", "8", "jessie")),
    ("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm", {}, ("DEBIAN", "Debian12", "12", "bookworm")),
    ("ID=debian\nVERSION_CODENAME=forky", {"debian_version": "forky/sid"}, ("DEBIAN", "Debian14", "14", "forky")),
    ("ID=raspbian\nVERSION_ID=\"10\"\nVERSION_CODENAME=buster", {}, ("RASPBIAN", "Raspbian10", "10", "buster")),
    ("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm", {"/etc/rpi-issue": "Raspberry Pi reference 2024"},
     ("RASPBIAN", "Raspbian12", "12", "bookworm")),
    ('ID="rhel"\nVERSION_ID="8.10"', {}, ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux8.10", "8.10", None)),
    ('ID="centos"\nVERSION_ID="7"', {"/etc/centos-release": "CentOS Linux release 7.9.2009 (Core)"},
     ("CENTOS", "CentOS7.9", "7.9", None)),
    ('ID="centos"\nVERSION_ID="9"', {"/etc/centos-release": "CentOS Stream release 9"},
     ("CENTOS", "CentOS9", "9", None)),
    ("", {"/etc/redhat-release": "CentOS release 6.10 (Final)"}, ("CENTOS", "CentOS6.10", "6.10", None)),
    ("", {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)"},
     ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux6.10", "6.10", None)),
    ("", {"/etc/system-release": "Amazon Linux AMI release 2012.03"},
     ("AMAZON_LINUX", "AmazonLinux2012.03", "2012.03", None)),
    ('ID="amzn"\nVERSION_ID="2018.03"', {}, ("AMAZON_LINUX", "AmazonLinux2018.03", "2018.03", None)),
    ('ID="amzn"\nVERSION_ID="2"', {}, ("AMAZON_LINUX_2", "AmazonLinux2", "2", None)),
    ('ID="amzn"\nVERSION_ID="2022"', {}, ("AMAZON_LINUX_2022", "AmazonLinux2022", "2022", None)),
    ('ID="amzn"\nVERSION_ID="2023"', {}, ("AMAZON_LINUX_2023", "AmazonLinux2023", "2023", None)),
    ('ID="ol"\nVERSION_ID="9.4"', {}, ("ORACLE_LINUX", "OracleLinux9.4", "9.4", None)),
    ('ID="rocky"\nVERSION_ID="9.4"', {}, ("ROCKY_LINUX", "RockyLinux9.4", "9.4", None)),
    ('ID="almalinux"\nVERSION_ID="8.10"', {}, ("ALMA_LINUX", "AlmaLinux8.10", "8.10", None)),
    ('ID="rhel"\nVERSION_ID="10.0"', {}, ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux10.0", "10.0", None)),
    ('ID="rhel"\nVERSION_ID="7.9"', {}, ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux7.9", "7.9", None)),
    ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="8"', {"centos-release": "CentOS Linux release 8.5.2111"},
     ("CENTOS", "CentOS8.5", "8.5", None)),
    ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="8"', {"centos-release": "CentOS Stream release 8"},
     ("CENTOS", "CentOS8", "8", None)),
    ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="10"', {"centos-release": "CentOS Stream release 10 (Coughlan)"},
     ("CENTOS", "CentOS10", "10", None)),
    ('ID="ol"\nID_LIKE="fedora"\nVERSION_ID="8.10"', {}, ("ORACLE_LINUX", "OracleLinux8.10", "8.10", None)),
    ('ID="ol"\nVERSION_ID="7.9"', {"redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)"},
     ("ORACLE_LINUX", "OracleLinux7.9", "7.9", None)),
    ('ID="ol"\nVERSION_ID="10.0"', {}, ("ORACLE_LINUX", "OracleLinux10.0", "10.0", None)),
    ("", {"oracle-release": "Oracle Linux Server release 6.10",
          "redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)"},
     ("ORACLE_LINUX", "OracleLinux6.10", "6.10", None)),
    ('ID="rocky"\nVERSION_ID="8.10"', {}, ("ROCKY_LINUX", "RockyLinux8.10", "8.10", None)),
    ('ID="rocky"\nVERSION_ID="10.0"', {}, ("ROCKY_LINUX", "RockyLinux10.0", "10.0", None)),
    ('ID="almalinux"\nVERSION_ID="9.3"', {}, ("ALMA_LINUX", "AlmaLinux9.3", "9.3", None)),
    ('ID="almalinux"\nVERSION_ID="10.0"', {}, ("ALMA_LINUX", "AlmaLinux10.0", "10.0", None)),
    ('ID="sles"\nVERSION_ID="12.5"', {}, ("SUSE", "Suse12.5", "12.5", None)),
    ('ID="sles"\nVERSION_ID="15.6"', {}, ("SUSE", "Suse15.6", "15.6", None)),
    ('ID="sles"\nVERSION_ID="12.5"\nCPE_NAME="cpe:/o:suse:sles:12:sp5"', {}, ("SUSE", "Suse12.5", "12.5", None)),
    ("", {"/etc/SuSE-release": "SUSE Linux Enterprise Server 12 (x86_64)"}, ("SUSE", "Suse12", "12", None)),
    ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.6"', {},
     ("SUSE", "OpensuseLeap15.6", "15.6", None)),
    ('ID="sles_sap"\nVERSION_ID="12.5"', {}, ("SUSE", "Suse12.5", "12.5", None)),
    ("ID=macos\nVERSION_ID=14.5", {}, ("MACOS", "Sonoma14.5", "14.5", None)),
    ("ID=macos\nVERSION_ID=10.14.1", {}, ("MACOS", "Mojave10.14.1", "10.14.1", None)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "files", "expected"), CASES, ids=lambda value: value[1] if len(value) == 4 else "")
def test_an_operating_system_is_known_by_its_files(
    text: str, files: dict[str, str], expected: tuple[str, str, str, str | None]
) -> None:
    found = identify(parse_os_release(text), files=files)
    assert (found.operating_system, found.product, found.version, found.codename) == expected


MINT = parse_os_release('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\nUBUNTU_CODENAME=noble')


def test_a_derivative_is_refused_and_the_mapping_that_would_help_is_shown() -> None:
    with pytest.raises(PatchError) as caught:
        identify(MINT)
    assert caught.value.kind == "unsupported_os"
    assert "{linuxmint: {operating_system: UBUNTU}}" in caught.value.message
    assert caught.value.details["seen"]["ID"] == "linuxmint"


CLONES = {
    "cloudlinux": 'ID="cloudlinux"\nID_LIKE="rhel fedora centos"\nVERSION_ID="8.10"',
    "eurolinux": 'ID="eurolinux"\nID_LIKE="rhel fedora centos rocky almalinux"\nVERSION_ID="9.4"',
    "virtuozzo": 'ID="virtuozzo"\nID_LIKE="rhel fedora"\nVERSION_ID="8"',
}


@pytest.mark.parametrize("name", CLONES)
def test_a_clone_of_enterprise_linux_counts_as_what_its_mapping_says_and_is_refused_without(name: str) -> None:
    fields = parse_os_release(CLONES[name])
    with pytest.raises(
        PatchError, match=rf"patch_os_mappings: {{{name}: {{operating_system: REDHAT_ENTERPRISE_LINUX}}}}"
    ):
        identify(fields)
    as_rhel = identify(fields, mappings={name: "REDHAT_ENTERPRISE_LINUX"})
    assert as_rhel.product == f"RedhatEnterpriseLinux{fields['VERSION_ID']}"
    of_a_release = identify(fields, mappings={name: {"operating_system": "ALMA_LINUX", "version": "8.9"}})
    assert (of_a_release.operating_system, of_a_release.product) == ("ALMA_LINUX", "AlmaLinux8.9")


@pytest.mark.parametrize("mapping", ["UBUNTU", {"operating_system": "UBUNTU"}])
def test_a_mapped_derivative_takes_the_release_that_it_was_made_from(mapping: object) -> None:
    found = identify(MINT, mappings={"linuxmint": mapping})
    assert (found.operating_system, found.product, found.version, found.codename, found.os_id) == (
        "UBUNTU", "Ubuntu24.04", "24.04", "noble", "linuxmint",
    )  # fmt: skip


def test_a_mapping_of_one_version_wins_over_that_of_all_and_over_what_is_built_in() -> None:
    mappings = {"debian": "RASPBIAN", "debian:12": {"operating_system": "DEBIAN", "product": "House12"}}
    debian = parse_os_release("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm")
    assert identify(debian, mappings=mappings).product == "House12"
    older = parse_os_release("ID=debian\nVERSION_ID=11\nVERSION_CODENAME=bullseye")
    assert identify(older, mappings=mappings).product == "Raspbian11"


@pytest.mark.parametrize(
    "mapping",
    [3, [], {"operating_system": "BEOS"}, {"operating_system": []}, {"operating_system": "UBUNTU", "colour": 1}],
)
def test_a_mapping_of_another_form_is_refused(mapping: object) -> None:
    with pytest.raises(PatchError) as caught:
        identify(MINT, mappings={"linuxmint": mapping})
    assert caught.value.kind == "bad_mapping"


@pytest.mark.parametrize(
    "text", ["", "ID=arch", "ID=amzn\nVERSION_ID=2099", "ID=../../etc\nVERSION_ID=1", "ID=debian\nVERSION_ID={{ 7*7 }}"]
)
def test_what_is_unknown_or_odd_is_unsupported_and_said_in_plain_characters(text: str) -> None:
    with pytest.raises(PatchError) as caught:
        identify(parse_os_release(text + "\nPRETTY_NAME=\x1b[31mred"))
    assert caught.value.kind == "unsupported_os"
    assert "\x1b" not in caught.value.message


def test_os_release_quotes_and_escapes_are_undone() -> None:
    text = '# comment\nNAME="A \\"B\\" \\$C"\nOTHER=\'x y\'\nPLAIN=z\nbad line\nlower=1\n'
    assert parse_os_release(text) == {"NAME": 'A "B" $C', "OTHER": "x y", "PLAIN": "z"}
