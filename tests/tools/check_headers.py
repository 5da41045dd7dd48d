"""Every code file under plugins that is not empty says its licence in its first lines; exit code 1 names the others."""

from __future__ import annotations

import sys
from pathlib import Path

LICENCE = "GNU General Public License v3.0+"
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
SUFFIXES = frozenset({".py", ".sh", ".ps1"})
HEAD_LINES = 6


def missing_header(path: Path) -> str | None:
    head = "\n".join(path.read_text(encoding="utf-8").splitlines()[:HEAD_LINES])
    absent = [line for line in (LICENCE, SPDX) if line not in head]
    return f"{path}: no '{absent[0]}' in its first {HEAD_LINES} lines" if absent else None


def main(root: Path) -> int:
    files = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES and path.stat().st_size)
    problems = [problem for problem in map(missing_header, files) if problem]
    print("\n".join(problems) or f"licence headers: {len(files)} files, all have one")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
