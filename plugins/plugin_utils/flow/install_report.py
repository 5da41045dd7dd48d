# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation was to bring, brought and did not bring, in the words of documents and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..engine.changes import UNVERSIONED, Change, Choice, Simulation, Target, pulled_in
from ..engine.records import package_key
from ..errors import PatchError
from ..host.job_client import JobState
from .install_jobs import InstallJobs
from .job_report import describe_job

Record = Mapping[str, Any]


def change_record(change: Change) -> dict[str, Any]:
    """A change of a package as documents show it."""
    return {
        "name": change.name,
        "arch": change.arch,
        "installed_version": change.installed_version,
        "version": change.version,
    }


def planned(choice: Choice | None, selection: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the first simulation allowed: see the RETURN of install_patches."""
    choice = choice or Choice([], Simulation(), {})
    return {
        "install": [change_record(Change(t.name, t.arch, t.installed_version, t.version)) for t in choice.targets],
        "pulled_in": [change_record(each) for each in pulled_in(choice.simulation, choice.targets)],
        "refused": refused(choice),
        "remove": [change_record(each) for each in (*choice.simulation.removals, *choice.simulation.retired)],
        "selection": selection,
    }


def refused(choice: Choice) -> list[dict[str, Any]]:
    """Approved patches that cannot come, with all reasons."""
    return [{"patch": target.patch, "reasons": reasons} for target, reasons in choice.refused.items()]


def diff(changes: Iterable[Record]) -> dict[str, str]:
    """Each changed package, a line before and a line after."""
    sides = {"before": "installed_version", "after": "version"}
    return {
        side: "".join(f"{each['name']}.{each['arch']} {each[key]}\n" for each in changes if each[key])
        for side, key in sides.items()
    }


def came_along(choice: Choice | None, changes: Iterable[Record]) -> list[dict[str, Any]]:
    """What arrived as a dependency of something approved."""
    if choice is None:
        return []
    arrived = {(each["name"], each["arch"]): each for each in changes}
    found = []
    for each in pulled_in(choice.simulation, choice.targets):
        change = arrived.get((each.name, each.arch))
        if change is not None and each.version == UNVERSIONED:
            found.append(dict(change))
        elif change is not None and each.version == change["version"]:
            found.append(change_record(each))
    return found


def installation(
    choice: Choice | None,
    jobs: InstallJobs,
    *,
    further: Sequence[JobState],
    changes: list[dict[str, Any]],
    conffiles_kept: list[str],
    selection: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The document's member of that name; ``further`` are jobs that only prepared the host."""
    cannot_come = refused(choice) if choice else []
    return {
        "result": jobs.result or ("REFUSED" if cannot_come else "NOTHING_TO_DO"),
        "jobs": [described(job, jobs) for job in (*further, *jobs.done)],
        "installed": changes,
        "refused": cannot_come,
        "conffiles_kept": conffiles_kept,
        "selection": selection,
    }


def described(job: JobState, jobs: InstallJobs) -> dict[str, Any]:
    """With the ids by which its transactions can be undone, where the package manager has such a history."""
    return describe_job(job) | jobs.transactions.get(job.job_id, {})


def why_not(record: Record, jobs: InstallJobs, refusals: Mapping[Target, str]) -> str:
    """Why a patch that should have come is not there."""
    own = jobs.reasons.get(" ".join(word for word in (record.get("kind"), record["name"]) if word))
    if own is not None:
        return own
    for target, reason in refusals.items():
        if (target.name, target.arch) == package_key(record):
            return reason
    if jobs.result == "TIMED_OUT":
        return f"the time of the host was up. {jobs.reason}".strip()
    if record.get("unfinished") and not jobs.reason:
        return f"its installation began and has not ended: it is {record['unfinished']}"
    return jobs.reason or "it became available while others were being installed"


def incomplete(missing: Sequence[Record], wording: str, *, timed_out_after: int | None) -> PatchError:
    """The failure of a host that lacks what should have come; each has ``id``, ``version`` and ``failure``.
    ``wording`` says who wanted it: ``{} that the snapshot has``."""
    told = "; ".join(f"{entry['id']} {entry['version']}: {entry['failure']}" for entry in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    if timed_out_after is not None:
        return PatchError(
            "timed_out", f"The installation took more than {timed_out_after} seconds and was ended. {told}{more}"
        )
    what = wording.format("patch" if len(missing) == 1 else "patches")
    return PatchError("install_incomplete", f"{len(missing)} {what} could not be installed: {told}{more}")
