"""The rpm packages and update notices made for the tests, as data. Each one stands for a case that real hosts have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """One `[epoch:]version-release` and the repository that has it; `gone` is in none."""

    evr: str
    repository: str = "baseos"
    obsoletes: str = ""


@dataclass(frozen=True)
class Package:
    """`installed` are the versions that a prepared host has; several for a package of which instances stay."""

    name: str
    why: str
    versions: tuple[Version, ...]
    installed: tuple[str, ...] = ("1.0-1.el9",)
    arches: tuple[str, ...] = ("noarch",)
    provides: str = ""


@dataclass(frozen=True)
class Notice:
    """An update of updateinfo.xml. `packages` are (name, evr, architecture); dates as vendors write them."""

    id: str
    type: str
    packages: tuple[tuple[str, str, str], ...]
    severity: str = ""
    issued: str = "2026-01-10 00:00:00"
    updated: str = ""
    cves: tuple[str, ...] = ()
    bugzillas: tuple[str, ...] = ()
    repository: str = "baseos"
    reboot: bool = False


OLD = "1.0-1.el9"


def _two(newer: str = "1.1-1.el9", repository: str = "baseos") -> tuple[Version, ...]:
    return (Version(OLD, repository), Version(newer, repository))


PACKAGES = (
    Package("acme-crit", "a critical fix below a later bugfix", (*_two(), Version("1.2-1.el9"))),
    Package("acme-imp", "an important fix that was updated after it was issued", _two()),
    Package("acme-mod", "a moderate fix", _two(repository="appstream")),
    Package("acme-low", "a low fix", _two(repository="appstream")),
    Package("acme-bug", "a bugfix without severity", _two()),
    Package("acme-enh", "an enhancement", _two()),
    Package("acme-new", "a notice of type newpackage", _two()),
    Package("acme-several", "one version in a security and a bugfix notice", _two()),
    Package("acme-super", "a notice that a later one replaces", (*_two(), Version("1.2-1.el9"))),
    Package("acme-vanished", "the notice's version is in no repository", (Version(OLD), Version("1.2-1.el9"))),
    Package("acme-plain", "newer, and no notice says why", _two()),
    Package("acme-vendor", "newer in a repository that has no notices", _two(repository="acme")),
    Package("acme-epoch", "an epoch: the upstream number looks lower", (Version("9.0-1.el9"), Version("1:1.0-1.el9")),
            ("9.0-1.el9",)),
    Package("acme-tilde", "release candidates sort before the release",
            (Version("2.0~rc1-1.el9"), Version("2.0~rc2-1.el9"), Version("2.0-1.el9")), ("2.0~rc1-1.el9",)),
    Package("acme-locked", "locked to its version with a fix waiting", _two()),
    Package("acme-excluded", "excluded in dnf.conf with a fix waiting", _two()),
    Package("acme-multi", "two architectures of one package", _two(), arches=("x86_64", "i686")),
    Package("acme-oldname", "another package takes its place", (Version(OLD),)),
    Package("acme-newname", "takes the place of acme-oldname",
            (Version("2.0-1.el9", obsoletes="acme-oldname < 2"),), ()),
    Package("acme-current", "nothing newer anywhere", (Version(OLD),)),
    Package("acme-orphan", "installed, in no repository", (Version(OLD, "gone"),)),
    Package("acme-available", "not installed, nobody needs it", (Version(OLD),), ()),
    Package("microcode_ctl", "a package that calls for a reboot", _two()),
    Package("kernel-core", "kernels stay beside each other",
            (Version("5.14.0-1.el9"), Version("5.14.0-2.el9"), Version("5.14.0-3.el9")),
            ("5.14.0-1.el9", "5.14.0-2.el9"), ("x86_64",), "installonlypkg(kernel)"),
)  # fmt: skip


def _of(*names: str, evr: str = "1.1-1.el9", arch: str = "noarch") -> tuple[tuple[str, str, str], ...]:
    return tuple((name, evr, arch) for name in names)


NOTICES = (
    Notice("RHSA-2026:0001", "security", _of("acme-crit"), "Critical", cves=("CVE-2026-0001", "CVE-2026-0002"),
           bugzillas=("2000001",)),
    Notice("RHBA-2026:0002", "bugfix", _of("acme-crit", evr="1.2-1.el9"), bugzillas=("2000002",)),
    Notice("RHSA-2026:0003", "security", _of("acme-imp"), "Important", updated="2026-03-01 12:30:00",
           cves=("CVE-2026-0003",)),
    Notice("RHSA-2026:0004", "security", _of("acme-mod"), "Moderate", cves=("CVE-2026-0004",), repository="appstream"),
    Notice("RHSA-2026:0005", "security", _of("acme-low"), "Low", cves=("CVE-2026-0005",), repository="appstream"),
    Notice("RHBA-2026:0006", "bugfix", _of("acme-bug"), "None"),
    Notice("RHEA-2026:0007", "enhancement", _of("acme-enh")),
    Notice("RHEA-2026:0008", "newpackage", _of("acme-new")),
    Notice("RHSA-2026:0009", "security", _of("acme-several"), "Important", issued="2026-02-01 00:00:00",
           cves=("CVE-2026-0009",)),
    Notice("RHBA-2026:0010", "bugfix", _of("acme-several"), issued="2026-01-20 00:00:00"),
    Notice("RHSA-2026:0011", "security", _of("acme-super"), "Moderate", cves=("CVE-2026-0011",)),
    Notice("RHSA-2026:0012", "security", _of("acme-super", evr="1.2-1.el9"), "Critical",
           cves=("CVE-2026-0011", "CVE-2026-0012")),
    Notice("RHSA-2026:0013", "security", _of("acme-vanished"), "Critical", cves=("CVE-2026-0013",)),
    Notice("RHSA-2026:0014", "security", _of("acme-locked", "acme-excluded"), "Important", cves=("CVE-2026-0014",)),
    Notice("RHSA-2026:0015", "security", _of("acme-epoch", evr="1:1.0-1.el9"), "Important", cves=("CVE-2026-0015",)),
    Notice("RHBA-2026:0016", "bugfix", _of("acme-tilde", evr="2.0-1.el9")),
    Notice("RHSA-2026:0017", "security",
           (*_of("acme-multi", arch="x86_64"), *_of("acme-multi", arch="i686")), "Important", cves=("CVE-2026-0017",)),
    Notice("RHSA-2026:0018", "security", _of("kernel-core", evr="5.14.0-3.el9", arch="x86_64"), "Important",
           cves=("CVE-2026-0018",), reboot=True),
    Notice("RHSA-2025:0019", "security", _of("kernel-core", evr="5.14.0-2.el9", arch="x86_64"), "Moderate",
           issued="2025-06-01 00:00:00", cves=("CVE-2025-0019",), reboot=True),
    Notice("RHEA-2026:0020", "enhancement", _of("microcode_ctl"), reboot=True),
    Notice("RHBA-2025:0021", "bugfix", _of("acme-current", evr=OLD), issued="2025-05-01 00:00:00"),
)  # fmt: skip
