"""How long the HTML report of 1,000 hosts with 300 patches each takes, from documents on disk to the file.

Run from anywhere: ``python tests/benchmarks/bench_report.py [--json FILE] [--hosts N] [--patches N]``. Prints a table
and one line of JSON; ends with status 1 when it takes 10 s or more of processor time, or 500 MB or more of memory.
Processor time counts, so that a busy machine does not change the verdict; wall time is shown beside it. The report is
built in a process of its own, whose peak of memory counts; documents are made and written before.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / ".cache" / "collections", ROOT / "tests" / "tools"):
    sys.path.insert(0, str(folder))
TARGET_SECONDS = 10.0
TARGET_MEGABYTES = 500
BUILDS = 12
"""So many kinds of hosts: those of one kind are offered the same patches, each kind has its own versions."""

BUILD = """
import resource, sys, time
sys.path[:0] = sys.argv[4:]
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.history import open_history
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.reporting import gather_report, write_report
started, used = time.perf_counter(), time.process_time()
report = gather_report(open_history(sys.argv[1]), generated_at=sys.argv[3], trend_runs=0)
written = write_report(report, ["html"], sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
findings = sum(len(host.patches) for host in report.hosts)
print(time.perf_counter() - started, time.process_time() - used, peak, len(report.hosts), len(report.patches), findings)
"""


def make_fleet(state: Path, hosts: int, patches: int) -> None:
    """Documents as scans leave them; every host also has 200 installed packages."""
    from documents_for_tests import AS_OF, candidate, document, installed, inventory

    from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run

    now = datetime.fromisoformat(AS_OF.replace("Z", "+00:00")).astimezone(timezone.utc)
    run = open_run(state, now=now, controller_key="bench")
    kinds: list[dict[str, Any]] = []
    for kind in range(BUILDS):
        notices = [
            [{"id": f"DSA-{number}-{kind}", "cves": [f"CVE-2026-{kind}{number:04}"], "bugzillas": []}]
            for number in range(patches)
        ]
        found = inventory(
            candidates=[
                candidate(f"package-{number}", f"2.{kind}-{number}", advisories=notices[number])
                for number in range(patches)
            ],
            installed=[installed(f"installed-{number}", security=True) for number in range(200)],
        )
        kinds.append(document("kind", found=found))
    for number in range(hosts):
        made = copy.copy(kinds[number % BUILDS])
        made.update(host=f"host-{number:04}.example.com", patch_group=f"group-{number % 7}")
        (run.path / "hosts" / f"{made['host']}.json").write_text(json.dumps(made), encoding="utf-8")


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--patches", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="leave the page in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state, out = Path(folder, "state"), options.keep or Path(folder, "out")
        started = time.perf_counter()
        make_fleet(state, options.hosts, options.patches)
        made_in = time.perf_counter() - started
        paths = [str(ROOT / ".cache" / "collections")]
        told = subprocess.run(
            [sys.executable, "-c", BUILD, str(state), str(out), "2026-11-21T00:00:00Z", *paths],
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        size = (out / "report.html").stat().st_size / 1e6
    wall, cpu, peak = (float(value) for value in told[:3])
    hosts, patches, findings = (int(value) for value in told[3:])
    reached = cpu < TARGET_SECONDS and peak < TARGET_MEGABYTES
    print(f"{'hosts':>7}{'findings':>10}{'patches':>9}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'page MB':>9}")
    print(f"{hosts:>7}{findings:>10}{patches:>9}{wall:>8.2f}{cpu:>8.2f}{peak:>9.0f}{size:>9.1f}")
    result = {
        "benchmark": "report",
        "target_cpu_seconds": TARGET_SECONDS,
        "target_megabytes": TARGET_MEGABYTES,
        "reached": reached,
        "python": platform.python_version(),
        "hosts": hosts,
        "findings": findings,
        "distinct_patches": patches,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_megabytes": round(peak),
        "page_megabytes": round(size, 1),
        "documents_made_in_seconds": round(made_in, 1),
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
