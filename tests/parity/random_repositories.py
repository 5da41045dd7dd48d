"""Random rpm repositories from a seed: packages, notices and what a host has of them, with what a baseline wants by the
plainest reading of the rules. Nothing is ever downloaded from them, so they are metadata alone."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import random
import subprocess
import tarfile
from dataclasses import dataclass, field
from functools import cmp_to_key
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import quoteattr

from openfleet_lab import rpm_layers, suse_layers
from openfleet_lab.api import LabHost
from openfleet_lab.rpm_repository import signer

FOLDER = "/srv/random"
# Each is newer than those before it, by rpm's own order.
LADDERS = (
    ("1.0~rc1-1", "1.0~rc2-1", "1.0-1", "1.0-1.1", "1.0^git1-1", "1.0.1-1", "1.09-1", "1.10-1"),
    ("0.9-1", "0.10-1", "1a-1", "1b-1", "1b-2", "1b-10", "2-1", "2-1.0"),
    ("20240101-1", "20250101-1", "1:1.0-1", "1:1.0-2~beta", "1:1.0-2", "1:1.0-2^1", "2:0.1-1", "2:0.1-1_1"),
    ("1.0-1%s", "1.0-2%s", "1.0-3%s", "1.0-4%s", "1.1-1%s", "1.2-1%s", "1.3-1%s", "1.4-1%s"),
)
KINDS = ("security", "security", "security", "bugfix", "enhancement", "newpackage")
SEVERITIES = ("Critical", "Important", "Moderate", "Low")
Key = tuple[str, str]


@dataclass(frozen=True)
class Offered:
    """A version in a repository. ``requires`` are names with the least version that serves, ``exact`` ones of the same
    version."""

    name: str
    arch: str
    evr: str
    repository: str
    requires: tuple[tuple[str, str], ...] = ()
    exact: tuple[str, ...] = ()
    obsoletes: str = ""


@dataclass(frozen=True)
class Notice:
    id: str
    kind: str
    severity: str
    issued: str
    packages: tuple[tuple[str, str, str], ...]


@dataclass
class World:
    installed: dict[Key, str] = field(default_factory=dict)
    rank: dict[tuple[str, str], int] = field(default_factory=dict)
    """Place of a version among those of its package."""
    offered: list[Offered] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def wanted(self, kinds: set[str], severities: set[str] | None = None, *, unnoticed: bool = False) -> dict[Key, str]:
        """The newest version of each package that some notice of these kinds (and severities) names, or any."""
        named = {
            package for notice in self.notices
            if notice.kind in kinds and (severities is None or notice.severity in severities)
            for package in notice.packages
        }  # fmt: skip
        found: dict[Key, str] = {}
        for each in self.offered:
            key = (each.name, each.arch)
            if key not in self.installed or not (unnoticed or (*key, each.evr) in named):
                continue
            if self.rank[each.name, each.evr] > self.rank[each.name, found.get(key, self.installed[key])]:
                found[key] = each.evr
        return found


def make_world(seed: int, *, wild: bool, size: int = 40) -> World:
    """A ``wild`` one has what dnf and a baseline take differently: packages that take the place of others, notices
    about versions that are gone, notices about a program and not about its library."""
    chance = random.Random(seed)
    world = World()
    families: list[list[str]] = []
    for number in range(size):
        base = f"rnd-{seed}-{number:02d}"
        families.append([base, f"{base}-lib"] if chance.random() < 0.3 else [base])
    names = [name for family in families for name in family]
    for family in families:
        ladder = [evr % chance.choice((".el9", ".el9_4")) if "%" in evr else evr for evr in chance.choice(LADDERS)]
        arches = chance.choice((("noarch",), ("x86_64",), ("x86_64",), ("x86_64", "i686")))
        start = chance.randrange(len(ladder) - 1)
        above = [evr for evr in ladder[start + 1 :] if chance.random() < 0.6]
        for name in family:
            world.rank.update({(name, evr): place for place, evr in enumerate(ladder)})
            for arch in arches:
                world.installed[name, arch] = ladder[start]
                for evr in [ladder[start], *above]:
                    repository = "extra" if chance.random() < 0.15 else "base"
                    # A library comes in the version of its program, whatever notices say.
                    exact = tuple(family[1:]) if name == family[0] else ()
                    world.offered.append(Offered(name, arch, evr, repository, exact=exact))
    for each in list(world.offered):
        if chance.random() < 0.15 and each.evr != world.installed[each.name, each.arch]:
            other = chance.choice(names)
            versions = sorted((o.evr for o in world.offered if o.name == other), key=lambda e: world.rank[other, e])
            if other.rpartition("-lib")[0] != each.name and each.name.rpartition("-lib")[0] != other:
                world.offered.remove(each)
                need = (other, chance.choice(versions))
                world.offered.append(Offered(each.name, each.arch, each.evr, each.repository, (need,), each.exact))
    for name in chance.sample(names, size // 10) if wild else []:
        world.offered.append(Offered(f"{name}-next", "noarch", "9-1", "base", obsoletes=name))
    _add_notices(world, chance, families, wild)
    return world


def _add_notices(world: World, chance: random.Random, families: list[list[str]], wild: bool) -> None:
    for number, family in enumerate(families):
        listed = [each for each in world.offered if each.name in family]
        for evr in sorted({each.evr for each in listed if each.repository == "base"}):
            while chance.random() < 0.55:
                # All architectures of a package at once, as vendors do.
                names = [name for name in family if not wild or chance.random() < 0.9]
                some = [each for each in listed if each.evr == evr and each.name in names]
                kind = chance.choice(KINDS)
                severity = chance.choice(SEVERITIES) if kind == "security" and chance.random() < 0.9 else ""
                packages = tuple((each.name, each.arch, each.evr) for each in some)
                day = chance.randrange(1, 28)
                if packages:
                    world.notices.append(
                        Notice(f"RND-{number}-{len(world.notices)}", kind, severity, f"2026-01-{day:02d}", packages)
                    )
        if wild and chance.random() < 0.1:
            there = {each.evr for each in listed}
            gone = [evr for name, evr in world.rank if name == family[0] and evr not in there]
            if gone:
                arch = next(each.arch for each in listed if each.name == family[0])
                packages = ((family[0], arch, chance.choice(gone)),)
                world.notices.append(Notice(f"RND-{number}-gone", "security", "Critical", "2026-01-05", packages))


def ladder_is_in_order(compare: object) -> bool:
    """Whether the ladders are what they say, by ``compare(one, other)``."""
    order = cmp_to_key(compare)  # type: ignore[arg-type]
    return all(
        order(a) < order(b) for ladder in LADDERS for a, b in pairwise([evr.replace("%s", "") for evr in ladder])
    )


# -- on a host ---------------------------------------------------------------------------------------------------


def bring_to(host: LabHost, world: World, work: Path) -> None:
    """The host has what the world says, and no other repositories."""
    packages = work / "packages"
    for arch in sorted({arch for _name, arch in world.installed}):
        _build(packages, arch, {name: evr for (name, own), evr in world.installed.items() if own == arch})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path in sorted(packages.glob("**/*.rpm")):
            tar.add(path, f"packages/{path.name}")
        for repository in ("base", "extra"):
            for name, content in _signed(host, _metadata(world, repository), work).items():
                member = tarfile.TarInfo(f"{repository}/repodata/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    text = base64.b64encode(archive.getvalue()).decode()
    host.run(["sh", "-c", f"rm -rf {FOLDER} && mkdir {FOLDER} && base64 -d | tar xz -C {FOLDER}"], stdin=text)
    host.run(["sh", "-c", "old=$(rpm -qa 'rnd-*'); test -z \"$old\" || rpm -e $old"])
    host.run(["sh", "-c", f"rpm -i {FOLDER}/packages/*.rpm"])
    key = suse_layers.KEY if host.kind.manager == "zypper" else rpm_layers.KEY
    settings = "".join(
        f"[{name}]\nname={name}\nenabled=1\nbaseurl=file://{FOLDER}/{name}\ngpgcheck=1\nrepo_gpgcheck=1\n"
        f"gpgkey=file://{key}\n"
        for name in ("base", "extra")
    )
    place = "/etc/zypp/repos.d" if host.kind.manager == "zypper" else "/etc/yum.repos.d"
    host.run(["sh", "-c", f"rm -f {place}/*.repo; cat >{place}/random.repo"], stdin=settings)
    if host.kind.manager == "zypper":
        host.run(["zypper", "--non-interactive", "refresh", "--force"])
        return
    host.run(["dnf", "-q", "clean", "all"])
    host.run(["dnf", "-y", "-q", "makecache"])


def _signed(host: LabHost, files: dict[str, bytes], work: Path) -> dict[str, bytes]:
    """With the signature of the lab, which the host's own repositories have as well."""
    index = work / "repomd.xml"
    index.write_bytes(files[index.name])
    signature = work / "repomd.xml.asc"
    signature.unlink(missing_ok=True)
    signer(host.lab).detach_sign(index, signature)
    return {**files, signature.name: signature.read_bytes()}


def _build(folder: Path, arch: str, versions: dict[str, str]) -> None:
    """One run of rpmbuild for all packages of an architecture."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = ["Name: rnd-top", "Version: 1", "Release: 1", "Summary: x", "License: x", "%description", "x"]
    spec += ["BuildArch: noarch"] if arch == "noarch" else []
    spec.insert(0, "%global debug_package %{nil}")
    spec = [*spec[:6], *spec[8:], *spec[6:8]]
    for name, evr in sorted(versions.items()):
        epoch, _colon, rest = evr.rpartition(":")
        version, _dash, release = rest.partition("-")
        spec += [f"%package -n {name}", f"Version: {version}", f"Release: {release}", "Summary: x"]
        spec += [f"Epoch: {epoch}"] if epoch else []
        spec += [f"%description -n {name}", "x", f"%files -n {name}"]
    path = folder / f"{arch}.spec"
    path.write_text("\n".join(spec) + "\n")
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", "--target", arch, "--define", f"_topdir {folder}/top-{arch}",
         "--define", f"_rpmdir {folder}/out", "--define", "_dbpath /var/lib/rpm", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip


def _metadata(world: World, repository: str) -> dict[str, bytes]:
    rows = [each for each in world.offered if each.repository == repository]
    primary = "".join(_package(each) for each in rows)
    files = {
        "primary": '<metadata xmlns="http://linux.duke.edu/metadata/common"'
        f' xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{len(rows)}">{primary}</metadata>',
        "filelists": '<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="0"></filelists>',
    }
    if repository == "base":
        files["updateinfo"] = f"<updates>{''.join(_update(each) for each in world.notices)}</updates>"
    made, index = {}, []
    for kind, text in files.items():
        content = gzip.compress(text.encode(), mtime=0)
        made[f"{kind}.xml.gz"] = content
        index.append(
            f'<data type="{kind}"><checksum type="sha256">{hashlib.sha256(content).hexdigest()}</checksum>'
            f'<location href="repodata/{kind}.xml.gz"/><timestamp>1767225600</timestamp></data>'
        )
    made["repomd.xml"] = (
        f'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>{"".join(index)}</repomd>'.encode()
    )
    return made


def _version(evr: str) -> str:
    epoch, _colon, rest = evr.rpartition(":")
    version, _dash, release = rest.partition("-")
    return f'epoch="{epoch or 0}" ver={quoteattr(version)} rel={quoteattr(release)}'


def _package(each: Offered) -> str:
    needs = [(name, "GE", _version(evr)) for name, evr in each.requires]
    needs += [(name, "EQ", _version(each.evr)) for name in each.exact]
    requires = "".join(f'<rpm:entry name="{name}" flags="{flag}" {version}/>' for name, flag, version in needs)
    obsoletes = f'<rpm:entry name="{each.obsoletes}"/>' if each.obsoletes else ""
    file = f"{each.name}-{each.evr.rpartition(':')[2]}.{each.arch}.rpm"
    digest = hashlib.sha256(file.encode()).hexdigest()
    return (
        f'<package type="rpm"><name>{each.name}</name><arch>{each.arch}</arch><version {_version(each.evr)}/>'
        f'<checksum type="sha256" pkgid="YES">{digest}</checksum><summary>x</summary><description>x</description>'
        '<time file="1767225600" build="1767225600"/><size package="1" installed="1" archive="1"/>'
        f'<location href="{file}"/><format><rpm:license>x</rpm:license>'
        f"<rpm:sourcerpm>{each.name.removesuffix('-lib')}-1-1.src.rpm</rpm:sourcerpm>"
        f'<rpm:provides><rpm:entry name="{each.name}" flags="EQ" {_version(each.evr)}/></rpm:provides>'
        f"<rpm:requires>{requires}</rpm:requires><rpm:obsoletes>{obsoletes}</rpm:obsoletes></format></package>"
    )


def _update(each: Notice) -> str:
    packages = "".join(
        f'<package name="{name}" arch="{arch}" {_version(evr).replace("ver=", "version=").replace("rel=", "release=")}>'
        f"<filename>{name}.rpm</filename></package>"
        for name, arch, evr in each.packages
    )
    severity = f"<severity>{each.severity}</severity>" if each.severity else ""
    return (
        f'<update from="x" status="final" type="{each.kind}" version="1"><id>{each.id}</id><title>x</title>'
        f'<issued date="{each.issued} 00:00:00"/>{severity}<description>x</description><pkglist>'
        f'<collection short="x"><name>x</name>{packages}</collection></pkglist></update>'
    )
