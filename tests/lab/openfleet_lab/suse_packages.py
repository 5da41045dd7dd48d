"""The rpm packages and patches made for hosts with zypper, as data. Each one stands for a case that real hosts have."""

from __future__ import annotations

from .rpm_packages import Notice, Package, Version

POOL, UPDATES = "SLE-Module-Basesystem15-SP6-Pool", "SLE-Module-Basesystem15-SP6-Updates"
OLD, NEW = "1.0-150600.1.1", "1.1-150600.3.1"
LATER = "1.2-150600.5.1"
SUSE = "SUSE LLC <https://www.suse.com/>"


def _two(**more: object) -> tuple[Version, ...]:
    return (Version(OLD, POOL, vendor=SUSE), Version(NEW, UPDATES, vendor=SUSE, **more))  # type: ignore[arg-type]


def _package(name: str, why: str, *versions: Version, installed: tuple[str, ...] = (OLD,), **more: object) -> Package:
    return Package(name, why, versions or _two(), installed, **more)  # type: ignore[arg-type]


# Installed only because another package needs them: zypper lists them in /var/lib/zypp/AutoInstalled.
AUTOMATIC = ("acme-libauto",)
LOCKED = ("acme-locked",)

PACKAGES = (
    _package("acme-crit", "a critical fix below a later recommended one",
             *_two(), Version(LATER, UPDATES, vendor=SUSE)),
    _package("acme-imp", "an important fix that was updated after it was issued"),
    _package("acme-mod", "a moderate fix"),
    _package("acme-low", "a low fix"),
    _package("acme-rec", "a recommended update"),
    _package("acme-opt", "an optional update"),
    _package("acme-feat", "a feature update"),
    _package("acme-doc", "a document update"),
    _package("acme-yast", "a yast update"),
    _package("acme-several", "one version in a security and a recommended patch"),
    _package("acme-super", "a patch that a later one replaces", *_two(), Version(LATER, UPDATES, vendor=SUSE)),
    _package("acme-vanished", "the patch's version is in no repository",
             Version(OLD, POOL, vendor=SUSE), Version(LATER, UPDATES, vendor=SUSE)),
    _package("acme-plain", "newer, and in no patch"),
    _package("acme-vendor", "newer at another vendor's", Version(OLD, POOL, vendor=SUSE),
             Version("2.0-1", "acme", vendor="Acme")),
    _package("acme-epoch", "an epoch: the upstream number looks lower", Version("9.0-1.1", POOL, vendor=SUSE),
             Version("1:1.0-1.1", UPDATES, vendor=SUSE), installed=("9.0-1.1",)),
    _package("acme-locked", "locked with a fix waiting"),
    _package("acme-libauto", "installed automatically, for acme-imp"),
    _package("acme-reboot", "its patch asks for a reboot", *_two(provides="installhint(reboot-needed)")),
    _package("acme-message", "its patch shows a message first"),
    _package("acme-licence", "its fix has a licence to agree to", *_two(licence="Pay us & be happy.")),
    _package("acme-parent", "its fix needs a package that is not installed, and a newer one that no patch names",
             *_two(requires="acme-child, acme-plain >= 1.1")),
    _package("acme-child", "not installed, needed by a fix", Version(NEW, UPDATES, vendor=SUSE), installed=()),
    _package("acme-mover", "its fix would remove another package", *_two(conflicts="acme-victim")),
    _package("acme-victim", "would be removed by acme-mover's fix", Version(OLD, POOL, vendor=SUSE)),
    _package("acme-oldname", "another package takes its place", Version(OLD, POOL, vendor=SUSE)),
    _package("acme-newname", "takes the place of acme-oldname",
             Version("2.0-1.1", UPDATES, obsoletes="acme-oldname < 2", vendor=SUSE), installed=()),
    _package("acme-current", "nothing newer anywhere", Version(OLD, POOL, vendor=SUSE)),
    _package("acme-orphan", "installed, in no repository", Version(OLD, "gone", vendor=SUSE)),
    _package("acme-available", "not installed, nobody needs it", Version(OLD, POOL, vendor=SUSE), installed=()),
    _package("bash", "has the shell that scripts ask for", Version(OLD, POOL, provides="/bin/sh", vendor=SUSE)),
    _package("libzypp", "part of the package manager itself"),
    _package("zypper", "the package manager itself"),
    _package("kernel-default", "kernels stay beside each other",
             *(Version(f"6.4.0-150600.{number}", where, provides="multiversion(kernel)", vendor=SUSE)
               for number, where in ((1, POOL), (2, UPDATES), (3, UPDATES))),
             installed=("6.4.0-150600.1", "6.4.0-150600.2"), arches=("x86_64",), provides="kernel-uname"),
)  # fmt: skip

# Not on a prepared host: a test asks for them, since they make every update fail or take its time.
TROUBLE = (
    _package("acme-badpost", "its fix's script after the files fails",
             *_two(scripts={"post": "echo cannot configure >&2\nexit 3"})),
    _package("acme-badpre", "its fix's script before the files fails",
             *_two(scripts={"pre": "echo cannot begin >&2\nexit 3"})),
    _package("acme-hangpost", "its fix's script after the files hangs, with a child",
             *_two(scripts={"post": "sleep 100000 &\nwait"})),
    _package("acme-slow", "its fix takes as many seconds as /etc/acme-slow says (10)",
             *_two(scripts={"post": 'sleep "$(cat /etc/acme-slow 2>/dev/null || echo 10)"'})),
    _package("acme-stranger", "its fix is signed by nobody the host knows", *_two(signed="stranger")),
    _package("acme-clash", "its fix brings a file that another package has",
             *_two(files={"/usr/share/acme-owner/file": "mine"})),
    _package("acme-owner", "has a file that acme-clash's fix brings as well",
             Version(OLD, POOL, files={"/usr/share/acme-owner/file": "ours"}, vendor=SUSE)),
)  # fmt: skip


def _of(*names: str, evr: str = NEW, arch: str = "noarch") -> tuple[tuple[str, str, str], ...]:
    return tuple((name, evr, arch) for name in names)


def _patch(number: int, kind: str, packages: tuple[tuple[str, str, str], ...], severity: str = "", **more: object
           ) -> Notice:  # fmt: skip
    cves = (f"CVE-2026-{number:04d}",) if kind == "security" else ()
    settings: dict[str, object] = {"repository": UPDATES, "cves": cves, "issued": "1768003200", **more}
    name = f"SUSE-SLE-Module-Basesystem-15-SP6-2026-{number}"
    return Notice(name, kind, packages, severity, **settings)  # type: ignore[arg-type]


NOTICES = (
    _patch(1, "security", _of("acme-crit"), "critical", bugzillas=("1200001",)),
    _patch(2, "recommended", _of("acme-crit", evr=LATER), "moderate"),
    _patch(3, "security", _of("acme-imp", "acme-libauto"), "important", updated="1772368200"),
    _patch(4, "security", _of("acme-mod"), "moderate"),
    _patch(5, "security", _of("acme-low"), "low"),
    _patch(6, "recommended", _of("acme-rec"), "important"),
    _patch(7, "optional", _of("acme-opt"), "low"),
    _patch(8, "feature", _of("acme-feat"), "moderate"),
    _patch(9, "document", _of("acme-doc"), "low"),
    _patch(10, "yast", _of("acme-yast"), "moderate"),
    _patch(11, "security", _of("acme-several"), "important", issued="1769904000"),
    _patch(12, "recommended", _of("acme-several"), "moderate", issued="1768867200"),
    _patch(13, "security", _of("acme-super"), "moderate"),
    _patch(14, "security", _of("acme-super", evr=LATER), "critical"),
    _patch(15, "security", _of("acme-vanished"), "critical"),
    _patch(16, "security", _of("acme-epoch", evr="1:1.0-1.1"), "important"),
    _patch(17, "security", _of("acme-locked"), "important"),
    _patch(18, "security", _of("acme-reboot"), "important", reboot=True),
    _patch(19, "security", _of("acme-message"), "important", message="Stop the service first."),
    _patch(20, "security", _of("acme-licence"), "important"),
    _patch(21, "security", _of("acme-parent", "acme-child"), "important"),
    _patch(22, "security", _of("acme-mover"), "important"),
    _patch(23, "recommended", _of("libzypp", "zypper"), "important", restart=True),
    _patch(24, "security", _of("kernel-default", evr="6.4.0-150600.3", arch="x86_64"), "important", reboot=True),
    _patch(25, "security", _of("kernel-default", evr="6.4.0-150600.2", arch="x86_64"), "moderate", reboot=True,
           issued="1748736000"),
    _patch(26, "recommended", _of("acme-current", evr=OLD), "unspecified", issued="1748736000"),
    *(_patch(90 + index, "security", _of(each.name), "important")
      for index, each in enumerate(TROUBLE) if each.name != "acme-owner"),
)  # fmt: skip
