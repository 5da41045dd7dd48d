"""The Python scripts that run on managed hosts, and what they must keep to."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "plugins" / "plugin_utils" / "host" / "scripts"


def python_scripts() -> list[Path]:
    """Every Python file in host/scripts except the package marker, which never travels."""
    return sorted(path for path in FOLDER.rglob("*.py") if path.name != "__init__.py")


def shell_scripts() -> list[Path]:
    return sorted(FOLDER.rglob("*.sh"))


# Compiles in memory: nothing is written beside the script, and the interpreter's own words come back.
_COMPILE = "import sys; p = sys.argv[1]; f = open(p, 'rb'); compile(f.read(), p, 'exec'); f.close()"


def compile_error(script: Path, python: Path) -> str | None:
    """What this interpreter says against the script; None when it parses."""
    answer = subprocess.run(
        [str(python), "-E", "-W", "error", "-c", _COMPILE, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return None if answer.returncode == 0 else answer.stderr.strip() or f"exit code {answer.returncode}"


def dialect_error(script: Path, vermin: Path) -> str | None:
    """What keeps the script from running on Python 2.6 and 3.4, line by line; None when nothing does."""
    answer = subprocess.run(
        [str(vermin), "--no-tips", "--violations", "-t=2.6-", "-t=3.4-", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return None if answer.returncode == 0 else (answer.stdout + answer.stderr).strip()
