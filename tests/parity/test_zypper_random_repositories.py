"""On random repositories what a baseline takes from zypper's metadata is what the rules say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openfleet_lab.api import Lab, LabHost, start_host
from random_repositories import bring_to, make_world
from zypper_reading import reading

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import targets_from
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper import build_inventory

pytestmark = [pytest.mark.lab, pytest.mark.endurance]
KINDS = {"security", "bugfix", "enhancement", "newpackage"}


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    found = start_host(lab, "sles15")
    yield found
    found.destroy()


@pytest.mark.parametrize("seed", range(4))
def test_random_repositories(host: LabHost, seed: int, tmp_path: Path) -> None:
    world = make_world(seed, wild=seed % 2 == 1)
    bring_to(host, world, tmp_path)
    inventory = build_inventory(reading(host))

    def targets(filters: dict[str, list[str]], *, non_security: bool = False) -> dict[tuple[str, str], str]:
        rule: dict[str, Any] = {"filters": filters, "approve_after_days": 0, "enable_non_security": non_security}
        baseline = {"name": "random", "operating_system": "SUSE", "approval_rules": [rule]}
        decisions = evaluate(baseline, inventory.candidates, operating_system="SUSE", as_of="2026-11-21T12:00:00Z")
        decided = zip(inventory.candidates, decisions, strict=True)
        found = targets_from(decided, skip=lambda _record: False, automatic={}, scheme="rpm")
        return {(each.name, each.arch): each.version for each in found}

    assert targets({}, non_security=True) == world.wanted(KINDS, unnoticed=True)
    assert targets({}) == world.wanted(KINDS)
    severe = targets({"classification": ["Security"], "severity": ["Critical", "Important"]})
    assert severe == world.wanted({"security"}, {"Critical", "Important"})
    assert len(severe) > 5
