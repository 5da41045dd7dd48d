"""Hosts of the stand-in for yum 3 (tests/fake_yum): what they say about themselves, and the world that it keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .rpm_distributions import Repository, RpmDistribution
from .rpm_packages import NOTICES, PACKAGES, TROUBLE, Package, Version

_BUILT = 1690000000


def _table() -> tuple[Package, ...]:
    """The packages of the dnf hosts without modules, which yum does not know, and with a fix that needs another one."""
    more = [each for each in TROUBLE if each.name in ("acme-newdep", "acme-newlib")]
    kept = [each for each in (*PACKAGES, *more) if not any(version.module for version in each.versions)]
    return tuple(replace(each, name=_name(each.name)) for each in kept)


def _name(name: str) -> str:
    return "kernel" if name == "kernel-core" else name


def _identity(os_release: str, release_file: str, release: str) -> dict[str, str | None]:
    return {
        "/etc/os-release": "-> ../usr/lib/os-release",
        "/usr/lib/os-release": os_release,
        "/etc/redhat-release": f"-> {release_file}",
        "/etc/system-release": f"-> {release_file}",
        f"/etc/{release_file}": f"{release}\n",
        "/etc/debian_version": None,
        "/etc/dpkg/origins/default": None,
    }


_AMAZON = _identity(
    'NAME="Amazon Linux"\nVERSION="2"\nID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\n'
    'PRETTY_NAME="Amazon Linux 2"\n',
    "system-release", "Amazon Linux release 2 (Karoo)",
)  # fmt: skip
_AMAZON["/etc/redhat-release"] = None

YUM_DISTRIBUTIONS = {
    "centos7": RpmDistribution(
        (
            Repository("base", "rpm.lab", "centos7/base", notices=False, roles=("baseos",)),
            Repository("updates", "rpm.lab", "centos7/updates", notices=False, roles=("appstream",)),
            Repository("acme", "rpm.acme.lab", "el7", notices=False),
        ),
        "7",
        _identity(
            'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n'
            'PRETTY_NAME="CentOS Linux 7 (Core)"\n',
            "centos-release", "CentOS Linux release 7.9.2009 (Core)",
        ),
        base="bookworm", manager="yum", tag="el7", published=_table(),
    ),
    "amazonlinux2": RpmDistribution(
        (
            Repository("amzn2-core", "rpm.lab", "amazonlinux2/core", roles=("baseos", "appstream")),
            Repository("acme", "rpm.acme.lab", "amzn2", notices=False),
        ),
        "2", _AMAZON, base="bookworm", manager="yum", tag="amzn2", published=_table(),
        advisory="ALAS2-{year}-{number}",
        severities={"Critical": "critical", "Important": "important", "Moderate": "medium", "Low": "low"},
    ),
}  # fmt: skip


def world(name: str) -> dict[str, Any]:
    """What tests/fake_yum/yum/_world.py describes, for a prepared host."""
    known = YUM_DISTRIBUTIONS[name]
    packages = known.packages(known.published)
    return {
        "flavour": "late",
        "noise": True,
        "history": [],
        "conf": {
            "cachedir": f"/var/cache/yum/x86_64/{known.releasever}",
            "exclude": ["acme-excluded"],
            "yumvar": {"releasever": known.releasever, "basearch": "x86_64"},
        },
        "installed": [
            _facts(package, version, arch, from_repo=known.repositories[0].id, reason="user")
            for package in packages
            for version in package.versions
            if version.evr in package.installed
            for arch in package.arches
        ],
        "repositories": [
            {
                "id": repository.id,
                "name": f"Lab {repository.id}",
                "baseurl": repository.url,
                "notices": _notices(known, repository) if repository.notices else None,
                "packages": [
                    _facts(package, version, arch)
                    for package in packages
                    for version in package.versions
                    if repository.carries(version.repository)
                    for arch in package.arches
                ],
            }
            for repository in known.repositories
        ],
    }


def _facts(package: Package, version: Version, arch: str, **more: Any) -> dict[str, Any]:
    return {
        "name": package.name,
        "arch": arch,
        **_evr(version.evr),
        "vendor": version.vendor,
        "buildtime": _BUILT,
        "installtime": _BUILT,
        "requires": version.requires.split(),
        "obsoletes": version.obsoletes.split()[:1],
        "signed": version.signed,
        **more,
    }


def _evr(text: str) -> dict[str, str]:
    epoch, _colon, rest = text.rpartition(":")
    found, release = rest.rsplit("-", 1)
    return {"epoch": epoch or "0", "version": found, "release": release}


def _notices(known: RpmDistribution, repository: Repository) -> list[dict[str, Any]]:
    names = {each.name for each in known.published}
    return [
        {
            "update_id": each.id,
            "type": each.type,
            "severity": each.severity or None,
            "issued": each.issued,
            "updated": each.updated or None,
            "reboot_suggested": each.reboot,
            "references": [{"type": "cve", "id": cve, "href": None, "title": None} for cve in each.cves]
            + [{"type": "bugzilla", "id": bug, "href": None, "title": None} for bug in each.bugzillas],
            "pkglist": [
                {"name": "", "packages": [{"name": _name(name), "arch": arch, "src": None, **_evr(evr)}
                                          for name, evr, arch in each.packages if _name(name) in names]}
            ],
        }
        for each in known.notices(NOTICES)
        if repository.carries(each.repository) and not each.module
    ]  # fmt: skip
