"""The Python scripts that run on managed hosts, and what they must keep to."""

from __future__ import annotations

import builtins
import subprocess
import symtable
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
