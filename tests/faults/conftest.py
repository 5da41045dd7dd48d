"""Faults are provoked on lab hosts, a fresh one for each test that changes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from install_runs import Installer  # noqa: E402
from openfleet_lab.api import Lab, LabHost, start_host  # noqa: E402
from openfleet_lab.pytest_fixtures import lab  # noqa: E402

__all__ = ["lab"]


@pytest.fixture
def fresh(lab: Lab, tmp_path: Path) -> Iterator[Callable[..., tuple[LabHost, Installer]]]:
    """Starts hosts, each with a controller: ``fresh("trouble", kind="bookworm", user="root")``."""
    started: list[LabHost] = []

    def start(*features: str, kind: str = "bookworm", user: str = "root") -> tuple[LabHost, Installer]:
        started.append(start_host(lab, kind, features=features))
        return started[-1], Installer(tmp_path, started[-1], user=user)

    yield start
    for host in started:
        host.destroy()
