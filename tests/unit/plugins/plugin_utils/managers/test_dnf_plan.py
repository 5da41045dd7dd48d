"""Plans for dnf 4 and what rpm systems share: exact versions in, strict reading of simulations, reasons from logs."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Change,
    Choice,
    FileArgument,
    Simulation,
    Target,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers._rpm_plan import name_of
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf_plan import DnfPlan, plan_for

PLAN = DnfPlan("/usr/libexec/platform-python", "print('the program')")
CURL = Target("curl", "x86_64", "7.76.1-29.el9", "7.76.1-26.el9", family="curl")
LIBCURL = Target("libcurl", "x86_64", "7.76.1-29.el9", "7.76.1-26.el9", family="curl")
BIND = Target("bind-utils", "x86_64", "32:9.16.23-18.el9", "32:9.16.23-15.el9", family="bind")
KERNEL = Target("kernel-core", "x86_64", "5.14.0-3.el9", "5.14.0-2.el9", family="kernel")

# From a real dnf 4.14, cut.
UNTRUSTED_LOG = """\
Lab baseos                                      395 kB/s | 404  B     00:00
GPG key at file:///etc/pki/rpm-gpg/RPM-GPG-KEY-lab (0xB6B15D10) is already installed
The GPG keys listed for the "Lab baseos" repository are already installed but they are not correct for this package.
Check that the correct key URLs are configured for this repository.. Failing package is: acme-forged-1.1-1.el9.noarch
 GPG Keys are configured as: file:///etc/pki/rpm-gpg/RPM-GPG-KEY-lab
Package acme-unsigned-1.1-1.el9.noarch.rpm is not signed
The downloaded packages were saved in cache until the next successful transaction.
You can remove cached packages by executing 'dnf clean packages'.
Error: GPG check FAILED
"""
CONFLICT_LOG = """\
Running transaction test
Error: Transaction test error:
  file /usr/share/acme-shared/file from install of acme-thief-1.1-1.el9.noarch conflicts with file from package acme-owner-1.0-1.el9.noarch

"""  # noqa: E501
SCRIPT_LOG = """\
  Running scriptlet: acme-badpre-1.1-1.el9.noarch                          6/16
cannot prepare
error: %prein(acme-badpre-1.1-1.el9.noarch) scriptlet failed, exit status 3

Error in PREIN scriptlet in rpm package acme-badpre
  Upgrading        : acme-badpost-1.1-1.el9.noarch                         7/16
error: acme-badpre-1.1-1.el9.noarch: install failed

warning: %post(acme-badpost-1.1-1.el9.noarch) scriptlet failed, exit status 3

Error in POSTIN scriptlet in rpm package acme-badpost

openfleet-patch: transaction 4
Error: Transaction failed
"""
GONE_LOG = """\
Downloading Packages:
[MIRROR] acme-crit-1.2-1.el9.noarch.rpm: Status code: 404 for http://rpm.lab/rhel9/baseos/acme-crit-1.2-1.el9.noarch.rpm
[FAILED] acme-crit-1.2-1.el9.noarch.rpm: No more mirrors to try - All mirrors were already tried without success
Error: Error downloading packages:
  Cannot download acme-crit-1.2-1.el9.noarch.rpm: All mirrors were tried
"""


def answer(*rows: list[Any], problem: str | None = None, **changed: Any) -> tuple[int, str]:
    said = {"ok": True, "result": {"simulations": [{"rows": list(rows), "problem": problem}]}, **changed}
    return 0, f"noise of a library\n\nopenfleet-patch-answer {json.dumps(said)}\n"


def simulated(*rows: list[Any], **said: Any) -> Simulation:
    [found] = PLAN.parse_simulations([[CURL]], [answer(*rows, **said)])
    return found


def test_all_batches_are_simulated_by_one_command_that_names_each_package_once() -> None:
    [command] = PLAN.simulation_commands([[CURL, LIBCURL], [BIND], [CURL, BIND]])
    assert command == [
        "/usr/libexec/platform-python", "-B", "-I", "-c", "print('the program')", "simulate",
        "curl-7.76.1-29.el9.x86_64", "libcurl-7.76.1-29.el9.x86_64", "bind-utils-32:9.16.23-18.el9.x86_64",
        "/", "0,1", "2", "0,2",
    ]  # fmt: skip


def test_more_than_a_command_line_bears_is_simulated_by_several() -> None:
    many = [replace(CURL, name=f"a{number:04d}") for number in range(5000)]
    batches = [many, many, many, [*many, CURL], [CURL]]
    commands = PLAN.simulation_commands(batches)
    assert [len(command[command.index("/") + 1 :]) for command in commands] == [3, 2]
    assert max(sum(len(word) + 1 for word in command) for command in commands) < 1_000_000
    said = [answer(result={"simulations": [{"rows": [], "problem": str(number)}] * count})
            for number, count in ((1, 3), (2, 2))]  # fmt: skip
    assert [each.error for each in PLAN.parse_simulations(batches, said)] == ["1", "1", "1", "2", "2"]


@pytest.mark.parametrize("batches", [[], [[]], [[CURL], []]])
def test_nothing_is_never_simulated(batches: list[list[Target]]) -> None:
    with pytest.raises(PatchError, match="nothing to install"):
        PLAN.simulation_commands(batches)


def test_a_simulation_tells_apart_what_comes_what_goes_and_what_only_makes_room() -> None:
    found = simulated(
        ["upgrade", "curl", "x86_64", "7.76.1-29.el9", "7.76.1-26.el9"],
        ["install", "acme-newlib", "noarch", "1:1.0-1.el9", None],
        ["beside", "kernel-core", "x86_64", "5.14.0-3.el9", "5.14.0-2.el9"],
        ["retired", "kernel-core", "x86_64", "5.14.0-1.el9", None],
        ["remove", "acme-victim", "noarch", "1.0-1.el9", None],
        ["obsoleted", "acme-part", "noarch", "1.0-1.el9", None],
        ["downgrade", "acme-down", "noarch", "1.0-1.el9", "1.1-1.el9"],
    )
    assert [(each.name, each.installed_version, each.version) for each in found.changes] == [
        ("curl", "7.76.1-26.el9", "7.76.1-29.el9"),
        ("acme-newlib", None, "1:1.0-1.el9"),
        ("kernel-core", "5.14.0-2.el9", "5.14.0-3.el9"),
        ("acme-down", "1.1-1.el9", "1.0-1.el9"),
    ]
    assert [(each.name, each.installed_version, each.version) for each in found.removals] == [
        ("acme-victim", "1.0-1.el9", None),
        ("acme-part", "1.0-1.el9", None),
    ]
    assert [each.installed_version for each in found.retired] == ["5.14.0-1.el9"]
    assert [each.name for each in found.downgrades] == ["acme-down"]
    assert found.error is None


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (0, ""),
        (1, "Traceback (most recent call last):"),
        (0, "openfleet-patch-answer {"),
        (0, 'openfleet-patch-answer {"ok": true}\nopenfleet-patch-answer {"ok": true}\n'),
        answer(["replaced", "curl", "x86_64", "1-1", None]),
        answer(["remove", "curl", "x86_64"]),
        answer(["upgrade", "curl; reboot", "x86_64", "1-1", None]),
        answer(["upgrade", "curl", "x86_64", "1-1", 7]),
        answer(result={"simulations": []}),
        answer(result={"simulations": [{"rows": [], "problem": None}] * 2}),
    ],
)
def test_what_the_program_did_not_write_like_that_is_an_error_and_never_skipped(code: int, output: str) -> None:
    with pytest.raises(PatchError) as caught:
        PLAN.parse_simulations([[CURL]], [(code, output)])
    assert caught.value.kind in ("unreadable_simulation", "bad_answer")


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=8)), max_size=6))
def test_a_row_of_anything_is_read_or_refused_and_never_a_crash(row: list[Any]) -> None:
    try:
        found = simulated(row)
    except PatchError:
        return
    assert len(found.changes) + len(found.removals) + len(found.retired) == 1


def test_a_program_that_failed_speaks_against_every_batch() -> None:
    said = answer(ok=False, error={"kind": "dnf_failed", "message": "dnf could not load its metadata: x"})
    found = PLAN.parse_simulations([[CURL], [BIND]], [said])
    assert [each.error for each in found] == ["the simulation failed: dnf could not load its metadata: x"] * 2


def test_dnfs_own_refusal_is_the_error_of_a_simulation() -> None:
    assert simulated(problem="Problem: nothing provides x").error == "Problem: nothing provides x"
    address = "https://ops:s3cret@repo.lab/x?key=s3cret"
    assert simulated(problem=f"Cannot download {address} now").error == "Cannot download https://repo.lab/x now"


def orders(choice: Choice, **options: Any) -> list[dict[str, Any]]:
    steps = PLAN.install_steps(choice, lock_timeout=60, step_timeout=600, **options)
    words = [word for step in steps for word in step.argv if isinstance(word, FileArgument)]
    return [json.loads(word.content) for word in words if word.name.startswith("order-")]


def choice_of(*targets: Target, **simulation: Any) -> Choice:
    changes = [Change(each.name, each.arch, each.installed_version, each.version) for each in targets]
    changes += simulation.pop("along", [])
    return Choice(list(targets), Simulation(changes=changes, **simulation), {})


def test_an_order_allows_what_the_simulation_showed_and_nothing_else() -> None:
    along = [Change("acme-newlib", "noarch", None, "1.0-1.el9")]
    gone, retired = Change("acme-part", "noarch", "1.0-1", None), Change("kernel-core", "x86_64", "5.14.0-1.el9", None)
    choice = choice_of(CURL, KERNEL, along=along, removals=[gone], retired=[retired])
    [order] = orders(choice, allow_removals=False)
    assert order == {
        "targets": ["curl-7.76.1-29.el9.x86_64", "kernel-core-5.14.0-3.el9.x86_64"],
        "arriving": ["acme-newlib-1.0-1.el9.noarch", "curl-7.76.1-29.el9.x86_64", "kernel-core-5.14.0-3.el9.x86_64"],
        "leaving": ["kernel-core-5.14.0-1.el9.x86_64"],
        "erasing": False,
        "avoided": [],
        "lock_timeout": 60,
    }
    [order] = orders(choice, allow_removals=True)
    assert order["leaving"] == ["acme-part-1.0-1.noarch", "kernel-core-5.14.0-1.el9.x86_64"]
    assert order["erasing"] is True


def test_what_is_avoided_is_named_in_simulations_and_in_the_order() -> None:
    away = Change("acme-pick-a", "noarch", None, "1:1.0-1.el9")
    [command] = PLAN.avoiding_commands([[CURL]], [away])
    assert command[-5:] == ["curl-7.76.1-29.el9.x86_64", "/", "0", "/", "acme-pick-a-1:1.0-1.el9.noarch"]
    [order] = orders(choice_of(CURL, avoided=[away]), allow_removals=False)
    assert order["avoided"] == ["acme-pick-a-1:1.0-1.el9.noarch"]
    assert "acme-pick-a-1:1.0-1.el9.noarch" not in order["arriving"]


def test_families_get_a_step_of_their_own_after_all_failed_together() -> None:
    choice = choice_of(CURL, LIBCURL, BIND)
    steps = PLAN.install_steps(choice, allow_removals=False, lock_timeout=1, step_timeout=1, separately=True)
    assert [(step.name, step.continue_on_failure) for step in steps] == [
        ("install 2 packages, curl to libcurl", True),
        ("install bind-utils 32:9.16.23-18.el9", True),
    ]
    assert [order["targets"] for order in orders(choice, allow_removals=False, separately=True)] == [
        ["curl-7.76.1-29.el9.x86_64", "libcurl-7.76.1-29.el9.x86_64"],
        ["bind-utils-32:9.16.23-18.el9.x86_64"],
    ]
    [step] = PLAN.install_steps(choice, allow_removals=False, lock_timeout=1, step_timeout=1)
    assert (step.name, step.continue_on_failure) == ("install 3 packages, curl to bind-utils", False)
    assert step.argv[:3] == ("/usr/libexec/platform-python", "-B", "-I")
    assert step.argv[3] == FileArgument("transaction-program", b"print('the program')")


BACK = [Target("curl", "x86_64", "7.0-1", "7.1-1"), Target("curl-new", "noarch", "", "1:2-1")]


def test_nothing_switches_a_signature_check_off() -> None:
    every = [*PLAN.install_steps(choice_of(CURL), allow_removals=True, lock_timeout=1, step_timeout=1),
             *PLAN.back_steps(BACK, transactions=[4], lock_timeout=1, step_timeout=1),
             *PLAN.repair_steps(1)]  # fmt: skip
    words = " ".join(word for step in every for word in step.argv if isinstance(word, str)).lower()
    assert not any(bad in words for bad in ("gpgcheck", "nogpg", "nosign", "nodigest", "force"))


def test_what_is_taken_back_is_an_order_of_what_comes_and_what_goes() -> None:
    [step] = PLAN.back_steps(BACK, transactions=[7, 5, 7], lock_timeout=3, step_timeout=60)
    assert (step.name, step.argv[-2], step.timeout) == ("take back 2 packages, curl to curl-new", "back", 60)
    assert PLAN.acts(step.name)
    assert isinstance(step.argv[-1], FileArgument)
    assert json.loads(step.argv[-1].content) == {
        "arriving": ["curl-7.0-1.x86_64"], "leaving": ["curl-new-1:2-1.noarch"], "transactions": [5, 7],
        "replaced": {"curl-7.0-1.x86_64": "curl-7.1-1.x86_64"},
        "downgrading": True, "lock_timeout": 3,
    }  # fmt: skip
    with pytest.raises(PatchError, match="nothing to take back"):
        PLAN.back_steps([], transactions=[], lock_timeout=1, step_timeout=1)


def test_a_simulation_of_taking_back_signs_what_comes_and_what_goes() -> None:
    [command] = PLAN.back_commands([BACK, BACK[1:]])
    assert command[-6:] == ["simulate-back", "+curl-7.0-1.x86_64", "-curl-new-1:2-1.noarch", "/", "0,1", "1"]
    with pytest.raises(PatchError, match="nothing to take back"):
        PLAN.back_commands([[]])
    assert PLAN.look_commands(BACK) == []


def test_ids_of_transactions_are_read_from_lines_of_their_own() -> None:
    assert PLAN.transactions_in(SCRIPT_LOG) == [4]
    assert PLAN.transactions_in("echo openfleet-patch: transaction 9\nopenfleet-patch: transaction x\n") == []
    assert [PLAN.acts(each) for each in ("install curl 1", "note what is installed", "take back 4 packages")] == [
        True,
        False,
        True,
    ]


def test_reasons_are_dnfs_own_words_for_each_package() -> None:
    reasons, general = PLAN.failure_reasons(UNTRUSTED_LOG)
    assert reasons["acme-unsigned"] == "Package acme-unsigned-1.1-1.el9.noarch.rpm is not signed"
    assert "not correct for this package" in reasons["acme-forged"]
    assert set(reasons) == {"acme-unsigned", "acme-forged"}
    assert general == "Error: GPG check FAILED"
    reasons, general = PLAN.failure_reasons(CONFLICT_LOG)
    assert list(reasons) == ["acme-thief"]
    assert general.startswith("Error: Transaction test error: file /usr/share/acme-shared/file from install of acme-")
    reasons, general = PLAN.failure_reasons(SCRIPT_LOG)
    assert reasons["acme-badpre"] == "%prein(acme-badpre-1.1-1.el9.noarch) scriptlet failed, exit status 3"
    only_dnf = "Error in PREIN scriptlet in rpm package acme-v2-tools\n"
    assert PLAN.failure_reasons(only_dnf)[0] == {"acme-v2-tools": only_dnf.strip()}
    assert general.endswith("Error: Transaction failed")
    told = "openfleet-patch: error: dnf (pid 7) holds /x, after 3 seconds of waiting still\n"
    assert PLAN.failure_reasons(told)[1] == "error: dnf (pid 7) holds /x, after 3 seconds of waiting still"


def test_scripts_that_failed_after_their_package_came_are_told_and_those_that_kept_it_away_are_not() -> None:
    assert PLAN.script_failures(SCRIPT_LOG) == [
        "acme-badpost: %post(acme-badpost-1.1-1.el9.noarch) scriptlet failed, exit status 3"
    ]


def test_a_version_that_left_its_repository_means_a_stale_plan() -> None:
    reasons, general = PLAN.failure_reasons(GONE_LOG)
    assert PLAN.is_stale(reasons["acme-crit"])
    assert general.endswith("Cannot download acme-crit-1.2-1.el9.noarch.rpm: All mirrors were tried")
    assert PLAN.is_stale("acme-1.0-1.noarch is in no repository any more")
    assert not PLAN.is_stale("would remove acme-part 1.0-1.el9")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("acme-lib-1:1.0-1.el9.noarch", "acme-lib"),
        ("acme-lib-1.0-1.el9", "acme-lib"),
        ("acme-lib", "acme-lib"),
        ("kernel-core-5.14.0-3.el9.x86_64", "kernel-core"),
        ("java-1.8.0-openjdk-1:1.8.0.412-2.el9.x86_64", "java-1.8.0-openjdk"),
        ("java-1.8.0-openjdk-1.8.0.412-2.el9.x86_64", "java-1.8.0-openjdk"),
        ("acme-db-10.2-1.module+el9+2.x86_64", "acme-db"),
    ],
)
def test_the_name_is_found_in_whatever_form_dnf_tells_it(told: str, name: str) -> None:
    assert name_of(told) == name


@pytest.mark.parametrize(
    ("findings", "release"), [({}, "None"), ({"judged_release": {"releasever": "latest"}}, "'latest'")]
)
def test_packages_of_the_newest_release_are_looked_for_there_and_only_there(
    findings: dict[str, Any], release: str
) -> None:
    program = program_source("dnf_transaction").decode()
    inventory: Any = SimpleNamespace(interpreter={"path": "/usr/bin/python3"}, findings=findings)
    (command,) = plan_for(inventory, program).simulation_commands([[CURL]])
    assert f"\nRELEASE = {release}\n" in command[command.index("-c") + 1]
