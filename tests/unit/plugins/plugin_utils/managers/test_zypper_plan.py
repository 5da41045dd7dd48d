"""Plans for zypper, against what zypper itself announced and printed on a real host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Change,
    Choice,
    CommandStep,
    FileArgument,
    Simulation,
    Target,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.inventory import plan_module
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_plan import ZypperPlan

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "sles-15.6"
RECORDED = json.loads((GOLDEN / "zypper_simulations.json").read_text())
WORDS: dict[str, list[str]] = dict(RECORDED["words"])
LOGS = json.loads((GOLDEN / "zypper_logs.json").read_text())
OLD, NEW = "1.0-150600.1.1", "1.1-150600.3.1"
PLAN = ZypperPlan("PROGRAM")


def target(name: str, version: str = NEW, arch: str = "noarch", **more: Any) -> Target:
    return Target(name, arch, version, OLD, **more)


def recorded(plan: ZypperPlan = PLAN) -> dict[str, Simulation]:
    batches = [[target(words[0])] for words in WORDS.values()]
    found = plan.parse_simulations(batches, [(0, RECORDED["output"])])
    return dict(zip(WORDS, found, strict=True))


def test_all_sets_are_simulated_in_one_trip_by_exact_versions() -> None:
    batches = [[target("a"), target("b", "1:2-1")], [target("c", arch="x86_64")]]
    [command] = PLAN.simulation_commands(batches)
    assert command == ["/bin/sh", "-c", "PROGRAM", "sh", "simulate", "--", f"a.noarch={NEW}", "b.noarch=1:2-1", "/",
                       f"c.x86_64={NEW}"]  # fmt: skip
    with pytest.raises(PatchError, match="nothing to install"):
        PLAN.simulation_commands([[]])


def test_what_zypper_announces_is_read_with_what_comes_along() -> None:
    found = recorded()
    assert found["plain"].changes == [
        Change("acme-crit", "noarch", OLD, NEW), Change("acme-epoch", "noarch", "9.0-1.1", "1:1.0-1.1"),
        Change("kernel-default", "x86_64", None, "6.4.0-150600.3"),
    ]  # fmt: skip
    assert [each.name for each in found["pulls_in"].changes] == ["acme-parent", "acme-plain", "acme-child"]
    assert found["obsoletes"].removals == [Change("acme-oldname", "noarch", OLD, None)]
    assert {name for name, each in found.items() if each.error is None} == {"plain", "pulls_in", "obsoletes"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("removal", "acme-mover-1.1-150600.3.1.noarch conflicts with acme-victim"),
        ("licence", "acme-licence has a licence that somebody has to agree to"),
        ("locked", "conflicting requests"),
        ("vendor", "would change the vendor of acme-vendor"),
        ("gone", "No provider of 'acme-crit.noarch=7.0-1' found"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_zypper(name: str, words: str) -> None:
    assert words in str(recorded()[name].error)


def test_only_a_version_that_is_gone_calls_for_a_fresh_reading() -> None:
    assert [name for name, each in recorded().items() if PLAN.is_stale(each.error or "")] == ["gone"]


def test_another_vendor_is_taken_where_the_task_says_so() -> None:
    plan = ZypperPlan("PROGRAM", allowed=("vendors",))
    assert recorded(plan)["vendor"].error is None
    assert plan.simulation_commands([[target("a")]])[0][4:7] == ["simulate", "vendors", "--"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("<to-remove>", "<to-swap>").replace("</to-remove>", "</to-swap>"),
        lambda text: text.replace("openfleet-patch-code", "code", 1),
        lambda text: text.replace("acme-crit", "acme crit"),
        lambda text: text.replace("</stream>", "", 1),
        lambda text: "",
    ],
)
def test_an_announcement_that_cannot_be_read_is_an_error_never_skipped(spoil: Any) -> None:
    batches = [[target(words[0])] for words in WORDS.values()]
    with pytest.raises(PatchError) as caught:
        PLAN.parse_simulations(batches, [(0, spoil(RECORDED["output"]))])
    assert caught.value.kind in ("unreadable_simulation", "bad_answer")


def order_of(step: CommandStep) -> list[str]:
    [order] = [word for word in step.argv if isinstance(word, FileArgument) and word.name.startswith("order")]
    return order.content.decode().splitlines()


def steps(plan: ZypperPlan, targets: list[Target], simulation: Simulation, **options: Any) -> list[CommandStep]:
    return plan.install_steps(
        Choice(targets, simulation, {}),
        **{"allow_removals": False, "lock_timeout": 60, "step_timeout": 600, **options},
    )


def test_the_update_stack_goes_first_and_then_the_rest() -> None:
    simulation = Simulation(changes=[Change("a", "noarch", OLD, NEW), Change("libzypp", "noarch", OLD, NEW)])
    plan = ZypperPlan("PROGRAM", first=["b"])
    made = steps(plan, [target("a"), target("b"), target("libzypp")], simulation)
    assert [step.name for step in made] == ["install 2 packages, b to libzypp", f"install a {NEW}"]
    assert order_of(made[0]) == [
        f"target b.noarch={NEW}", f"target libzypp.noarch={NEW}", "lock_timeout 60", f"expect arrive a noarch {NEW}",
        f"expect arrive libzypp noarch {NEW}",
    ]  # fmt: skip
    assert made[0].argv[0] == "/bin/sh"
    assert not any("zypper" in str(word) for step in made for word in step.argv if isinstance(word, str))


def test_a_removal_is_in_the_order_only_where_it_is_allowed() -> None:
    simulation = Simulation(removals=[Change("old", "noarch", OLD, None)])
    assert not any("leave" in line for line in order_of(steps(PLAN, [target("a")], simulation)[0]))
    allowed = steps(PLAN, [target("a")], simulation, allow_removals=True)
    assert f"expect leave old noarch {OLD}" in order_of(allowed[0])


def test_automatic_marks_are_put_back_whatever_happened() -> None:
    made = steps(PLAN, [target("a", automatic=True), target("b", automatic=False)], Simulation(), separately=True)
    assert [step.name for step in made] == [f"install a {NEW}", f"install b {NEW}", "put automatic marks back"]
    assert [step.continue_on_failure for step in made] == [True, True, False]
    assert (made[-1].cleanup, made[-1].argv[2:]) == (True, ("mark", "a"))


def plan_of(**arguments: Any) -> ZypperPlan:
    inventory = Inventory("SUSE", "Suse15.6", {}, {"name": "zypper"}, None, "2026-01-01T00:00:00Z", True)
    inventory.candidates = [
        {"name": "stacked", "interactive": ["restart"]},
        {"name": "other", "interactive": ["reboot"]},
    ]
    found = plan_module(inventory, arguments)
    assert isinstance(found, ZypperPlan)
    return found


def test_licences_are_agreed_with_and_locks_passed_over_only_where_the_task_says_so() -> None:
    def allowed(**arguments: Any) -> list[str]:
        return [
            line for line in order_of(steps(plan_of(**arguments), [target("a")], Simulation())[0]) if "allow" in line
        ]

    assert allowed(honour_host_excludes=True, auto_agree_with_licenses=False) == []
    assert allowed(auto_agree_with_licenses=True) == ["allow agree"]
    assert allowed(honour_host_excludes=False) == ["allow locks", "allow vendors"]


def test_what_a_patch_of_the_update_stack_brings_goes_first() -> None:
    made = steps(plan_of(), [target("other"), target("stacked")], Simulation())
    assert [step.name for step in made] == [f"install stacked {NEW}", f"install other {NEW}"]


@pytest.mark.parametrize(
    ("log", "name", "why"),
    [
        ("bad_pre", "acme-badpre", "%prein(acme-badpre-1.1-150600.3.1.noarch) scriptlet failed, exit status 3"),
        ("stranger", "acme-stranger", "Signature verification failed [4-Signatures public key is not available]"),
        ("clash", "acme-clash", "conflicts with file from package acme-owner-1.0-150600.1.1.noarch"),
    ],
)
def test_why_a_package_failed_is_found_in_the_log(log: str, name: str, why: str) -> None:
    assert PLAN.failure_reasons(LOGS[log]["log"])[0] == {name: why}
    assert LOGS[log]["code"] == 8


def test_what_could_not_be_fetched_is_told_of_its_package() -> None:
    log = (
        "Download (curl) error for 'http://rpm.lab/u/acme-x-1.1-1.noarch.rpm':\nError code: Curl error 52\n"
        "Error message: Empty reply from server\n\nFile './acme-y-1.1-1.noarch.rpm' not found on medium 'http://rpm.lab/u'\n"
    )
    reasons = PLAN.failure_reasons(log)[0]
    assert reasons["acme-x"].endswith("Error message: Empty reply from server")
    assert PLAN.is_stale(reasons["acme-y"])


def test_a_script_that_failed_after_its_package_was_installed_is_told_and_is_no_failure() -> None:
    assert LOGS["bad_post"]["code"] == 0
    assert PLAN.failure_reasons(LOGS["bad_post"]["log"])[0] == {}
    [told] = PLAN.script_failures(LOGS["bad_post"]["log"])
    assert told.startswith("acme-badpost: %post(")


def test_snapshots_are_read_from_the_log() -> None:
    assert PLAN.transactions_in("openfleet-patch: snapshot 12\nsnapshot 3\nopenfleet-patch: snapshot 13\n") == [12, 13]
    assert PLAN.HISTORY == "snapshots"


def test_packages_go_back_by_exact_versions_and_nothing_else_may_happen() -> None:
    targets = [
        Target("acme", "noarch", "1.0-1", "1.1-1", automatic=True),
        Target("acme-new", "noarch", "", "2:1.0-1", automatic=True),
    ]
    [command] = PLAN.back_commands([targets, targets[:1]])
    assert command[4:] == [
        "simulate", "back", "--", "acme.noarch=1.0-1", "!acme-new.noarch=2:1.0-1", "/", "acme.noarch=1.0-1",
    ]  # fmt: skip
    step, marks = PLAN.back_steps(targets, transactions=[4], lock_timeout=9, step_timeout=60)
    order = step.argv[-1]
    assert isinstance(order, FileArgument)
    assert order.content.decode().splitlines() == [
        "target acme.noarch=1.0-1",
        "target !acme-new.noarch=2:1.0-1",
        "allow back",
        "lock_timeout 9",
        "expect arrive acme noarch 1.0-1",
        "expect leave acme-new noarch 2:1.0-1",
    ]
    assert PLAN.acts(step.name)
    assert (marks.argv[-2:], marks.cleanup) == (("mark", "acme"), True)
    for nothing in ([], [[]]):
        with pytest.raises(PatchError, match="nothing to take back"):
            PLAN.back_commands(nothing)
