"""lint, sanity and every molecule scenario as tests of `make test`, so that they use the time in which others wait."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from run_molecule import cannot_run, molecule_test, scenarios

ROOT = Path(__file__).resolve().parents[2]
NOX = Path(sys.executable).with_name("nox")
SESSIONS = ("lint", "sanity(core='2.16')", "sanity(core='2.21')")
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
# What a gate has to say though it passed: what it could not look at, and with what it looked.
NOTABLE = ("excluded", "ansible-core ", "interpreters found", "using ansible-core")

pytestmark = pytest.mark.skipif("OPENFLEET_GATES" not in os.environ, reason="gates are run by `make test` only")


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_of_nox_passes(session: str, record_property: Callable[[str, str], None]) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [str(NOX), "--no-error-on-missing-interpreters", "--session", session],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{session}: its findings are in its output"
    notes = [line for line in done.stdout.splitlines() if line.removeprefix("nox > ").startswith(NOTABLE)]
    record_property("gate", "\n".join([f"{session}: {time.monotonic() - started:.0f} s", *notes]))


@pytest.mark.parametrize("scenario", scenarios())
def test_a_molecule_scenario_passes(scenario: str) -> None:
    if reason := cannot_run():
        (pytest.fail if CI else pytest.skip)(reason)
    done = molecule_test(scenario)
    print(done.stdout)
    assert done.returncode == 0, f"molecule {scenario}: what it printed is in its output"


@pytest.mark.skipif("OPENFLEET_TEST_ALL" not in os.environ, reason="benchmarks are run by `make test-all` only")
def test_the_benchmarks_that_ran_before_have_passed() -> None:
    assert os.environ["OPENFLEET_BENCH"] == "0", "a benchmark failed: see above, before pytest began"
