"""What makes a root with rpm and dnf a host of the tests: repositories, keys, old versions, locks and excludes."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import rpm_repository
from .bases import digest_of
from .distributions import site_names
from .places import CONTROLLER_ADDRESS, Lab
from .roots import chroot, write_files
from .rpm_distributions import RPM_DISTRIBUTIONS
from .rpm_packages import MODULES, PACKAGES, TROUBLE, Package

# What a feature of recipes.py may name.
TABLES = {"trouble": TROUBLE}
KEY = "/etc/pki/rpm-gpg/RPM-GPG-KEY-lab"
DNF_CONF = (
    "[main]\ngpgcheck=1\nlocalpkg_gpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\n"
    "skip_if_unavailable=False\nexclude=acme-excluded\n"
)


def recipe_digest() -> str:
    return digest_of(Path(__file__).read_text(), rpm_repository.recipe_digest())


def use_repositories(lab: Lab, root: Path, distribution: str) -> None:
    stanzas = [
        f"[{each.id}]\nname=Lab {each.id}\nbaseurl={each.url}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{KEY}\n"
        for each in RPM_DISTRIBUTIONS[distribution].repositories
    ]
    stanzas.append("[source]\nname=Lab source\nbaseurl=http://rpm.lab/none\nenabled=0\n")
    write_files(
        root,
        {
            "/etc/yum.repos.d/lab.repo": "\n".join(stanzas),
            KEY: rpm_repository.public_key(lab),
            "/etc/dnf/dnf.conf": DNF_CONF.replace("exclude=acme-excluded\n", ""),
            "/etc/hosts": f"127.0.0.1 localhost\n{CONTROLLER_ADDRESS} {' '.join(site_names())}\n",
            # The build machine's nameserver cannot be reached, and newer curl asks it for addresses of version 6.
            "/etc/resolv.conf": "nameserver 127.0.0.1\n",
        },
    )
    chroot(root, ["rpm", "--import", KEY])


def prepare(lab: Lab, root: Path, distribution: str) -> None:
    """Install the old versions with dnf, so that its history knows them; then lock, exclude and read the metadata."""
    streams: dict[str, str | None] = {
        f"/etc/dnf/modules.d/{each.name}.module": f"[{each.name}]\nname={each.name}\nstream={each.stream}\nprofiles=\n"
        f"state={each.state}\n"
        for each in MODULES
        if each.state
    }
    write_files(root, streams)
    install_old(lab, root, distribution, PACKAGES)
    known = RPM_DISTRIBUTIONS[distribution]
    write_files(root, {**_lock(known.manager, known.tag), "/etc/dnf/dnf.conf": DNF_CONF})
    chroot(root, ["dnf", "-y", "-q", "makecache"])


def _lock(manager: str, tag: str) -> dict[str, str | None]:
    """How each program is told that acme-locked stays what it is."""
    if manager == "dnf5":
        return {
            "/etc/dnf/versionlock.toml": 'version = "1.0"\n\n[[packages]]\nname = "acme-locked"\n'
            f'[[packages.conditions]]\nkey = "evr"\ncomparator = "="\nvalue = "1.0-1.{tag}"\n'
        }
    return {"/etc/dnf/plugins/versionlock.list": f"# Added lock\nacme-locked-0:1.0-1.{tag}.*\n"}


def install_old(lab: Lab, root: Path, distribution: str, table: tuple[Package, ...]) -> None:
    packages = RPM_DISTRIBUTIONS[distribution].packages(table)
    staged = root / "var/cache/lab-rpms"
    staged.mkdir(parents=True)
    # Instances that stay beside each other need a transaction each.
    for turn in range(max(len(package.installed) for package in packages)):
        chosen = [
            rpm_repository.build(lab, package, version, arch)
            for package in packages
            for version in package.versions
            if version.evr in package.installed[turn : turn + 1]
            for arch in package.arches
        ]
        for path in chosen:
            shutil.copy(path, staged)
        inside = [f"/var/cache/lab-rpms/{path.name}" for path in chosen]
        chroot(root, ["dnf", "-y", "-q", "--disablerepo=*", "install", *inside])
    shutil.rmtree(staged)
