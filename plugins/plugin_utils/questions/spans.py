# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is open on a host, since when and why, followed through all of its documents.

A *span* is the time in which one version of one patch was not in force on one host. The store keeps spans, run
directories are read anew; both use ``advance``, so both answer alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Document = Mapping[str, Any]
SpanKey = tuple[str, str]
"""Patch id and version."""
DONE = frozenset({"INSTALLED", "INSTALLED_OTHER", "NOT_APPLICABLE"})
_TOLD = ("title", "state", "detail", "decision", "reason", "explanation", "level", "approves_on", "failure", "rule")

INSTALLED = "installed"
REPLACED = "replaced"
GONE = "gone"


@dataclass
class Span:
    """Times are the ends of the host's scans, UTC. ``closed_at`` None: still open when last looked at."""

    host: str
    patch_id: str
    version: str
    since: str
    last_seen: str
    installed_version: str | None = None
    released: str | None = None
    cves: list[str] = field(default_factory=list)
    advisories: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    """Title, state, reason, explanation and so on of the newest document that listed it."""
    offered: bool = True
    """False once the repositories stopped offering it while the host still lacks it."""
    closed_at: str | None = None
    closed_by: str | None = None
    """``installed`` (this very version), ``replaced`` (another version is installed now) or ``gone`` (the package is
    no longer listed)."""

    @property
    def key(self) -> SpanKey:
        return self.patch_id, self.version

    def words(self) -> set[str]:
        """Everything that names it, in lower case: see ``matches``."""
        name = self.patch_id.casefold()
        bare = {name.rpartition(".")[0]} - {""}
        return {
            name,
            f"{name}:{self.version}".casefold(),
            *bare,
            *(each.casefold() for each in self.cves + self.advisories),
        }

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the parts of ``told`` beside the rest."""
        plain = asdict(self)
        told = plain.pop("told")
        return {**plain, **{name: told.get(name) for name in _TOLD}}


def advance(spans: dict[SpanKey, Span], document: Document) -> list[Span]:
    """Take one more document of the same host into its open ``spans``; returns those that it closed.

    Documents come in the order of their end. A host that could not be read closes nothing: silence mends nothing.
    """
    if document["error"] is not None:
        return []
    at, host = document["times"]["finished_at"], str(document["host"])
    listed: dict[str, list[Mapping[str, Any]]] = {}
    seen: set[SpanKey] = set()
    for entry in document["patches"]:
        listed.setdefault(entry["id"], []).append(entry)
        if entry["state"] in DONE:
            continue
        key = (str(entry["id"]), str(entry["version"] or entry["installed_version"] or ""))
        seen.add(key)
        span = spans.get(key)
        if span is None:
            span = spans[key] = Span(host, *key, since=at, last_seen=at)
        _update(span, entry, at)
    closed = []
    for key in [key for key in spans if key not in seen]:
        span = spans[key]
        reason = _why_closed(span, listed.get(span.patch_id, []))
        if reason is None:
            span.offered, span.last_seen = False, at
            continue
        span.closed_at, span.closed_by = at, reason
        closed.append(spans.pop(key))
    return closed


def _update(span: Span, entry: Mapping[str, Any], at: str) -> None:
    # What waits for a reboot is listed as installed, without its CVEs: those of the time before still hold.
    if entry["cves"] or entry["state"] != "INSTALLED_PENDING_REBOOT":
        span.cves = list(entry["cves"])
    span.advisories = list(entry["advisories"]) or span.advisories
    span.last_seen, span.offered = at, True
    span.installed_version = entry["installed_version"]
    span.released = entry["released"] or span.released
    span.told = {name: entry[name] for name in _TOLD}


def _why_closed(span: Span, entries: list[Mapping[str, Any]]) -> str | None:
    """None where the host still has the version that the span began with: nobody offers the fix any more."""
    versions = {entry["installed_version"] for entry in entries}
    if span.version in versions:
        return INSTALLED
    if span.installed_version in versions:
        return None
    return REPLACED if versions - {None} else GONE


def follow(documents: Iterable[Document]) -> tuple[list[Span], list[Span]]:
    """Open and closed spans of one host from all of its documents, oldest first."""
    spans: dict[SpanKey, Span] = {}
    closed: list[Span] = []
    for document in documents:
        closed += advance(spans, document)
    return list(spans.values()), closed


def matches(span: Span, wanted: str) -> bool:
    """Whether ``wanted`` names it: a CVE or advisory id (upper or lower case), a package name, ``name.arch``, a KB
    id, or ``name.arch:version``."""
    return wanted.casefold() in span.words()


def where(hosts: Iterable[Iterable[Document]], wanted: str, *, closed_too: bool = False) -> Iterator[dict[str, Any]]:
    """Spans that ``wanted`` names on any host, from each host's documents (oldest first)."""
    for documents in hosts:
        still_open, closed = follow(documents)
        for span in [*still_open, *(closed if closed_too else [])]:
            if matches(span, wanted):
                yield span.as_dict()
