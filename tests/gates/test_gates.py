"""What lint, sanity and molecule said when `make test` ran them, as results of this run of pytest."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from run_molecule import cannot_run

RESULTS = Path(__file__).resolve().parents[2] / ".cache" / "gates.json"
GATES = ("lint", "sanity", "molecule", *(("bench",) if os.environ.get("OPENFLEET_TEST_ALL") else ()))
RUN = os.environ.get("OPENFLEET_GATES_RUN")


@pytest.mark.skipif(RUN is None, reason="gates are run by `make test` only")
@pytest.mark.parametrize("gate", GATES)
def test_a_gate_that_ran_before_has_passed(gate: str) -> None:
    recorded = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert recorded["run"] == RUN, "these results are of another run"
    assert gate in recorded["gates"], f"{gate} did not run"
    assert recorded["gates"][gate]["exit_code"] == 0, f"{gate} failed: its findings are above, before pytest began"
    if gate == "molecule" and (reason := cannot_run()):
        pytest.skip(reason)
