"""What makes a root a host with yum 3: a real Python 2.7 where such hosts have theirs, and the stand-in in it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from .bases import digest_of
from .distributions import site_names
from .places import CONTROLLER_ADDRESS, Lab, LabError
from .roots import chroot, write_files
from .yum_distributions import YUM_DISTRIBUTIONS, world

FAKE = Path(__file__).resolve().parents[2] / "fake_yum"
# No table of packages of a feature can be put on them.
TABLES: dict[str, object] = {}
_COMMAND = "#!/usr/bin/python2.7\nimport sys\nimport yum_command\nsys.exit(yum_command.main(sys.argv[1:]))\n"
_PLUGIN = "/etc/yum/pluginconf.d/versionlock"


def recipe_digest() -> str:
    files = sorted(path for path in FAKE.rglob("*.py"))
    texts = [path.read_text() for path in (*files, Path(__file__), Path(__file__).with_name("yum_distributions.py"))]
    return digest_of(texts, [world(name) for name in YUM_DISTRIBUTIONS])


def python_home() -> Path:
    """The Python 2.7 of this machine."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob("versions/2.7*/bin/python2.7"))
    if not found:
        raise LabError(f"hosts with yum 3 need a Python 2.7 in {root}/versions; there is none")
    return found[-1].parents[1]


def use_repositories(_lab: Lab, root: Path, _distribution: str) -> None:
    home, library = python_home(), root / "usr/lib/python2.7"
    left_out = shutil.ignore_patterns(
        "test", "tests", "*.pyc", "*.pyo", "*.a", "idlelib", "lib-tk", "config", "site-packages"
    )
    shutil.copytree(home / "lib/python2.7", library, ignore=left_out)
    for name in ("yum", "rpmUtils"):
        shutil.copytree(FAKE / name, library / "site-packages" / name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(FAKE / "yum_command.py", library / "site-packages")
    shutil.copy(home / "bin/python2.7", root / "usr/bin/python2.7")
    for path in home.glob("lib/libpython2.7.so.*"):
        shutil.copy(path, root / "usr/lib/x86_64-linux-gnu")
    chroot(root, ["ldconfig"])
    names = " ".join(site_names())
    write_files(root, {
        "/usr/bin/yum": _COMMAND,
        # An extra of EL 7: not what such a host is patched with, although its name comes first.
        "/usr/bin/dnf": "#!/bin/sh\nexit 9\n",
        "/usr/lib/yum-plugins/versionlock.py": "",
        "/etc/hosts": f"127.0.0.1 localhost\n{CONTROLLER_ADDRESS} {names}\n",
    })  # fmt: skip
    for name in ("yum", "dnf"):
        (root / "usr/bin" / name).chmod(0o755)


def prepare(_lab: Lab, root: Path, distribution: str) -> None:
    tag = YUM_DISTRIBUTIONS[distribution].tag
    write_files(root, {
        "/var/lib/fake-yum.json": json.dumps(world(distribution), indent=1, sort_keys=True),
        f"{_PLUGIN}.conf": f"[main]\nenabled = 1\nlocklist = {_PLUGIN}.list\n",
        f"{_PLUGIN}.list": f"# Added lock\n0:acme-locked-1.0-1.{tag}.*\n",
    })  # fmt: skip
    (root / "var/lib/yum").mkdir(exist_ok=True)
    chroot(root, ["yum", "makecache"])
