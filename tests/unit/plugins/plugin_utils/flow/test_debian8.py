"""The order of things on Debian 8, against a made-up host: what is asked, run, refused and told."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import CommandStep, FileArgument
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.debian8 import Debian8
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.plan import job_plan
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState, UnitState
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import FileReference, Plan, Undo

ARGUMENTS = {
    "debian8_signing_key": None,
    "debian8_signing_key_fingerprint": None,
    "debian8_accept_expired_release": False,
    "lock_timeout": 1,
    "step_timeout": 60,
    "host_timeout": 600,
}
LIST = "/etc/apt/sources.list.d/b.list"
ACTIVE = b"deb http://x jessie-backports main\n"


def inventory(version: str = "8", **more: Any) -> Inventory:
    return Inventory(
        "DEBIAN",
        "x",
        {"version": version},
        {"name": "apt"},
        None,
        "2026-01-01T00:00:00Z",
        **{"privileged": True, **more},
    )


class Host:
    """Channel and driver in one: answers commands, and ends each job as the test says."""

    def __init__(self, *ends: tuple[str, dict[str, tuple[int, str]], str]) -> None:
        self.last_system: dict[str, Any] | None = {"uid": 0, "os_release": 'ID=debian\nVERSION_ID="8"\n'}
        self.ends = list(ends)
        self.plans: list[Plan] = []
        self.programs: list[str] = []
        self.logs: dict[str, str] = {}

    def task_environment(self) -> dict[str, str]:
        return {"TOKEN": "s3cret"}

    def run_program(self, program: str, mark: str) -> str:
        self.programs.append(program)
        answer = "libc6 amd64 2.19\n"
        if "dpkg-query" not in program:
            answer = f"{base64.b64encode(LIST.encode()).decode()} {base64.b64encode(ACTIVE).decode()}\n"
        return f"\n{mark} 0 {answer.encode().hex()} end\n"

    def run(self, plan: Plan) -> JobState:
        self.plans.append(plan)
        result, codes, undo = self.ends.pop(0) if self.ends else ("SUCCEEDED", {}, "done")
        units = []
        for number, step in enumerate(plan.steps, 1):
            code, self.logs[step.name] = codes.get(step.name, (0, ""))
            units.append(UnitState(number, step.name, "ended", code, 1, 2, 1, None))
        return JobState("poll", "finished", plan.job_id, plan.title, result, None, undo, steps=tuple(units))

    def log_end(self, _job: str, step: UnitState) -> str:
        return self.logs[step.name]


def debian8(host: Host, *, check_mode: bool = False, **options: Any) -> Debian8:
    arguments = {**ARGUMENTS, **options}
    return Debian8(host, host, arguments, check_mode, lambda _line: None, lambda name: name)  # type: ignore[arg-type]


def reader(*answers: Inventory | PatchError) -> tuple[Callable[[str | None], Inventory], list[str | None]]:
    asked: list[str | None] = []
    waiting = list(answers)

    def read(refresh: str | None) -> Inventory:
        asked.append(refresh)
        answer = waiting.pop(0)
        if isinstance(answer, PatchError):
            raise answer
        return answer

    return read, asked


def test_a_host_that_is_no_debian_8_is_read_and_nothing_else() -> None:
    host = Host()
    turn = debian8(host)
    read, asked = reader(inventory("12"))
    found = turn.read(read, "auto")
    assert turn.prepared(found, read) is found
    assert (turn.steps(found), turn.warnings, turn.failure([]), asked) == ([], [], None, ["auto"])
    assert host.plans == host.programs == []


def test_debian_8_is_prepared_once_and_read_again_without_a_refresh_of_the_readers() -> None:
    host = Host()
    turn = debian8(host)
    read, asked = reader(inventory(), inventory(), inventory(), inventory())
    found = turn.prepared(turn.read(read, None), read)
    assert turn.prepared(found, read) is found
    assert (asked, len(host.plans)) == ([None, "never"], 1)
    [plan] = host.plans
    undone = [step.undo.files for step in plan.steps if step.undo]
    assert undone == [(LIST, LIST + ".openfleet-new"), ("/etc/apt/trusted.gpg.d/openfleet-patch-debian8.gpg",)]
    assert all(step.undo is None or step.undo.always for step in plan.steps)
    assert plan.secret_files == {"source-0-before": ACTIVE, "source-0-during": b"# " + ACTIVE}
    assert set(plan.files) == {"pending", "signing-key", "update"}
    assert plan.secret_environment == {"TOKEN": "s3cret"}
    assert (found.refresh["attempted"], found.refresh["ok"], found.refresh["errors"]) == (True, True, [])
    turn.read(read, "always")
    assert (asked[-1], len(host.plans)) == ("never", 2)
    assert [step.name for step in turn.steps(found)] == ["comment out jessie-backports", "import the signing key"]


def test_what_apt_could_not_refresh_is_told_with_advice_and_makes_the_refresh_a_failed_one() -> None:
    log = "W: GPG error: http://x: The following signatures were invalid: EXPKEYSIG EDA0D2388AE22BA9\n"
    host = Host(
        ("PARTIAL", {"refresh the package lists": (100, log), "bring python3-apt up to date": (100, "E: no\n")}, "done")
    )
    turn = debian8(host)
    read, _asked = reader(inventory(), inventory())
    found = turn.prepared(turn.read(read, None), read)
    assert [each["kind"] for each in turn.warnings] == ["expired_signing_key", "python3_apt_not_updated"]
    assert found.refresh["ok"] is False
    assert re.search(r"debian8_signing_key.*", found.refresh["errors"][0])
    assert found.refresh["errors"][1] == log.strip()
    assert found.warnings == [{"kind": "refresh_failed", "message": log.strip()}]


@pytest.mark.parametrize(
    ("result", "undo", "kind"),
    [
        ("SUCCEEDED", "failed", "not_restored"),
        ("FAILED", "done", "debian8_not_prepared"),
        ("TIMED_OUT", "done", "timed_out"),
    ],
)
def test_nothing_is_decided_after_a_preparation_that_did_not_work(result: str, undo: str, kind: str) -> None:
    turn = debian8(Host((result, {"comment out jessie-backports": (1, "E: changed")}, undo)))
    read, asked = reader(inventory())
    with pytest.raises(PatchError) as caught:
        turn.prepared(turn.read(read, None), read)
    assert (caught.value.kind, asked) == (kind, [None])


def test_an_installing_job_that_could_not_restore_is_a_failure() -> None:
    fine = JobState("poll", "finished", "a", result="SUCCEEDED", undo_result="done")
    broken = JobState("poll", "finished", "b", result="SUCCEEDED", undo_result="failed")
    turn = debian8(Host())
    assert turn.failure([fine]) is None
    failure = turn.failure([fine, broken])
    assert failure is not None
    assert (failure.kind, failure.details) == ("not_restored", {"job": "b"})


def test_a_missing_python3_apt_is_brought_and_counts_as_newly_installed() -> None:
    host = Host()
    turn = debian8(host)
    packages = [
        {"name": "libc6", "arch": "amd64", "version": "2.19"},
        {"name": "python3-apt", "arch": "amd64", "version": "1"},
    ]
    read, asked = reader(PatchError("no_interpreter", "none"), inventory(installed=packages))
    found = turn.read(read, None)
    assert asked == [None, "never"]
    assert [each["name"] for each in turn.before(found).installed] == ["libc6"]
    assert turn.prepared(found, read) is found
    assert len(host.plans) == 1


def test_why_python3_apt_could_not_be_brought_is_part_of_the_error() -> None:
    host = Host(
        ("PARTIAL", {"bring python3-apt up to date": (100, "E: Unable to locate package python3-apt\n")}, "done")
    )
    read, _asked = reader(PatchError("no_interpreter", "No Python."), PatchError("no_interpreter", "No Python."))
    with pytest.raises(PatchError, match=r"No Python\. .*Unable to locate package python3-apt"):
        debian8(host).read(read, None)


@pytest.mark.parametrize(
    ("kind", "system", "check_mode"),
    [
        ("timed_out", None, False),
        ("no_interpreter", {"uid": 0, "os_release": "ID=debian\nVERSION_ID=12\n"}, False),
        ("no_interpreter", {"uid": 1000, "os_release": "ID=debian\nVERSION_ID=8\n"}, False),
        ("no_interpreter", {"uid": 0, "os_release": "ID=debian\nVERSION_ID=8\n"}, True),
    ],
)
def test_other_failures_to_read_stay_what_they_are(kind: str, system: dict[str, Any] | None, check_mode: bool) -> None:
    host = Host()
    host.last_system = system
    read, _asked = reader(PatchError(kind, "as it was"))
    with pytest.raises(PatchError, match="as it was"):
        debian8(host, check_mode=check_mode).read(read, None)
    assert host.plans == []


@pytest.mark.parametrize(("check_mode", "privileged"), [(True, True), (False, False)])
def test_check_mode_and_an_unprivileged_task_run_no_job(check_mode: bool, privileged: bool) -> None:
    host = Host()
    turn = debian8(host, check_mode=check_mode)
    read, _asked = reader(inventory(privileged=privileged))
    found = turn.read(read, None)
    assert turn.prepared(found, read) is found
    assert host.plans == host.programs == []
    assert [each["kind"] for each in turn.warnings] == (["debian8_check_mode"] if check_mode else [])


@pytest.mark.parametrize(
    "options",
    [
        {"debian8_signing_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"},
        {"debian8_signing_key": "/nonexistent.gpg", "debian8_signing_key_fingerprint": ["0" * 40]},
        {"debian8_signing_key_fingerprint": ["0" * 40]},
    ],
)
def test_a_key_that_is_not_the_one_meant_is_refused_before_any_host_is_touched(options: dict[str, Any]) -> None:
    host = Host()
    with pytest.raises(PatchError) as caught:
        debian8(host, **options)
    assert (caught.value.kind, host.programs) == ("bad_signing_key", [])


def test_a_step_s_files_travel_with_the_plan_and_its_changes_are_undone() -> None:
    steps = [
        CommandStep("x", ("cat", FileArgument("a", b"\0A")), 5, undo_files=("/etc/x",)),
        CommandStep("y", ("true",), 5),
    ]
    plan = job_plan("job", steps, changes=(), boot_id=None, environment={}, timeout=9, title="a title")
    assert (plan.title, plan.files["a"]) == ("a title", b"\0A")
    assert plan.steps[0].argv == ("cat", FileReference("a"))
    assert [step.undo for step in plan.steps] == [Undo(files=("/etc/x",), always=True), None]
