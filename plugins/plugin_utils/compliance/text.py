# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary at the end of a play: plain ASCII, at most 100 columns, enough to act on.

Names, versions and messages come from hosts: control characters and whatever a terminal might act on are escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .outcomes import NOT_STARTED, host_status
from .states import DEFERRED_PHASED, HELD

WIDTH = 100
_MOST_HOSTS = 60
_MOST_PATCHES = 60
_MOST_NAMES = 6
_LEVELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")
_STATUS_ORDER = ("failed", "timed_out", "unreachable", "not_started", "non_compliant", "unknown", "compliant")

Documents = Mapping[str, Mapping[str, Any]]
Outcomes = Mapping[str, Mapping[str, Any]]
Group = tuple[Mapping[str, Any], list[str]]


def render_run(
    documents: Documents,
    outcomes: Outcomes,
    *,
    hosts: Sequence[str] | None = None,
    run: Mapping[str, str] | None = None,
    operation: str = "Scan",
    problems: Iterable[str] = (),
    warnings: Iterable[str] = (),
) -> str:
    """The whole summary. ``hosts``: all that the play was meant for (default: all that left something).

    ``run``: ``id``, ``as_of`` and ``path``. ``problems``: files that could not be read.
    """
    names = list(hosts) if hosts is not None else sorted({*documents, *outcomes})
    statuses = {name: host_status(documents.get(name), outcomes.get(name)) for name in names}
    seen = {name: documents[name] for name in names if name in documents}
    blocks = [
        _header(statuses, run or {}, operation),
        _host_lines(statuses, seen),
        *(_patch_block(title, _grouped(seen, (state,))) for state, title in _ACTED_ON.items()),
        _absent_block(_grouped(seen, (None, _AVAILABLE))),
        _reboot_block(seen),
        _unknown_block(statuses, seen),
        _failure_block(statuses, seen, outcomes),
        _named_block(statuses, NOT_STARTED, "Not started", "the play ended before their turn; run again"),
        _warning_block(seen, warnings, problems),
        _file_block(run or {}),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


_AVAILABLE = "AVAILABLE_SECURITY_UPDATE"
_ACTED_ON = {
    "MISSING": "Missing: approved and not installed",
    "FAILED": "Failed to install",
    "INSTALLED_REJECTED": "Installed, and rejected",
    "INSTALLED_PENDING_REBOOT": "Installed, waiting for a reboot",
}


def visible(value: Any) -> str:
    """Printable ASCII: everything else is written as an escape, ``\\x1b`` for the start of a terminal sequence."""
    return "".join(
        character if " " <= character <= "~" else character.encode("unicode_escape").decode("ascii")
        for character in str(value)
    )


def _header(statuses: Mapping[str, str], run: Mapping[str, str], operation: str) -> list[str]:
    title = f"openfleet.patch {operation.lower()}"
    if run:
        title += f", run {visible(run.get('id'))}, judged as of {visible(run.get('as_of'))}"
    counts = {status: list(statuses.values()).count(status) for status in _STATUS_ORDER}
    told = ", ".join(f"{count} {_spoken(status)}" for status, count in counts.items() if count)
    return [*_wrapped(title), "=" * min(len(title), WIDTH), *_wrapped(f"{_hosts(len(statuses))}: {told or 'none'}")]


def _host_lines(statuses: Mapping[str, str], documents: Documents) -> list[str]:
    ordered = sorted(statuses, key=lambda name: (_STATUS_ORDER.index(statuses[name]), name))
    if not ordered:
        return []
    shown = ordered
    if len(ordered) > _MOST_HOSTS:
        # The compliant ones come last: what is cut off is what needs no one.
        wanting = [name for name in ordered if statuses[name] != "compliant"]
        shown = wanting[: max(_MOST_HOSTS, min(len(wanting), 500))]
    width = min(max(len(visible(name)) for name in shown), 40) if shown else 0
    lines = ["Hosts", "-----"]
    for name in shown:
        text = f"{_cut(visible(name), 40):<{width}}  {_spoken(statuses[name]):<13}  {_host_facts(documents.get(name))}"
        lines.append(_cut(text.rstrip(), WIDTH))
    if len(shown) < len(ordered):
        lines.append(f"... and {len(ordered) - len(shown)} more, of which {_rest(statuses, ordered, shown)}")
    return lines


def _rest(statuses: Mapping[str, str], ordered: Sequence[str], shown: Sequence[str]) -> str:
    hidden = [statuses[name] for name in ordered[len(shown) :]]
    return ", ".join(f"{hidden.count(status)} {_spoken(status)}" for status in _STATUS_ORDER if status in hidden)


def _host_facts(document: Mapping[str, Any] | None) -> str:
    if document is None or document.get("error") is not None:
        return ""
    summary = document["summary"]
    facts = []
    if summary["missing_count"]:
        levels = [entry["level"] for entry in document["patches"] if entry["state"] == "MISSING"]
        by_level = ", ".join(f"{levels.count(each)} {each.lower()}" for each in _LEVELS if levels.count(each))
        facts.append(f"missing {summary['missing_count']} ({by_level or 'no level'})")
    for count, word in (
        ("failed_count", "failed"),
        ("installed_rejected_count", "rejected"),
        ("installed_pending_reboot_count", "pending reboot"),
        ("waiting_count", "waiting"),
        ("held_count", "held"),
        ("deferred_count", "deferred"),
    ):
        if summary[count]:
            facts.append(f"{word} {summary[count]}")
    if document["reboot"].get("required"):
        facts.append("needs a reboot")
    baseline = (document.get("baseline") or {}).get("name")
    return ", ".join(facts or ["nothing missing"]) + (f"  [{visible(baseline)}]" if baseline else "")


_SAME_LINE = ("id", "installed_version", "version", "level", "reason", "rule", "detail", "approves_on")


def _grouped(documents: Documents, states: tuple[str | None, ...]) -> list[Group]:
    """One entry per patch, version and reason, with the hosts that have it; the worst level first."""
    groups: dict[tuple[Any, ...], Group] = {}
    for host, document in documents.items():
        for entry in document["patches"]:
            if entry["state"] not in states or entry["reason"] == "superseded_by_newer":
                continue
            key = tuple(entry[part] for part in _SAME_LINE)
            groups.setdefault(key, (entry, []))[1].append(host)
    return sorted(groups.values(), key=lambda group: (_rank(group[0]["level"]), -len(group[1]), str(group[0]["id"])))


def _patch_block(title: str, groups: list[Group]) -> list[str]:
    """What someone has to act on: two lines each."""
    if not groups:
        return []
    lines = [title, "-" * len(title)]
    for entry, hosts in groups[:_MOST_PATCHES]:
        change = visible(entry["version"] or entry["installed_version"] or "")
        if entry["version"] and entry["installed_version"]:
            change = f"{visible(entry['installed_version'])} -> {visible(entry['version'])}"
        lines += _wrapped(f"{visible(entry['level'] or '-'):<13}  {visible(entry['id'])}  {change}".rstrip(), hang=15)
        facts = [_why(entry)]
        if entry["released"]:
            facts.append(f"released {visible(entry['released'])[:10]}")
        if entry["advisories"] or entry["cves"]:
            facts.append(_some([*entry["advisories"], *entry["cves"]]))
        lines += _wrapped(f"{', '.join(facts)}; on {_hosts(len(hosts))}: {_some(hosts)}", indent=15)
    if len(groups) > _MOST_PATCHES:
        lines.append(f"... and {len(groups) - _MOST_PATCHES} more; every document lists all of its own")
    return lines


def _absent_block(groups: list[Group]) -> list[str]:
    """What nobody has to act on now, by the reason why it is not installed."""
    by_reason: dict[str, list[Group]] = {}
    for group in groups:
        by_reason.setdefault(_why(group[0]), []).append(group)
    lines = []
    for why, those in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        names = [f"{entry['id']} {entry['version'] or ''}".rstrip() for entry, _hosts in those]
        hosts = {host for _entry, hosts in those for host in hosts}
        count = "1 patch" if len(those) == 1 else f"{len(those)} patches"
        lines += _wrapped(f"* {why}: {count} on {_hosts(len(hosts))}", hang=2)
        lines += _wrapped(_some(sorted(names), most=12), indent=4)
    title = "Available and not to be installed now"
    return [title, "-" * len(title), *lines] if lines else []


_REASONS = {
    "approved_explicitly": "on the list of approved patches",
    "rejected_explicitly": "on the list of rejected patches",
    "override_list": "on the install override list",
    "not_in_override_list": "not on the install override list",
    "no_kb_id": "has no KB id",
    "not_installed": "not installed, and patching installs nothing new",
    "global_filter": "left out by the global filters",
    "after_cutoff_date": "released after the cut-off date",
    "unknown_release_date": "no release date, so the delay cannot be counted",
    "not_security": "not a security patch, and the non-security switch is off",
    "no_rule_matches": "no rule matches",
}


def _why(entry: Mapping[str, Any]) -> str:
    if entry["detail"] == HELD:
        return "held on the host (hold, lock, exclude or pin)"
    if entry["detail"] == DEFERRED_PHASED:
        return "phased by Ubuntu, not offered to this host yet"
    if entry["reason"] == "approved_by_rule":
        return f"rule {entry['rule']}"
    if entry["reason"] == "waiting_for_approval_delay":
        return f"approved on {visible(entry['approves_on'])}, when the delay is over"
    return _REASONS.get(entry["reason"], visible(entry["reason"]))


def _reboot_block(documents: Documents) -> list[str]:
    waiting = [name for name, document in documents.items() if document["reboot"].get("required")]
    if not waiting:
        return []
    return ["A reboot is needed", "------------------", *_wrapped(_some(waiting, most=40), indent=2)]


def _unknown_block(statuses: Mapping[str, str], documents: Documents) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name, document in documents.items():
        if statuses[name] in ("unknown", "non_compliant"):
            for reason in document["verdict_reasons"]:
                if reason["kind"].upper() not in _VIOLATION_KINDS:
                    reasons.setdefault(visible(reason["message"]), []).append(name)
    if not reasons:
        return []
    lines = ["Could not be judged in full", "---------------------------"]
    for message, hosts in reasons.items():
        lines += [*_wrapped(f"* {message}", hang=2), *_wrapped(f"on {_hosts(len(hosts))}: {_some(hosts)}", indent=4)]
    return lines


_VIOLATION_KINDS = (*_ACTED_ON, _AVAILABLE)


def _failure_block(statuses: Mapping[str, str], documents: Documents, outcomes: Outcomes) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, status in statuses.items():
        if status in ("failed", "timed_out", "unreachable"):
            error = (documents.get(name) or {}).get("error") or {}
            told = (outcomes.get(name) or {}).get("message") or error.get("message")
            message = visible(told or "no message was kept; run again with -vvv")
            groups.setdefault((_spoken(status), message), []).append(name)
    if not groups:
        return []
    lines = ["Failed and unreachable", "----------------------"]
    for (status, message), hosts in groups.items():
        lines += _wrapped(f"* {status}: {_cut(message, 1500)}", hang=2)
        lines += _wrapped(f"on {_hosts(len(hosts))}: {_some(hosts, most=20)}", indent=4)
    return lines


def _named_block(statuses: Mapping[str, str], wanted: str, title: str, advice: str) -> list[str]:
    names = [name for name, status in statuses.items() if status == wanted]
    if not names:
        return []
    return [title, "-" * len(title), *_wrapped(f"{_some(names, most=40)}: {advice}", indent=2)]


def _warning_block(documents: Documents, warnings: Iterable[str], problems: Iterable[str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name, document in documents.items():
        for warning in document["warnings"]:
            groups.setdefault(visible(warning["message"]), []).append(name)
    lines = []
    for message in [*warnings, *problems]:
        lines += _wrapped(f"* {visible(message)}", hang=2)
    for message, hosts in groups.items():
        lines += [*_wrapped(f"* {message}", hang=2), *_wrapped(f"on {_hosts(len(hosts))}: {_some(hosts)}", indent=4)]
    return ["Warnings", "--------", *lines] if lines else []


def _file_block(run: Mapping[str, str]) -> list[str]:
    if not run.get("path"):
        return []
    return [f"One document per host, outcomes and baselines of this run: {visible(run['path'])}"]


def _spoken(status: str) -> str:
    return status.replace("_", "-" if status == "non_compliant" else " ")


def _rank(level: str | None) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _some(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    told = ", ".join(visible(name) for name in names[:most])
    return told + (f" and {len(names) - most} more" if len(names) > most else "")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _wrapped(text: str, *, indent: int = 0, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [""]
