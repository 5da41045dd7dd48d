"""What is left to take back of an installation, by its record and the host as it is, and what speaks against it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Change,
    Simulation,
    Target,
    choose_by,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.install_records import (
    INSTALL,
    ROLLBACK,
    Installation,
    parse_journal,
    record,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.rollback import (
    changes_of,
    objections,
    settled,
    undoing,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

RUN = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"
Row = tuple[str, str] | tuple[str, str, bool]


def host(*packages: Row, **more: Any) -> Inventory:
    """Packages as (name, version) or (name, version, automatic), all of them noarch."""
    installed = [
        {"name": name, "arch": "noarch", "version": version, "automatic": marks[0] if marks else False}
        for name, version, *marks in packages
    ]
    return Inventory("X", "X1", {}, {"name": "dnf"}, None, "2026-11-20T00:00:00Z", True, installed=installed, **more)


def change(name: str, before: str | None, after: str | None) -> Change:
    return Change(name, "noarch", before, after)


class Journal:
    """Text as the program on the host prints it; each job a second after the one before."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def job(
        self,
        *changes: Change,
        on: Inventory | None = None,
        kind: str = INSTALL,
        session: str = "s1",
        of: str | None = None,
        result: str = "SUCCEEDED",
        told: tuple[str, ...] = (),
    ) -> Journal:
        self.count += 1
        installed = (on or host()).installed
        kept = record(kind, session, RUN, changes, installed=installed, of=of).decode()
        self.lines += [f"job {kind}-{self.count} {self.count} {result}", f"record {kept}", *told]
        return self

    def read(self) -> list[Installation]:
        return parse_journal("\n".join([*self.lines, f"jobs {self.count}", ""])).installations()


def installed(*changes: Change, on: Inventory | None = None) -> Installation:
    [found] = Journal().job(*changes, on=on).read()
    return found


def going(found: Any) -> dict[str, tuple[str | None, str | None]]:
    return {each.name: (each.installed_version, each.version or None) for each in changes_of(found.targets)}


def test_what_an_installation_brought_goes_back_and_what_came_along_goes() -> None:
    was = host(("acme", "1.0"), ("old", "3.0", True))
    one = installed(change("acme", "1.0", "1.1"), change("new", None, "2.0"), Change("old", "", "3.0", None), on=was)
    found = undoing(one, host(("acme", "1.1"), ("new", "2.0", True), ("other", "1")))
    assert going(found) == {"acme": ("1.1", "1.0"), "new": ("2.0", None), "old": (None, "3.0")}
    [returning] = [each for each in found.targets if each.name == "old"]
    # apt names no architecture of what it removes; the mark is that of before.
    assert (returning.arch, returning.automatic) == ("noarch", True)
    assert (found.is_whole, found.refused, found.kept, found.back) == (True, {}, {}, 0)


def test_what_is_back_already_is_left_alone_so_that_a_second_time_has_nothing_to_do() -> None:
    one = installed(change("acme", "1.0", "1.1"), change("new", None, "2.0"), change("old", "3.0", None))
    half = undoing(one, host(("acme", "1.0"), ("new", "2.0", True), ("old", "3.0")))
    assert (going(half), half.back, half.is_whole) == ({"new": ("2.0", None)}, 2, False)
    whole = undoing(one, host(("acme", "1.0"), ("old", "3.0")))
    assert (whole.targets, whole.refused, whole.back) == ([], {}, 3)


def test_what_somebody_changed_since_is_refused_with_what_it_is_now() -> None:
    one = installed(change("newer", "1.0", "1.1"), change("gone", "1.0", "1.1"), change("again", "1.0", None))
    found = undoing(one, host(("newer", "1.2"), ("again", "2.0")))
    told = {target.name: reasons for target, reasons in found.refused.items()}
    assert (found.targets, told) == (
        [],
        {
            "newer": ["somebody changed it since: it is 1.2 now"],
            "gone": ["somebody changed it since: it was removed since"],
            "again": ["2.0 was installed since"],
        },
    )


def test_what_came_along_stays_once_somebody_asked_for_it() -> None:
    one = installed(change("new", None, "2.0"))
    found = undoing(one, host(("new", "2.0", False)))
    assert ([each.name for each in found.kept], found.targets) == (["new"], [])


def test_jobs_of_one_turn_count_together_and_the_first_says_how_it_was() -> None:
    journal = Journal().job(change("acme", "1.0", "1.1"), result="FAILED", told=("told transaction 4",))
    journal.job(change("acme", "1.1", "1.2"), change("lib", "5", "6"), told=("told transaction 6", "told snapshot 2"))
    journal.job(change("later", "1", "2"), session="s2")
    first, last = journal.read()
    assert [(each.session, each.created, each.run) for each in (first, last)] == [("s1", 1, RUN), ("s2", 3, RUN)]
    assert (first.told("transaction"), first.told("snapshot"), last.told("transaction")) == ([4, 6], [2], [])
    for now in ("1.1", "1.2"):
        assert going(undoing(first, host(("acme", now), ("lib", "6"))))["acme"] == (now, "1.0")


def test_kernels_beside_each_other_come_and_go_by_themselves() -> None:
    was = host(("kernel-core", "1"), ("kernel-core", "2"))
    # zypper calls the third a new package.
    for before in ("2", None):
        one = installed(change("kernel-core", before, "3"), change("kernel-core", "1", None), on=was)
        found = undoing(one, host(("kernel-core", "2"), ("kernel-core", "3")))
        assert [(each.installed_version, each.version or None) for each in found.targets] == [("3", None), (None, "1")]
        assert undoing(one, was).targets == []


def test_the_kernel_that_runs_is_not_taken_away() -> None:
    one = installed(
        change("kernel-core", "2", "3"), change("linux-image-6.1-lab", None, "6.1"), change("tool", None, "3")
    )
    now: list[Row] = [
        ("kernel-core", "2"),
        ("kernel-core", "3"),
        ("linux-image-6.1-lab", "6.1", True),
        ("tool", "3", True),
    ]
    rpm = {
        "kernels": {
            "running": "3.x86_64",
            "installed": [{"package": "kernel-core", "version": "3", "release": "3.x86_64"}],
        }
    }
    found = undoing(one, host(*now, findings=rpm))
    assert [each.name for each in found.refused] == ["kernel-core"]
    assert "boot another one first" in next(iter(found.refused.values()))[0]
    deb = {"kernels": {"running": "6.1-lab", "installed": []}}
    assert [each.name for each in undoing(one, host(*now, findings=deb)).refused] == ["linux-image-6.1-lab"]
    assert undoing(one, host(*now, findings={})).refused == {}


def test_what_the_host_holds_by_now_is_refused() -> None:
    one = installed(change("acme", "1.0", "1.1"))
    hold = {"name": "acme", "arch": "noarch", "kind": "hold", "version": None, "detail": ""}
    found = undoing(one, host(("acme", "1.1"), holds=[hold]))
    assert list(found.refused.values()) == [["this host holds it back by now"]]


def test_what_was_taken_back_and_came_again_is_somebodys_own() -> None:
    journal = Journal().job(change("acme", "1.0", "1.1"), change("lib", "1", "2"))
    journal.job(change("acme", "1.1", "1.0"), kind=ROLLBACK, session="r1", of="s1")
    [one] = journal.read()
    found = undoing(one, host(("acme", "1.1"), ("lib", "2")))
    assert (going(found), [each.name for each in found.refused]) == ({"lib": ("2", "1")}, ["acme"])
    assert "was taken back before" in next(iter(found.refused.values()))[0]
    # One that did not get to its end says nothing.
    journal.lines = [line.replace("rollback-2 2 SUCCEEDED", "rollback-2 2 FAILED") for line in journal.lines]
    assert not undoing(journal.read()[0], host(("acme", "1.1"), ("lib", "2"))).refused


RESTORE, REMOVE = Target("acme", "noarch", "1.0", "1.1"), Target("new", "noarch", "", "2.0")


@pytest.mark.parametrize(
    ("simulation", "told"),
    [
        (Simulation([change("acme", "1.1", "1.0")], [change("new", "2.0", None)]), []),
        # apt's own words: no architecture, and a package for all of them under the host's.
        (Simulation([change("acme", "1.1", "1.0")], [Change("new", "", "2.0", None)]), []),
        (Simulation(error="no such version"), ["no such version"]),
        (
            Simulation([change("acme", "1.1", "1.0")], [change("new", "2.0", None), change("mine", "7", None)]),
            ["would also remove mine 7"],
        ),
        (
            Simulation([change("acme", "1.1", "1.0"), change("more", None, "3")], [change("new", "2.0", None)]),
            ["would also bring more 3"],
        ),
        (
            Simulation([change("acme", "1.1", "0.9")], [change("new", "2.0", None)]),
            ["would also bring acme 0.9", "the package manager would not bring 1.0 of acme"],
        ),
        (Simulation([change("acme", "1.1", "1.0")]), ["the package manager would not remove 2.0 of new"]),
    ],
)
def test_a_simulation_has_to_do_what_is_planned_and_nothing_else(simulation: Simulation, told: list[str]) -> None:
    assert objections(simulation, [RESTORE, REMOVE]) == told


def test_what_something_needs_by_now_is_kept_and_what_is_gone_is_refused() -> None:
    one = installed(change("acme", "1.0", "1.1"), change("lib", "1", "2"), change("new", None, "2.0"))
    found = undoing(one, host(("acme", "1.1"), ("lib", "2"), ("new", "2.0", True)))

    def simulate(batches: list[list[Target]]) -> list[Simulation]:
        answers = []
        for batch in batches:
            names = {each.name for each in batch}
            if "lib" in names:
                answers.append(Simulation(error="lib 1 is in no repository any more"))
                continue
            coming = [change("acme", "1.1", "1.0")] if "acme" in names else []
            leaving = [change("new", "2.0", None), change("mine", "7", None)] if "new" in names else []
            answers.append(Simulation(coming, leaving))
        return answers

    choice = choose_by(found.targets, simulate, objections)
    after = settled(found, choice)
    assert going(after) == {"acme": ("1.1", "1.0")}
    assert {each.name: reasons for each, reasons in after.refused.items()} == {
        "lib": ["lib 1 is in no repository any more"]
    }
    assert {each.name: reasons for each, reasons in after.kept.items()} == {"new": ["would also remove mine 7"]}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"format": 2}, {"kind": "other"}, {"changes": 7}, {"changes": [7]}, {"session": "a b"}, {"run": 7},
        {"changes": [{"name": "-o", "arch": "noarch", "before": "1", "after": "2"}]},
        {"changes": [{"name": "acme", "arch": "noarch", "before": "1", "after": "-2"}]},
        {"changes": [{"name": "acme", "arch": "no arch", "before": "1", "after": "2"}]},
        {"changes": [{"name": "acme", "arch": "noarch", "before": None, "after": None}]},
    ],
)  # fmt: skip
def test_a_record_that_does_not_fit_is_refused(spoilt: dict[str, Any]) -> None:
    good = json.loads(record(INSTALL, "s1", RUN, [change("acme", "1", "2")], installed=[]))
    for content, fits in ((good, True), ({**good, **spoilt}, False)):
        text = f"job install-1 5 SUCCEEDED\nrecord {json.dumps(content)}\njobs 1\n"
        if fits:
            assert parse_journal(text).count == 1
            continue
        with pytest.raises(PatchError) as caught:
            parse_journal(text)
        assert caught.value.kind == "bad_journal"


@pytest.mark.parametrize("text", ["job install-1 5 SUCCEEDED\nrecord {\n", "job install-1 5 SUCCEEDED\n", "job x\n"])
def test_a_journal_that_was_cut_is_refused(text: str) -> None:
    with pytest.raises(PatchError):
        parse_journal(text)


def test_an_empty_journal_has_nothing() -> None:
    assert (parse_journal("").installations(), parse_journal("jobs 3\n").count) == ([], 3)
