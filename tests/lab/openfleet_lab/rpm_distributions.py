"""What rpm distributions say about themselves and their repositories, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from .rpm_packages import NOTICES, PACKAGES, TROUBLE, Notice, Package, Version


@dataclass(frozen=True)
class Repository:
    """`roles`: which repositories of the package table it carries. `notices`: whether it has updateinfo.

    `path` is below the site; `$releasever` in it is the host's variable and `release` the folder that is published.
    """

    id: str
    site: str
    path: str
    notices: bool = True
    roles: tuple[str, ...] = ()
    release: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.site}/{self.path}"

    @property
    def folder(self) -> str:
        """Where the server finds it."""
        return f"{self.site}/{self.path.replace('$releasever', self.release)}"

    def carries(self, role: str) -> bool:
        return role in (self.roles or (self.id,))


@dataclass(frozen=True)
class RpmDistribution:
    """`tag` stands where the package table has `el9`; `advisory` forms a notice's id from its kind (SA, BA, EA), year
    and number; `severities` are its words for those of the table; `releasever` is what its hosts have in dnf's vars.
    `published` and `published_notices` are what its repositories hold."""

    repositories: tuple[Repository, ...]
    releasever: str
    files: dict[str, str | None] = field(default_factory=dict)
    base: str = "bookworm-dnf"
    manager: str = "dnf"
    tag: str = "el9"
    advisory: str = "RH{kind}-{year}:{number}"
    severities: dict[str, str] = field(default_factory=dict)
    published: tuple[Package, ...] = (*PACKAGES, *TROUBLE)
    published_notices: tuple[Notice, ...] = NOTICES

    def packages(self, table: tuple[Package, ...]) -> tuple[Package, ...]:
        """The table in the words of this distribution."""
        return tuple(
            replace(
                each,
                versions=tuple(self._version(version) for version in each.versions),
                installed=tuple(self.evr(evr) for evr in each.installed),
            )
            for each in table
        )

    def notices(self, table: tuple[Notice, ...]) -> tuple[Notice, ...]:
        return tuple(
            replace(
                each,
                id=self._advisory(each.id),
                severity=self.severities.get(each.severity, each.severity),
                packages=tuple((name, self.evr(evr), arch) for name, evr, arch in each.packages),
            )
            for each in table
        )

    def evr(self, text: str) -> str:
        """1.0-1.el9 -> 1.0-1.amzn2023.0.1"""
        return re.sub(r"\bel9\b", self.tag, text)

    def _version(self, version: Version) -> Version:
        return replace(version, evr=self.evr(version.evr), module=self.evr(version.module))

    def _advisory(self, text: str) -> str:
        found = re.fullmatch(r"RH(.A)-(\d+):(\d+)", text)
        return self.advisory.format(kind=found[1], year=found[2], number=found[3]) if found else text


def _vendor(name: str) -> Repository:
    """Each distribution's own: publishing one must not take it away from the hosts of another."""
    return Repository("acme", "rpm.acme.lab", name, notices=False)


def _el(name: str, *, notices: bool = True, ids: tuple[str, str] = ("baseos", "appstream")) -> tuple[Repository, ...]:
    """The two repositories of an EL system, and a vendor's that has no notices."""
    base, applications = ids
    return (
        Repository(base, "rpm.lab", f"{name}/baseos", notices, ("baseos",)),
        Repository(applications, "rpm.lab", f"{name}/appstream", notices, ("appstream",)),
        _vendor(name),
    )


def _identity(title: str, ident: str, version: str, *, platform: str, like: str, pretty: str = "", word: str = "",
              release_file: str, release: str, redhat: str = "") -> dict[str, str | None]:  # fmt: skip
    """The release files of a distribution: os-release, its own, and the names under which others look for that."""
    said = f"{version} ({word})" if word else version
    files: dict[str, str | None] = {
        "/etc/os-release": "-> ../usr/lib/os-release",
        "/usr/lib/os-release": f'NAME="{title}"\nVERSION="{said}"\nID="{ident}"\nID_LIKE="{like}"\n'
        f'VERSION_ID="{version}"\nPLATFORM_ID="platform:{platform}"\nPRETTY_NAME="{pretty or f"{title} {said}"}"\n',
        "/etc/redhat-release": f"-> {release_file}",
        "/etc/system-release": f"-> {release_file}",
        "/etc/debian_version": None,
        "/etc/dpkg/origins/default": None,
        # What rpm and dnf of Debian lack: a database where others look for it, no plugin for repositories of debs.
        "/etc/rpm/macros.lab": "%_dbpath /var/lib/rpm\n",
        "/etc/dnf/plugins/local.conf": "[main]\nenabled = false\n",
        f"/etc/{release_file}": f"{release}\n",
    }
    if release_file in ("redhat-release", "system-release"):
        files[f"/etc/{release_file}"] = f"{release}\n"
    if redhat:
        files["/etc/redhat-release"] = f"{redhat}\n"
    return files


def _rhel(version: str, word: str) -> dict[str, str | None]:
    return _identity(
        "Red Hat Enterprise Linux", "rhel", version, platform=f"el{version[0]}", like="fedora", word=word,
        release_file="redhat-release", release=f"Red Hat Enterprise Linux release {version} ({word})",
    )  # fmt: skip


AMAZON_RELEASE = "2023.5.20240701"
AMAZON = Repository(
    "amazonlinux", "rpm.lab", "amazonlinux/$releasever", roles=("baseos", "appstream"), release=AMAZON_RELEASE
)


def _fedora42() -> dict[str, str | None]:
    files = _identity(
        "Fedora Linux", "fedora", "42", platform="f42", like="", word="Server Edition", release_file="fedora-release",
        release="Fedora release 42 (Adams)",
    )  # fmt: skip
    return {**files, "/usr/bin/dnf": "-> dnf5", "/etc/dnf/libdnf5-plugins/local.conf": "[main]\nenabled = false\n"}


RPM_DISTRIBUTIONS = {
    "rhel9": RpmDistribution(_el("rhel9"), "9", _rhel("9.4", "Plow")),
    "rhel8": RpmDistribution(
        _el("rhel8", ids=("rhel-8-for-x86_64-baseos-rpms", "rhel-8-for-x86_64-appstream-rpms")),
        "8", _rhel("8.10", "Ootpa"), tag="el8",
    ),
    "centos8": RpmDistribution(
        _el("centos8", notices=False),
        "8",
        _identity("CentOS Linux", "centos", "8", platform="el8", like="rhel fedora", pretty="CentOS Linux 8",
                  release_file="centos-release", release="CentOS Linux release 8.5.2111"),
        tag="el8",
    ),
    "oracle8": RpmDistribution(
        _el("oracle8", ids=("ol8_baseos_latest", "ol8_appstream")),
        "8",
        _identity("Oracle Linux Server", "ol", "8.10", platform="el8", like="fedora", release_file="oracle-release",
                  release="Oracle Linux Server release 8.10",
                  redhat="Red Hat Enterprise Linux release 8.10 (Ootpa)"),
        tag="el8", advisory="EL{kind}-{year}-{number}",
    ),
    "rocky9": RpmDistribution(
        _el("rocky9"),
        "9",
        _identity("Rocky Linux", "rocky", "9.4", platform="el9", like="rhel centos fedora", word="Blue Onyx",
                  release_file="rocky-release", release="Rocky Linux release 9.4 (Blue Onyx)"),
        advisory="RL{kind}-{year}:{number}",
    ),
    "fedora42": RpmDistribution(
        (
            Repository("fedora", "rpm.lab", "fedora42/fedora", roles=("baseos",)),
            Repository("updates", "rpm.lab", "fedora42/updates", roles=("appstream",)),
            _vendor("fedora42"),
        ),
        "42", _fedora42(), base="forky-dnf5", manager="dnf5", tag="fc42", advisory="FEDORA-{year}-{kind}{number}",
    ),
    "amazonlinux2023": RpmDistribution(
        (AMAZON, _vendor("amzn2023")),
        AMAZON_RELEASE,
        _identity("Amazon Linux", "amzn", "2023", platform="al2023", like="fedora",
                  pretty=f"Amazon Linux {AMAZON_RELEASE}", release_file="system-release",
                  release=f"Amazon Linux release {AMAZON_RELEASE} (Amazon Linux)"),
        tag="amzn2023.0.1", advisory="ALAS2023-{year}-{number}",
        severities={"Critical": "critical", "Important": "important", "Moderate": "medium", "Low": "low"},
    ),
}  # fmt: skip
