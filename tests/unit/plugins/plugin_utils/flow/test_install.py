"""The order of an installation against a made-up host: what is read, simulated, run, tried again and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up_host
import pytest
import yaml
from documents_for_tests import VALIDATOR
from made_up_host import MadeUpHost, inventory, turn_on

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import freeze
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import install as installs
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import install_choice as choices
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.commands import CommandResult
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState

LOCK = {"pid": 7, "name": "unattended-upgr", "file": "/var/lib/dpkg/lock-frontend"}


def package(name: str, old: str, new: str | None = None, **more: Any) -> dict[str, Any]:
    """A candidate, or with the old version alone an installed package."""
    return made_up_host.package(name, new or old, old, **more)


def reading(*candidates: dict[str, Any], installed: tuple[dict[str, Any], ...] = (), **findings: Any) -> Inventory:
    there = [package(each["name"], each["installed_version"]) for each in candidates]
    return inventory([*there, *installed], candidates, findings)


class Host(MadeUpHost):
    """Simulations install what is asked for, unless ``answers`` has another word for it."""

    def __init__(
        self, *readings: Inventory, ends: tuple[tuple[str, str | None], ...] = (), earlier: Any = None
    ) -> None:
        super().__init__(readings, ends)
        self.earlier = earlier
        self.simulated: list[list[str]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.settled = 0

    def settle(self) -> Any:
        self.settled += 1
        return self.earlier

    def command(self, words: list[str]) -> CommandResult:
        if words[0] != "apt-get":
            return CommandResult(0, "")
        assert words[1] == "-s"
        wanted = words[words.index("install") + 1 :]
        self.simulated.append(wanted)
        for word in wanted:
            if word in self.answers:
                return CommandResult(*self.answers[word])
        lines = [f"Inst {word.split('=')[0]} [1] ({word.split('=')[1]} Debian:12/stable [all])" for word in wanted]
        return CommandResult(0, "\n".join(lines) + "\n")


Turn = Callable[..., installs.HostInstall]


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Turn:
    def make(host: Host, *, check_mode: bool = False, **options: Any) -> installs.HostInstall:
        work: installs.HostInstall = turn_on(
            host, installs.HostInstall, "install_patches", tmp_path, monkeypatch,
            running_commands=(installs, choices), check_mode=check_mode, **options,
        )  # fmt: skip
        return work

    return make


def failure(install: installs.HostInstall) -> PatchError:
    with pytest.raises(PatchError) as caught:
        install.scan()
    assert install.document is not None
    VALIDATOR.validate(install.document)
    return caught.value


def states(install: installs.HostInstall) -> dict[str, str]:
    assert install.document is not None
    return {each["name"]: each["state"] for each in install.document["patches"] if each["state"]}


CURL, NANO = package("curl", "1", "2"), package("nano", "1", "2")


def test_check_mode_simulates_and_never_runs_a_job_nor_touches_an_earlier_one(turn: Turn) -> None:
    host = Host(reading(CURL, unfinished={"packages": []}, lock=LOCK))
    install = turn(host, check_mode=True)
    document = install.scan()
    assert (host.plans, host.settled, host.simulated) == ([], 0, [["curl=2"]])
    assert (document["operation"], states(install)) == ("Scan", {"curl": "MISSING"})
    assert [each["version"] for each in install.changes] == ["2"]
    assert install.diff() == {"before": "curl.all 1\n", "after": "curl.all 2\n"}


def test_where_nothing_is_approved_nothing_is_simulated_and_no_job_is_run(turn: Turn) -> None:
    host = Host(reading(package("curl", "1", "2", held={"kind": "hold"}), installed=(package("nano", "2"),)))
    install = turn(host)
    document = install.scan()
    assert (host.plans, host.simulated, install.changes) == ([], [], [])
    assert document["installation"]["result"] == "NOTHING_TO_DO"
    VALIDATOR.validate(document)


def test_what_is_approved_is_installed_and_the_host_read_again(turn: Turn) -> None:
    host = Host(reading(CURL), reading(installed=(package("curl", "2"),)), ends=(("SUCCEEDED", None),))
    install = turn(host)
    document = install.scan()
    VALIDATOR.validate(document)
    [plan] = host.plans
    assert plan.steps[1].argv[-1] == "curl=2"
    assert host.refreshes == [None, "never"]
    assert document["installation"]["installed"] == [
        {"name": "curl", "arch": "all", "installed_version": "1", "version": "2"}]  # fmt: skip


def test_after_everything_together_failed_the_families_are_tried_one_by_one_within_the_time_left(turn: Turn) -> None:
    before, half = reading(CURL, NANO), reading(NANO, installed=(package("curl", "2"),))
    host = Host(before, half, half, half, ends=(("FAILED", None), ("PARTIAL", None)))
    install = turn(host, host_timeout=1000)
    error = failure(install)
    assert (error.kind, states(install)["nano"]) == ("install_incomplete", "FAILED")
    assert "Sub-process /usr/bin/dpkg" in error.message
    assert [plan.timeout for plan in host.plans] == [1000, 900]
    assert host.plans[1].steps[1].continue_on_failure
    assert host.refreshes == [None, "never", "always", "never"]


def test_a_step_that_failed_although_every_version_came_is_told_and_fails_nobody(turn: Turn) -> None:
    there = reading(installed=(package("curl", "2"),))
    host = Host(reading(CURL), there, there, ends=(("FAILED", None),))
    document = turn(host).scan()
    VALIDATOR.validate(document)
    [told] = [each["message"] for each in document["warnings"] if each["kind"] == "step_failed"]
    assert told.startswith("'install 1 packages' ended as FAILED: step ")
    assert "step 'install curl 2' ended with exit code 100: E: Sub-process /usr/bin/dpkg" in told
    assert (document["installation"]["result"], document["verdict"]) == ("FAILED", "compliant")


@pytest.mark.parametrize("before", [None, "half-configured"], ids=["by this run", "by an earlier one"])
def test_a_package_that_nobody_approved_and_that_is_left_half_configured_fails_the_host(
    turn: Turn, before: str | None
) -> None:
    along = package("libnew", "1", "1", unfinished=before, security=False, priority="Extra")
    left = reading(installed=(package("curl", "2"), {**along, "version": "2", "unfinished": "half-configured"}))
    first = reading(CURL, installed=(along,), **({"unfinished": {"packages": []}} if before else {}))
    ends = ("FAILED", None)
    host = Host(*([first, first] if before else [first]), left, left, ends=(ends, ends) if before else (ends,))
    error = failure(turn(host))
    assert error.kind == "install_incomplete"
    assert "libnew.all 2: step " in error.message


def test_no_job_follows_when_the_time_of_the_host_is_up(turn: Turn) -> None:
    host = Host(reading(CURL), ends=(("TIMED_OUT", "job"),))
    install = turn(host)
    assert failure(install).kind == "timed_out"
    assert install.document is not None
    assert install.document["installation"]["result"] == "TIMED_OUT"
    host = Host(reading(CURL), ends=(("FAILED", None),))
    assert failure(turn(host, host_timeout=90)).kind == "install_incomplete"
    assert len(host.plans) == 1


def test_after_a_hang_what_is_unpacked_is_configured_and_nothing_else_is_begun(turn: Turn) -> None:
    left = (package("curl", "2", unfinished="half-configured"), package("nano", "2", unfinished="unpacked"))
    host = Host(
        reading(CURL, NANO, package("vim", "1", "2")),
        reading(package("vim", "1", "2"), installed=left),
        reading(package("vim", "1", "2"), installed=(left[0], package("nano", "2"))),
        ends=(("FAILED", "step"), ("SUCCEEDED", None)),
    )
    install = turn(host)
    assert "(running: acme.postinst)" in failure(install).message
    assert [plan.steps[0].argv[-2:] for plan in host.plans[1:]] == [("--configure", "nano")]
    assert {name: states(install)[name] for name in ("curl", "nano", "vim")} == {
        "curl": "FAILED", "nano": "INSTALLED", "vim": "FAILED"}  # fmt: skip
    assert [each["name"] for each in install.changes] == ["nano"]


def test_an_interrupted_dpkg_is_finished_before_anything_is_decided(turn: Turn) -> None:
    half = package("nano", "2", unfinished="half-configured")
    broken = reading(CURL, installed=(half,), unfinished={"packages": []})
    repaired = reading(CURL, installed=(package("nano", "2"),))
    done = reading(installed=(package("nano", "2"), package("curl", "2")))
    host = Host(broken, repaired, done, ends=(("SUCCEEDED", None), ("SUCCEEDED", None)))
    install = turn(host)
    document = install.scan()
    assert host.plans[0].steps[0].argv[-2:] == ("--configure", "-a")
    assert "nano half-configured" in next(
        each["message"] for each in document["warnings"] if each["kind"] == "interrupted_transaction"
    )
    assert [(each["name"], each["installed_version"]) for each in install.changes] == [("curl", "1"), ("nano", None)]


def test_what_finishing_an_interrupted_dpkg_left_is_told_and_fails_the_host_by_its_own_state(turn: Turn) -> None:
    gone = package("gone", "1", unfinished="reinstallation required", security=False, priority="Extra")
    broken = reading(installed=(gone,), unfinished={"packages": []})
    install = turn(Host(broken, ends=(("SUCCEEDED", None),)))
    error = failure(install)
    assert "gone.all 1: its installation began and has not ended: it is reinstallation required" in error.message
    assert install.document is not None
    [note] = [each["message"] for each in install.document["warnings"] if each["kind"] == "interrupted_transaction"]
    assert note.endswith(
        "was finished. Left by it: gone reinstallation required. Still left: gone reinstallation required."
    )


def test_where_a_waiting_script_hangs_nothing_new_is_begun(turn: Turn) -> None:
    half = package("nano", "2", unfinished="half-configured")
    host = Host(reading(CURL, installed=(half,), unfinished={"packages": []}), ends=(("FAILED", "step"),))
    install = turn(host)
    assert failure(install).kind == "install_incomplete"
    assert len(host.plans) == 1
    assert states(install) == {"nano": "FAILED", "curl": "FAILED"}


def test_a_lock_is_waited_for_and_its_holder_named(turn: Turn) -> None:
    host = Host(reading(CURL, lock=LOCK))
    install = turn(host, lock_timeout=12)
    error = failure(install)
    assert (error.kind, host.plans) == ("locked", [])
    assert "unattended-upgr (pid 7) holds /var/lib/dpkg/lock-frontend" in error.message
    assert len([line for line in host.told if line.startswith("waiting for unattended-upgr")]) == 1
    assert 12 <= host.now < 20
    # Once it is free the lists are read as the task wants it, since the holder may have kept them from being fetched.
    free = Host(reading(CURL, lock=LOCK), reading(), reading(installed=(package("curl", "2"),)))
    turn(free).scan()
    assert free.refreshes == [None, "never", None]


def test_a_failed_refresh_is_not_forgotten_by_the_reading_afterwards(turn: Turn) -> None:
    failed = reading(CURL)
    failed.refresh = {"attempted": True, "ok": False, "errors": ["503"], "skipped_because": None}
    host = Host(failed, reading(installed=(package("curl", "2"),)), ends=(("SUCCEEDED", None),))
    document = turn(host).scan()
    assert (document["refresh"]["ok"], document["verdict"]) == (False, "unknown")
    assert {"kind": "refresh_failed", "message": "503"} in document["warnings"]


def test_a_version_that_left_the_repository_is_read_for_and_decided_again(turn: Turn) -> None:
    newer = package("curl", "1", "3")
    host = Host(reading(CURL), reading(newer), reading(installed=(package("curl", "3"),)), ends=(("SUCCEEDED", None),))
    host.answers["curl=2"] = (100, "E: Version '2' for 'curl' was not found\n")
    install = turn(host)
    install.scan()
    assert host.refreshes == [None, "always", "never"]
    assert [plan.steps[1].argv[-1] for plan in host.plans] == ["curl=3"]


def test_what_somebody_else_installed_meanwhile_is_found_by_reading_again_and_is_no_failure(turn: Turn) -> None:
    host = Host(reading(CURL), reading(installed=(package("curl", "2"),)))
    host.answers["curl=2"] = (0, "curl is already the newest version (2).\n")
    install = turn(host)
    document = install.scan()
    assert host.refreshes == [None, "always"]
    assert (host.plans, document["installation"]["result"], document["verdict"]) == ([], "NOTHING_TO_DO", "compliant")


@pytest.mark.parametrize("word", ["half-installed", "reinstallation required", "half-configured"])
def test_a_version_that_was_to_be_replaced_does_not_count_beside_the_one_that_failed(turn: Turn, word: str) -> None:
    left = reading(CURL)
    left.installed = [package("curl", "1", unfinished=word)]
    install = turn(Host(reading(CURL), left, ends=(("FAILED", None), ("FAILED", None))))
    message = failure(install).message
    assert message.startswith("1 approved patch " if word != "half-configured" else "2 approved patches ")
    assert "curl.all 2: " in message


def test_without_root_nothing_is_begun(turn: Turn) -> None:
    unprivileged = replace(reading(CURL), privileged=False)
    assert failure(turn(Host(unprivileged))).kind == "no_privilege"


def test_the_library_is_brought_up_to_date_first_unless_it_is_rejected_or_a_list_decides(turn: Turn) -> None:
    library = package("python3-apt", "1", "2", security=False)
    done = reading(installed=(package("curl", "2"), package("python3-apt", "2")))
    host = Host(reading(CURL, library), done, ends=(("SUCCEEDED", None),))
    turn(host).scan()
    names = [step.name for step in host.plans[0].steps]
    assert names.index("install python3-apt 2") < names.index("install curl 2")
    listed = Host(reading(CURL, library), done, ends=(("SUCCEEDED", None),))
    turn(listed, install_override_list={"patches": [{"id": "curl.all"}]}).scan()
    assert "install python3-apt 2" not in [step.name for step in listed.plans[0].steps]


def test_an_earlier_job_that_was_finished_first_is_reported(turn: Turn) -> None:
    earlier = JobState("poll", "finished", "old", "install 2 packages", "INTERRUPTED", None, "done", 1000, 1100, 1100)
    document = turn(Host(reading(), earlier=earlier)).scan()
    assert (document["interrupted_run"]["job"], document["interrupted_run"]["result"]) == ("old", "INTERRUPTED")
    VALIDATOR.validate(document)


def test_with_a_list_what_it_does_not_name_stays_missing_and_is_no_failure(turn: Turn) -> None:
    after = reading(NANO, installed=(package("curl", "2"),))
    host = Host(reading(CURL, NANO), after, ends=(("SUCCEEDED", None),))
    install = turn(host, install_override_list={"patches": [{"id": "curl"}]})
    document = install.scan()
    VALIDATOR.validate(document)
    assert host.simulated == [["curl=2"]]
    assert states(install)["nano"] == "MISSING"
    assert document["installation"]["selection"]["kind"] == "override_list"


def test_what_a_list_names_and_could_not_be_installed_fails_whether_the_baseline_approves_it_or_not(turn: Turn) -> None:
    unapproved = package("own", "1", "2", security=False, repository="stable", priority="Extra", section="misc")
    host = Host(reading(unapproved), reading(unapproved), ends=(("FAILED", None), ("FAILED", None)))
    install = turn(host, install_override_list={"patches": [{"id": "own"}]})
    error = failure(install)
    assert error.kind == "install_incomplete"
    assert "own.all 2" in error.message


def test_on_a_host_without_notices_a_cve_is_not_called_closed(turn: Turn) -> None:
    host = Host(reading(CURL))
    error = failure(turn(host, install_override_list={"patches": [{"cve": "CVE-2026-0001"}]}))
    assert (error.kind, host.plans) == ("no_update_notices", [])


def test_what_a_list_names_and_the_host_holds_is_told(turn: Turn) -> None:
    held = package("curl", "1", "2", held={"kind": "hold", "detail": "x"})
    document = turn(Host(reading(held)), install_override_list={"patches": [{"id": "curl"}]}).scan()
    [warning] = [each for each in document["warnings"] if each["kind"] == "wanted_but_held"]
    assert "curl.all 2" in warning["message"]


def snapshot_of(path: Path, *packages: tuple[str, str], along: tuple[str, str] | None = None) -> str:
    patches = [
        {"id": name, "name": name, "arch": "all", "installed_version": version, "state": "INSTALLED"}
        for name, version in packages
    ]
    canary = {
        "host": "canary", "operating_system": "DEBIAN", "product": "Debian12", "operation": "Install", "error": None,
        "verdict": "compliant", "run": {"id": "r", "as_of": "x"}, "baseline": {"name": "b", "digest": "d"},
        "installation": {}, "patches": patches,
        "pulled_in": [{"name": along[0], "arch": "all", "version": along[1]}] if along else [],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(freeze([canary], frozen_at="2026-11-20T00:00:00Z")))
    return str(path)


def test_with_a_snapshot_its_versions_come_and_newer_ones_do_not(turn: Turn, tmp_path: Path) -> None:
    newer = package("curl", "1", "3")
    after = reading(package("curl", "2", "3"), NANO)
    host = Host(reading(CURL, newer, NANO), after, ends=(("SUCCEEDED", None),))
    install = turn(host, snapshot=snapshot_of(tmp_path / "s.yml", ("curl", "2")))
    document = install.scan()
    VALIDATOR.validate(document)
    assert host.simulated == [["curl=2"]]
    assert states(install) == {"curl": "MISSING", "nano": "MISSING"}
    assert document["installation"]["selection"]["kind"] == "snapshot"


@pytest.mark.parametrize(("frozen", "runs"), [("7", 1), ("6", 0)])
def test_a_dependency_comes_in_the_version_of_the_snapshot_or_not_at_all(
    turn: Turn, tmp_path: Path, frozen: str, runs: int
) -> None:
    after = reading(installed=(package("curl", "2"),))
    host = Host(reading(CURL), *([after] if runs else []), ends=(("SUCCEEDED", None),))
    lines = "Inst curl [1] (2 Debian:12/stable [all])\nInst libnew (7 Debian:12/stable [all])\n"
    host.answers = {"curl=2": (0, lines)}
    install = turn(host, snapshot=snapshot_of(tmp_path / "s.yml", ("curl", "2"), along=("libnew", frozen)))
    if runs:
        install.scan()
    else:
        assert "libnew" in failure(install).message
    assert len(host.plans) == runs


def test_a_version_of_the_snapshot_that_is_gone_stops_before_anything_is_installed(turn: Turn, tmp_path: Path) -> None:
    host = Host(reading(package("curl", "1", "3")))
    error = failure(turn(host, snapshot=snapshot_of(tmp_path / "s.yml", ("curl", "2"))))
    assert (error.kind, host.plans) == ("snapshot_unavailable", [])
