# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for spreadsheets: one of hosts, one with a line per host and patch. RFC 4180, UTF-8, every field quoted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from ..compliance.summary import COUNT_NAMES
from .model import PATCH_FIELDS, Report

HOST_COLUMNS = (
    "host", "status", "patch_group", "operating_system", "product", "baseline", "baseline_digest", "run_id",
    "operation", "started_at", "finished_at", "reboot_required", *COUNT_NAMES, "reasons", "failure", "comment",
    "requested_by", "run_timeout", "host_timeout",
)  # fmt: skip
PATCH_COLUMNS = ("host", "patch_group", *PATCH_FIELDS)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, full-width forms included."""
_BATCH = 500


def hosts_csv(report: Report) -> Iterator[str]:
    """Pieces of the table of hosts."""
    return _table(HOST_COLUMNS, _host_rows(report))


def patches_csv(report: Report) -> Iterator[str]:
    """Pieces of the table of patches: a line for each patch of each host."""
    return _table(
        PATCH_COLUMNS,
        ((host.name, host.patch_group, *report.patches[index]) for host in report.hosts for index in host.patches),
    )


def _host_rows(report: Report) -> Iterator[list[Any]]:
    for host in report.hosts:
        known = {
            **(host.state or {}),
            **host.run_data,
            "host": host.name,
            "status": host.status,
            "patch_group": host.patch_group,
            "operating_system": host.operating_system,
            "product": host.product,
            "reboot_required": host.reboot_required,
            "reasons": host.reasons,
            "failure": host.failure,
        }
        yield [known.get(column) for column in HOST_COLUMNS]


def _table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in row])
        if number % _BATCH == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(value: Any) -> str:
    """Text of one field; unknown is empty. What a spreadsheet would run gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    text = "; ".join(str(each) for each in value) if isinstance(value, (list, tuple)) else str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
