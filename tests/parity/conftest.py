"""Parity tests compare with the vendor's own tools, on lab hosts where the machine carries them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "lab"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from openfleet_lab.pytest_fixtures import lab  # noqa: E402

__all__ = ["lab"]
