"""Each known trap has a test that fails where its handling is taken out: tried, not claimed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from traps import TestedTree, Trap, all_traps, copied_tree

pytestmark = pytest.mark.endurance
TRAPS = all_traps()


@pytest.fixture(scope="module")
def tested() -> Iterator[TestedTree]:
    with tempfile.TemporaryDirectory(prefix="openfleet-traps-") as folder:
        # Tests that are nobody for a while read recordings in it.
        Path(folder).chmod(0o755)
        tree = TestedTree(copied_tree(Path(folder)))
        yield tree
        tree.close()


def test_with_all_handling_in_its_place_every_named_test_passes(tested: TestedTree) -> None:
    ended = tested.run(sorted({test for trap in TRAPS for test in trap.tests}))
    assert ended.code == 0, ended.output[-6000:]


@pytest.mark.parametrize("trap", TRAPS, ids=[trap.id for trap in TRAPS])
def test_without_its_handling_a_trap_is_noticed(tested: TestedTree, trap: Trap) -> None:
    with tested.without(trap.changes):
        ended = tested.run(trap.tests)
    assert ended.code == 1, f"pytest ended with {ended.code}: {trap.trap}\n{ended.output[-3000:]}"
    assert not ended.errors, ended.output[-3000:]
    unmoved = [test for test in trap.tests if not ended.has_failed(test)]
    assert not unmoved, f"{', '.join(unmoved)} passed although: {trap.trap}"
