# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats by name, and the files that each of them makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .aws_shapes import instance_patch_states, put_compliance_items
from .csv_tables import hosts_csv, patches_csv
from .html_page import html_page
from .json_report import as_json
from .junit import junit
from .markdown import markdown
from .model import Report
from .ocsf import ocsf
from .prometheus import prometheus

Files = dict[str, Iterable[str]]
"""File name to the pieces of its text."""


def render(report: Report, formats: Iterable[str], *, instance_ids: Mapping[str, str] | None = None) -> Files:
    """Every file of the formats asked for; pieces are made when they are asked for."""
    makers: dict[str, Callable[[], Files]] = {
        "html": lambda: {"report.html": html_page(report)},
        "csv": lambda: {"hosts.csv": hosts_csv(report), "patches.csv": patches_csv(report)},
        "json": lambda: {"report.json": _json(as_json(report))},
        "markdown": lambda: {"report.md": [markdown(report)]},
        "junit": lambda: {"junit.xml": [junit(report)]},
        "prometheus": lambda: {"openfleet_patch.prom": [prometheus(report)]},
        "ocsf": lambda: {"openfleet_patch.ocsf.jsonl": ocsf(report)},
        "aws": lambda: {
            "aws_compliance_items.json": _json(put_compliance_items(report, instance_ids)),
            "aws_instance_patch_states.json": _json(
                {"InstancePatchStates": instance_patch_states(report, instance_ids)}
            ),
        },
    }
    files: Files = {}
    for name in formats:
        files.update(makers[name]())
    return files


def _json(value: Any) -> Iterable[str]:
    yield from json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(value)
    yield "\n"
