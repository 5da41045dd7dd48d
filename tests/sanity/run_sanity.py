"""``ansible-test sanity`` with one ansible-core on a clean copy of the tracked files. Needs a package index, no Galaxy.

``run_sanity.py CORE [ansible-test argument...]`` where CORE is a version of tests/tools/core_venvs.py.

Everything it makes lies in ``.cache/sanity``: the copy, a home folder (ansible-test keeps virtual environments in the
user's home) and links to the interpreters found, under the names that ansible-test searches for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from core_venvs import CORES, ensure, venv_path  # noqa: E402
from interpreters import find_interpreters, report  # noqa: E402

SANITY = ROOT / ".cache" / "sanity"
TREE = SANITY / "ansible_collections" / "openfleet" / "patch"
# The one exclusion, printed whenever it applies: PowerShell files cannot be judged where PowerShell is not installed.
NEEDS_PWSH = ("pslint",)
OF_SANITY = ("tests/sanity/", "tests/config.yml")

# Asks ansible-test itself which pip it wants to begin with, for each interpreter.
_WANTED_PIP = """
import json, sys, types
from ansible_test._internal.python_requirements import get_venv_packages
versions = {get_venv_packages(types.SimpleNamespace(version=v))["pip"] for v in sys.argv[1:]}
print(json.dumps(sorted(versions)))
"""

# Stands in for get-pip.py, which ansible-test would fetch from a host of its own: the same pip, out of its own wheel.
_GET_PIP = """\
import runpy
import sys

WHEEL = {wheel!r}


def arguments(given):
    for argument in given:
        if argument.startswith("pip=="):
            yield WHEEL
        elif argument not in ("--no-setuptools", "--no-wheel"):
            yield argument


sys.path.insert(0, WHEEL)
sys.argv[1:] = ["install", "--ignore-installed"] + list(arguments(sys.argv[1:]))
runpy.run_module("pip.__main__", run_name="__main__", alter_sys=True)
"""


def leaves_tests_out(core: str) -> bool:
    """Whether our tests, which run on our own controllers alone, are kept from this ansible-test: in `make test` only
    the newest sees them, for the sake of minutes; in `make sanity` and `make test-all` each does."""
    short = "OPENFLEET_GATES" in os.environ and "OPENFLEET_TEST_ALL" not in os.environ
    return short and core == next(iter(CORES))


def copy_tracked_files(core: str) -> None:
    """The working tree's state of every tracked file, as a repository of its own (ansible-test asks git)."""
    shutil.rmtree(TREE, ignore_errors=True)
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listing.decode().split("\0"):
        source, target = ROOT / name, TREE / name
        ours = name.startswith("tests/") and not name.startswith(OF_SANITY)
        if not name or (ours and leaves_tests_out(core)) or not (source.exists() or source.is_symlink()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    for command in (["git", "init", "-q"], ["git", "add", "--all", "--force"]):
        subprocess.run(command, cwd=TREE, check=True)


def link_interpreters() -> Path:
    folder = SANITY / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = find_interpreters()
    for version, python in found.items():
        (folder / f"python{version}").symlink_to(python.resolve())
    print(report(found), flush=True)
    return folder


def provide_get_pip(core: str, home: Path) -> None:
    python = str(venv_path(core) / "bin" / "python")
    asked = [version for version in find_interpreters() if version not in ("2.6", "3.4", "3.5")]
    wanted = subprocess.run([python, "-c", _WANTED_PIP, *asked], capture_output=True, text=True, check=True).stdout
    wheels = SANITY / "pip"
    wheels.mkdir(parents=True, exist_ok=True)
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in json.loads(wanted):
        if not list(wheels.glob(f"pip-{version}-*.whl")):
            command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
            subprocess.run([*command, "--only-binary=:all:", "-d", str(wheels), f"pip=={version}"], check=True)
        wheel = next(wheels.glob(f"pip-{version}-*.whl"))
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(_GET_PIP.format(wheel=str(wheel)), encoding="utf-8")


def environment(core: str, home: Path, interpreters: Path) -> dict[str, str]:
    """The home changes, the user's pip settings stay in force."""
    environ = dict(os.environ, HOME=str(home))
    environ.pop("PYTHONPATH", None)
    for settings in (Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"):
        if settings.exists():
            environ.setdefault("PIP_CONFIG_FILE", str(settings))
    environ["PATH"] = os.pathsep.join([str(venv_path(core) / "bin"), str(interpreters), environ["PATH"]])
    return environ


def main(core: str, extra: list[str]) -> int:
    problem = ensure(core)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    SANITY.mkdir(parents=True, exist_ok=True)
    home = SANITY / "home" / core
    copy_tracked_files(core)
    ignores = sorted(path.name for path in (TREE / "tests" / "sanity").glob("ignore-*.txt"))
    if ignores:
        print(f"ignore files are not accepted here: {', '.join(ignores)}", file=sys.stderr)
        return 1
    interpreters = link_interpreters()
    provide_get_pip(core, home)
    arguments = ["--local", "--requirements", "--color", "no"]
    if shutil.which("pwsh") is None:
        scripts = list((TREE / "plugins").rglob("*.ps1"))
        print(f"excluded, PowerShell is not installed: {', '.join(NEEDS_PWSH)} ({len(scripts)} PowerShell files)")
        arguments += [part for test in NEEDS_PWSH for part in ("--skip-test", test)]
    if leaves_tests_out(core):
        print("excluded in `make test`: our tests; `make sanity` and `make test-all` show them to it too")
    command = [str(venv_path(core) / "bin" / "ansible-test"), "sanity", *arguments, *extra]
    print(f"ansible-core {CORES[core][0]}: {' '.join(command[1:])}", flush=True)
    return subprocess.run(command, cwd=TREE, env=environment(core, home, interpreters), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
