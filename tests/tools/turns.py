"""In which order the tests of a run take their turn, and which of them follow one another in one process.

What takes long comes first and what takes milliseconds last, so that the processes of a run end at the same time.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Each test here has hosts or plays of its own. Elsewhere the tests of a file share what they stand on.
APART = ("tests/faults/", "tests/gates/", "tests/lab/", "tests/unit/roles/")
TOGETHER = {
    f"tests/faults/{name}.py"
    for name in ("test_debian8_on_host", "test_job_runner_on_host", "test_reboot_on_host", "test_sources_on_hosts")
}
# They only compute: one after the other leaves the processors to those who have a clock to keep.
COMPUTING = "tests/gates/test_gates.py::test_a_session_of_nox_passes"


def turn(item: pytest.Item) -> int:
    """Tests with a lower number come first."""
    if "gates" in item.path.parts:
        return 0
    quick = not any(item.get_closest_marker(name) for name in ("lab", "slow", "endurance"))
    return 2 if quick and not item.nodeid.startswith("tests/windows/") else 1


def group(test: str) -> str:
    """What is the same for tests that one process runs one after the other; ``test`` is its id."""
    file = test.partition("::")[0]
    if test.startswith(COMPUTING):
        return COMPUTING
    return test if file.startswith(APART) and file not in TOGETHER else file


class Groups(LoadScopeScheduling):
    """xdist's own groups are a suffix of a test's id, which newer releases of pytest do not let it append."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
