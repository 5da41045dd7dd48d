"""The rpm packages and update notices made for the tests, as data. Each one stands for a case that real hosts have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Version:
    """One `[epoch:]version-release` and the repository that has it; `gone` is in none.

    `module` is `name:stream` of the module that it belongs to; `files` maps a path to content beside the package's own;
    `scripts` maps a section (`pre`, `post`, ...) to a shell script; `signed` is `lab`, `stranger` or `no`. `licence` is
    one that somebody has to agree to.
    """

    evr: str
    repository: str = "baseos"
    obsoletes: str = ""
    requires: str = ""
    conflicts: str = ""
    provides: str = ""
    module: str = ""
    files: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    signed: str = "lab"
    vendor: str = "Lab"
    licence: str = ""


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
    """An update of updateinfo.xml. `packages` are (name, evr, architecture); dates as vendors write them; `module` is
    `name:stream` where it is about packages of a module; `restart`: the package manager starts anew after it;
    `message` is shown before it is installed."""

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
    module: str = ""
    restart: bool = False
    message: str = ""


@dataclass(frozen=True)
class Module:
    """A stream of a module; `state` is what a prepared host has decided about it (`enabled` or nothing)."""

    name: str
    stream: str
    summary: str
    state: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}:{self.stream}"


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
    Package("acme-db", "from a stream of a module: newer ones of another stream, or of none, are not for this host",
            (Version("10.1-1.module+el9+1", "appstream", module="acme-db:10"),
             Version("10.2-1.module+el9+2", "appstream", module="acme-db:10"),
             Version("12.1-1.module+el9+3", "appstream", module="acme-db:12"),
             Version("13.0-1.el9", "appstream")), ("10.1-1.module+el9+1",), ("x86_64",)),
)  # fmt: skip

MODULES = (
    Module("acme-db", "10", "the stream of a prepared host", "enabled"),
    Module("acme-db", "12", "a newer stream, not enabled"),
)

# Not on a prepared host: a test asks for them (the feature `trouble`); they make a whole transaction fail or last.
TROUBLE = (
    Package("acme-shell", "what packages with scripts need: no rpm brought the lab's own shell", (Version(OLD),),
            provides="/bin/sh"),
    Package("acme-badpre", "its fix's %pre fails, so rpm refuses it",
            (Version(OLD), Version("1.1-1.el9", scripts={"pre": "echo cannot prepare >&2\nexit 3"}))),
    Package("acme-badpost", "its fix's %post fails after it was installed",
            (Version(OLD), Version("1.1-1.el9", scripts={"post": "echo cannot configure >&2\nexit 3"}))),
    Package("acme-hangpost", "its fix's %post hangs, with a child",
            (Version(OLD), Version("1.1-1.el9", scripts={"post": "sleep 100000 &\nwait"}))),
    Package("acme-slow", "its fix takes as many seconds as /etc/acme-slow says (10)",
            (Version(OLD),
             Version("1.1-1.el9", scripts={"post": 'sleep "$(cat /etc/acme-slow 2>/dev/null || echo 10)"'}))),
    Package("acme-owner", "has a file that acme-thief's fix brings with other content",
            (Version(OLD, files={"/usr/share/acme-shared/file": "owner\n"}),)),
    Package("acme-thief", "its fix has a file of acme-owner",
            (Version(OLD), Version("1.1-1.el9", files={"/usr/share/acme-shared/file": "thief\n"}))),
    Package("acme-unsigned", "nobody signed its fix", (Version(OLD), Version("1.1-1.el9", signed="no"))),
    Package("acme-forged", "somebody else signed its fix", (Version(OLD), Version("1.1-1.el9", signed="stranger"))),
    Package("acme-newdep", "its fix needs a package that the host does not have",
            (Version(OLD), Version("1.1-1.el9", requires="acme-newlib"))),
    Package("acme-newlib", "wanted by acme-newdep's fix", (Version(OLD),), ()),
    Package("acme-choosy", "its fix needs one of two packages that the host does not have",
            (Version(OLD), Version("1.1-1.el9", requires="acme-pick"))),
    Package("acme-pick-a", "one that acme-choosy's fix may need", (Version(OLD),), (), provides="acme-pick"),
    Package("acme-pick-b", "the other one", (Version(OLD),), (), provides="acme-pick"),
    Package("acme-mover", "its fix does not bear acme-victim",
            (Version(OLD), Version("1.1-1.el9", conflicts="acme-victim"))),
    Package("acme-victim", "in the way of acme-mover's fix", (Version(OLD),)),
    Package("acme-whole", "its fix takes the place of acme-part as well",
            (Version(OLD), Version("1.1-1.el9", obsoletes="acme-part < 2"))),
    Package("acme-part", "becomes part of acme-whole", (Version(OLD),)),
    Package("acme-conf", "its fix has another configuration file",
            (Version(OLD, files={"/etc/acme/conf.ini": "colour=green\n"}),
             Version("1.1-1.el9", files={"/etc/acme/conf.ini": "colour=blue\n"}))),
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
    Notice("RHSA-2026:0022", "security", _of("acme-db", evr="10.2-1.module+el9+2", arch="x86_64"), "Important",
           cves=("CVE-2026-0022",), repository="appstream", module="acme-db:10"),
    Notice("RHSA-2026:0023", "security", _of("acme-db", evr="12.1-1.module+el9+3", arch="x86_64"), "Critical",
           cves=("CVE-2026-0023",), repository="appstream", module="acme-db:12"),
    Notice("RHSA-2026:0024", "security", _of(*(each.name for each in TROUBLE if len(each.versions) > 1)), "Important",
           cves=("CVE-2026-0024",)),
)  # fmt: skip
