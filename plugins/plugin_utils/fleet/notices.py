# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which notifications of a run were sent: ``STATE/runs/RUN_ID/notifications.jsonl``, one line each."""

from __future__ import annotations

import json
from typing import Any

from . import files
from .run_directory import Run

_NAME = "notifications.jsonl"


def note(run: Run, told: dict[str, Any]) -> None:
    """Keep what became of one: ``{"name", "via", "sent", "message", "at"}``; no secret may be in it."""
    with files.locked(run.path / ".lock"):
        files.append_line(run.path / _NAME, json.dumps({**told, "process": run.process}))


def untold(run: Run) -> list[str]:
    """A sentence for each one that this process could not send."""
    try:
        lines = (run.path / _NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and not entry.get("sent") and entry.get("process") == run.process:
            found.append(f"The notification '{entry.get('name')}' could not be sent: {entry.get('message')}")
    return found
