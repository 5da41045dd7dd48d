"""Signed rpm repositories: packages, metadata and notices, made once and served by the lab's server."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from .bases import digest_of
from .places import Lab, replace, run
from .rpm_distributions import RPM_DISTRIBUTIONS
from .rpm_packages import MODULES, Module, Notice, Package, Version
from .signing import SigningKey
from .suse_distributions import SUSE_DISTRIBUTIONS

SUSEDATA = "http://linux.duke.edu/metadata/susedata"
ALL_DISTRIBUTIONS = {**RPM_DISTRIBUTIONS, **SUSE_DISTRIBUTIONS}


def signer(lab: Lab) -> SigningKey:
    return SigningKey(lab).ensure()


def public_key(lab: Lab) -> str:
    """The armoured public key that hosts import."""
    key = signer(lab)
    return run(["gpg", "--homedir", key.home, "--batch", "--armor", "--export"]).stdout


def recipe_digest() -> str:
    return digest_of(Path(__file__).read_text(), repr(MODULES), repr(ALL_DISTRIBUTIONS))


def build(lab: Lab, package: Package, version: Version, arch: str) -> Path:
    """The signed file of one version; equal content is built once and kept in the pool."""
    recipe = hashlib.sha256(json.dumps([package.name, package.provides, arch, asdict(version)]).encode()).hexdigest()[
        :12
    ]
    pool = lab.repositories / "rpms" / recipe
    epoch, _colon, rest = version.evr.rpartition(":")
    target = pool / f"{package.name}-{rest}.{arch}.rpm"
    if target.exists():
        return target
    with lab.lock("rpms"):
        if not target.exists():
            shutil.rmtree(pool, ignore_errors=True)
            (pool / "top").mkdir(parents=True)
            (pool / "package.spec").write_text(_spec(package, version, epoch, rest))
            where = {"_topdir": f"{pool}/top", "_rpmdir": str(pool), "_build_name_fmt": "built.rpm",
                     "_dbpath": "/var/lib/rpm"}  # fmt: skip
            run(["rpmbuild", "-bb", "--quiet", "--target", arch, *_defines(where), pool / "package.spec"],
                env={"SOURCE_DATE_EPOCH": "1767225600"})  # fmt: skip
            if version.signed != "no":
                _sign(lab, pool / "built.rpm", "stranger" if version.signed == "stranger" else "archive")
            shutil.rmtree(pool / "top")
            (pool / "built.rpm").rename(target)
    return target


def _sign(lab: Lab, path: Path, name: str) -> None:
    key = SigningKey(lab, name).ensure()
    # Debian's macro names gpg2, which it no longer has.
    macros = {"_gpg_path": str(key.home), "_gpg_name": f"Lab {name}", "_gpg_digest_algo": "sha256",
              "__gpg": str(shutil.which("gpg"))}  # fmt: skip
    with key.in_use():
        run(["rpmsign", *_defines(macros), "--addsign", path])


def _defines(macros: dict[str, str]) -> list[str]:
    return [word for name, value in macros.items() for word in ("--define", f"{name} {value}")]


def _spec(package: Package, version: Version, epoch: str, rest: str) -> str:
    number, release = rest.rsplit("-", 1)
    lines = [f"Name: {package.name}", f"Version: {number}", f"Release: {release}", f"Summary: {package.why}",
             "License: MIT", f"Vendor: {version.vendor}", "%define use_source_date_epoch_as_buildtime 1"]  # fmt: skip
    lines += [f"Epoch: {epoch}"] if epoch else []
    lines += [f"Provides: {package.provides}"] if package.provides else []
    for word in ("provides", "obsoletes", "requires", "conflicts"):
        lines += [f"{word.capitalize()}: {getattr(version, word)}"] if getattr(version, word) else []
    lines += [f"ModularityLabel: {version.module}:1:lab"] if version.module else []
    folder = f"/usr/share/{package.name}-{rest}"
    lines += ["%description", package.why, "%install", f"mkdir -p %{{buildroot}}{folder}",
              f"echo {version.evr} > %{{buildroot}}{folder}/%{{_target_cpu}}"]  # fmt: skip
    for path, content in version.files.items():
        lines += [
            f"mkdir -p %{{buildroot}}{os.path.dirname(path)}",
            f"printf %s {shlex.quote(content)} > %{{buildroot}}{path}",
        ]
    for section, script in version.scripts.items():
        lines += [f"%{section}", script]
    files = [f"%config(noreplace) {path}" if path.startswith("/etc/") else path for path in version.files]
    return "\n".join([*lines, "%files", folder, *files]) + "\n"


class View:
    """The rpm repositories as one host sees them."""

    def __init__(self, lab: Lab, name: str, distribution: str) -> None:
        self.lab = lab
        self.folder = lab.repositories / "views" / name
        self.distribution = ALL_DISTRIBUTIONS[distribution]
        self.repositories = self.distribution.repositories

    def place(self, repository: str) -> Path:
        found = next(each for each in self.repositories if each.id == repository)
        return self.folder / found.folder

    def publish(self, notices: tuple[Notice, ...] | None = None) -> None:
        notices = self.distribution.published_notices if notices is None else notices
        packages = self.distribution.packages(self.distribution.published)
        for repository in self.repositories:
            place = self.place(repository.id)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            members: dict[str, list[str]] = {}
            licences = ""
            for package in packages:
                for version in package.versions:
                    if repository.carries(version.repository):
                        for arch in package.arches:
                            built = build(self.lab, package, version, arch)
                            os.link(built, place / built.name)
                            members.setdefault(version.module, []).append(f"{package.name}-{_full(version.evr)}.{arch}")
                            licences += _licence(built, package, version, arch) if version.licence else ""
            run(["createrepo_c", "-q", "--revision=1", place])
            if repository.notices:
                listed = [each for each in notices if repository.carries(each.repository)]
                _add_metadata(place, "updateinfo.xml", updateinfo(self.distribution.notices(tuple(listed))))
            if set(members) - {""}:
                _add_metadata(place, "modules.yaml", _modules(members))
            if licences:
                _add_metadata(place, "susedata.xml", f'<susedata xmlns="{SUSEDATA}">\n{licences}</susedata>\n')
            self.sign(repository.id, "good")

    def add(self, package: Package, version: Version, notices: tuple[Notice, ...] = ()) -> None:
        """One more version beside what is there; with ``notices``, which then are all that its repository has."""
        repository = next(each for each in self.repositories if each.carries(version.repository))
        place = self.place(repository.id)
        for arch in package.arches:
            built = build(self.lab, package, version, arch)
            os.link(built, place / built.name)
        run(["createrepo_c", "-q", "--revision=2", "--keep-all-metadata", place])
        if notices:
            run(["modifyrepo_c", "--remove", "updateinfo", place / "repodata"])
            _add_metadata(place, "updateinfo.xml", updateinfo(notices))
        self.sign(repository.id, "good")

    def withdraw(self, package: str, evr: str) -> None:
        """One version is in no repository any more; notices still speak of it."""
        for repository in self.repositories:
            place = self.place(repository.id)
            gone = list(place.glob(f"{package}-{evr.rpartition(':')[2]}.*.rpm"))
            for path in gone:
                path.unlink()
            if gone:
                run(["createrepo_c", "-q", "--revision=2", "--keep-all-metadata", place])
                self.sign(repository.id, "good")

    def drop_notices(self) -> None:
        """No repository carries updateinfo any more, as CentOS never did."""
        for repository in self.repositories:
            if repository.notices:
                # A new folder: the files of the old one are shared with the common view.
                metadata = self.place(repository.id) / "repodata"
                run(["cp", "-a", metadata, metadata.with_name("copy")])
                shutil.rmtree(metadata)
                metadata.with_name("copy").rename(metadata)
                run(["modifyrepo_c", "--remove", "updateinfo", metadata])
                self.sign(repository.id, "good")

    def sign(self, repository: str, how: str) -> None:
        """How the metadata is signed: `good`, `broken` (altered after signing), `stranger` or `missing`."""
        index = self.place(repository) / "repodata" / "repomd.xml"
        signature = index.with_name("repomd.xml.asc")
        signature.unlink(missing_ok=True)
        if how == "missing":
            return
        key = SigningKey(self.lab, "stranger").ensure() if how == "stranger" else signer(self.lab)
        key.detach_sign(index, signature)
        if how == "broken":
            # A new file: the old one is shared with the common view.
            content = index.read_text().replace("<revision>1<", "<revision>2<")
            index.unlink()
            index.write_text(content)

    def fault(self, what: str | None) -> None:
        """How the server treats this view: `drop`, `hang`, a status such as `503`, or None for properly."""
        path = self.folder / ".fault"
        path.unlink(missing_ok=True)
        if what is not None:
            path.write_text(what + "\n")


def _full(evr: str) -> str:
    """1.0-1 -> 0:1.0-1"""
    return evr if ":" in evr else f"0:{evr}"


def _add_metadata(place: Path, name: str, content: str) -> None:
    """One more kind of metadata, called after its file: updateinfo.xml, modules.yaml."""
    path = place / name
    path.write_text(content)
    run(["modifyrepo_c", f"--mdtype={path.stem}", path, place / "repodata"])
    path.unlink()


def _licence(built: Path, package: Package, version: Version, arch: str) -> str:
    """SUSE's own metadata, in which a package may have a licence that somebody has to agree to."""
    number, release = version.evr.rsplit("-", 1)
    return (
        f'<package pkgid="{hashlib.sha256(built.read_bytes()).hexdigest()}" name="{package.name}" arch="{arch}">'
        f'<version epoch="0" ver="{number}" rel="{release}"/><eula>{escape(version.licence)}</eula></package>\n'
    )


def _modules(members: dict[str, list[str]]) -> str:
    """modulemd documents of the streams that have packages here; `members`: `name:stream` to full names."""
    return "".join(_module(each, members[each.label]) for each in MODULES if each.label in members)


def _module(module: Module, rpms: list[str]) -> str:
    named = "".join(f"    - {each}\n" for each in rpms)
    return (
        f'---\ndocument: modulemd\nversion: 2\ndata:\n  name: {module.name}\n  stream: "{module.stream}"\n'
        f"  version: 1\n  context: lab\n  arch: x86_64\n  summary: {module.summary}\n  description: {module.summary}\n"
        f"  license:\n    module: [MIT]\n  artifacts:\n    rpms:\n{named}...\n"
    )


def updateinfo(notices: Iterable[Notice]) -> str:
    return "<updates>\n" + "".join(map(_update, notices)) + "</updates>\n"


def _update(notice: Notice) -> str:
    def reference(kind: str, name: str) -> str:
        return (
            f'<reference href={quoteattr("https://vendor.invalid/" + name)} id="{name}" type="{kind}" title="{name}"/>'
        )

    references = [reference("cve", each) for each in notice.cves] + [
        reference("bugzilla", each) for each in notice.bugzillas
    ]
    reboot = "<reboot_suggested>True</reboot_suggested>" if notice.reboot else ""
    reboot += "<restart_suggested>True</restart_suggested>" if notice.restart else ""
    message = f"<message>{escape(notice.message)}</message>" if notice.message else ""
    packages = ""
    for name, evr, arch in notice.packages:
        epoch, _colon, rest = evr.rpartition(":")
        version, release = rest.rsplit("-", 1)
        packages += (
            f'<package name="{name}" version="{version}" release="{release}" epoch="{epoch or 0}" arch="{arch}" '
            f'src="{name}-{rest}.src.rpm"><filename>{name}-{rest}.{arch}.rpm</filename>{reboot}</package>'
        )
    name, _colon, stream = notice.module.partition(":")
    module = f'<module name="{name}" stream="{stream}" version="1" context="lab" arch="x86_64"/>' if stream else ""
    updated = f'<updated date="{notice.updated}"/>' if notice.updated else ""
    severity = f"<severity>{notice.severity}</severity>" if notice.severity else ""
    return (
        f'<update from="lab@example.invalid" status="final" type="{notice.type}" version="1"><id>{notice.id}</id>'
        f'<title>{escape(notice.id)}</title><issued date="{notice.issued}"/>{updated}{severity}'
        f"<description>{notice.id}</description>{message}<references>{''.join(references)}</references>"
        f'<pkglist><collection short="lab"><name>lab</name>{module}{packages}</collection></pkglist></update>\n'
    )


def ensure_main(lab: Lab, distribution: str) -> View:
    """The common view of one distribution, published when its recipe changed."""
    view = View(lab, "main", distribution)
    marker = view.folder / f".digest-rpm-{distribution}"
    with lab.lock("repositories"):
        if not marker.exists() or marker.read_text() != recipe_digest():
            view.folder.mkdir(parents=True, exist_ok=True)
            # Half a publication must not pass for a whole one.
            marker.unlink(missing_ok=True)
            view.publish()
            replace(marker, recipe_digest().encode())
            for name in ("archive", "stranger"):
                if SigningKey(lab, name).home.exists():
                    SigningKey(lab, name).end_agent()
    return view


def own_view(lab: Lab, address: str, distribution: str) -> View:
    """A view of its own for one host, equal to the common one until it is altered."""
    view = View(lab, address, distribution)
    shutil.rmtree(view.folder, ignore_errors=True)
    with lab.lock("repositories"):
        run(["cp", "-al", lab.repositories / "views" / "main", view.folder])
    return view
