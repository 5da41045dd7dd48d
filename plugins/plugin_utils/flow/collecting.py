# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a host's last installation, kept on the host and brought home from there."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import PatchError
from ..fleet.collected import bring_home
from ..host.commands import ProgramChannel, run_commands, store_file
from ..host.job_client import STATE_DIRECTORY
from ..questions.checked import why_not_document

KEPT_COPY = f"{STATE_DIRECTORY}/documents/last-install.json"
_LONGEST = 16 * 1024 * 1024


def keep_on_host(channel: ProgramChannel, document: dict[str, Any]) -> None:
    """The host's own copy, readable by root alone. Raises what ``store_file`` raises."""
    store_file(channel, KEPT_COPY, json.dumps(document, sort_keys=True).encode())


def collect(channel: ProgramChannel, state_directory: str, host: str, *, now: datetime) -> dict[str, Any]:
    """``{"found", "status", "run_id", "problem"}``; what cannot be taken is a problem and no failure.

    Raises ``no_privilege`` where the host's folder cannot be looked into, and what the channel raises.
    """
    who, there, size, content = run_commands(
        channel,
        [
            ["id", "-u"],
            ["test", "-e", KEPT_COPY],
            ["stat", "-c", "%s", KEPT_COPY],
            ["head", "-c", str(_LONGEST), KEPT_COPY],
        ],
        environment={"LC_ALL": "C"},
    )
    if who.output.strip() != "0":
        raise PatchError("no_privilege", "The host's own documents are for root alone; run the task with become.")
    answer: dict[str, Any] = {"found": there.code == 0, "status": None, "run_id": None, "problem": None}
    if there.code != 0:
        return answer
    try:
        if size.output.strip().isdigit() and int(size.output) > _LONGEST:
            raise PatchError("bad_document", f"{KEPT_COPY} on {host} has {size.output.strip()} bytes; no document has")
        if content.code != 0:
            raise PatchError("bad_document", f"{KEPT_COPY} on {host} cannot be read: {content.output[:300]}")
        document = _parsed(host, content.output)
        state = Path(state_directory).expanduser()
        answer["status"], answer["run_id"] = bring_home(state, host, document, now=now, why_not=why_not_document)
    except PatchError as error:
        if error.kind not in ("bad_document", "bad_run_id"):
            raise
        return answer | {"problem": error.message}
    if answer["status"] == "differs":
        answer["problem"] = (
            f"what {host} kept of run {answer['run_id']} is none of the documents that are known of that run: "
            "it was altered there, or one was removed here; nothing was added"
        )
    return answer


def _parsed(host: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise PatchError("bad_document", f"{KEPT_COPY} on {host} is no JSON: an interrupted write, or edited") from None
