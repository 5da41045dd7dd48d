# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job did, in the words of a document."""

from __future__ import annotations

from typing import Any

from ..engine.records import Inventory, package_key
from ..errors import without_passwords
from ..host.frames import one_line
from ..host.job_client import JobState, UnitState
from ..host.job_driver import JobDriver


def describe_job(state: JobState) -> dict[str, Any]:
    """A job for the document: ids, results, seconds; each step with its exit code and what ended it."""
    return {
        "job": state.job_id,
        "title": one_line(state.title, 200),
        "result": state.result,
        "undo_result": state.undo_result,
        "seconds": state.elapsed,
        "detached": state.detached,
        "steps": [_unit(step) for step in state.steps],
        "undone": [_unit(unit) for unit in state.undos],
    }


def _unit(unit: UnitState) -> dict[str, Any]:
    known = unit.started is not None and unit.ended is not None
    return {
        "number": unit.number,
        "name": one_line(unit.name, 200),
        "state": unit.state,
        "exit_code": unit.exit_code,
        "seconds": max(0, unit.ended - unit.started) if known and unit.ended and unit.started else None,
        "attempts": unit.attempts,
        "ended_by": unit.ended_by,
        "hung": [one_line(line, 200) for line in unit.hung.splitlines()[:50]],
    }


def failures_of_job(state: JobState, driver: JobDriver, manager: Any) -> tuple[dict[str, str], str]:
    """Reasons by package name, and one for whatever has none of its own, from the logs of the steps that failed.

    A manager with ``reasons_of_step`` has one for what each step was to bring, should that not be there: the exit codes
    of its tools prove nothing.
    """
    reasons: dict[str, str] = {}
    general = []
    for step in state.steps:
        failed = step.state != "ended" or step.exit_code != 0
        if step.state == "waiting" or not (failed or hasattr(manager, "reasons_of_step")):
            continue
        log = driver.log_end(state.job_id, step)
        if hasattr(manager, "reasons_of_step"):
            by_package, words = manager.reasons_of_step(step.name, log)
        else:
            by_package, words = manager.failure_reasons(log)
        reasons.update({name: one_line(without_passwords(reason)) for name, reason in by_package.items()})
        if failed:
            general.append(_why(step, one_line(without_passwords(words))))
    return reasons, "; ".join(general[:3]) or f"the job ended as {state.result}"


def told_by_job(state: JobState, driver: JobDriver, manager: Any) -> tuple[list[int], list[str]]:
    """What a job's logs tell even where it went well: ids of the package manager's own history, by which its
    transactions can be undone, and packages whose scripts failed although they count as installed. Nothing for a
    manager whose plans tell neither."""
    transactions: list[int] = []
    failed: list[str] = []
    if not hasattr(manager, "transactions_in"):
        return transactions, failed
    for step in state.steps:
        if step.state != "waiting" and manager.acts(step.name):
            log = driver.log_end(state.job_id, step)
            transactions += manager.transactions_in(log)
            failed += manager.script_failures(log)
    return sorted(set(transactions)), [one_line(without_passwords(line)) for line in dict.fromkeys(failed)]


def _why(step: UnitState, words: str) -> str:
    if step.ended_by:
        running = one_line(", ".join(line.split(" ")[-1] for line in step.hung.splitlines() if line), 200)
        what = {"step": "its own time was up", "job": "the time of the host was up", "cancel": "it was cancelled"}
        ended = what.get(step.ended_by, step.ended_by)
        return f"step '{one_line(step.name, 80)}' was ended because {ended}" + (
            f" (running: {running})" if running else ""
        )
    if step.state == "crashed":
        return f"step '{one_line(step.name, 80)}' was cut off"
    return f"step '{one_line(step.name, 80)}' ended with exit code {step.exit_code}" + (f": {words}" if words else "")


def unfinished_packages(inventory: Inventory) -> dict[tuple[str, str, str], str]:
    """What the package manager has begun and not ended, with its word for that state."""
    return {
        (record["name"], record["arch"], record["version"]): record["unfinished"]
        for record in inventory.installed
        if record.get("unfinished")
    }


def changed_packages(before: Inventory, after: Inventory) -> list[dict[str, Any]]:
    """Every package whose installed versions differ between two readings, sorted by name.

    A version that is not completely installed counts as none; a package that has one afterwards is left out, since it
    did not get another version and did not keep its own.
    """
    old, new = _versions(before), _versions(after)
    half_done = {(name, arch) for name, arch, _version in unfinished_packages(after)}
    changed = []
    for name, arch in sorted((old.keys() | new.keys()) - half_done):
        gone, come = old.get((name, arch), set()), new.get((name, arch), set())
        if gone == come:
            continue
        changed.append(
            {
                "name": name,
                "arch": arch,
                "installed_version": ", ".join(sorted(gone - come)) or None,
                "version": ", ".join(sorted(come - gone)) or None,
            }
        )
    return changed


def _versions(inventory: Inventory) -> dict[tuple[str, str], set[str]]:
    versions: dict[tuple[str, str], set[str]] = {}
    for record in inventory.installed:
        if not record.get("unfinished"):
            versions.setdefault(package_key(record), set()).add(record["version"])
    return versions
