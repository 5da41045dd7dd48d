"""The packages made for the test, as data. Each one stands for a case that real hosts have.

A pocket is named by its role (`release`, `security`, `updates`, `backports`, `esm`, `vendor`, `flat`), so that the
same table serves every distribution; a version in a pocket that a distribution does not have is not published there.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Version:
    """One version of a package. `fields` are extra control fields, `index` fields of the index alone."""

    version: str
    pocket: str
    depends: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    index: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    priority: str = ""
    section: str = ""


@dataclass(frozen=True)
class Package:
    """`installed` is the version a prepared host has ("" = none); `mark` is what apt-mark says about it."""

    name: str
    why: str
    versions: tuple[Version, ...]
    installed: str = "1.0"
    priority: str = "optional"
    section: str = "utils"
    mark: str = ""
    pin: int | None = None
    local_changes: dict[str, str] = field(default_factory=dict)


def _two(pocket: str, newer: str = "1.1", **more: object) -> tuple[Version, ...]:
    return (Version("1.0", "release"), Version(newer, pocket, **more))  # type: ignore[arg-type]


CONF = "/etc/acme/conf.ini"
REBOOT = 'touch /run/reboot-required\necho "$DPKG_MAINTSCRIPT_PACKAGE" >> /run/reboot-required.pkgs'
KERNEL = {"postinst": REBOOT}

PACKAGES = (
    Package(
        "acme-web",
        "a security fix below a newer version in updates",
        (
            Version("1.0", "release", depends="acme-libauto"),
            Version("1.1", "security", depends="acme-libauto"),
            Version("1.2", "updates", depends="acme-libauto"),
        ),
        section="httpd",
    ),
    Package("acme-libtls", "a security fix alone, required", _two("security"), priority="required", section="libs"),
    Package("acme-libauto", "installed automatically, for acme-web", _two("security"), section="libs", mark="auto"),
    Package("acme-tool", "an update that is no security fix", _two("updates"), priority="standard"),
    Package("acme-admin", "a security fix, important", _two("security"), priority="important", section="admin"),
    Package("acme-extra", "a security fix, extra", _two("security"), priority="extra", section="misc"),
    Package(
        "acme-point",
        "replaced in the release pocket itself, as a point release does",
        (Version("1.0", "gone"), Version("1.0+deb1", "release")),
        priority="standard",
        section="text",
    ),
    Package("acme-current", "nothing newer anywhere", (Version("1.0", "release"),), priority="standard"),
    Package("acme-backport", "newer in backports only", _two("backports", "2.0~bpo1+1"), section="net"),
    Package(
        "acme-epoch",
        "an epoch: the upstream number looks lower",
        (Version("9.0", "release"), Version("1:1.0", "security")),
        installed="9.0",
        section="admin",
    ),
    Package(
        "acme-tilde",
        "release candidates sort before the release",
        (Version("2.0~rc1", "release"), Version("2.0~rc2", "security"), Version("2.0", "updates")),
        installed="2.0~rc1",
        section="devel",
    ),
    Package("acme-held", "on hold with a security fix waiting", _two("security"), mark="hold", section="database"),
    Package("acme-pinned", "pinned to -1 with a security fix waiting", _two("security"), pin=-1, section="database"),
    Package(
        "acme-phased-out",
        "an update for 0 % of the machines",
        _two("updates", index={"Phased-Update-Percentage": "0"}),
        section="net",
    ),
    Package(
        "acme-phased-in",
        "an update for 100 % of the machines",
        _two("updates", index={"Phased-Update-Percentage": "100"}),
        section="net",
    ),
    Package(
        "acme-conf",
        "a new conffile meets one that was changed here",
        (
            Version("1.0", "release", files={CONF: "colour=blue\n"}, conffiles=(CONF,)),
            Version("1.1", "security", files={CONF: "colour=green\nsize=2\n"}, conffiles=(CONF,)),
        ),
        section="admin",
        local_changes={CONF: "colour=red\n"},
    ),
    Package(
        "acme-newdep",
        "the fix needs a package that is not installed",
        _two("security", depends="acme-newlib"),
        section="net",
    ),
    Package(
        "acme-newlib",
        "not installed; acme-newdep's fix pulls it in",
        (Version("1.0", "release"),),
        installed="",
        section="libs",
    ),
    Package(
        "acme-mover",
        "the fix would remove acme-victim",
        _two("security", fields={"Conflicts": "acme-victim"}),
        section="net",
    ),
    Package("acme-victim", "would be removed by acme-mover's fix", (Version("1.0", "release"),), section="net"),
    Package("acme-available", "not installed, nobody needs it", (Version("1.0", "release"),), installed=""),
    Package(
        "acme-reboot",
        "its fix asks for a reboot",
        _two("security", scripts={"postinst": REBOOT}),
        priority="important",
        section="libs",
    ),
    Package("acme-orphan", "installed, in no repository", (Version("1.0", "gone"),), section="misc"),
    Package(
        "acme-agent",
        "from a vendor's repository",
        (Version("3.0", "vendor"), Version("3.1", "vendor")),
        installed="3.0",
        section="net",
    ),
    Package(
        "acme-flat",
        "from a flat repository that says nothing about itself",
        (Version("1.0", "flat"), Version("1.1", "flat")),
        section="net",
    ),
    Package("acme-esm", "a fix in extended maintenance", _two("esm", "1.0+esm1"), section="libs"),
    Package(
        "linux-image-6.1.0-1-lab",
        "the running kernel's package",
        (Version("6.1.1-1", "release"),),
        installed="6.1.1-1",
        section="kernel",
        mark="auto",
    ),
    Package(
        "linux-image-6.1.0-2-lab",
        "the next kernel, a package of its own",
        (Version("6.1.2-1", "security", scripts=KERNEL),),
        installed="",
        section="kernel",
    ),
    Package(
        "linux-image-lab",
        "the kernel's meta package",
        (
            Version("6.1.1-1", "release", depends="linux-image-6.1.0-1-lab (= 6.1.1-1)"),
            Version("6.1.2-1", "security", depends="linux-image-6.1.0-2-lab (= 6.1.2-1)"),
        ),
        installed="6.1.1-1",
        section="kernel",
    ),
)

# Not on a prepared host: a test asks for them, since they make every full upgrade fail, hang or take its time.
TROUBLE = (
    Package(
        "acme-badpost",
        "its fix's postinst fails",
        _two("security", scripts={"postinst": "echo cannot configure >&2\nexit 3"}),
        section="admin",
    ),
    Package(
        "acme-hangpost",
        "its fix's postinst hangs, with a child",
        _two("security", scripts={"postinst": "sleep 100000 &\nwait"}),
        section="admin",
    ),
    Package(
        "acme-slow",
        "its fix takes as many seconds as /etc/acme-slow says (10)",
        _two("security", scripts={"postinst": 'sleep "$(cat /etc/acme-slow 2>/dev/null || echo 10)"'}),
        section="admin",
    ),
    Package(
        "acme-ask",
        "its fix asks a question on the terminal",
        _two(
            "security",
            scripts={
                "postinst": "printf 'Continue? '\nread answer || answer=none\necho \"$answer\" > /var/lib/acme-ask"
            },
        ),
        section="admin",
    ),
)

# For timing: the same thirty packages for every way of installing them.
BULK = tuple(
    Package(f"acme-bulk-{number:02d}", "one of thirty alike", _two("security"), section="misc")
    for number in range(1, 31)
)
