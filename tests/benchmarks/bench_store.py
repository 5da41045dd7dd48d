"""A year of daily scans in the store: how long documents take to be kept, and how long the questions take then.

Run from anywhere: ``python tests/benchmarks/bench_store.py [--json FILE] [--hosts N] [--days N]``. SQLite on the disk
of the temporary folder, where each document waits for the disk. Ends with status 1 when keeping a document takes 20 ms
of processor time or more, or a question about what is open a second or more (the median of five).
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / ".cache" / "collections", ROOT / "tests" / "tools"):
    sys.path.insert(0, str(folder))
TARGET_KEEP_MS = 20.0
TARGET_QUESTION_SECONDS = 1.0
START = datetime(2025, 11, 20, tzinfo=timezone.utc)
OPEN, INSTALLED = 20, 130


def document_of(day: int) -> dict[str, Any]:
    """20 patches are open, a different one is new every day and stays for 20 days; 130 are installed and listed."""
    from documents_for_tests import candidate, document, installed, inventory

    found = inventory(
        candidates=[
            candidate(
                f"package-{number % 90}",
                f"2.{number}",
                advisories=[{"id": f"DSA-{number}-1", "cves": [f"CVE-2026-{number:04}"], "bugzillas": []}],
            )
            for number in range(day, day + OPEN)
        ],
        installed=[installed(f"installed-{number}", security=True) for number in range(INSTALLED)],
    )
    return document("host", found=found)


def fill(store: Any, hosts: int, days: int) -> tuple[float, float]:
    """Seconds for all documents: of the processor, and on the wall."""
    seconds = used = 0.0
    for day in range(days):
        at = (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = document_of(day)
        made["run"] = {**made["run"], "id": f"run-{day}"}
        started, before = time.perf_counter(), time.process_time()
        store.add_run(f"run-{day}", at, at)
        for number in range(hosts):
            kept = copy.copy(made)
            kept.update(host=f"host-{number:04}", times={**made["times"], "finished_at": at})
            store.add_document(kept)
        seconds += time.perf_counter() - started
        used += time.process_time() - before
    return used, seconds


def median(question: Callable[[], Any]) -> float:
    """Seconds, of five times."""
    times = []
    for _time in range(5):
        started = time.perf_counter()
        question()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args()
    from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        store = ComplianceStore(str(path))
        used, seconds = fill(store, options.hosts, options.days)
        recent = f"CVE-2026-{options.days:04}"
        asked = {
            "where_open": median(lambda: list(store.where(recent))),
            "where_open_and_closed": median(lambda: list(store.where(recent, closed_too=True))),
            "last_readings": median(store.last_readings),
            "newest_documents": median(lambda: sum(1 for _document in store.newest())),
            "history_of_a_host": median(lambda: sum(1 for _document in store.host_documents("host-0000"))),
        }
        found = len(list(store.where(recent)))
        size = path.stat().st_size / 1e6
        store.close()
    documents = options.hosts * options.days
    keep, wall = used / documents * 1000, seconds / documents * 1000
    reached = found == options.hosts and keep < TARGET_KEEP_MS and asked["where_open"] < TARGET_QUESTION_SECONDS
    print(f"{documents} documents of {options.hosts} hosts, {size:.0f} MB")
    print(f"to keep one: {keep:.1f} ms of processor time, {wall:.1f} ms in all")
    for name, value in asked.items():
        print(f"{name:<24}{value * 1000:>10.1f} ms")
    result = {
        "benchmark": "store",
        "reached": reached,
        "python": platform.python_version(),
        "hosts": options.hosts,
        "documents": documents,
        "keep_cpu_ms": round(keep, 2),
        "keep_wall_ms": round(wall, 2),
        "megabytes": round(size, 1),
        "seconds": {name: round(value, 4) for name, value in asked.items()},
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
