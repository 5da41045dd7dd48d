"""Hosts that have had their turn are counted once each, by however many workers."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.turn_count import count_turn

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
RUN_ID = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"


def opened(state: Path, process: str = "first") -> Run:
    return open_run(state, now=NOW, controller_key=process, run_id=RUN_ID)


def test_a_host_is_counted_once_and_hosts_of_other_plays_not_at_all(tmp_path: Path) -> None:
    run, hosts = opened(tmp_path), ["web1", "web2", "../db"]
    assert count_turn(run, "web1", play="Scan", hosts=hosts) == 1
    assert count_turn(run, "web1", play="Scan", hosts=hosts) is None
    assert count_turn(run, "../db", play="Scan", hosts=list(reversed(hosts))) == 2
    assert count_turn(run, "elsewhere", play="Scan", hosts=hosts) is None
    assert count_turn(run, "web2", play="Scan", hosts=hosts) == 3


def test_another_play_and_another_process_count_anew(tmp_path: Path) -> None:
    hosts = ["web1", "web2"]
    assert count_turn(opened(tmp_path), "web1", play="Scan", hosts=hosts) == 1
    assert count_turn(opened(tmp_path), "web1", play="Install", hosts=hosts) == 1
    assert count_turn(opened(tmp_path), "web1", play="Scan", hosts=[*hosts, "web3"]) == 1
    assert count_turn(opened(tmp_path, "second"), "web1", play="Scan", hosts=hosts) == 1


def test_workers_at_once_get_every_number_once(tmp_path: Path) -> None:
    run, hosts = opened(tmp_path), [f"web{number}" for number in range(40)]
    workers = []
    for part in range(8):
        if (child := os.fork()) == 0:
            places = [count_turn(run, host, play="Scan", hosts=hosts) for host in hosts[part::8]]
            (tmp_path / f"places{part}").write_text("\n".join(map(str, places)))
            os._exit(0)
        workers.append(child)
    assert [os.waitpid(child, 0)[1] for child in workers] == [0] * 8
    told = [int(line) for part in range(8) for line in (tmp_path / f"places{part}").read_text().split()]
    assert sorted(told) == list(range(1, 41))
