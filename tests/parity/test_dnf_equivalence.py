"""What the predefined baselines install is what the vendor's command does on the same host, differences explained.

The commands are those that the Patch Manager user guide calls equivalent (how patches are installed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from dnf_reading import reading
from openfleet_lab.api import Lab, LabHost, start_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.states import HostWishes, decide_apart
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Policy,
    Simulation,
    Target,
    choose,
    targets_from,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf_plan import plan_for

pytestmark = pytest.mark.lab
AS_OF = "2026-11-21T12:00:00Z"

# Why the two differ, by the name that the table of ways uses.
VANISHED = "a notice about a version that no repository has selects nothing; dnf takes whatever is newer"
SECURITY_OR = "dnf takes a notice of a given severity or any security notice, a baseline's rule both at once"
NO_BUGFIX = "the predefined baseline has a rule for bugfixes, the command in the guide has no --bugfix"
SPELLING = "dnf compares severities to the letter, and this distribution's notices write them in small letters"
OBSOLETES = "packages of another name that replace installed ones only come where something needs them"


@dataclass(frozen=True)
class Way:
    """One row of the guide's table. ``commands`` are dnf's words, run one after the other; ``non_security`` is the
    switch that the row is about; ``differences``: package to what only we and what only dnf would install, and why."""

    kind: str
    commands: tuple[str, ...]
    non_security: bool
    differences: dict[str, tuple[str | None, str | None, str]]

    def __str__(self) -> str:
        return f"{self.kind}, non-security {'included' if self.non_security else 'excluded'}"


EL8, AMAZON = "el8.noarch", "amzn2023.0.1.noarch"
MINIMAL = "update-minimal --sec-severity={} --bugfix"
WAYS = (
    Way("rhel8", (MINIMAL.format("Critical"), MINIMAL.format("Important")), False,
        {"acme-vanished": (None, f"1.2-1.{EL8}", VANISHED)}),
    Way("rhel8", ("update --security --bugfix",), True,
        {"acme-vanished": (None, f"1.2-1.{EL8}", VANISHED),
         "acme-low": (None, f"1.1-1.{EL8}", SECURITY_OR), "acme-mod": (None, f"1.1-1.{EL8}", SECURITY_OR)}),
    Way("oracle8", ("upgrade-minimal --security --sec-severity=Moderate --sec-severity=Important",), False,
        {"acme-bug": (f"1.1-1.{EL8}", None, NO_BUGFIX), "acme-tilde": (f"2.0-1.{EL8}", None, NO_BUGFIX),
         "acme-crit": (f"1.2-1.{EL8}", f"1.1-1.{EL8}", NO_BUGFIX),
         "acme-low": (None, f"1.1-1.{EL8}", SECURITY_OR),
         "acme-super": (f"1.1-1.{EL8}", f"1.2-1.{EL8}", SECURITY_OR),
         "acme-vanished": (None, f"1.2-1.{EL8}", VANISHED)}),
    Way("oracle8", ("upgrade --security --bugfix",), True,
        {"acme-low": (None, f"1.1-1.{EL8}", SECURITY_OR),
         "acme-super": (f"1.1-1.{EL8}", f"1.2-1.{EL8}", SECURITY_OR),
         "acme-vanished": (None, f"1.2-1.{EL8}", VANISHED)}),
    Way("amazonlinux2023", ("upgrade-minimal --sec-severity=Critical --sec-severity=Important --bugfix",), False,
        {"acme-imp": (f"1.1-1.{AMAZON}", None, SPELLING), "acme-super": (f"1.2-1.{AMAZON}", None, SPELLING),
         "acme-epoch": (f"1.0-1.{AMAZON}", None, SPELLING),
         "acme-db": ("10.2-1.module+amzn2023.0.1+2.x86_64", None, SPELLING),
         "acme-multi": ("1.1-1.amzn2023.0.1.i686 1.1-1.amzn2023.0.1.x86_64", None, SPELLING),
         "kernel-core": ("5.14.0-3.amzn2023.0.1.x86_64", None, SPELLING)}),
    Way("amazonlinux2023",
        ("upgrade --security --sec-severity=Critical --sec-severity=Important --bugfix",), True,
        {"acme-low": (None, f"1.1-1.{AMAZON}", SECURITY_OR), "acme-mod": (None, f"1.1-1.{AMAZON}", SECURITY_OR),
         "acme-vanished": (None, f"1.2-1.{AMAZON}", VANISHED)}),
    Way("centos8", ("upgrade",), True, {"acme-newname": (None, f"2.0-1.{EL8}", OBSOLETES)}),
)  # fmt: skip
# What both install, at least; so that equal does not mean that there was nothing.
LEAST = 4


def installed(host: LabHost) -> set[str]:
    return set(host.run(["rpm", "-qa"]).stdout.split())


def last_history(host: LabHost) -> int:
    lines = [line.split("|")[0].strip() for line in host.run(["dnf", "-C", "history", "list"]).stdout.splitlines()]
    return max(int(each) for each in lines if each.isdigit())


def ours(host: LabHost, way: Way) -> set[str]:
    """What our plan brings to the host, whatever it pulls in included; by a simulation, which changes nothing."""
    inventory = build_inventory(reading(host))
    baseline = predefined_baseline(inventory.operating_system)
    rules = [rule | {"enable_non_security": way.non_security} for rule in baseline["approval_rules"]]
    wishes = HostWishes(inventory.holds, honour_host_excludes=True, honour_phasing=True)
    decided = decide_apart(
        inventory.candidates,
        wishes.keep_away,
        lambda records: evaluate(
            baseline | {"approval_rules": rules}, records, operating_system=inventory.operating_system, as_of=AS_OF
        ),
    )
    targets = targets_from(decided, skip=wishes.keep_away, automatic={}, scheme="rpm")
    plan = plan_for(inventory, program_source("dnf_transaction").decode())

    def simulate(batches: list[list[Target]]) -> list[Simulation]:
        [command] = plan.simulation_commands(batches)
        done = host.run(command, check=False)
        return plan.parse_simulations(batches, [(done.returncode, done.stdout)])

    nothing = Policy(is_blocked=lambda _: False, is_held=lambda _: False, is_approved=lambda _: True)
    choice = choose(targets, simulate, nothing)
    assert choice.refused == {}
    return {f"{each.name}-{str(each.version).rpartition(':')[2]}.{each.arch}" for each in choice.simulation.changes}


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[Callable[[str], LabHost]]:
    """One host per distribution, put back after each command."""
    started: dict[str, LabHost] = {}

    def host_of(kind: str) -> LabHost:
        if kind not in started:
            started[kind] = start_host(lab, kind)
        return started[kind]

    yield host_of
    for host in started.values():
        host.destroy()


def by_package(files: set[str]) -> dict[str, str]:
    """{"acme-imp-1.1-1.el8.noarch"} -> {"acme-imp": "1.1-1.el8.noarch"}; several of one name in one text."""
    found: dict[str, list[str]] = {}
    for name, version, rest in (each.rsplit("-", 2) for each in sorted(files)):
        found.setdefault(name, []).append(f"{version}-{rest}")
    return {name: " ".join(versions) for name, versions in found.items()}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_what_we_install_is_what_the_equivalent_command_installs(hosts: Callable[[str], LabHost], way: Way) -> None:
    host = hosts(way.kind)
    before, last = installed(host), last_history(host)
    planned = ours(host, way)
    for command in way.commands:
        host.run(["dnf", "-y", "-q", *command.split()])
    theirs = installed(host) - before
    host.run(["dnf", "-y", "-q", "history", "rollback", str(last)])
    assert installed(host) == before
    only_ours, only_theirs = by_package(planned - theirs), by_package(theirs - planned)
    names = sorted({*only_ours, *only_theirs})
    assert {name: (only_ours.get(name), only_theirs.get(name)) for name in names} == {
        name: (mine, dnfs) for name, (mine, dnfs, _why) in way.differences.items()
    }
    assert len(planned & theirs) >= LEAST
