"""What makes a root of Debian look like a Mac to whoever logs in: stand-ins for its programs, and no /proc.

Only what a patch run meets is there. Its kernel, its shell and the tools of its base system are Linux's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from .bases import digest_of
from .mac_hosts import MACS, OWNER, VOLUME_OWNER, Mac
from .places import Lab
from .roots import chroot, write_files

GUEST = Path(__file__).parent / "guest"
GOLDEN = Path(__file__).parents[2] / "golden" / "macos-outputs"
# What a feature of recipes.py may name.
TABLES: dict[str, Any] = {}
_PROGRAMS = (
    "/usr/sbin/softwareupdate",
    "/usr/sbin/pkgutil",
    "/usr/sbin/sysctl",
    "/usr/sbin/shutdown",
    "/usr/bin/sw_vers",
    "/usr/bin/plutil",
)
# A Mac has none of these; apt-get stays, as one of another package manager's does on many a Mac.
_REMOVED = ("/usr/bin/setsid", "/usr/bin/timeout", "/usr/bin/systemd-run", "/usr/bin/fallocate", "/usr/sbin/crond",
            "/usr/sbin/cron")  # fmt: skip
_PS = (
    "#!/bin/sh\nexec /usr/bin/unshare -m --propagation private /bin/sh -c "
    '\'mount --bind /run/mac/proc /proc; exec /opt/mac/ps "$@"\' sh "$@"\n'
)
_UNAME = """#!/bin/sh
[ $# -gt 0 ] || set -- -s
said=
for word in "$@"; do
    case $word in
        -s) each=Darwin ;;
        -r) each={kernel} ;;
        -m) each={arch} ;;
        *) exec /opt/mac/uname "$@" ;;
    esac
    said="$said $each"
done
echo "${{said# }}"
"""


def recipe_digest() -> str:
    recorded = sorted((path.name, path.read_bytes().hex()) for path in GOLDEN.iterdir())
    return digest_of(
        Path(__file__).read_text(), repr(MACS), *((GUEST / name).read_text() for name in _GUEST_FILES), repr(recorded)
    )


_GUEST_FILES = ("mac_stand_in.py", "mac_enter.sh")


def use_repositories(_lab: Lab, root: Path, distribution: str) -> None:
    """The programs, and the state that they begin with."""
    mac, home = MACS[distribution], root / "opt/mac"
    (home / "recorded").mkdir(parents=True)
    for path in GOLDEN.glob("*.txt"):
        shutil.copy(path, home / "recorded")
    for name in _GUEST_FILES:
        _put_program(name, home / name)
    state = {"name": mac.name, "version": mac.version, "build": mac.build, "arch": mac.arch, "boottime": 0,
             "boot_session": "", "updates": list(mac.updates), "volume_owner": VOLUME_OWNER,
             "receipts": {"org.example.tool": {"pkg-version": "1.2", "install-time": 1700000000}}}  # fmt: skip
    (home / "state.json").write_text(json.dumps(state))
    for tool in ("ps", "uname"):
        shutil.move(root / "usr/bin" / tool, home / tool)
    files: dict[str, str | None] = dict.fromkeys([*_PROGRAMS, *_REMOVED])
    write_files(root, files)
    write_files(root, dict.fromkeys(_PROGRAMS, "-> /opt/mac/mac_stand_in.py"))
    programs = {"/usr/bin/ps": _PS, "/usr/bin/uname": _UNAME.format(kernel=mac.kernel, arch=mac.arch)}
    write_files(root, programs)
    for path in programs:
        (root / path.lstrip("/")).chmod(0o755)
    receipts = root / "Library/Receipts"
    receipts.mkdir(parents=True)
    (root / "Library/LaunchDaemons").mkdir()
    shutil.copy(GOLDEN / mac.history, receipts / "InstallHistory.plist")
    _add_login(root)
    if mac.formulae or mac.casks:
        _add_homebrew(root, mac)


def _put_program(name: str, target: Path) -> None:
    """As hosts run it: in the checkout the interpreter is not named, since there it is not run."""
    text = (GUEST / name).read_text()
    target.write_text(f"#!/usr/bin/python3\n{text}" if name.endswith(".py") else text)
    target.chmod(0o755)


def _add_login(root: Path) -> None:
    unit = "[Service]\nType=simple\nExecStart=\nExecStart=/bin/sh /opt/mac/mac_enter.sh /usr/sbin/sshd -D\n"
    write_files(root, {"/etc/systemd/system/ssh.service.d/mac.conf": unit})


def _add_homebrew(root: Path, mac: Mac) -> None:
    chroot(root, ["useradd", "-m", "-u", "501", OWNER])
    prefix = root / mac.brew.lstrip("/")
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "var").mkdir(exist_ok=True)
    # No link: where it leads decides whose it is.
    _put_program("mac_stand_in.py", prefix / "bin/brew")
    state = {"taps": ["homebrew/core", "openfleet/demo"], "formula": mac.formulae, "cask": mac.casks}
    (prefix / "var/state.json").write_text(json.dumps(state))
    chroot(root, ["chown", "-R", f"{OWNER}:", mac.brew])


def prepare(_lab: Lab, _root: Path, _distribution: str) -> None:
    """Everything is there already."""


def install_old(_lab: Lab, _root: Path, _distribution: str, _table: Any) -> None:
    """No feature of the lab brings a package to a Mac."""
