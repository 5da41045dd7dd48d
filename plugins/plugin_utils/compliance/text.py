# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary at the end of a play: plain ASCII, at most 100 columns, enough to act on.

Names, versions and messages come from hosts: control characters and whatever a terminal might act on are escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import run_data
from .hooks import DONE, SKIPPED, SPOKEN
from .outcomes import OK, host_status
from .overview import ACTED_ON, Overview, PatchGroup, in_short
from .states import DEFERRED_PHASED, HELD

WIDTH = 100
_MOST_HOSTS = 60
_MOST_PATCHES = 60
_MOST_NAMES = 6
_LONGEST_MESSAGE = 2000
_STATUS_ORDER = ("failed", "timed_out", "unreachable", "not_started", "non_compliant", "unknown", "ready", "compliant")
_TITLES = {
    "MISSING": "Missing: approved and not installed",
    "FAILED": "Failed to install",
    "INSTALLED_REJECTED": "Installed, and rejected",
    "INSTALLED_PENDING_REBOOT": "Installed, waiting for a reboot",
}


def render_run(
    overview: Overview,
    *,
    run: Mapping[str, str] | None = None,
    operation: str = "Scan",
    warnings: Iterable[str] = (),
) -> str:
    """The whole summary. ``run``: ``id``, ``as_of`` and ``path``."""
    blocks = [
        _header(overview, run or {}, operation),
        _host_block(overview),
        *(_patch_block(_TITLES[state], overview.groups(state)) for state in ACTED_ON),
        _absent_block(overview.groups(None)),
        _block("A reboot is needed", _wrapped(_some(overview.reboot, most=40), indent=2) if overview.reboot else []),
        _block("Could not be judged in full", _messages(overview.doubts)),
        _block("Failed and unreachable", _failures(overview)),
        _block("Hooks and checks", _hooks(overview)),
        _block("Not started", _not_started(overview)),
        _block("Warnings", _notes([*warnings, *overview.problems]) + _messages(overview.warnings)),
        ["One document per host, outcomes and baselines of this run:", visible(run["path"])]
        if run and run.get("path")
        else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def turn_line(host: str, outcome: Mapping[str, Any], document: Mapping[str, Any] | None) -> str:
    """How the turn of one host ended: ``web1 non-compliant, missing 3 (1 critical)``.

    What went wrong is told by the failed task itself and by the summary.
    """
    told = [f"{_cut(visible(host), 60)} {_spoken(host_status(document, outcome))}"]
    if document is not None and document["error"] is None:
        installed = (document.get("installation") or {}).get("installed")
        told += [f"installed {len(installed)}"] if installed else []
        told.append(in_short(document))
    elif outcome.get("status") == OK:
        told.append("could not be judged")
    return ", ".join(told)


def visible(value: Any) -> str:
    """Printable ASCII: everything else is written as an escape, ``\\x1b`` for the start of a terminal sequence."""
    return "".join(
        character if " " <= character <= "~" else character.encode("unicode_escape").decode("ascii")
        for character in str(value)
    )


def _header(overview: Overview, run: Mapping[str, str], operation: str) -> list[str]:
    counts = overview.counts()
    told = ", ".join(f"{counts[status]} {_spoken(status)}" for status in _STATUS_ORDER if counts[status])
    title = f"openfleet.patch {operation.lower()}: {_hosts(len(overview.statuses))}" + (f", {told}" if told else "")
    lines = _wrapped(title)
    facts = f"run {visible(run.get('id'))}, judged as of {visible(run.get('as_of'))}" if run else ""
    given = _wrapped(visible("; ".join(run_data.spoken(overview.run_data))), hang=2)
    return [*lines, "=" * max(map(len, lines)), *_wrapped(facts), *given]


def _host_block(overview: Overview) -> list[str]:
    statuses = overview.statuses
    ordered = sorted(statuses, key=lambda name: (_STATUS_ORDER.index(statuses[name]), name))
    # The compliant ones come last: what is cut off is what needs no one.
    wanting = [name for name in ordered if statuses[name] not in ("compliant", "ready")]
    shown = ordered if len(ordered) <= _MOST_HOSTS else wanting[:500]
    width = max((min(len(visible(name)), 40) for name in shown), default=0)
    lines = [
        _cut(
            f"{_cut(visible(name), 40):<{width}}  {_spoken(statuses[name]):<13}"
            f"  {visible(overview.facts.get(name, ''))}".rstrip(),
            WIDTH,
        )
        for name in shown
    ]
    if len(shown) < len(ordered):
        hidden = [statuses[name] for name in ordered[len(shown) :]]
        rest = ", ".join(f"{hidden.count(status)} {_spoken(status)}" for status in _STATUS_ORDER if status in hidden)
        lines.append(f"... and {len(hidden)} more: {rest}")
    return _block("Hosts", lines)


def _patch_block(title: str, groups: Sequence[PatchGroup]) -> list[str]:
    """What someone has to act on: two lines each."""
    lines = []
    for group in groups[:_MOST_PATCHES]:
        entry = group.entry
        change = visible(entry["version"] or entry["installed_version"] or "")
        if entry["version"] and entry["installed_version"]:
            change = f"{visible(entry['installed_version'])} -> {visible(entry['version'])}"
        lines += _wrapped(f"{visible(entry['level'] or '-'):<13}  {visible(entry['id'])}  {change}".rstrip(), hang=15)
        facts = [_why(entry)]
        if entry["released"]:
            facts.append(f"released {visible(entry['released'])[:10]}")
        if entry["advisories"] or entry["cves"]:
            facts.append(_some([*entry["advisories"], *entry["cves"]]))
        lines += _wrapped(f"{', '.join(facts)}; on {_named_hosts(group.hosts)}", indent=15)
    if len(groups) > _MOST_PATCHES:
        lines.append(f"... and {len(groups) - _MOST_PATCHES} more; every document lists all of its own")
    return _block(title, lines)


def _absent_block(groups: Sequence[PatchGroup]) -> list[str]:
    """What nobody has to act on now, by the reason why it is not installed."""
    by_reason: dict[str, list[PatchGroup]] = {}
    for group in groups:
        by_reason.setdefault(_why(group.entry), []).append(group)
    lines = []
    for why, those in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        names = {f"{group.entry['id']} {group.entry['version'] or ''}".rstrip() for group in those}
        hosts = {host for group in those for host in group.hosts}
        count = "1 patch" if len(names) == 1 else f"{len(names)} patches"
        lines += _wrapped(f"* {why}: {count} on {_hosts(len(hosts))}", hang=2)
        lines += _wrapped(_some(sorted(names), most=12), indent=4)
    return _block("Available and not to be installed now", lines)


_REASONS = {
    "approved_explicitly": "on the list of approved patches",
    "rejected_explicitly": "on the list of rejected patches",
    "override_list": "on the install override list",
    "not_in_override_list": "not on the install override list",
    "not_needed_for_fix": "not needed for what the install override list wants fixed",
    "no_kb_id": "has no KB id",
    "not_installed": "not installed, and patching installs nothing new",
    "global_filter": "left out by the global filters",
    "after_cutoff_date": "released after the cut-off date",
    "unknown_release_date": "no release date, so the delay cannot be counted",
    "not_security": "not a security patch, and the non-security switch is off",
    "no_rule_matches": "no rule matches",
}


def _why(entry: Mapping[str, Any]) -> str:
    if entry["state"] == "FAILED":
        return visible(entry["failure"])
    if entry["detail"] == HELD:
        return "held on the host (hold, lock, exclude or pin)"
    if entry["detail"] == DEFERRED_PHASED:
        return "phased by Ubuntu, not offered to this host yet"
    if entry["reason"] == "approved_by_rule":
        return f"rule {visible(entry['rule'])}"
    if entry["reason"] == "waiting_for_approval_delay":
        return f"waits for the approval delay, approved on {visible(entry['approves_on'])}"
    return _REASONS.get(entry["reason"], visible(entry["reason"]))


def _messages(messages: Mapping[str, Sequence[str]]) -> list[str]:
    lines = []
    for message, hosts in messages.items():
        lines += _note(message)
        lines += _wrapped(f"on {_named_hosts(hosts)}", indent=4)
    return lines


def _note(message: str) -> list[str]:
    """A message of several lines, such as all problems of a baseline, keeps them."""
    first, *more = message[:_LONGEST_MESSAGE].rstrip().split("\n")
    lines = _wrapped(f"* {visible(first)}", hang=2)
    for line in more:
        lines += _wrapped(visible(line.strip()), indent=4)
    return lines


def _failures(overview: Overview) -> list[str]:
    return _messages({f"{_spoken(status)}: {told}": hosts for (status, told), hosts in overview.failures.items()})


def _hooks(overview: Overview) -> list[str]:
    """``pre-install hook 'drain': ok on 12 hosts, failed on 1 host: web3``."""
    lines = []
    for (kind, name), results in overview.hooks.items():
        told = [f"ok on {_hosts(len(results[DONE]))}"] if DONE in results else []
        bad = [word for word in results if word not in (DONE, SKIPPED)]
        told += [f"{_spoken(word)} on {_named_hosts(results[word])}" for word in bad]
        told += [f"not run on {_hosts(len(results[SKIPPED]))}"] if SKIPPED in results else []
        lines += _wrapped(f"* {SPOKEN.get(kind, visible(kind))} '{visible(name)}': {', '.join(told)}", hang=2)
    return lines


def _not_started(overview: Overview) -> list[str]:
    lines = []
    for message, names in overview.not_started.items():
        lines += _wrapped(f"{_some(names, most=40)}: {visible(message)}", indent=2)
    return lines


def _notes(messages: Sequence[str]) -> list[str]:
    return [line for message in messages for line in _note(message)]


def _block(title: str, lines: list[str]) -> list[str]:
    return [title, "-" * len(title), *lines] if lines else []


def _spoken(status: str) -> str:
    return status.replace("_", "-" if status == "non_compliant" else " ")


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _named_hosts(names: Sequence[str]) -> str:
    return f"{_hosts(len(names))}: {_some(names)}"


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
    )
