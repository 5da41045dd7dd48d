"""Our scan play against `ping`, and against what people use today: facts, `apt` in check mode, `package_facts`.

Real lab hosts, one run: the three plays take turns, round after round, with the same settings (forks 10, pipelining,
kept ssh connections, package lists refreshed when older than an hour). The hosts' lists are made as long as those of a
real archive, or left as short as the lab's with ``--packages 0``.
``bench_scan_play.py [--rounds 5] [--hosts 1,5,10,20] [--packages 60000]``
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench_apt_read import lengthen
from openfleet_lab.api import LabHost, session, start_host
from openfleet_lab.machine import why_not

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / ".cache" / "bench" / "scan_play.json"
TARGET = 0.3
KIND = "bookworm"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

PLAYS = {
    "ping": [{"hosts": "all", "gather_facts": False, "tasks": [{"name": "Ping", "ansible.builtin.ping": {}}]}],
    "today": [
        {
            "hosts": "all",
            "gather_facts": True,
            "tasks": [
                {
                    "name": "Look for updates",
                    "ansible.builtin.apt": {"upgrade": "dist", "update_cache": True, "cache_valid_time": 3600},
                    "check_mode": True,
                },
                {"name": "Gather the packages", "ansible.builtin.package_facts": {"manager": "apt"}},
            ],
        }
    ],
}


@contextlib.contextmanager
def fleet(count: int, kind: str = KIND) -> Iterator[list[LabHost]]:
    """That many fresh hosts; gone afterwards."""
    with session() as lab:
        hosts: list[LabHost] = []
        try:
            for number in range(count):
                hosts.append(start_host(lab, kind, f"bench-{os.getpid()}-{number}"))
            yield hosts
        finally:
            for host in hosts:
                host.destroy()


def inventory(hosts: list[LabHost]) -> dict[str, object]:
    return {"all": {"hosts": {host.name: host.inventory() for host in hosts}}}


class Bench:
    """One fleet and the three commands; ``time_once`` runs one of them and insists on its success."""

    def __init__(
        self, folder: Path, hosts: list[LabHost], plays: dict[str, list[dict[str, object]]] | None = None
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.count = len(hosts)
        (folder / "inventory.json").write_text(json.dumps(inventory(hosts)))
        common = [str(PLAYBOOK), "-i", str(folder / "inventory.json"), "--forks", "10"]
        self.commands = {"ours": [*common, "openfleet.patch.scan", "-e", f"patch_state_directory={self.state}"]}
        for name, play in (plays or PLAYS).items():
            path = folder / f"{name}.yml"
            path.write_text(json.dumps(play))
            self.commands[name] = [*common, str(path)]
        self.environ = dict(
            os.environ,
            ANSIBLE_HOME=str(folder / "ansible"),
            ANSIBLE_PIPELINING="true",
            ANSIBLE_HOST_KEY_CHECKING="false",
            ANSIBLE_NOCOLOR="1",
        )

    def time_once(self, name: str) -> float:
        shutil.rmtree(self.state, ignore_errors=True)
        started = time.monotonic()
        done = subprocess.run(
            self.commands[name], env=self.environ, cwd=ROOT, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        if done.returncode != 0:
            raise SystemExit(f"the play '{name}' failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        if name == "ours":
            self.insist_on_documents()
        return seconds

    def insist_on_documents(self) -> None:
        """A fast play that judged nothing would be no result."""
        documents = [json.loads(path.read_text()) for path in self.state.rglob("*.json")]
        judged = {str(document["host"]) for document in documents if "summary" in document and "patches" in document}
        if len(judged) != self.count:
            raise SystemExit(f"{len(judged)} of {self.count} hosts have a document in {self.state}")


def measure(count: int, rounds: int, packages: int) -> dict[str, list[float]]:
    names = ["ping", "today", "ours"]
    with fleet(count) as hosts, tempfile.TemporaryDirectory(prefix="openfleet-bench-") as folder:
        bench = Bench(Path(folder), hosts)
        bench.time_once("today")  # fetches the lists, which are young enough for both sides from here on
        for host in hosts if packages else []:
            lengthen(host.run, packages)
        return take_turns(bench, names, rounds)


def take_turns(bench: Bench, names: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round after one that warms caches, each time in another order."""
    for name in names:
        bench.time_once(name)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            times[name].append(bench.time_once(name))
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", default="1,5,10,20")
    parser.add_argument("--packages", type=int, default=60_000)
    options = parser.parse_args()
    if reason := why_not():
        print(reason)
        return 77
    rows = []
    columns = f"{'hosts':>5} {'ping s':>8} {'today s':>8} {'ours s':>8} {'ours/ping':>10} {'ours/today':>11}"
    print(f"{columns}   medians of {options.rounds}", flush=True)
    for count in map(int, options.hosts.split(",")):
        times = measure(count, options.rounds, options.packages)
        medians = {name: statistics.median(values) for name, values in times.items()}
        ratio = medians["ours"] / medians["today"]
        rows.append({"hosts": count, "seconds": times, "medians": medians, "ours_to_today": ratio})
        print(
            f"{count:>5} {medians['ping']:>8.2f} {medians['today']:>8.2f} {medians['ours']:>8.2f}"
            f" {medians['ours'] / medians['ping']:>10.2f} {ratio:>11.2f}",
            flush=True,
        )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    settings = {"target": TARGET, "kind": KIND, "rounds": options.rounds, "packages": options.packages}
    RESULT.write_text(json.dumps({**settings, "rows": rows}, indent=1) + "\n")
    worst = max(float(row["ours_to_today"]) for row in rows)  # type: ignore[arg-type]
    print(f"target: at most {TARGET} x today's way at every size; worst: {worst:.2f}")
    return 0 if worst <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
