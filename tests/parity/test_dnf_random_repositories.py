"""On random repositories what we install is what the rules say and what dnf's own commands would install."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dnf_reading import reading
from openfleet_lab.api import Lab, LabHost, start_host
from random_repositories import bring_to, ladder_is_in_order, make_world

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Choice,
    Policy,
    Simulation,
    Target,
    choose,
    targets_from,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.versions import compare
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf_plan import plan_for

SEEDS = range(4)
AS_OF = "2026-11-21T12:00:00Z"
ALL_KINDS = {"security", "bugfix", "enhancement", "newpackage"}
# dnf itself, stopped between working out a transaction and running it.
SHOW = """
import sys
import dnf.cli.cli, dnf.cli.main, dnf.exceptions
def show(base, *args, **kwargs):
    for item in base.transaction:
        if item.action_name in ('Upgrade', 'Install'):
            epoch = '' if item.pkg.epoch == 0 else '%d:' % item.pkg.epoch
            print('ROW', item.pkg.name, item.pkg.arch, '%s%s-%s' % (epoch, item.pkg.version, item.pkg.release))
        elif item.action_name not in ('Upgraded', 'Reason Change'):
            print('OTHER', item.action_name, item.pkg)
    raise dnf.exceptions.Error('shown')
dnf.cli.cli.BaseCli.do_transaction = show
dnf.cli.main.main(['-y', '-q', '-C', '--setopt=obsoletes=0'] + sys.argv[1:])
"""
NOTHING = Policy(is_blocked=lambda _: False, is_held=lambda _: False, is_approved=lambda _: True)
Plan = dict[tuple[str, str], str]


def rule(filters: dict[str, list[str]], *, non_security: bool = False) -> dict[str, object]:
    return {"filters": filters, "approve_after_days": 0, "enable_non_security": non_security}


def test_the_versions_of_the_random_repositories_are_in_rpms_order() -> None:
    assert ladder_is_in_order(lambda one, other: compare(one, other, "rpm"))


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    found = start_host(lab, "rhel9")
    yield found
    found.destroy()


def ours(host: LabHost, rules: list[dict[str, object]]) -> tuple[list[Target], Choice]:
    inventory = build_inventory(reading(host))
    baseline = {"name": "random", "operating_system": inventory.operating_system, "approval_rules": rules}
    decisions = evaluate(
        baseline, inventory.candidates, operating_system=inventory.operating_system, as_of=AS_OF
    )  # fmt: skip
    decided = list(zip(inventory.candidates, decisions, strict=True))
    targets = targets_from(decided, skip=lambda _record: False, automatic={}, scheme="rpm")
    plan = plan_for(inventory, program_source("dnf_transaction").decode())

    def simulate(batches: list[list[Target]]) -> list[Simulation]:
        commands = plan.simulation_commands(batches)
        done = [host.run(command, check=False) for command in commands]
        return plan.parse_simulations(batches, [(each.returncode, each.stdout) for each in done])

    return targets, choose(targets, simulate, NOTHING)


def theirs(host: LabHost, words: list[str]) -> tuple[Plan, set[str]]:
    """What dnf would install, and the names of what it would let others take the place of; nothing where it refuses."""
    printed = host.run(["python3", "-c", SHOW, *words], check=False).stdout.splitlines()
    rows = [line.split() for line in printed if line.startswith("ROW ")]
    others = [line.split() for line in printed if line.startswith("OTHER ")]
    assert {row[1] for row in others} <= {"Obsoleted"}
    return {(name, arch): evr for _row, name, arch, evr in rows}, {row[2].rsplit("-", 2)[0] for row in others}


def check(host: LabHost, wild: bool, rules: list[dict[str, object]], wanted: Plan, words: list[str]) -> bool:
    """Whether all that is approved goes together, so that dnf's plan was compared with ours."""
    targets, choice = ours(host, rules)
    assert {(each.name, each.arch): each.version for each in targets} == wanted
    planned = {(each.name, each.arch): str(each.version) for each in choice.simulation.changes}
    assert {(each.name, each.arch): each.version for each in choice.targets}.items() <= planned.items()
    assert choice.simulation.removals == choice.simulation.downgrades == []
    assert len(choice.targets) + len(choice.refused) == len(targets)
    commanded, obsoleted = theirs(host, words)
    if choice.refused:
        # Approved versions that do not go together: dnf refuses everything then, we bring the rest.
        assert commanded == {}
        assert len(choice.refused) < len(targets) / 5
    elif not wild:
        assert (planned, obsoleted) == (commanded, set())
    return not choice.refused


@pytest.mark.lab
@pytest.mark.endurance
@pytest.mark.parametrize("wild", [False, True], ids=["plain", "wild"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_repositories(host: LabHost, seed: int, wild: bool, tmp_path: Path) -> None:
    world = make_world(seed, wild=wild)
    bring_to(host, world, tmp_path)
    everything, noticed = world.wanted(ALL_KINDS, unnoticed=True), world.wanted(ALL_KINDS)
    severe = world.wanted({"security"}, {"Critical", "Important"})
    assert min(map(len, (everything, noticed, severe))) > 5
    severe_rule = rule({"classification": ["Security"], "severity": ["Critical", "Important"]})
    minimal = "upgrade-minimal"
    compared = [
        check(host, wild, [rule({}, non_security=True)], everything, ["upgrade"]),
        check(host, wild, [rule({})], noticed, [minimal, "--security", "--bugfix", "--enhancement", "--newpackage"]),
        check(host, wild, [severe_rule], severe, [minimal, "--sec-severity=Critical", "--sec-severity=Important"]),
    ]
    assert any(compared)
