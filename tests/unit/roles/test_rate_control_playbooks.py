"""Real runs of install and rolling_install beside the model of rate control, on the oldest and the newest ansible-core.

Every kind of failure in every place. Where what happens depends on which host is faster, each start is held against
what the model allowed at that moment; where it does not, the whole run is held against the model's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import Played, make_collection, play

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_control import (
    OK,
    RUNNING,
    RatePlan,
    judge,
    play_out,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_input import parse_rates

pytestmark = pytest.mark.slow
HOSTS = tuple(f"h{number}" for number in range(1, 7))
WIDTH = {"install": 2, "rolling_install": 3}
KINDS = ("failed", "unreachable", "timed_out")
PLACES = ("first", "last", "all of a batch")
CORES = ("2.16", "2.21")


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"), install=True)


@dataclass(frozen=True)
class Run:
    """What the stand-ins on the hosts noted themselves, and what the run kept."""

    played: Played
    events: list[str]

    @property
    def started(self) -> list[str]:
        return [event[1:] for event in self.events if event[0] == "+"]

    @property
    def peak(self) -> int:
        """The most hosts that were under way at once."""
        under_way = [
            sum(1 if each[0] == "+" else -1 for each in self.events[:end]) for end in range(len(self.events) + 1)
        ]
        return max(under_way)

    def turns(self) -> list[dict[str, Any]]:
        (path,) = (self.played.run / "turns").glob("*.jsonl")
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(
    core: str,
    collections: Path,
    folder: Path,
    playbook: str,
    fates: dict[str, str],
    rates: dict[str, Any],
    *arguments: str,
    hosts: tuple[str, ...] = HOSTS,
    together: int = 0,
) -> Run:
    more = {"together": together} if together else {}
    variables = json.dumps({f"patch_{name}": value for name, value in rates.items()} | more)
    try:
        played = play(
            core,
            collections,
            folder,
            {host: fates.get(host, OK) for host in hosts},
            *("-e", variables, *arguments),
            playbooks=(f"openfleet.patch.{playbook}",),
        )
    except LookupError as missing:
        pytest.skip(str(missing))
    noted = folder / "began_and_ended"
    return Run(played, noted.read_text(encoding="utf-8").splitlines() if noted.exists() else [])


def check_against_the_model(found: Run, plan: RatePlan, fates: dict[str, str], *, exactly: bool) -> None:
    """Also that the exit code, the outcomes and the summary tell the truth."""
    expected = {host: fates.get(host, OK) for host in found.started}
    assert found.played.outcomes() == expected, found.played.output
    verdict = judge(plan, expected)
    assert verdict.over, "the model would have started further hosts"
    not_started = [host for host in plan.hosts if host not in expected]
    assert (found.played.rc != 0) == bool(not_started or verdict.errors), found.played.output
    assert found.peak <= plan.concurrency
    summary = " ".join(found.played.summary.split())
    assert (f"{len(not_started)} not started" in summary) == bool(not_started)
    assert (verdict.reason in summary) == bool(not_started)
    if exactly:
        model = play_out(plan, fates)
        assert set(found.started) == set(model.started)
        assert found.peak == model.peak or plan.batches


def check_every_start(found: Run, plan: RatePlan) -> None:
    """No start that the model did not allow by what was known then."""
    statuses: dict[str, str] = {}
    for event in found.turns():
        if event.get("status") == RUNNING:
            assert event["host"] in judge(plan, statuses).start, (event, statuses)
        if "host" in event:
            statuses[event["host"]] = event["status"]
    assert set(statuses) == set(found.started)


def where(place: str, kind: str, width: int) -> dict[str, str]:
    chosen = {"first": HOSTS[:1], "last": HOSTS[-1:], "all of a batch": HOSTS[:width]}[place]
    return dict.fromkeys(chosen, kind)


def matrix() -> list[Any]:
    """All of it; what is not needed to have every kind and place on both releases with both playbooks, for test-all."""
    cases = []
    for core, playbook, kind, place in product(CORES, WIDTH, KINDS, PLACES):
        turn = CORES.index(core) + list(WIDTH).index(playbook)
        needed = (KINDS.index(kind) + PLACES.index(place) + turn) % 3 == 0
        marks = () if needed else (pytest.mark.endurance,)
        cases.append(pytest.param(core, playbook, kind, place, marks=marks, id=f"{core}-{playbook}-{kind}-{place}"))
    return cases


@pytest.mark.parametrize(("core", "playbook", "kind", "place"), matrix())
def test_any_failure_anywhere_stops_what_has_not_started_as_the_model_says(
    core: str, playbook: str, kind: str, place: str, collections: Path, tmp_path: Path
) -> None:
    width, sliding = WIDTH[playbook], playbook != "install"
    fates = where(place, kind, width)
    if sliding and place == "first":
        # Nobody else has ended when it fails.
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / "all.json").write_text('{"outlasts": "h1"}')
    forks = ("-f", str(width)) if sliding else ()
    found = run(
        core, collections, tmp_path, playbook, fates, {"concurrency": width}, *forks, together=width if sliding else 0
    )
    plan = parse_rates({"concurrency": width}).plan(HOSTS, batches=not sliding)
    check_against_the_model(found, plan, fates, exactly=True)
    if sliding:
        check_every_start(found, plan)
        assert found.peak == width


@pytest.mark.parametrize(("core", "playbook"), [("2.16", "rolling_install"), ("2.21", "install")])
def test_the_threshold_counts_every_kind_over_the_whole_target_set(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    hosts = tuple(f"h{number:02}" for number in range(1, 11))
    # A fifth of ten may fail: the third stops, though no batch has more than one of them.
    fates = {"h01": "unreachable", "h03": "timed_out", "h05": "failed"}
    rates = {"concurrency": 2, "error_threshold": "20%"}
    found = run(core, collections, tmp_path, playbook, fates, rates, "-f", "2", hosts=hosts, together=2)
    plan = parse_rates(rates).plan(hosts, batches=playbook == "install")
    check_against_the_model(found, plan, fates, exactly=playbook == "install")
    assert set(found.started) <= set(hosts[:7])
    assert set(found.started) >= set(hosts[:5])


@pytest.mark.parametrize(
    ("core", "fates"), [("2.16", {"h1": "unreachable", "h2": "failed"}), ("2.21", {"h3": "timed_out", "h4": "failed"})]
)
def test_reboots_go_by_the_same_rates(core: str, fates: dict[str, str], collections: Path, tmp_path: Path) -> None:
    rates = {"waves": [2, "100%"], "concurrency": 3, "error_threshold": 1}
    found = run(core, collections, tmp_path, "reboot", fates, rates)
    check_against_the_model(found, parse_rates(rates).plan(HOSTS, batches=True), fates, exactly=True)
    assert "openfleet.patch reboot: " in found.played.summary


@pytest.mark.parametrize("core", CORES)
def test_the_window_slides_while_one_host_takes_its_time_and_is_never_wider(
    core: str, collections: Path, tmp_path: Path
) -> None:
    # h1 waits for the fifth host to begin: only a window that slides gets that far.
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "h1.json").write_text('{"together": 5}')
    (tmp_path / "host_vars" / "h2.json").write_text('{"together": 3}')
    (tmp_path / "host_vars" / "h3.json").write_text('{"together": 3}')
    found = run(core, collections, tmp_path, "rolling_install", {}, {"concurrency": "50%"}, "-f", "3")
    assert found.played.rc == 0, found.played.output
    assert sorted(found.started) == list(HOSTS)
    assert found.peak == 3
    assert found.events.index("-h1") > found.events.index(f"+{found.started[4]}")
    check_every_start(found, parse_rates({"concurrency": 3}).plan(HOSTS))


def health_check(folder: Path, *tasks: dict[str, Any]) -> str:
    """A file that notes for which hosts it was run, then runs ``tasks``."""
    line = f"echo {{{{ patch_wave_hosts | join(' ') }}}} >> {folder}/checked"
    path = folder / "check.yml"
    path.write_text(json.dumps([{"name": "Note", "ansible.builtin.shell": line}, *tasks]), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("core", "playbook"), [("2.16", "rollback"), ("2.21", "rolling_install")])
def test_waves_start_after_the_health_check_of_the_one_before(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    (tmp_path / "group_vars").mkdir()
    rates = {"concurrency": 3, "waves": [1, "50%", "100%"], "health_check": health_check(tmp_path), "wave_pause": 1}
    # From the inventory, and not from the command line.
    variables = {f"patch_{name}": value for name, value in rates.items()}
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps(variables), encoding="utf-8")
    found = run(core, collections, tmp_path, playbook, {}, {}, "-f", "3")
    assert found.played.rc == 0, found.played.output
    assert (tmp_path / "checked").read_text().splitlines() == ["h1", "h1 h2 h3"]
    assert found.events[:2] == ["+h1", "-h1"]
    assert set(found.events[2:6]) == {"+h2", "-h2", "+h3", "-h3"}
    assert set(found.started) == set(HOSTS)


@pytest.mark.parametrize(("core", "playbook"), [("2.21", "install"), ("2.16", "rolling_install")])
def test_a_health_check_that_fails_leaves_the_rest_alone(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    bad = {"name": "Look", "ansible.builtin.fail": {"msg": "sick"}, "when": "patch_wave_hosts | length > 1"}
    rates = {"concurrency": 3, "waves": [1, "50%", "100%"], "health_check": health_check(tmp_path, bad)}
    found = run(core, collections, tmp_path, playbook, {}, rates, "-f", "3")
    assert found.played.rc == 2, found.played.output
    assert set(found.started) == {"h1", "h2", "h3"}
    assert found.played.told().startswith("6 hosts, 3 not started")
    summary = " ".join(found.played.summary.split())
    assert "the health check after wave 2 failed: no further host starts" in summary


@pytest.mark.parametrize(("core", "playbook"), [("2.16", "install"), ("2.21", "rolling_install")])
def test_a_health_check_that_meets_a_host_out_of_reach_has_failed(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    gone = {"name": "Ask", "ansible.builtin.ping": {}, "delegate_to": "192.0.2.1", "vars": {"ansible_port": 1}}
    gone["vars"] |= {"ansible_host": "127.0.0.1", "ansible_connection": "ssh"}
    check = health_check(tmp_path, gone)
    rates = {"concurrency": 3, "waves": [1, "100%"], "health_check": check, "health_check_timeout": 3}
    found = run(core, collections, tmp_path, playbook, {}, rates, "-f", "3")
    assert found.played.rc != 0
    assert found.started == ["h1"], found.played.output
    summary = " ".join(found.played.summary.split())
    assert "the health check after wave 1 failed: no further host starts" in summary


@pytest.mark.parametrize(("core", "playbook"), [("2.21", "install"), ("2.16", "rolling_install")])
def test_a_run_begins_with_few_and_never_has_two_of_one_failure_domain(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    (tmp_path / "host_vars").mkdir()
    racks = {"h1": "a", "h2": "a", "h3": "a", "h4": "b", "h5": "b", "h6": "c"}
    for host, rack in racks.items():
        (tmp_path / "host_vars" / f"{host}.json").write_text(json.dumps({"patch_failure_domain": rack}))
    rates = {"concurrency": 4, "ramp_up": True, "max_per_failure_domain": 1}
    found = run(core, collections, tmp_path, playbook, {}, rates, "-f", "4")
    assert found.played.rc == 0, found.played.output
    assert sorted(found.started) == list(HOSTS)
    assert found.events[:2] == ["+h1", "-h1"]
    under_way: list[str] = []
    for event in found.events:
        if event[0] == "+":
            assert racks[event[1:]] not in [racks[host] for host in under_way], found.events
            under_way.append(event[1:])
        else:
            under_way.remove(event[1:])


def test_a_window_that_would_not_be_as_wide_as_asked_for_does_not_open(collections: Path, tmp_path: Path) -> None:
    found = run("2.16", collections, tmp_path, "rolling_install", {}, {"concurrency": "34%"}, "-f", "5")
    assert found.played.rc == 2
    assert found.started == []
    assert "2 of 6 hosts may be under way at once" in found.played.output
    assert "which is 5 now: run it with -f 2" in found.played.output


def test_batches_as_serial_has_them_go_with_a_threshold(collections: Path, tmp_path: Path) -> None:
    fates = {"h1": "failed", "h2": "unreachable"}
    rates = {"serial": [1, 2], "error_threshold": 1}
    found = run("2.21", collections, tmp_path, "install", fates, rates)
    assert found.played.rc == 2
    assert set(found.started) == {"h1", "h2", "h3"}
    assert found.played.told().startswith("6 hosts, 1 failed, 1 unreachable, 3 not started")


def test_what_an_earlier_playbook_of_the_command_found_does_not_count(collections: Path, tmp_path: Path) -> None:
    try:
        played = play(
            "2.16",
            collections,
            tmp_path,
            dict.fromkeys(HOSTS, "unreachable"),
            *("-e", '{"patch_concurrency": 2, "patch_error_threshold": 2, "patch_fail_on": []}'),
            playbooks=("openfleet.patch.scan", "openfleet.patch.install"),
        )
    except LookupError as missing:
        pytest.skip(str(missing))
    began = (tmp_path / "began_and_ended").read_text(encoding="utf-8").splitlines()
    assert {event[1:] for event in began} == {"h1", "h2", "h3", "h4"}, played.output


@pytest.mark.parametrize(
    ("core", "playbook", "lost"),
    [
        ("2.16", "install", "h6"),
        pytest.param("2.21", "install", "h1", marks=pytest.mark.endurance),
        ("2.21", "rolling_install", "h1"),
    ],
)
def test_a_host_that_an_earlier_play_lost_is_told_and_holds_nobody_up(
    core: str, playbook: str, lost: str, collections: Path, tmp_path: Path
) -> None:
    task = {"name": "Lose it", "ansible.builtin.fail": {}, "when": f"inventory_hostname == '{lost}'"}
    plays = [
        {"name": "First", "hosts": "all", "gather_facts": False, "tasks": [task]},
        {"import_playbook": f"openfleet.patch.{playbook}"},
    ]
    (tmp_path / "site.yml").write_text(json.dumps(plays), encoding="utf-8")
    rates = {"patch_concurrency": 3, "patch_waves": [1, "100%"]}
    try:
        played = play(
            core,
            collections,
            tmp_path,
            dict.fromkeys(HOSTS, OK),
            *("-f", "3", "-e", json.dumps(rates)),
            playbooks=(str(tmp_path / "site.yml"),),
        )
    except LookupError as missing:
        pytest.skip(str(missing))
    assert played.rc == 2
    assert set(played.outcomes()) == set(HOSTS) - {lost}, played.output
    assert played.told().startswith("6 hosts, 1 not started"), played.output
