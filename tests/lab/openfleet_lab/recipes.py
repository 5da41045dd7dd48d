"""What the lab's hosts are made of, as data: bases, dressings and the users on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .mac_hosts import FACE, MACS
from .rpm_distributions import RPM_DISTRIBUTIONS
from .suse_distributions import SUSE_DISTRIBUTIONS
from .yum_distributions import YUM_DISTRIBUTIONS

COMMON = (
    "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,python3,python3-apt,iproute2,iputils-ping,"
    "ca-certificates,sudo,procps,unattended-upgrades,apt-utils,needrestart,fish,tcsh"
).split(",")


@dataclass(frozen=True)
class Base:
    """A root built by mmdebstrap. `suite` is Debian's; `python` is what really runs in it."""

    suite: str
    python: str
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreleasedBase(Base):
    """A suite that is no release yet: its Release file counts for a week only, and a mirror's may be older than that.

    `without` names packages of COMMON that hosts of this base have no use for.
    """

    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dressing:
    """Another distribution's face on a base: its own files, the base's real programs.

    `files` maps a path to its content (None removes it); `distribution` names the repository layout served.
    """

    base: str
    distribution: str
    files: dict[str, str | None] = field(default_factory=dict)


BASES = {
    "bookworm": Base(suite="bookworm", python="3.11"),
    "trixie": Base(suite="trixie", python="3.13"),
    "bullseye": Base(suite="bullseye", python="3.9"),
    "bookworm-dnf": Base(suite="bookworm", python="3.11", extra=("dnf", "python3-dnf", "rpm", "dnf-plugins-core")),
    "forky-dnf5": UnreleasedBase(
        suite="forky",
        python="3.14",
        extra=("dnf5", "python3-libdnf5", "rpm"),
        without=("python3-apt", "unattended-upgrades", "apt-utils", "needrestart"),
    ),
    # zypper and dnf-plugins-core conflict; without python3-rpm package_facts has nothing to say.
    "bookworm-zypp": Base(suite="bookworm", python="3.11", extra=("zypper", "rpm", "python3-rpm")),
}


@dataclass(frozen=True)
class User:
    """A login user of every host. Passwords are test strings, shown in the inventory."""

    name: str
    password: str
    sudo: str | None
    shell: str = "/bin/bash"
    why: str = ""


ROOT_PASSWORD = "lab-root-pass"
USERS = (
    User("opslab", "lab-ops-pass", "ALL=(ALL:ALL) ALL", why="sudo asks for a password"),
    User("nopw", "lab-nopw-pass", "ALL=(ALL:ALL) NOPASSWD: ALL", why="sudo without a password"),
    User("needtty", "lab-needtty-pass", "ALL=(ALL:ALL) NOPASSWD: ALL", why="sudo refuses without a terminal"),
    User("fishop", "lab-fish-pass", "ALL=(ALL:ALL) NOPASSWD: ALL", "/usr/bin/fish", "login shell is fish"),
    User("cshop", "lab-csh-pass", "ALL=(ALL:ALL) NOPASSWD: ALL", "/usr/bin/tcsh", "login shell is csh"),
    User("nosudo", "lab-nosudo-pass", None, why="may not become root by sudo; su works with root's password"),
)


def sudoers() -> str:
    """The hosts' sudoers file, from USERS."""
    rules = [f"{user.name} {user.sudo}" for user in USERS if user.sudo]
    return "\n".join(["Defaults:needtty requiretty", *rules]) + "\n"


@dataclass(frozen=True)
class Feature:
    """Something more about a host, on top of everything else; `packages` names a table of packages.py."""

    why: str
    files: dict[str, str | None] = field(default_factory=dict)
    packages: str = ""
    script: str = ""


BANNER = '*** Authorised use only. {"protocol": 1} ***\n'

FEATURES = {
    "noisy": Feature(
        "talks at every login: sshd banner, profile and .bashrc",
        {
            "/etc/ssh/sshd_config.d/banner.conf": "Banner /etc/issue.lab\n",
            "/etc/issue.lab": BANNER,
            "/etc/profile.d/lab.sh": "echo 'Welcome, this host is noisy'\n",
            "/root/.bashrc": "echo 'noise from .bashrc'\n",
        },
    ),
    "killuser": Feature(
        "a login session per connection; whatever runs in it dies with it",
        {
            "/etc/systemd/logind.conf.d/lab.conf": "[Login]\nKillUserProcesses=yes\n",
        },
        script="sed -i 's/^#\\(session.*pam_systemd\\.so.*\\)$/\\1/' /etc/pam.d/common-session\n"
        "grep -q '^session.*pam_systemd' /etc/pam.d/common-session\n",
    ),
    "bulk": Feature("thirty packages alike with a fix waiting each", packages="bulk"),
    "trouble": Feature("packages whose fixes fail, hang, ask and take long", packages="trouble"),
}


def _ubuntu(version: str, codename: str, name: str) -> dict[str, str | None]:
    return {
        "/etc/os-release": "-> ../usr/lib/os-release",
        "/usr/lib/os-release": f'PRETTY_NAME="Ubuntu {version} LTS"\nNAME="Ubuntu"\nVERSION_ID="{version}"\n'
        f'VERSION="{version} LTS ({name})"\nVERSION_CODENAME={codename}\nID=ubuntu\nID_LIKE=debian\n'
        f"UBUNTU_CODENAME={codename}\n",
        "/etc/lsb-release": f"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={version}\nDISTRIB_CODENAME={codename}\n"
        f'DISTRIB_DESCRIPTION="Ubuntu {version} LTS"\n',
        "/etc/dpkg/origins/ubuntu": "Vendor: Ubuntu\nVendor-URL: https://ubuntu.invalid/\nParent: Debian\n",
        "/etc/dpkg/origins/default": "-> ubuntu",
        "/etc/debian_version": {"18.04": "buster/sid\n", "22.04": "bookworm/sid\n"}.get(version, "trixie/sid\n"),
    }


def _debian(version: str, codename: str, point: str, *, ident: str = "debian") -> dict[str, str | None]:
    title = "Raspbian" if ident == "raspbian" else "Debian"
    # jessie's own os-release has no VERSION_CODENAME.
    coded = f"VERSION_CODENAME={codename}\n" if int(version) >= 9 else ""
    like = "ID_LIKE=debian\n" if ident == "raspbian" else ""
    return {
        "/etc/os-release": "-> ../usr/lib/os-release",
        "/usr/lib/os-release": f'PRETTY_NAME="{title} GNU/Linux {version} ({codename})"\nNAME="{title} GNU/Linux"\n'
        f'VERSION_ID="{version}"\nVERSION="{version} ({codename})"\n{coded}ID={ident}\n{like}',
        "/etc/debian_version": f"{point}\n",
    }


DRESSINGS = {
    "ubuntu2204": Dressing("bookworm", "jammy", _ubuntu("22.04", "jammy", "Jammy Jellyfish")),
    "ubuntu2404": Dressing("trixie", "noble", _ubuntu("24.04", "noble", "Noble Numbat")),
    "ubuntu1804": Dressing("bullseye", "bionic", _ubuntu("18.04", "bionic", "Bionic Beaver")),
    "debian8": Dressing("bullseye", "jessie", _debian("8", "jessie", "8.11")),
    "raspbian": Dressing("bookworm", "raspbian-bookworm", _debian("12", "bookworm", "12.11", ident="raspbian")),
    **{
        name: Dressing(each.base, name, {**each.files, "/etc/dnf/vars/releasever": f"{each.releasever}\n"})
        for name, each in RPM_DISTRIBUTIONS.items()
    },
    **{name: Dressing(each.base, name, each.files) for name, each in SUSE_DISTRIBUTIONS.items()},
    **{name: Dressing(each.base, name, each.files) for name, each in YUM_DISTRIBUTIONS.items()},
    **{name: Dressing("bookworm", name, FACE) for name in MACS},
}
