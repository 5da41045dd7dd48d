"""A year of 500 hosts in the store: weekly scans, a document per host each, and the questions that people put to it.

Run from anywhere: ``python tests/benchmarks/bench_year.py [--json FILE] [--hosts N] [--days N] [--every DAYS]``.
SQLite, filled without waiting for the disk (``bench_store`` tells what that takes). Ends with status 1 when an answer
is wrong, or takes longer than its target: a second for what is open, 30 s for what reads a document of every host.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bench_store import OPEN, START, document_of

TARGETS = {"where_open": 1.0, "where_open_and_closed": 5.0, "not_scanned": 5.0}
TARGET_ALL_HOSTS = 30.0


def fill(store: Any, hosts: int, days: list[int]) -> float:
    """Processor seconds for all documents. Host 7 stays as it was in the first scan; host 9 is not scanned any more
    after half of them."""
    used = 0.0
    for place, day in enumerate(days):
        at = (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made, first = document_of(day), document_of(days[0])
        before = time.process_time()
        store.add_run(f"run-{day}", at, at)
        for number in range(hosts):
            if number == 9 and place > len(days) // 2:
                continue
            kept = dict(first if number == 7 else made)
            kept.update(
                host=f"host-{number:04}",
                run={**made["run"], "id": f"run-{day}"},
                times={**made["times"], "finished_at": at},
                patch_group=f"group-{number % 10}",
            )
            store.add_document(kept)
            store.add_outcome(f"run-{day}", kept["host"], {"status": "ok", "host": kept["host"], "at": at})
        used += time.process_time() - before
    return used


def timed(question: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and seconds."""
    started = time.perf_counter()
    answer = question()
    return answer, time.perf_counter() - started


def ask(store: Any, hosts: int, days: list[int]) -> tuple[dict[str, float], list[str]]:
    """Seconds by question, and what was answered wrongly."""
    from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.querying import answer
    from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.reporting import gather_report
    from ansible_collections.openfleet.patch.plugins.plugin_utils.report.formats import render

    now = START + timedelta(days=days[-1], hours=12)
    seconds: dict[str, float] = {}
    wrong: list[str] = []

    def put(name: str, expected: Any, look: Callable[[Any], Any], **arguments: Any) -> None:
        names = ("patch_group", "host", "baseline", "before_run", "after_run", "patch", "include_closed", "days")
        known: dict[str, Any] = {**dict.fromkeys(names), "filters": []}
        question = arguments.pop("question", name)
        told, seconds[name] = timed(
            lambda: answer(store, {**known, "question": question, **arguments}, hosts=None, now=now)
        )
        if look(told) != expected:
            wrong.append(f"{name}: {look(told)} is not {expected}")

    newest, oldest = f"CVE-2026-{days[-1] + OPEN - 1:04}", f"CVE-2026-{days[0]:04}"
    put("where_open", hosts - 2, len, patch=newest)
    put("where_open_and_closed", hosts, len, question="where_open", patch=oldest, include_closed=True)
    put("not_scanned", ["host-0009"], lambda told: [each["host"] for each in told], days=(days[-1] - days[0]) // 3)
    put("group_state", hosts // 10, lambda told: told["instances"], patch_group="group-3")
    put("hosts", hosts // 10, len, patch_group="group-3")
    put("host_history", len(days), len, host="host-0001")
    put(
        "changes",
        hosts - 1,
        lambda told: len(told["hosts"]) + told["unchanged"],
        before_run=f"run-{days[-2]}",
        after_run=f"run-{days[-1]}",
    )
    at = now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    report, seconds["report_of_the_fleet"] = timed(lambda: gather_report(store, generated_at=at))
    if len(report.hosts) != hosts or len(report.trend) != min(30, len(days)):
        wrong.append(f"report: {len(report.hosts)} hosts, {len(report.trend)} runs")
    size, seconds["its_html"] = timed(lambda: sum(len(piece) for piece in render(report, ["html"])["report.html"]))
    if size < 10_000:
        wrong.append(f"html: {size} characters")
    return seconds, wrong


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--every", type=int, default=7, help="days between two scans")
    options = parser.parse_args()
    # Before the store is filled, which takes minutes: all of it is of one checkout.
    from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import querying, reporting  # noqa: F401
    from ansible_collections.openfleet.patch.plugins.plugin_utils.report import formats  # noqa: F401
    from ansible_collections.openfleet.patch.plugins.plugin_utils.store import database
    from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore

    days = list(range(0, options.days, options.every))
    began = datetime.now(timezone.utc)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        filling = ComplianceStore(str(path))
        sa = database.sqlalchemy()
        sa.event.listen(
            filling.database._engine,
            "connect",
            lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"),
        )
        filling.database._engine.dispose()
        used = fill(filling, options.hosts, days)
        filling.close()
        filled = (datetime.now(timezone.utc) - began).total_seconds()
        store = ComplianceStore(str(path))
        documents = store.count()
        seconds, wrong = ask(store, options.hosts, days)
        size = path.stat().st_size / 1e6
        store.close()
    late = [
        f"{name} took {value:.2f} s" for name, value in seconds.items() if value > TARGETS.get(name, TARGET_ALL_HOSTS)
    ]
    print(f"{documents} documents of {options.hosts} hosts in {len(days)} runs, {size:.0f} MB")
    print(f"filled in {filled:.0f} s, {used / documents * 1000:.1f} ms of processor time for each document")
    for name, value in seconds.items():
        print(f"{name:<24}{value * 1000:>12.1f} ms")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most {memory:.0f} MB")
    for each in [*wrong, *late]:
        print(f"NOT REACHED: {each}")
    result = {
        "benchmark": "year",
        "reached": not wrong and not late,
        "python": platform.python_version(),
        "hosts": options.hosts,
        "documents": documents,
        "megabytes": round(size, 1),
        "fill_seconds": round(filled, 1),
        "keep_cpu_ms": round(used / documents * 1000, 2),
        "memory_mb": round(memory),
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "wrong": wrong,
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 0 if result["reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
