# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What taking an installation back came to, in the words of documents, results and errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..engine.changes import Target
from ..engine.install_records import Installation
from ..engine.rollback import Undoing, changes_of
from ..errors import PatchError
from ..fleet.run_directory import utc_text
from .install_report import change_record

_SHOWN = 10


def changes(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """Each package as it is and as it is to be."""
    return [change_record(each) for each in changes_of(targets)]


def planned(undo: Undoing) -> dict[str, Any]:
    """See the RETURN of rollback_patches."""
    return {
        "restore": changes(each for each in undo.targets if each.version),
        "remove": changes(each for each in undo.targets if not each.version),
        "keep": [_with_reasons(each, reasons) for each, reasons in undo.kept.items()],
        "refused": refused(undo.refused),
        "back": undo.back,
    }


def refused(found: Mapping[Target, Sequence[str]]) -> list[dict[str, Any]]:
    """What cannot be taken back, with all reasons."""
    return [{"patch": _named(target), "reasons": list(reasons)} for target, reasons in found.items()]


def block(installation: Installation | None, undo: Undoing, left: Mapping[Target, str]) -> dict[str, Any]:
    """The member ``rollback`` of a document's ``installation``."""
    of = None
    if installation is not None:
        began = datetime.fromtimestamp(installation.created, timezone.utc)
        of = {"run": installation.run, "jobs": [job.job_id for job in installation.jobs], "began_at": utc_text(began)}
    return {
        "of": of,
        "kept": [_with_reasons(each, reasons) for each, reasons in undo.kept.items()],
        "left": [_with_reasons(each, [reason]) for each, reason in left.items()],
    }


def _with_reasons(target: Target, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "name": target.name,
        "arch": target.arch,
        "installed_version": target.installed_version,
        "version": target.version or None,
        "reasons": list(reasons),
    }


def _named(target: Target) -> str:
    """``acme.noarch 1.1-1``, by the version that should go."""
    return f"{target.name}.{target.arch} {target.installed_version or target.version}"


def advice(document: Mapping[str, Any], undo: Undoing, left: Mapping[Target, str]) -> list[dict[str, str]]:
    """That the next installation would bring the same again, where the baseline approves it."""
    back = {(each.name, each.arch) for each in undo.targets if each not in left}
    again = [
        f"{entry['name']} {entry['version']}"
        for entry in document["patches"]
        if entry["state"] == "MISSING" and (entry["name"], entry["arch"]) in back
    ]
    if not again:
        return []
    more = f" and {len(again) - 5} more" if len(again) > 5 else ""
    message = (
        f"The baseline {document['baseline']['name']} approves {', '.join(again[:5])}{more}, so the next installation "
        "brings that again. What is not to come back belongs into the baseline's rejected_patches."
    )
    return [{"kind": "would_come_again", "message": message}]


def refusal(undo: Undoing) -> PatchError:
    """Nothing is begun where a part would have to stay."""
    told = _told({target: "; ".join(reasons) for target, reasons in undo.refused.items()})
    rest = f" The other {len(undo.targets)} can be; allow_partial takes back these alone." if undo.targets else ""
    return PatchError(
        "cannot_undo",
        f"Nothing was taken back, since {_packages(undo.refused)} cannot be: {told}.{rest}",
        refused=refused(undo.refused),
    )


def incomplete(left: Mapping[Target, str], *, timed_out_after: int | None) -> PatchError:
    """The failure of a host on which something that was to go back did not."""
    again = "Run it again to take back what is left."
    if timed_out_after is not None:
        words = f"Taking back took more than {timed_out_after} seconds and was ended. {_told(left)} {again}"
        return PatchError("timed_out", words)
    return PatchError("rollback_incomplete", f"Not taken back: {_packages(left)}. {_told(left)}. {again}")


def _packages(found: Mapping[Target, Any]) -> str:
    return f"{len(found)} {'package' if len(found) == 1 else 'packages'}"


def _told(reasons: Mapping[Target, str]) -> str:
    """Each reason once, with the packages that it is about."""
    named: dict[str, list[str]] = {}
    for target, reason in reasons.items():
        named.setdefault(reason, []).append(_named(target))
    told = []
    for reason, packages in named.items():
        more = f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else ""
        told.append(f"{', '.join(packages[:_SHOWN])}{more}: {reason}")
    more = f"; and {len(told) - _SHOWN} further reasons" if len(told) > _SHOWN else ""
    return "; ".join(told[:_SHOWN]) + more


def no_journal() -> PatchError:
    """Nothing is known of an installation."""
    return PatchError(
        "no_journal",
        "The journal of this host (/var/lib/openfleet-patch) holds no installation, so nothing can be taken back "
        "by it. The documents of earlier runs name the versions that each package had before.",
    )


def not_in_journal(run: str) -> PatchError:
    """It may have been there."""
    return PatchError(
        "no_journal",
        f"The journal of this host has no installation of run {run}; it keeps ten jobs, so that one may have made "
        "room. Nothing was taken back.",
    )


def newer_install(later: Installation, run: str) -> PatchError:
    """Installations are taken back in the opposite order."""
    return PatchError(
        "newer_install",
        f"Run {later.run} installed on this host after run {run}, and that has to be taken back first (install_run: "
        f"{later.run}). Nothing was taken back.",
    )
