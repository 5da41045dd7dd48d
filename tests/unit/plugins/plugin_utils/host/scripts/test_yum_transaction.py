"""The program that changes hosts with yum 3, under Python 2 over a strict stand-in for its API, as its plan runs it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from yum_stand_in import PYTHONS, WHY_NOT, StandIn, every_flavour, package, repository

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source, reader_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.yum_plan import YumPlan

PROGRAM = program_source("yum_transaction")
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "Python 2 is here")
OLD = [package(name, "1.0-1") for name in ("acme", "needy", "whole", "part", "shy", "victim", "mover", "bad", "other")]
KERNELS = [package("kernel", f"5-{number}", "x86_64") for number in (1, 2, 3)]
BASE = [
    package("acme", "1.1-1"), package("acme", "1.2-1"), package("needy", "1.1-1", requires=["lib"]),
    package("lib", "1-1"), package("whole", "1.1-1", obsoletes=["part"]), package("shy", "1.1-1", requires=["nowhere"]),
    package("mover", "1.1-1", conflicts=["victim"]), package("kernel", "5-3", "x86_64"),
    package("kernel", "5-4", "x86_64"), package("old", "1.1-1"), package("new", "2-1", obsoletes=["old"]),
]  # fmt: skip


def host(root: Path, flavour: str = "late", **world: Any) -> StandIn:
    known: dict[str, Any] = {
        "installed": [*OLD, *KERNELS[:2], package("old", "1.0-1")], "repositories": [repository("base", BASE)],
    }  # fmt: skip
    found = StandIn(root, flavour, next(iter(PYTHONS.values())), **{**known, **world})
    found.fetched()
    return found


def with_fix(root: Path, flavour: str = "late", fails: str | None = None, **more: Any) -> StandIn:
    """A host whose only fix is that of the package `bad`."""
    return host(root, flavour, repositories=[repository("base", [package("bad", "1.1-1", fails=fails, **more)])])


def simulate(stand_in: StandIn, *batches: list[str], operation: str = "simulate") -> list[dict[str, Any]]:
    names = sorted({word for batch in batches for word in batch})
    numbers = [",".join(str(names.index(word)) for word in batch) for batch in batches]
    done = stand_in.act(PROGRAM, operation, *names, "/", *numbers)
    [line] = [line for line in done.stdout.decode().splitlines() if line.startswith("openfleet-patch-answer ")]
    answer = json.loads(line.partition(" ")[2])
    assert answer["ok"], answer["error"]["traceback"]
    found: list[dict[str, Any]] = answer["result"]["simulations"]
    return found


def simulate_back(stand_in: StandIn, *batches: list[str]) -> list[dict[str, Any]]:
    return simulate(stand_in, *batches, operation="simulate-back")


def install(stand_in: StandIn, targets: list[str], *, leaving: tuple[str, ...] = (), **order: Any) -> tuple[int, str]:
    path = stand_in.root / "order.json"
    known = {"targets": targets, "arriving": targets, "leaving": list(leaving), "lock_timeout": 0}
    path.write_text(json.dumps({**known, **order}))
    done = stand_in.act(PROGRAM, "install", str(path))
    return done.returncode, (done.stdout + done.stderr).decode()


def words(stand_in: StandIn) -> set[str]:
    return {f"{each['name']}-{each['version']}-{each['release']}" for each in stand_in.world["installed"]}


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
            for path in sorted(root.rglob("*")) if "program.py" not in path.name}  # fmt: skip


@every_flavour
def test_a_simulation_says_what_would_come_and_changes_nothing(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, noise=True)
    before = tree(tmp_path)
    found = simulate(
        stand_in, ["acme-1.1-1.noarch"], ["acme-1.2-1.noarch", "needy-1.1-1.noarch"], ["whole-1.1-1.noarch"],
        ["shy-1.1-1.noarch"], ["mover-1.1-1.noarch"], ["acme-9-9.noarch"], ["kernel-5-3.x86_64"],
    )  # fmt: skip
    assert tree(tmp_path) == before
    assert [each["rows"] for each in found[:3]] == [
        [["upgrade", "acme", "noarch", "1.1-1", "1.0-1"]],
        [["install", "lib", "noarch", "1-1", None], ["upgrade", "acme", "noarch", "1.2-1", "1.0-1"],
         ["upgrade", "needy", "noarch", "1.1-1", "1.0-1"]],
        [["obsoleted", "part", "noarch", "1.0-1", "whole"], ["upgrade", "whole", "noarch", "1.1-1", "1.0-1"]],
    ]  # fmt: skip
    assert [each["problem"] for each in found] == [
        None, None, None, "shy-1.1-1.noarch requires nowhere", "mover conflicts with victim",
        "acme-9-9.noarch is in no repository any more", None,
    ]  # fmt: skip
    assert found[6]["rows"] == [["beside", "kernel", "x86_64", "5-3", "5-2"]]


@every_flavour
def test_the_oldest_kernel_makes_room_and_the_running_one_never_does(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, installed=KERNELS)
    [found] = simulate(stand_in, ["kernel-5-4.x86_64"])
    assert sorted(found["rows"]) == [
        ["beside", "kernel", "x86_64", "5-4", "5-3"], ["retired", "kernel", "x86_64", "5-1", None]]  # fmt: skip
    running = os.uname().release
    version, _dash, release = running.partition("-")
    stand_in.change(installed=[package("kernel", f"{version}-{release or 1}", "x86_64"), *KERNELS[1:]])
    if release:
        [found] = simulate(stand_in, ["kernel-5-4.x86_64"])
        assert "remove" in {row[0] for row in found["rows"]} or found["problem"]


@every_flavour
def test_a_version_that_another_package_replaces_is_told_and_not_replaced(flavour: str, tmp_path: Path) -> None:
    [found] = simulate(host(tmp_path, flavour), ["old-1.1-1.noarch"])
    assert (found["rows"], found["problem"]) == ([], "yum would not install old-1.1-1.noarch")


@every_flavour
def test_a_version_that_is_no_update_for_the_host_is_told(flavour: str, tmp_path: Path) -> None:
    offered = [package("acme", "0.9-1"), package("absent", "1-1", obsoletes=["absent"])]
    [found] = simulate(host(tmp_path, flavour, repositories=[repository("base", offered)]), ["acme-0.9-1.noarch"])
    problem = "acme-0.9-1.noarch would not be installed: yum takes it for no update of what the host has"
    assert (found["rows"], found["problem"]) == ([], problem)


def test_nobody_asks_whether_yum_has_an_attribute_that_it_works_out_when_asked() -> None:
    # Python 2 hides every exception in hasattr(): a repository that is down would look like a missing feature.
    for source in (PROGRAM, reader_source("yum")):
        assert not re.search(rb"hasattr\((base|repo|package)\b", source)


@every_flavour
def test_what_yum_protects_stays_whatever_is_allowed(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, conf={"protected_packages": ["part"]})
    [found] = simulate(stand_in, ["whole-1.1-1.noarch"])
    assert (found["rows"], found["problem"]) == ([], 'Trying to remove "part", which is protected')
    code, log = install(stand_in, ["whole-1.1-1.noarch"], leaving=("part-1.0-1.noarch",))
    assert (code, 'error: Trying to remove "part", which is protected' in log) == (1, True)


def test_excludes_and_locks_keep_away_what_would_come_along_but_not_what_was_decided(tmp_path: Path) -> None:
    stand_in = host(tmp_path, conf={"exclude": ["lib", "acme"]})
    found = simulate(stand_in, ["needy-1.1-1.noarch"], ["acme-1.1-1.noarch"])
    assert [each["problem"] for each in found] == ["needy-1.1-1.noarch requires lib", None]
    stand_in = host(tmp_path)
    (tmp_path / "plugins" / "versionlock.py").write_text("")
    (tmp_path / "conf" / "versionlock.conf").write_text(f"[main]\nenabled=1\nlocklist={tmp_path}/locks\n")
    (tmp_path / "locks").write_text("0:lib-0-1.*\n0:acme-1.0-1.*\n")
    found = simulate(stand_in, ["needy-1.1-1.noarch"], ["acme-1.1-1.noarch"])
    assert [each["problem"] for each in found] == ["needy-1.1-1.noarch requires lib", None]


@every_flavour
def test_exactly_the_ordered_versions_come_and_a_second_run_finds_them(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, noise=True)
    code, log = install(stand_in, ["acme-1.1-1.noarch", "kernel-5-3.x86_64"])
    assert code == 0, log
    assert {"acme-1.1-1", "kernel-5-1", "kernel-5-2", "kernel-5-3"} <= words(stand_in)
    assert "acme-1.0-1" not in words(stand_in)
    assert "\nopenfleet-patch: transaction 1\n" in log
    assert install(stand_in, ["acme-1.1-1.noarch"])[0] == 0
    assert len(stand_in.world["history"]) == 1
    assert not (tmp_path / "var/run/yum.pid").exists()
    assert not [path for path in (tmp_path / "persist").iterdir() if "transaction" in path.name]


@every_flavour
def test_what_no_simulation_showed_does_not_run(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    before = stand_in.world
    for name, would in (("needy-1.1-1.noarch", "would install lib-1-1.noarch"),
                        ("whole-1.1-1.noarch", "would remove part-1.0-1.noarch")):  # fmt: skip
        code, log = install(stand_in, [name])
        assert (code, f"no simulation showed that yum {would}" in log) == (1, True), log
    assert stand_in.world == before
    code, log = install(stand_in, ["whole-1.1-1.noarch"], leaving=("part-1.0-1.noarch",))
    assert (code, "part-1.0-1" in words(stand_in)) == (0, False), log


@every_flavour
@pytest.mark.parametrize(
    ("fails", "signed", "reason"),
    [
        ("pre", "lab", "failed bad-1.1-1.noarch: yum went on without it"),
        ("preun", "lab", "failed bad-1.1-1.noarch: bad-1.0-1.noarch is still there beside it"),
        ("conflict", "lab", "error: Test Transaction Errors: file /x from install of bad-1.1-1.noarch"),
        (
            "download",
            "lab",
            "error: Errors were encountered while downloading packages.; bad-1.1-1.noarch: [Errno 256]",
        ),
        (None, "no", "error: Package bad-1.1-1.noarch.rpm is not signed"),
        (None, "stranger", "not correct for this package. Failing package is: bad-1.1-1.noarch"),
    ],
    ids=["%pre", "%preun", "file conflict", "download", "unsigned", "strange key"],
)
def test_what_failed_is_told_although_yum_says_nothing(
    fails: str | None, signed: str, reason: str, flavour: str, tmp_path: Path
) -> None:
    stand_in = with_fix(tmp_path, flavour, fails if fails != "preun" else None, signed=signed)
    if fails == "preun":
        stand_in.change(installed=[package("bad", "1.0-1", fails="preun")])
    code, log = install(stand_in, ["bad-1.1-1.noarch"])
    assert code == 1
    assert reason in log
    assert "bad-1.0-1" in words(stand_in)


def test_a_run_that_did_nothing_at_all_is_no_success(tmp_path: Path) -> None:
    stand_in = host(tmp_path, runs_nothing=True)
    code, log = install(stand_in, ["acme-1.1-1.noarch"])
    assert (code, "failed acme-1.1-1.noarch: yum went on without it" in log) == (1, True)


@every_flavour
def test_only_a_key_that_the_repository_names_comes_to_be_accepted(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, key="none")
    code, log = install(stand_in, ["acme-1.1-1.noarch"])
    assert (code, "checking of packages via GPG keys" in log) == (1, True)
    stand_in.change(key="configured")
    assert install(stand_in, ["acme-1.1-1.noarch"])[0] == 0
    assert stand_in.world["key"] == "accepted"


@every_flavour
def test_a_repository_that_is_down_stops_the_run(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    for path in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    world = stand_in.world
    world["repositories"][0]["down"] = "http://u:secret@x.example: [Errno 256] No more mirrors to try."
    stand_in.write(world)
    code, log = install(stand_in, ["acme-1.1-1.noarch"])
    assert (code, "error: http://x.example: [Errno 256] No more mirrors" in log, "secret" in log) == (1, True, False)


def test_a_yum_at_work_is_waited_for_and_named(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    (tmp_path / "var" / "run" / "yum.pid").write_text(str(os.getpid()))
    code, log = install(stand_in, ["acme-1.1-1.noarch"], lock_timeout=1)
    assert code == 1
    assert f"(pid {os.getpid()}), which holds the lock of yum" in log
    assert f"(pid {os.getpid()}) holds the lock of yum, after 1 seconds of waiting still" in log


@every_flavour
def test_an_interrupted_transaction_is_finished_first(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, installed=[*OLD, package("acme", "1.2-1")])
    left = tmp_path / "persist" / "transaction-all.2026-11-21.12:33.04"
    left.write_text("install 0:acme-1.2-1.noarch\nerase 0:acme-1.0-1.noarch\n")
    done = stand_in.act(PROGRAM, "repair")
    log = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, log
    assert "left by an interrupted transaction: acme-1.0-1.noarch, acme-1.2-1.noarch" in log
    assert "acme-1.0-1" not in words(stand_in)
    assert "Installing: acme-1.2-1.noarch" in log
    assert [path.name for path in (tmp_path / "persist").glob("transaction*")] == [f"{left.name}.disabled"]
    assert stand_in.act(PROGRAM, "repair").returncode == 0
    assert len(stand_in.world["history"]) == 2


def back(stand_in: StandIn, *numbers: int, arriving: list[str], leaving: tuple[str, ...] = ()) -> tuple[int, str]:
    """Takes back as a plan's step does; without numbers by versions alone."""
    path = stand_in.root / "order.json"
    order = {"arriving": arriving, "leaving": list(leaving), "transactions": numbers, "downgrading": True}
    path.write_text(json.dumps({**order, "lock_timeout": 0}))
    done = stand_in.act(PROGRAM, "back", str(path))
    return done.returncode, (done.stdout + done.stderr).decode()


def with_old_versions(root: Path, flavour: str, **world: Any) -> StandIn:
    """A host whose repository keeps the versions that were there before, as EL's do and many others do not."""
    return host(root, flavour, repositories=[repository("base", [*BASE, *OLD, *KERNELS])], **world)


NEEDY = ["needy-1.1-1.noarch", "lib-1-1.noarch"]


@every_flavour
@pytest.mark.parametrize("by_history", [True, False])
def test_what_was_installed_is_taken_back_the_newest_transaction_first(
    flavour: str, by_history: bool, tmp_path: Path
) -> None:
    stand_in = with_old_versions(tmp_path, flavour)
    before = words(stand_in)
    assert install(stand_in, ["acme-1.2-1.noarch", "kernel-5-3.x86_64"])[0] == 0
    assert install(stand_in, NEEDY[:1], arriving=NEEDY)[0] == 0
    stand_in.change(conf={**stand_in.world["conf"], "exclude": ["acme"]})
    arriving, leaving = ["acme-1.0-1.noarch", "needy-1.0-1.noarch"], ("kernel-5-3.x86_64", "lib-1-1.noarch")
    numbers = (1, 2) if by_history else ()
    [simulated] = simulate_back(stand_in, [f"+{word}" for word in arriving] + [f"-{word}" for word in leaving])
    assert simulated["problem"] is None
    assert sorted((row[0], row[1]) for row in simulated["rows"]) == [
        ("downgrade", "acme"), ("downgrade", "needy"), ("remove", "kernel"), ("remove", "lib"),
    ]  # fmt: skip
    assert len(stand_in.world["history"]) == 2
    code, log = back(stand_in, *numbers, arriving=arriving, leaving=leaving)
    assert code == 0, log
    assert words(stand_in) == before
    told = [number for number in (3, 4) if f"openfleet-patch: transaction {number}\n" in log]
    assert told == ([3, 4] if by_history else [3])
    code, log = back(stand_in, *numbers, arriving=arriving, leaving=leaving)
    assert (code, "everything is as it was" in log, words(stand_in)) == (0, True, before)


@every_flavour
def test_nothing_is_taken_back_where_that_would_take_what_was_there_before(flavour: str, tmp_path: Path) -> None:
    # The old version of needy is in no repository: yum would go on, and take needy away together with lib.
    stand_in = host(tmp_path, flavour)
    assert install(stand_in, NEEDY[:1], arriving=NEEDY)[0] == 0
    before = words(stand_in)
    code, log = back(stand_in, 1, arriving=["needy-1.0-1.noarch"], leaving=("lib-1-1.noarch",))
    assert (code, words(stand_in)) == (1, before)
    assert "error: stopped before anything was changed, since to take it back yum would " in log
    assert "error: transaction 1 was not taken back" in log
    assert "error: needy-1.0-1.noarch is in no repository any more" in log
    [gone, alone] = simulate_back(stand_in, ["+needy-1.0-1.noarch"], ["-lib-1-1.noarch"])
    assert gone["problem"] == "needy-1.0-1.noarch is in no repository any more"
    # What needs it would go with it, which the plan does not allow.
    assert alone["problem"] or ["remove", "needy", "noarch", "1.1-1", None] in alone["rows"]


def test_a_history_that_does_not_know_the_transaction_leaves_it_to_the_versions(tmp_path: Path) -> None:
    stand_in = with_old_versions(tmp_path, "late")
    before = words(stand_in)
    assert install(stand_in, ["acme-1.1-1.noarch"])[0] == 0
    code, log = back(stand_in, 7, arriving=["acme-1.0-1.noarch"])
    assert (code, "the history of yum has no transaction 7" in log) == (0, True)
    assert words(stand_in) == before


@every_flavour
def test_a_kernel_that_comes_back_drives_out_no_other(flavour: str, tmp_path: Path) -> None:
    for folder, numbers in (("history", (1,)), ("versions", ())):
        (tmp_path / folder).mkdir()
        stand_in = with_old_versions(tmp_path / folder, flavour)
        stand_in.change(conf={**stand_in.world["conf"], "installonly_limit": 2})
        assert install(stand_in, ["kernel-5-3.x86_64"], leaving=("kernel-5-1.x86_64",))[0] == 0
        assert {word for word in words(stand_in) if word.startswith("kernel")} == {"kernel-5-2", "kernel-5-3"}
        code, log = back(stand_in, *numbers, arriving=["kernel-5-1.x86_64"], leaving=("kernel-5-3.x86_64",))
        assert code == 0, log
        assert {word for word in words(stand_in) if word.startswith("kernel")} == {"kernel-5-1", "kernel-5-2"}


@every_flavour
def test_taking_back_that_was_cut_off_goes_on_to_the_older_version(flavour: str, tmp_path: Path) -> None:
    # The older version had come and the newer one not gone yet.
    stand_in = with_old_versions(tmp_path, flavour, installed=[*OLD, package("acme", "1.1-1")])
    left = tmp_path / "persist" / "transaction-all.2026-11-21.12:33.04"
    left.write_text("install 0:acme-1.0-1.noarch\nerase 0:acme-1.1-1.noarch\n")
    code, log = back(stand_in, arriving=["acme-1.0-1.noarch"])
    assert code == 0, log
    assert {word for word in words(stand_in) if word.startswith("acme")} == {"acme-1.0-1"}


@every_flavour
@pytest.mark.parametrize("fails", [None, "conflict", "download"], ids=["well", "file conflict", "download"])
def test_no_copy_of_a_transaction_stays_behind(fails: str | None, flavour: str, tmp_path: Path) -> None:
    stand_in = with_fix(tmp_path, flavour, fails)
    assert install(stand_in, ["bad-1.1-1.noarch"])[0] == (1 if fails else 0)
    assert list((tmp_path / "tmp").iterdir()) == []


@every_flavour
def test_the_plan_understands_which_script_failed_and_how(flavour: str, tmp_path: Path) -> None:
    plan = YumPlan("/usr/bin/python", "")
    _code, log = install(with_fix(tmp_path / "pre", flavour, "pre"), ["bad-1.1-1.noarch"])
    why = "%prein(bad-1.1-1.noarch) scriptlet failed, exit status 1"
    assert (plan.failure_reasons(log)[0], plan.script_failures(log)) == ({"bad": why}, [])
    code, log = install(with_fix(tmp_path / "post", flavour, "post"), ["bad-1.1-1.noarch"])
    assert code == 0
    assert (plan.failure_reasons(log)[0], plan.script_failures(log)) == (
        {}, ["bad: Non-fatal POSTIN scriptlet failure"])  # fmt: skip
