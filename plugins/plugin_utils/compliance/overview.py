# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole run comes to, gathered from one document at a time so that thousands of hosts fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import run_data
from .hooks import DONE, SKIPPED, told
from .outcomes import NOT_STARTED, WORDS, host_status

AVAILABLE = "AVAILABLE_SECURITY_UPDATE"
ACTED_ON = ("MISSING", "FAILED", "INSTALLED_REJECTED", "INSTALLED_PENDING_REBOOT")
_SAME_PATCH = ("id", "installed_version", "version", "level", "reason", "rule", "detail", "failure", "approves_on")
_TOLD = (*_SAME_PATCH, "state", "released", "advisories", "cves")
_COUNTED = (
    ("failed_count", "failed"),
    ("installed_rejected_count", "rejected"),
    ("installed_pending_reboot_count", "pending reboot"),
    ("waiting_count", "waiting"),
    ("held_count", "held"),
    ("deferred_count", "deferred"),
)
LEVELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")


@dataclass
class PatchGroup:
    """One patch in one version with one reason, and every host it was found on."""

    entry: dict[str, Any]
    hosts: list[str] = field(default_factory=list)


@dataclass
class Overview:
    """Everything that the summary tells, by host, by patch and by message."""

    statuses: dict[str, str]
    """Host to its word, see ``host_status``; in the order of the hosts given."""
    facts: dict[str, str] = field(default_factory=dict)
    patches: dict[str | None, dict[tuple[Any, ...], PatchGroup]] = field(default_factory=dict)
    """By state; None holds what is available and not to be installed."""
    reboot: list[str] = field(default_factory=list)
    doubts: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(status, message) to hosts."""
    not_started: dict[str, list[str]] = field(default_factory=dict)
    """Message to hosts that were left alone for it, as by a maintenance window."""
    problems: list[str] = field(default_factory=list)
    run_data: dict[str, list[Any]] = field(default_factory=lambda: run_data.gather(()))
    """What people gave the run, see ``run_data.gather``."""
    hooks: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    """(kind, name) to what became of it, to the hosts of that."""

    def counts(self) -> dict[str, int]:
        """How many hosts ended as what; every word is present, the sum is the number of hosts."""
        counts = dict.fromkeys(WORDS, 0)
        for status in self.statuses.values():
            counts[status] += 1
        return counts

    def groups(self, state: str | None) -> list[PatchGroup]:
        """The patches of one state, the worst level and the most hosts first."""
        return sorted(
            self.patches.get(state, {}).values(),
            key=lambda group: (_rank(group.entry["level"]), -len(group.hosts), str(group.entry["id"])),
        )


def survey(
    documents: Iterable[Mapping[str, Any]],
    outcomes: Mapping[str, Mapping[str, Any]],
    *,
    hosts: Sequence[str] | None = None,
    why_not_started: str = "",
) -> Overview:
    """Gather ``documents`` (one per host) and ``outcomes`` (by host).

    ``why_not_started`` is said of hosts whose turn never came.
    ``hosts``: all that the play was meant for; others are left out. Without it, all that left an outcome.
    """
    names = list(hosts) if hosts is not None else sorted(outcomes)
    overview = Overview(statuses={name: host_status(None, outcomes.get(name)) for name in names})
    errors: dict[str, str] = {}
    for document in documents:
        name = document.get("host")
        if name not in overview.statuses or name not in outcomes:
            continue
        try:
            overview.statuses[name] = host_status(document, outcomes[name])
            errors[name] = (document["error"] or {}).get("message") or ""
            _add(overview, name, document)
        except (KeyError, TypeError, AttributeError) as error:
            overview.problems.append(f"the document of {name} is not one of this release ({error!r}); scan it again")
    for name, status in overview.statuses.items():
        outcome = outcomes.get(name) or {}
        run_data.add(overview.run_data, outcome.get("run_data") or {})
        _add_hooks(overview, name, outcome.get("hooks"))
        if status == NOT_STARTED:
            told = str(outcome.get("message") or why_not_started or "the play ended before their turn; run again")
            overview.not_started.setdefault(told, []).append(name)
        findings = outcome.get("findings") or []
        for finding in findings:
            if finding["severity"] == "error":
                overview.failures.setdefault((status, str(finding["message"])), []).append(name)
            else:
                overview.warnings.setdefault(str(finding["message"]), []).append(name)
        if status in ("failed", "timed_out", "unreachable") and not findings:
            told = outcome.get("message") or errors.get(name) or "no message was kept; run again with -vvv"
            overview.failures.setdefault((status, str(told)), []).append(name)
    return overview


def _add(overview: Overview, host: str, document: Mapping[str, Any]) -> None:
    for warning in document["warnings"]:
        overview.warnings.setdefault(str(warning["message"]), []).append(host)
    _add_hooks(overview, host, document.get("hooks"))
    if document["error"] is not None:
        return
    for entry in document["patches"]:
        state = None if entry["state"] == AVAILABLE else entry["state"]
        if state in (None, *ACTED_ON) and entry["reason"] != "superseded_by_newer":
            key = tuple(entry[part] for part in _SAME_PATCH)
            same = overview.patches.setdefault(state, {})
            if key not in same:
                same[key] = PatchGroup({part: entry[part] for part in _TOLD})
            same[key].hosts.append(host)
    baseline = (document["baseline"] or {}).get("name")
    overview.facts[host] = in_short(document) + (f"  [{baseline}]" if baseline else "")
    if document["reboot"].get("required"):
        overview.reboot.append(host)
    for reason in document["verdict_reasons"]:
        if reason["kind"].upper() not in (*ACTED_ON, AVAILABLE):
            overview.doubts.setdefault(str(reason["message"]), []).append(host)


def _add_hooks(overview: Overview, host: str, hooks: Any) -> None:
    """A check that is not required warns where it fails; the other failures are the host's."""
    for each in hooks if isinstance(hooks, list) else ():
        results = overview.hooks.setdefault((str(each["kind"]), str(each["name"])), {})
        results.setdefault(str(each["result"]), []).append(host)
        if not each["required"] and each["result"] not in (DONE, SKIPPED):
            overview.warnings.setdefault(told(each), []).append(host)


def in_short(document: Mapping[str, Any]) -> str:
    """What is wrong with the host of a readable document: ``missing 3 (1 critical), failed 1, needs a reboot``."""
    summary = document["summary"]
    levels = [entry["level"] for entry in document["patches"] if entry["state"] == "MISSING"]
    facts = []
    if summary["missing_count"]:
        by_level = ", ".join(f"{levels.count(each)} {each.lower()}" for each in LEVELS if each in levels)
        facts.append(f"missing {summary['missing_count']}" + (f" ({by_level})" if by_level else ""))
    facts += [f"{word} {summary[count]}" for count, word in _COUNTED if summary[count]]
    if document["reboot"].get("required"):
        facts.append("needs a reboot")
    return ", ".join(facts or ["nothing missing"])


def _rank(level: str | None) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)
