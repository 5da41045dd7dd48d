# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be installed together, decided over simulations of a small made-up package world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Change,
    Choice,
    Policy,
    Simulation,
    Target,
    choose,
    objections,
    pulled_in,
    simulate_with_companions,
    simulate_without_blocked,
    targets_from,
)


def target(name: str, family: str = "") -> Target:
    return Target(name, "amd64", "2", "1", family=family)


def change(name: str, version: str | None = "2") -> Change:
    return Change(name, "amd64", "1", version)


def upgrade(*names: str) -> Simulation:
    return Simulation([change(name) for name in names])


POLICY = Policy(
    is_blocked=lambda each: each.name == "rejected",
    is_held=lambda each: each.name == "held",
    is_approved=lambda each: each.name == "fine",
)
A, B = target("a"), target("b")


class World:
    """Packages with needs: installing one brings along what it needs; some sets are refused outright."""

    def __init__(self, needs: dict[str, list[str]], refused: tuple[set[str], ...] = (), siblings: str = "") -> None:
        self.needs, self.refused, self.siblings = needs, refused, set(siblings.split())
        self.trips = 0

    def simulate(self, batches: list[list[Target]]) -> list[Simulation]:
        self.trips += 1
        return [self._one([each.name for each in batch]) for batch in batches]

    def _one(self, names: list[str]) -> Simulation:
        found = set(names)
        if self.siblings & found and not self.siblings <= found:
            return Simulation(error="siblings must be of one version")
        if any(refused <= found for refused in self.refused):
            return Simulation(error="broken packages")
        extra = [needed for name in names for needed in self.needs.get(name, [])]
        return upgrade(*names, *(name for name in extra if name not in found))


def names(choice: Choice) -> list[str]:
    return [each.name for each in choice.targets]


def test_a_plain_upgrade_meets_no_objection() -> None:
    assert objections(upgrade("a", "b"), [A, B], POLICY) == []


def test_what_nobody_named_is_pulled_in() -> None:
    assert [each.name for each in pulled_in(upgrade("a", "extra"), [A])] == ["extra"]
    assert objections(upgrade("a", "extra"), [A], POLICY) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("rejected", "which the baseline rejects (BLOCK)"), ("held", "which this host holds back")],
)
def test_blocked_and_held_dependencies_are_objections(name: str, words: str) -> None:
    assert objections(upgrade("a", name), [A], POLICY) == [f"needs {name} 2, {words}"]


def test_unapproved_dependencies_count_only_when_the_operator_asks_for_it() -> None:
    strict = replace(POLICY, require_approved_dependencies=True)
    simulation = upgrade("a", "fine", "other")
    assert objections(simulation, [A], POLICY) == []
    assert objections(simulation, [A], strict) == ["needs other 2, which the baseline does not approve"]


def test_a_removal_is_refused_unless_allowed() -> None:
    simulation = Simulation([change("a")], [Change("old", "", "1", None)])
    assert objections(simulation, [A], POLICY) == ["would remove old 1"]
    assert objections(simulation, [A], replace(POLICY, allow_removals=True)) == []


def test_a_downgrade_is_refused_and_an_old_kernel_that_makes_room_is_not() -> None:
    down = Simulation([change("a")], downgrades=[Change("lib", "amd64", "2", "1")])
    assert objections(down, [A], replace(POLICY, allow_removals=True)) == ["would downgrade lib from 2 to 1"]
    retired = Simulation([change("a")], retired=[Change("kernel-core", "amd64", "1", None)])
    assert objections(retired, [A], POLICY) == []


def test_another_version_than_the_approved_one_is_an_objection() -> None:
    found = objections(Simulation([change("a", "3")]), [A], POLICY)
    assert found == ["the package manager takes a 3 instead of 2"]


def test_a_target_that_is_silently_left_out_is_an_objection() -> None:
    assert objections(upgrade("a"), [A, B], POLICY) == ["the package manager would not install b.amd64 2"]


def test_all_at_once_takes_one_trip() -> None:
    world = World({})
    assert names(choose([A, B], world.simulate, POLICY)) == ["a", "b"]
    assert world.trips == 1


def test_one_bad_package_does_not_keep_the_others_away() -> None:
    choice = choose([A, B, target("c")], World({"b": ["rejected"]}).simulate, POLICY)
    assert names(choice) == ["a", "c"]
    assert choice.refused == {B: ["needs rejected 2, which the baseline rejects (BLOCK)"]}


def test_siblings_of_one_source_stay_together() -> None:
    lib, tool = target("lib", "src"), target("tool", "src")
    choice = choose([A, lib, tool, B], World({"b": ["held"]}, siblings="lib tool").simulate, POLICY)
    assert sorted(names(choice)) == ["a", "lib", "tool"]
    assert list(choice.refused) == [B]


def test_a_bad_member_is_left_out_of_its_family_when_the_rest_stands_alone() -> None:
    lib, tool = target("lib", "src"), target("tool", "src")
    choice = choose([lib, tool], World({"tool": ["rejected"]}).simulate, POLICY)
    assert names(choice) == ["lib"]
    assert list(choice.refused) == [tool]


def test_two_that_exclude_each_other_cost_only_one_of_them() -> None:
    choice = choose([A, B, target("c")], World({}, refused=({"a", "b"},)).simulate, POLICY)
    assert sorted(names(choice)) == ["a", "c"]
    assert choice.refused == {B: ["broken packages"]}


def test_nothing_is_chosen_when_everything_is_refused() -> None:
    choice = choose([A], World({}, refused=({"a"},)).simulate, POLICY)
    assert (choice.targets, choice.refused) == ([], {A: ["broken packages"]})


def test_targets_are_what_is_approved_and_not_skipped_in_a_fixed_order() -> None:
    def record(name: str, **extra: object) -> dict[str, object]:
        return {"name": name, "arch": "amd64", "version": "2", "installed_version": "1", **extra}

    approved, refused = {"decision": "approved"}, {"decision": "not_approved"}
    decided = [
        (record("zsh", source_package="zsh-src"), approved),
        (record("bash"), approved),
        (record("phased", deferred=True), approved),
        (record("late"), refused),
    ]
    chosen = targets_from(
        decided, skip=lambda each: bool(each.get("deferred")), automatic={("bash", "amd64"): True}, scheme="deb"
    )
    assert [(each.name, each.automatic, each.family) for each in chosen] == [
        ("bash", True, "bash"),
        ("zsh", None, "zsh-src"),
    ]


def test_of_several_approved_versions_the_newest_is_the_target() -> None:
    records = [{"name": "a", "arch": "amd64", "version": version} for version in ("1:1", "2~rc1", "1:1.1", "2")]
    decided = [(record, {"decision": "approved"}) for record in records]
    assert [each.version for each in targets_from(decided, skip=lambda _: False, automatic={}, scheme="deb")] == [
        "1:1.1"
    ]


def test_what_is_blocked_is_kept_out_where_something_else_serves() -> None:
    asked: list[list[str]] = []
    choices = {"a": ["rejected", "rejected-too", "other"], "b": ["rejected"], "c": ["fine"]}

    def simulate(batches: Sequence[Sequence[Target]], avoided: Sequence[Change]) -> list[Simulation]:
        away = {each.name for each in avoided}
        asked.append(sorted(away))
        found = []
        for [one] in batches:
            left = [name for name in choices[one.name] if name not in away]
            found.append(upgrade(one.name, left[0]) if left else Simulation(error="nothing provides it"))
        return found

    policy = replace(POLICY, is_blocked=lambda each: each.name.startswith("rejected"))
    a, b, c = simulate_without_blocked([[A], [B], [target("c")]], simulate, policy)
    assert [each.name for each in pulled_in(a, [A])] == ["other"]
    assert [each.name for each in a.avoided] == ["rejected", "rejected-too"]
    # Nothing else serves b: the objection names what it needs.
    assert objections(b, [B], policy) == ["needs rejected 2, which the baseline rejects (BLOCK)"]
    assert (c.avoided, asked) == ([], [[], ["rejected"], ["rejected", "rejected-too"]])


def test_a_dependency_comes_at_the_version_that_may_where_the_managers_own_choice_may_not() -> None:
    frozen = {"lib": "2", "deeper": "5", "stuck": "1"}

    def simulate(batches: Sequence[Sequence[Target]]) -> list[Simulation]:
        found = []
        for [one, *companions] in batches:
            named = {each.name: each.version for each in companions}
            if "stuck" in named:
                found.append(Simulation(error="stuck=1 was not found"))
                continue
            needs = {"a": {"lib": "3"}, "b": {"stuck": "9"}, "c": {"unknown": "1"}}[one.name]
            # The older library needs another one.
            needs = {**needs, **({"deeper": "6"} if named.get("lib") == "2" else {}), **named}
            found.append(Simulation([change(one.name), *(change(name, version) for name, version in needs.items())]))
        return found

    def companion(each: Change) -> Target | None:
        version = frozen.get(each.name)
        return None if version is None else Target(each.name, each.arch, version, None, True)

    policy = replace(
        POLICY,
        is_approved=lambda each: frozen.get(each.name) == each.version,
        require_approved_dependencies=True,
        authority="snapshot",
    )
    a, b, c = simulate_with_companions([[A], [B], [target("c")]], simulate, policy, companion)
    assert [(each.name, each.version) for each in pulled_in(a, [A])] == [("lib", "2"), ("deeper", "5")]
    assert [each.patch for each in a.companions] == ["lib.amd64 2", "deeper.amd64 5"]
    assert objections(a, [A], policy) == []
    assert objections(b, [B], policy) == ["needs stuck 9, which the snapshot does not approve"]
    assert objections(c, [target("c")], policy) == ["needs unknown 1, which the snapshot does not approve"]


def test_a_held_package_stays_even_where_removals_are_allowed() -> None:
    policy = replace(POLICY, allow_removals=True)
    simulation = replace(upgrade("a"), removals=[change("held", None), change("other", None)])
    assert objections(simulation, [A], policy) == ["would remove held 1, which this host holds back"]


def test_the_simulation_that_becomes_the_order_is_judged_too() -> None:
    """Between the simulations of one choice the host may have changed."""
    world = World({"b": ["rejected"]})

    def simulate(batches: list[list[Target]]) -> list[Simulation]:
        # Both were tried, and what fits: what is asked now is the order.
        if world.trips >= 3 and batches == [[A]]:
            world.needs["a"] = ["rejected"]
        return world.simulate(batches)

    choice = choose([A, B], simulate, POLICY)
    assert (choice.targets, choice.simulation.changes) == ([], [])
    assert choice.refused[A] == ["needs rejected 2, which the baseline rejects (BLOCK)"]


def test_what_the_host_keeps_is_never_taken_away_even_where_removals_are_allowed() -> None:
    kept = replace(POLICY, allow_removals=True, why_kept=lambda each: "is locked" if each.name == "old" else None)
    old, other = Change("old", "amd64", "1", None), Change("other", "amd64", "1", None)
    for found in (Simulation([change("a")], [old, other]), Simulation([change("a")], [other], [old])):
        assert objections(found, [A], kept) == ["would remove old 1, which is locked"]
    refusing = replace(kept, allow_removals=False)
    assert objections(Simulation([change("a")], [old, other]), [A], refusing) == [
        "would remove old 1, which is locked", "would remove other 1",
    ]  # fmt: skip
