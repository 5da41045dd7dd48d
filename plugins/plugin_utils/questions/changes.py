# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed: between two runs of the fleet, and from document to document of one host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .spans import DONE

Document = Mapping[str, Any]
Change = dict[str, Any]


def compare_documents(before: Document | None, after: Document) -> dict[str, Any]:
    """``opened``, ``resolved`` and ``changed`` patches and both verdicts.

    ``opened`` was not open before, ``resolved`` is installed or replaced now, ``changed`` is open in both with another
    state or reason. A host that could not be read on one of the sides has no patches to compare: ``comparable`` false.
    """
    readable = before is not None and before["error"] is None and after["error"] is None
    answer: dict[str, Any] = {
        "host": after["host"],
        "before": before["verdict"] if before is not None else None,
        "after": after["verdict"],
        "comparable": readable,
        "opened": [],
        "resolved": [],
        "changed": [],
    }
    if not readable or before is None:
        return answer
    old, new = _open(before), _open(after)
    answer["opened"] = [_told(new[key]) for key in new if key not in old]
    answer["resolved"] = [_told(old[key]) for key in old if key not in new]
    answer["changed"] = [
        {**_told(new[key]), "before": {"state": old[key]["state"], "reason": old[key]["reason"]}}
        for key in new
        if key in old and (old[key]["state"], old[key]["reason"]) != (new[key]["state"], new[key]["reason"])
    ]
    return answer


def compare_runs(
    before: Callable[[str], Document | None],
    after: Iterable[Document],
    *,
    hosts_before: Iterable[str],
) -> dict[str, Any]:
    """Two runs, one host at a time. ``before(host)`` is the host's document in the earlier run.

    ``hosts``: those where something differs or nothing could be compared. ``only_before`` and
    ``only_after`` name hosts of one run alone.
    """
    changed, only_after, unchanged = [], [], 0
    left = set(hosts_before)
    for document in after:
        host = str(document["host"])
        left.discard(host)
        old = before(host)
        if old is None:
            only_after.append(host)
            continue
        difference = compare_documents(old, document)
        same = difference["comparable"] and difference["before"] == difference["after"]
        if same and not any(difference[part] for part in ("opened", "resolved", "changed")):
            unchanged += 1
        else:
            changed.append(difference)
    return {
        "hosts": sorted(changed, key=lambda each: str(each["host"])),
        "unchanged": unchanged,
        "only_before": sorted(left),
        "only_after": sorted(only_after),
    }


def host_history(documents: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """One entry per document of a host, oldest first: what was found and what changed since the one before it.

    Changes are against the newest earlier document that could be read.
    """
    known: Document | None = None
    for document in documents:
        change = compare_documents(known, document)
        yield {
            "run_id": document["run"]["id"],
            "as_of": document["run"]["as_of"],
            "finished_at": document["times"]["finished_at"],
            "operation": document["operation"],
            "verdict": document["verdict"],
            "baseline": (document["baseline"] or {}).get("name"),
            "baseline_digest": (document["baseline"] or {}).get("digest"),
            "error": document["error"],
            "summary": dict(document["summary"]),
            "comparable": change["comparable"],
            "opened": change["opened"],
            "resolved": change["resolved"],
            "changed": change["changed"],
        }
        if document["error"] is None:
            known = document


def _open(document: Document) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {
        (str(entry["id"]), str(entry["version"] or entry["installed_version"] or "")): entry
        for entry in document["patches"]
        if entry["state"] not in DONE
    }


def _told(entry: Mapping[str, Any]) -> Change:
    return {
        name: entry[name]
        for name in ("id", "installed_version", "version", "state", "level", "cves", "advisories", "reason")
    }
