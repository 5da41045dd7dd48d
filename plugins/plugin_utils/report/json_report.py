# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one JSON object: ``docs/schema/report.schema.json`` is its schema, ``docs/reports.md`` explains it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .model import SCHEMA_VERSION, Report


def as_json(report: Report) -> dict[str, Any]:
    """JSON-ready. Each patch is told once; a host names its patches by their index."""
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": report.generated_at,
        "scope": report.scope,
        "stale_after_days": report.stale_after_days,
        "verdict": report.verdict,
        "run_data": report.run_data,
        "counts": report.counts,
        "groups": report.groups(),
        "operating_systems": report.operating_systems(),
        "levels": report.levels(),
        "trend": report.trend,
        "hosts": [asdict(host) for host in report.hosts],
        "patches": [
            {**report.patch(index), "cves": list(row["cves"]), "advisories": list(row["advisories"]), "hosts": hosts}
            for index, hosts in enumerate(report.patch_hosts)
            for row in [report.patch(index)]
        ],
        "problems": report.problems,
    }
