"""How long the engine takes to judge 10,000 candidates by 10 rules on one core.

Run from anywhere: ``python tests/benchmarks/bench_engine.py [--json FILE]``. Prints a table and one line of JSON;
ends with status 1 when the median of five runs misses the target of one second. Processor time counts, so that a
busy machine does not change the verdict; wall time is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGET_SECONDS = 1.0
RUNS = 5
AS_OF = "2026-11-20T00:00:00Z"
SEVERITIES = ("Critical", "Important", "Moderate", "Low")
PRIORITIES = ("Required", "Important", "Standard", "Optional", "Extra")


def rpm_records(count: int) -> list[dict[str, Any]]:
    """Four versions of each package, three of four with a notice."""
    return [
        {
            "name": f"package-{index // 4}",
            "arch": "x86_64",
            "version": f"1:2.{index % 4}.{index % 97}-{index % 13}.el9",
            "installed_version": "1:2.0.0-0.el9",
            "repository": "baseos",
            "product": "RedhatEnterpriseLinux9.4",
            "classification": ("Security", "Bugfix", "Enhancement", None)[index % 4],
            "severity": SEVERITIES[index % 4] if index % 4 == 0 else None,
            "security": index % 4 != 3,
            "advisories": [{"id": f"RHSA-2026:{index:05}", "cves": [f"CVE-2026-{index}"], "bugzillas": [index]}],
            "released": f"2026-{index % 11 + 1:02}-{index % 28 + 1:02}T00:00:00Z",
        }
        for index in range(count)
    ]


def deb_records(count: int) -> list[dict[str, Any]]:
    """Four versions of each package, every second from the security pocket."""
    return [
        {
            "name": f"package-{index // 4}",
            "arch": "amd64",
            "version": f"2:1.{index % 4}.{index % 97}-0ubuntu{index % 13}",
            "installed_version": "2:1.0.0-0ubuntu0",
            "repository": ("jammy-security", "jammy-updates")[index % 2],
            "product": "Ubuntu22.04",
            "priority": PRIORITIES[index % 5],
            "section": "libs",
            "security": index % 2 == 0,
            "released": None,
        }
        for index in range(count)
    ]


def baseline(system: str) -> dict[str, Any]:
    """Ten rules of which the last ones match most, and lists with names, ids and wildcards."""
    if system == "UBUNTU":
        filters = [{"priority": [PRIORITIES[index % 5]], "section": ["libs"]} for index in range(10)]
    else:
        filters = [
            {"classification": [("Security", "Bugfix", "Enhancement")[index % 3]], "severity": [SEVERITIES[index % 4]]}
            for index in range(8)
        ] + [{"classification": ["Security"]}, {"product": ["*"]}]
    rules = [{"filters": group, "approve_after_days": index * 9} for index, group in enumerate(filters)]
    return {
        "name": "bench",
        "global_filters": {"arch": ["x86_64", "amd64"]},
        "approval_rules": rules,
        "approved_patches": ["package-17", "package-3*", "CVE-2026-400"],
        "rejected_patches": ["package-99", "*-777", "kernel-5.14.0-*.el9.x86_64"],
    }


def measure(system: str, count: int) -> dict[str, Any]:
    """Processor and wall seconds; fresh records every time, so that nothing is warm but the interpreter."""
    sys.path.insert(0, str(ROOT / ".cache" / "collections"))
    from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate

    seconds, wall = [], []
    approved = 0
    for _run in range(RUNS):
        records = deb_records(count) if system == "UBUNTU" else rpm_records(count)
        started, clock = time.process_time(), time.perf_counter()
        decisions = evaluate(baseline(system), records, operating_system=system, as_of=AS_OF)
        seconds.append(time.process_time() - started)
        wall.append(time.perf_counter() - clock)
        assert len(decisions) == count
        approved = sum(decision["decision"] == "approved" for decision in decisions)
    return {
        "operating_system": system,
        "candidates": count,
        "rules": 10,
        "approved": approved,
        "median_cpu_seconds": round(statistics.median(seconds), 4),
        "worst_cpu_seconds": round(max(seconds), 4),
        "median_wall_seconds": round(statistics.median(wall), 4),
    }


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--candidates", type=int, default=10_000)
    options = parser.parse_args()
    results = [measure(system, options.candidates) for system in ("REDHAT_ENTERPRISE_LINUX", "UBUNTU")]
    print(
        f"{'operating system':<26}{'candidates':>11}{'rules':>7}{'approved':>10}{'cpu s':>9}{'worst':>9}{'wall s':>9}"
    )
    for row in results:
        print(
            f"{row['operating_system']:<26}{row['candidates']:>11}{row['rules']:>7}{row['approved']:>10}"
            f"{row['median_cpu_seconds']:>9.3f}{row['worst_cpu_seconds']:>9.3f}{row['median_wall_seconds']:>9.3f}"
        )
    reached = all(row["median_cpu_seconds"] < TARGET_SECONDS for row in results)
    report = {
        "benchmark": "engine",
        "runs": RUNS,
        "target_cpu_seconds": TARGET_SECONDS,
        "reached": reached,
        "python": platform.python_version(),
        "results": results,
    }
    text = json.dumps(report)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
