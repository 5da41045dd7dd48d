# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which baseline judged a host, and why a patch was decided as it was: the answer of one document, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .text import visible

Document = Mapping[str, Any]
Entry = Mapping[str, Any]
# Judged by nothing worth asking about, unless it is named: it is there, and nothing newer is offered.
_QUIET = ("INSTALLED", "INSTALLED_OTHER", "NOT_APPLICABLE")


def entries_named(document: Document, wanted: Sequence[str]) -> dict[str, list[Entry]]:
    """The entries of a document for each word: a package name, ``name.arch``, a title, a CVE, an advisory or KB id, in
    any case, with ``*``. Without words the single key is ``""``, for everything that is not simply installed."""
    entries = document["patches"]
    if not wanted:
        return {"": [entry for entry in entries if entry["state"] not in _QUIET]}
    return {word: [entry for entry in entries if _is_named(entry, word.casefold())] for word in wanted}


def _is_named(entry: Entry, word: str) -> bool:
    names = [entry["id"], entry["name"], entry["title"], *(entry["cves"] or []), *(entry["advisories"] or [])]
    return any(fnmatchcase(str(name).casefold(), word) for name in names if name)


def explain_document(document: Document, found: Mapping[str, Sequence[Entry]]) -> str:
    """Printable lines: the baseline and why this host has it, then each entry with its decision and sentence."""
    baseline = document["baseline"]
    judged = f"judged as of {document['run']['as_of']}, run {document['run']['id']}"
    lines = [f"{visible(document['host'])} ({document['operating_system']}, {document['product']}), {judged}"]
    if baseline:
        lines.append(f"  baseline {visible(baseline['name'])}: {visible(baseline['source'])}")
    else:
        lines.append("  no baseline: the host could not be read")
    # Documents of schema 1.0 may lack it.
    clock = document.get("delay_clock")
    if clock not in (None, "vendor"):
        lines.append(f"  delays count by the clock {clock}")
    for word, entries in found.items():
        if word and not entries:
            lines.append(f"  {visible(word)}: {_absent(document)}")
        for entry in entries:
            lines += _entry(entry)
    return "\n".join(lines) + "\n"


def _absent(document: Document) -> str:
    if document["installed_other_listed"]:
        return "not in this document; neither installed nor offered by a repository"
    return "not in this document; nothing newer is offered, and what no rule covers is not listed when it is installed"


def _entry(entry: Entry) -> list[str]:
    state = entry["state"] or "available"
    had = f", installed {visible(entry['installed_version'])}" if entry["installed_version"] else ""
    told = [f"  {visible(entry['title'])}: {state}, {entry['decision']} ({entry['reason']}){had}"]
    told.append(f"      {visible(entry['explanation'])}")
    if entry["failure"]:
        told.append(f"      failed: {visible(entry['failure'])}")
    return told
