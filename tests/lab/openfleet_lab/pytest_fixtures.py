"""The lab as a pytest fixture. Import it into a conftest: `from openfleet_lab.pytest_fixtures import lab`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from . import api, machine
from .places import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One lab session per test process. Skips where the machine cannot carry it, except in CI: there it fails."""
    reason = machine.why_not()
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI must run the lab, and cannot: {reason}")
    if reason:
        pytest.skip(reason)
    with api.session() as opened:
        yield opened
