"""Put the lab's package on the path and offer its session to tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from openfleet_lab.pytest_fixtures import lab

__all__ = ["lab"]
