"""The order of taking back against a made-up host: what is read, looked for, simulated, refused, run and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import VALIDATOR
from made_up_host import MadeUpHost, inventory, package, turn_on

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import Change
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.install_records import INSTALL, record
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import install as installs
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import rollback
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.commands import CommandResult

FIRST, SECOND = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10", "4d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"


def reading(**packages: str) -> Inventory:
    """Installed packages with their versions; of those at version 1 a second one is to be had."""
    more = {"priority": "Required", "automatic": True}
    installed = [package(name, version, **more) for name, version in packages.items()]
    candidates = [package(name, "2", "1", **more) for name, version in packages.items() if version == "1"]
    return inventory(installed, candidates, {})


def change(name: str, before: str | None = "1", after: str | None = "2") -> Change:
    return Change(name, "all", before, after)


def journal(*jobs: tuple[str, list[Change]], more: int = 0) -> str:
    """Of installations, each of a run, the oldest first."""
    lines = []
    for number, (run, changes) in enumerate(jobs, 1):
        kept = record(INSTALL, f"s{number}", run, changes, installed=[]).decode()
        lines += [f"job install-{number} {number} SUCCEEDED", f"record {kept}", f"told transaction {number}"]
    return "\n".join([*lines, f"jobs {len(jobs) + more}", ""])


class Host(MadeUpHost):
    """Simulates what it is asked; ``text`` is its journal, ``gone`` are packages whose versions cannot be had."""

    def __init__(self, *readings: Inventory, text: str, ends: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> None:
        super().__init__(readings, [(result, None) for result in ends])
        self.text, self.gone = text, gone

    def command(self, words: list[str]) -> CommandResult:
        if words[0] == "/bin/sh":
            return CommandResult(0, self.text if words[-1] == "/var/lib/openfleet-patch" else "")
        if words[0] != "apt-get":
            return CommandResult(0, "")
        assert "-s" in words
        lines = []
        for word in words[words.index("install") + 1 :]:
            name, _equals, version = word.partition("=")
            if name in self.gone:
                return CommandResult(100, f"E: Version '{version}' for '{name}' was not found\n")
            if version and not version.startswith("-"):
                lines.append(f"Inst {name} [2] ({version} Debian [all])")
            elif name.endswith("-"):
                lines.append(f"Remv {name[:-1]} [2]")
        return CommandResult(0, "\n".join(lines) + "\n")


Turn = Callable[..., rollback.HostRollback]


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Turn:
    def make(host: Host, *, check_mode: bool = False, **options: Any) -> rollback.HostRollback:
        work: rollback.HostRollback = turn_on(
            host, rollback.HostRollback, "rollback_patches", tmp_path, monkeypatch,
            running_commands=(installs, rollback), check_mode=check_mode, **options,
        )  # fmt: skip
        return work

    return make


def failure(work: rollback.HostRollback) -> PatchError:
    with pytest.raises(PatchError) as caught:
        work.scan()
    assert work.document is not None
    VALIDATOR.validate(work.document)
    return caught.value


LAST = journal((FIRST, [change("curl"), change("libnew", None)]))


def test_what_was_installed_goes_back_as_a_job_whose_record_says_what_it_undoes(turn: Turn) -> None:
    host = Host(reading(curl="2", libnew="2"), reading(curl="1"), text=LAST, ends=("SUCCEEDED",))
    work = turn(host)
    document = work.scan()
    VALIDATOR.validate(document)
    [plan] = host.plans
    assert plan.job_id.startswith("rollback-")
    kept = json.loads(plan.files["record"])
    assert (kept["kind"], kept["of"]) == ("rollback", "s1")
    assert {(each["name"], each["before"], each["after"]) for each in kept["changes"]} == {
        ("curl", "2", "1"), ("libnew", "2", None),
    }  # fmt: skip
    assert host.refreshes == [None, "never"]
    assert work.diff() == {"before": "curl.all 2\nlibnew.all 2\n", "after": "curl.all 1\n"}
    done = document["installation"]
    assert (document["operation"], done["result"], done["refused"]) == ("Install", "SUCCEEDED", [])
    assert done["rollback"]["of"] == {"run": FIRST, "jobs": ["install-1"], "began_at": "1970-01-01T00:00:01Z"}
    assert [each["state"] for each in document["patches"] if each["name"] == "curl"][0] == "MISSING"
    assert [each["kind"] for each in document["warnings"]] == ["would_come_again"]


def test_check_mode_plans_and_runs_nothing(turn: Turn) -> None:
    host = Host(reading(curl="2", libnew="2"), text=LAST)
    work = turn(host, check_mode=True)
    document = work.scan()
    assert (host.plans, document["operation"]) == ([], "Scan")
    assert [each["name"] for each in work.plan()["restore"]] == ["curl"]
    assert work.diff() == {"before": "curl.all 2\nlibnew.all 2\n", "after": "curl.all 1\n"}


@pytest.mark.parametrize("check_mode", [False, True])
def test_nothing_is_begun_where_a_part_would_have_to_stay(turn: Turn, check_mode: bool) -> None:
    host = Host(reading(curl="2", libnew="2"), text=LAST, gone=("curl",))
    work = turn(host, check_mode=check_mode)
    error = failure(work)
    assert (error.kind, host.plans, work.changes) == ("cannot_undo", [], [])
    assert "curl.all 2: curl 1 is in no repository" in error.message
    # The lists may have been old.
    assert host.refreshes == [None, "always"]


def test_the_rest_goes_back_where_the_operator_wants_that(turn: Turn) -> None:
    host = Host(
        reading(curl="2", libnew="2"), reading(curl="2", libnew="2"), reading(curl="2"), text=LAST, gone=("curl",),
        ends=("SUCCEEDED",),
    )  # fmt: skip
    document = turn(host, allow_partial=True).scan()
    VALIDATOR.validate(document)
    assert [each["name"] for each in document["installation"]["installed"]] == ["libnew"]
    assert [each["patch"] for each in document["installation"]["refused"]] == ["curl.all 2"]


def test_a_second_time_has_nothing_left(turn: Turn) -> None:
    host = Host(reading(curl="1"), text=LAST)
    work = turn(host)
    document = work.scan()
    assert (host.plans, document["installation"]["result"], work.plan()["back"]) == ([], "NOTHING_TO_DO", 2)


def test_what_a_failed_job_left_is_tried_once_more_and_then_told(turn: Turn) -> None:
    before = reading(curl="2", libnew="2")
    host = Host(before, before, reading(curl="2"), text=LAST, ends=("FAILED", "FAILED"))
    error = failure(turn(host, host_timeout=1000))
    assert (error.kind, [plan.timeout for plan in host.plans]) == ("rollback_incomplete", [1000, 900])
    assert "Sub-process /usr/bin/dpkg returned an error code (1)" in error.message
    assert "curl.all 2" in error.message


def test_a_host_whose_time_is_up_says_so(turn: Turn) -> None:
    host = Host(reading(curl="2", libnew="2"), text=LAST, ends=("TIMED_OUT",))
    error = failure(turn(host))
    assert (error.kind, len(host.plans)) == ("timed_out", 1)


TWO = journal((FIRST, [change("curl")]), (SECOND, [change("nano")]))


@pytest.mark.parametrize(
    ("text", "run", "kind"),
    [
        (journal(), None, "no_journal"),
        (journal(more=10), FIRST, "no_journal"),
        (TWO, FIRST, "newer_install"),
        (LAST.replace('"format": 1', '"format": 9'), None, "bad_journal"),
    ],
)
def test_why_there_is_nothing_to_go_by_is_said(turn: Turn, text: str, run: str | None, kind: str) -> None:
    host = Host(reading(curl="2", nano="2"), text=text)
    work = turn(host, install_run=run)
    assert (failure(work).kind, host.plans) == (kind, [])
    assert work.document is not None
    assert work.document["installation"]["result"] == "REFUSED"


def test_an_earlier_run_goes_back_once_the_later_one_is(turn: Turn) -> None:
    host = Host(reading(curl="2", nano="1"), reading(curl="1", nano="1"), text=TWO, ends=("SUCCEEDED",))
    document = turn(host, install_run=FIRST.upper()).scan()
    assert [each["name"] for each in document["installation"]["installed"]] == ["curl"]


def test_a_run_that_was_never_here_leaves_the_host_alone(turn: Turn) -> None:
    host = Host(reading(curl="2", nano="2"), text=TWO)
    document = turn(host, install_run="5d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10").scan()
    assert (host.plans, document["installation"]["result"]) == ([], "NOTHING_TO_DO")
    assert [each["kind"] for each in document["warnings"]] == ["nothing_installed"]
