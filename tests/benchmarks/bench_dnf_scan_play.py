"""Our scan play on hosts with dnf against `ping`, and against what people use today: facts, `ansible.builtin.dnf` with
`security: true` in check mode, `package_facts`.

As bench_scan_play.py, with the lab's repositories as they are and with long ones; metadata is fetched before the rounds
and young enough for both sides in all of them.
``bench_dnf_scan_play.py [--rounds 5] [--hosts 1,5] [--sizes 0:0,5000:3000]`` (packages and notices that are added)
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_dnf_read import lengthen
from bench_scan_play import PLAYS, ROOT, TARGET, Bench, fleet, take_turns
from openfleet_lab.api import LabHost
from openfleet_lab.machine import why_not
from openfleet_lab.rpm_repository import View

RESULT = ROOT / ".cache" / "bench" / "dnf_scan_play.json"
KIND = "rhel9"
TODAY = [
    {
        "hosts": "all",
        "gather_facts": True,
        "tasks": [
            {
                "name": "Look for security updates",
                "ansible.builtin.dnf": {"name": "*", "state": "latest", "security": True},
                "check_mode": True,
            },
            {"name": "Gather the packages", "ansible.builtin.package_facts": {"manager": "rpm"}},
        ],
    }
]


def publish(hosts: list[LabHost], packages: int, notices: int) -> None:
    """The same long repositories for every host."""
    first = hosts[0].own_rpm_repositories()
    lengthen(first, packages, notices)
    for host in hosts[1:]:
        other = View(host.lab, host.address, host.kind.distribution)
        shutil.rmtree(other.folder, ignore_errors=True)
        subprocess.run(["cp", "-al", first.folder, other.folder], check=True)


def measure(count: int, rounds: int, packages: int, notices: int) -> dict[str, list[float]]:
    with fleet(count, KIND) as hosts, tempfile.TemporaryDirectory(prefix="openfleet-bench-") as folder:
        if packages:
            publish(hosts, packages, notices)
        for host in hosts:
            host.run(["dnf", "-q", "--refresh", "makecache"])
            seen = len(host.run(["dnf", "-q", "-C", "repoquery", "filler-*"]).stdout.split())
            if seen != packages:
                raise SystemExit(f"{host.name} sees {seen} of {packages} packages that were added")
        bench = Bench(Path(folder), hosts, {"ping": PLAYS["ping"], "today": TODAY})
        return take_turns(bench, ["ping", "today", "ours"], rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", default="1,5")
    parser.add_argument("--sizes", default="0:0,5000:3000")
    options = parser.parse_args()
    if reason := why_not():
        print(reason)
        return 77
    rows = []
    columns = f"{'hosts':>5} {'packages':>8} {'notices':>8} {'ping s':>8} {'today s':>8} {'ours s':>8}"
    print(f"{columns} {'ours/ping':>10} {'ours/today':>11}   medians of {options.rounds}", flush=True)
    for size in options.sizes.split(","):
        packages, notices = map(int, size.split(":"))
        for count in map(int, options.hosts.split(",")):
            times = measure(count, options.rounds, packages, notices)
            medians = {name: statistics.median(values) for name, values in times.items()}
            ratio = medians["ours"] / medians["today"]
            rows.append({"hosts": count, "packages": packages, "notices": notices, "seconds": times,
                         "medians": medians, "ours_to_today": ratio})  # fmt: skip
            print(
                f"{count:>5} {packages:>8} {notices:>8} {medians['ping']:>8.2f} {medians['today']:>8.2f}"
                f" {medians['ours']:>8.2f} {medians['ours'] / medians['ping']:>10.2f} {ratio:>11.2f}",
                flush=True,
            )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        json.dumps({"target": TARGET, "kind": KIND, "rounds": options.rounds, "rows": rows}, indent=1) + "\n"
    )
    worst = max(float(row["ours_to_today"]) for row in rows)  # type: ignore[arg-type]
    print(f"target: at most {TARGET} x today's way at every size; worst: {worst:.2f}")
    return 0 if worst <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
