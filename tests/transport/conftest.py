"""One lab host for all transport tests of a process, and controllers of every supported ansible-core."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from openfleet_lab.pytest_fixtures import lab
from transport_play import ALL_CORES, NEWEST, Controller

__all__ = ["lab"]


@pytest.fixture(scope="session")
def host(lab: Any) -> Any:
    """A host that talks at every login; tests leave it as they found it."""
    from openfleet_lab.api import start_host

    started = start_host(lab, "bookworm", features=["noisy"])
    try:
        yield started
    finally:
        started.destroy()


@pytest.fixture(params=ALL_CORES)
def controller(request: pytest.FixtureRequest, tmp_path: Path) -> Controller:
    """Ansible of each supported release in turn."""
    return Controller(request.param, tmp_path)


@pytest.fixture
def newest(tmp_path: Path) -> Controller:
    """The newest supported Ansible, for what does not depend on the release."""
    return Controller(NEWEST, tmp_path)
