"""Controllers for plays against stand-ins for Windows hosts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from other_collections import other_collections
from windows_plays import WindowsPlays


@pytest.fixture
def newest(tmp_path: Path) -> WindowsPlays:
    """The newest supported ansible-core, with ansible.windows."""
    return WindowsPlays("2.21", tmp_path / "play", other_collections())


@pytest.fixture
def oldest(tmp_path: Path) -> WindowsPlays:
    """The oldest supported ansible-core, with ansible.windows."""
    return WindowsPlays("2.16", tmp_path / "play", other_collections())


@pytest.fixture(params=["2.21", pytest.param("2.16", marks=pytest.mark.endurance)])
def plays(request: pytest.FixtureRequest, tmp_path: Path) -> WindowsPlays:
    """The newest supported ansible-core; in the long runs the oldest one too."""
    return WindowsPlays(request.param, tmp_path / "play", other_collections())
