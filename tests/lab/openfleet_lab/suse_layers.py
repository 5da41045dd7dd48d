"""What makes a root with zypper a host of the tests: repositories, keys, old versions, locks and automatic marks."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import rpm_repository
from .bases import digest_of
from .distributions import site_names
from .places import CONTROLLER_ADDRESS, Lab
from .roots import chroot, write_files
from .rpm_packages import Package
from .suse_distributions import SUSE_DISTRIBUTIONS
from .suse_packages import AUTOMATIC, LOCKED, PACKAGES, TROUBLE

# What a feature of recipes.py may name.
TABLES = {"trouble": TROUBLE}
KEY = "/usr/lib/rpm/gnupg/keys/gpg-pubkey-lab.asc"
LOCK = "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: {name}\n"


def recipe_digest() -> str:
    return digest_of(Path(__file__).read_text(), rpm_repository.recipe_digest())


def use_repositories(lab: Lab, root: Path, distribution: str) -> None:
    files: dict[str, str | None] = {
        f"/etc/zypp/repos.d/{each.id}.repo": f"[{each.id}]\nname={each.id}\nenabled=1\nautorefresh=1\n"
        f"baseurl={each.url}\ntype=rpm-md\ngpgcheck=1\nrepo_gpgcheck=1\npkg_gpgcheck=1\ngpgkey=file://{KEY}\n"
        for each in SUSE_DISTRIBUTIONS[distribution].repositories
    }
    files["/etc/zypp/repos.d/source.repo"] = "[source]\nname=source\nenabled=0\nbaseurl=http://rpm.lab/none\n"
    files[KEY] = rpm_repository.public_key(lab)
    files["/etc/hosts"] = f"127.0.0.1 localhost\n{CONTROLLER_ADDRESS} {' '.join(site_names())}\n"
    files["/etc/zypp/zypp.conf"] = "[main]\nmultiversion = provides:multiversion(kernel)\n"
    write_files(root, files)
    chroot(root, ["rpm", "--import", KEY])


def prepare(lab: Lab, root: Path, distribution: str) -> None:
    """Install the old versions, lock and mark some, and read the metadata."""
    install_old(lab, root, distribution, PACKAGES)
    write_files(
        root,
        {
            "/etc/zypp/locks": "".join(LOCK.format(name=name) for name in LOCKED),
            "/var/lib/zypp/AutoInstalled": "".join(f"{name}\n" for name in AUTOMATIC),
        },
    )
    chroot(root, ["zypper", "--non-interactive", "--no-color", "refresh"])


def install_old(lab: Lab, root: Path, distribution: str, table: tuple[Package, ...]) -> None:
    packages = SUSE_DISTRIBUTIONS[distribution].packages(table)
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
        chroot(root, ["rpm", "-i", *(f"/var/cache/lab-rpms/{path.name}" for path in chosen)])
    shutil.rmtree(staged)
