"""The Python scripts that run on managed hosts, and what they must keep to."""

from __future__ import annotations

import builtins
import subprocess
import symtable
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "plugins" / "plugin_utils" / "host" / "scripts"


def python_scripts() -> list[Path]:
    """Every Python file in host/scripts except the package marker, which never travels."""
    return sorted(path for path in FOLDER.rglob("*.py") if path.name != "__init__.py")


def shell_scripts() -> list[Path]:
    return sorted(FOLDER.rglob("*.sh"))


# Compiles in memory: nothing is written beside a script. The interpreter's own words on each come back, NUL after each.
_COMPILE = """
import sys, traceback
for p in sys.argv[1:]:
    f = open(p, 'rb')
    try:
        compile(f.read(), p, 'exec')
    except Exception:
        sys.stdout.write(traceback.format_exc().strip())
    f.close()
    sys.stdout.write(chr(0))
"""


def compile_errors(scripts: Sequence[Path], python: Path) -> dict[Path, str | None]:
    """What this interpreter says against each script; None when it parses. One start for all: it takes the longest."""
    answer = subprocess.run(
        [str(python), "-E", "-W", "error", "-c", _COMPILE, *map(str, scripts)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = answer.stdout.split("\0")[:-1]
    if answer.returncode != 0 or len(said) != len(scripts):
        return dict.fromkeys(scripts, answer.stderr.strip() or f"exit code {answer.returncode}")
    return {script: error or None for script, error in zip(scripts, said, strict=True)}


def compile_error(script: Path, python: Path) -> str | None:
    """What this interpreter says against one script; None when it parses."""
    return compile_errors([script], python)[script]


def dialect_error(vermin: Path, *scripts: Path) -> str | None:
    """What keeps these scripts from running on Python 2.6 and 3.4, line by line; None when nothing does."""
    answer = subprocess.run(
        [str(vermin), "--no-tips", "--violations", "-t=2.6-", "-t=3.4-", *map(str, scripts)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return None if answer.returncode == 0 else (answer.stdout + answer.stderr).strip()


def _tables(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    return [table, *(each for child in table.get_children() for each in _tables(child))]


def defined_names(source: str) -> set[str]:
    """What a script binds at its top level, imported modules apart: those may be bound by several parts."""
    symbols = symtable.symtable(source, "script", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() and not symbol.is_imported()}


def borrowed_names(source: str) -> set[str]:
    """The names that a script uses, at its top level or inside, and neither it nor Python defines."""
    top = symtable.symtable(source, "script", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    return used - own - set(dir(builtins))
