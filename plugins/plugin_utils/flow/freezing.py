# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the documents of a canary run to a snapshot file: what the task ``freeze_snapshot`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..compliance.outcomes import OK
from ..errors import PatchError
from ..fleet import files, operator_yaml
from ..fleet.snapshot import KIND, MOST_BYTES, freeze, parse_snapshot
from .history import History, run_named

_HEADING = """\
# What was approved and works on the canary hosts below, as exact versions. Read it, write who signs it off into
# signed_off_by at the end, and install it elsewhere with patch_snapshot. Any other change needs a new digest.
"""


def freeze_run(history: History, run_id: str, *, hosts: Sequence[str] | None, comment: str) -> dict[str, Any]:
    """The snapshot of a run, or of some of its hosts; the same documents give the same one. Raises ``bad_canary``."""
    run = run_named(history, run_id)
    documents = [each for each in history.run_documents(run.run_id) if hosts is None or each["host"] in hosts]
    outcomes = history.outcomes(run.run_id)
    there = {each["host"] for each in documents}
    absent = sorted((set(outcomes) if hosts is None else set(hosts)) - there)
    if absent:
        raise PatchError("bad_canary", f"Run {run.run_id} has no document of {', '.join(absent[:10])}.")
    bad = sorted(host for host in there if outcomes.get(host, {}).get("status", OK) != OK)
    if bad:
        raise PatchError("bad_canary", f"Run {run.run_id} did not go well on {', '.join(bad[:10])}.")
    frozen_at = max((each["times"]["finished_at"] for each in documents), default=run.started_at)
    return freeze(documents, frozen_at=frozen_at, comment=comment)


def write_snapshot(path: str, snapshot: dict[str, Any], *, force: bool, check_mode: bool) -> bool:
    """Whether the file is (in check mode would be) another one now. One that says the same stays, with its signature;
    any other is replaced with ``force`` alone."""
    place = Path(path).expanduser()
    if place.exists():
        if _digest_of(place) == snapshot["digest"]:
            return False
        if not force:
            raise PatchError(
                "exists", f"{place} is there already and says something else; take another name, or force."
            )
    if not check_mode:
        text = yaml.safe_dump(snapshot, sort_keys=False, allow_unicode=True, width=1000)
        try:
            files.write_text(place, _HEADING + text)
        except FileNotFoundError as error:
            raise PatchError("state_unwritable", f"{place.parent} is no folder.") from error
    return True


def _digest_of(place: Path) -> str | None:
    try:
        with open(place, "rb") as handle:
            content = handle.read(MOST_BYTES + 1)
        raw = operator_yaml.parse(content, named=str(place), kind=KIND, most=MOST_BYTES)
        return parse_snapshot(raw, named=str(place)).digest
    except (PatchError, OSError):
        return None
