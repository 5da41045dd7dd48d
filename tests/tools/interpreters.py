"""Which Python interpreters this machine really has, by running them.

A pyenv shim exists on PATH for versions that do not run, so that a name alone proves nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

# Every interpreter a host script may meet: EL6 has 2.6, Debian 8 has 3.4, the newest hosts 3.14.
WANTED = ("2.6", "2.7", *(f"3.{minor}" for minor in range(4, 15)))
EXTRA = ("/usr/libexec/platform-python", "/usr/bin/python", "/usr/bin/python2", "/usr/bin/python3")


def _candidates(environ: Mapping[str, str]) -> Iterable[Path]:
    for version in WANTED:
        for folder in environ.get("PATH", "").split(os.pathsep):
            if folder and not folder.endswith("/shims"):
                yield Path(folder) / f"python{version}"
    yield from map(Path, EXTRA)
    root = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob("versions/*/bin/python"))
    yield Path(sys.executable)


@cache
def version_of(python: Path) -> str | None:
    """``3.11`` as the interpreter itself says; None when it does not run. Each is asked once in a process."""
    try:
        answer = subprocess.run(
            [str(python), "-E", "-c", "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None


def find_interpreters(environ: Mapping[str, str] | None = None) -> dict[str, Path]:
    """``{"2.7": Path, ...}`` in rising order: the first that runs for each wanted version."""
    found: dict[str, Path] = {}
    for candidate in _candidates(os.environ if environ is None else environ):
        if not candidate.exists():
            continue
        version = version_of(candidate)
        if version in WANTED:
            found.setdefault(version, candidate)
    return {version: found[version] for version in WANTED if version in found}


def report(found: Mapping[str, Path]) -> str:
    """One line: the versions found and those that could not be tried here."""
    missing = [version for version in WANTED if version not in found]
    return f"interpreters found: {', '.join(found) or 'none'}; not found: {', '.join(missing) or 'none'}"


if __name__ == "__main__":
    print(report(find_interpreters()))
