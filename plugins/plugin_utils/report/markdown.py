# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A summary for a chat, a ticket or a pull request, in the Markdown that all of them understand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..compliance.hooks import DONE, SKIPPED, SPOKEN
from ..compliance.run_data import spoken as spoken_data
from .model import STATUSES, HostLine, Report

_MOST_HOSTS = 25
_MOST_PATCHES = 25
# A name such as web_1 or 1.0-1+deb12u1 has no meaning anywhere and stays as it is.
_MEANING = re.compile(r"[\\`*\[\]<>|~&@]|(?<![^\W_])_|_(?![^\W_])|#(?=\d)|:(?=//)")


def markdown(report: Report) -> str:
    """The fleet's verdict, its counts, hosts to act on and the patches that most of them lack."""
    blocks = [
        [f"# Patch compliance: {spoken(report.verdict)}", "", _headline(report)],
        _counts(report),
        _groups(report),
        _hosts(report),
        _patches(report),
        _hooks(report),
        _problems(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def escaped(value: Any) -> str:
    """Text without any meaning in Markdown or HTML; a mention of a person or team is none any more."""
    return _MEANING.sub(lambda match: f"&#{ord(match[0])};" if match[0] in "<>&@|:#" else f"\\{match[0]}", str(value))


def spoken(status: str) -> str:
    """``non-compliant``, ``timed out``."""
    return status.replace("_", "-" if status == "non_compliant" else " ")


def _headline(report: Report) -> str:
    what = f"run {report.scope['run_id']}" if report.scope["kind"] == "run" else "newest document of each host"
    given = f" {escaped('; '.join(spoken_data(report.run_data)))}." if any(report.run_data.values()) else ""
    return f"{_count(len(report.hosts), 'host')}, {what}, as of {report.generated_at}.{given}"


def _counts(report: Report) -> list[str]:
    counts = report.counts
    return _table(["Hosts", "Number"], [[spoken(name), counts[name]] for name in STATUSES if counts[name]])


def _groups(report: Report) -> list[str]:
    groups = report.groups()
    rows = []
    for group in groups:
        counts = group["counts"]
        rest = group["hosts"] - counts["compliant"] - counts["non_compliant"]
        name = "(none)" if group["name"] is None else group["name"]
        rows.append([name, group["hosts"], counts["compliant"], counts["non_compliant"], rest])
    heads = ["Patch group", "Hosts", "Compliant", "Non-compliant", "Neither"]
    return ["## Patch groups", "", *_table(heads, rows)] if len(groups) > 1 else []


def _hosts(report: Report) -> list[str]:
    wanting = [host for host in report.hosts if host.status not in ("compliant", "ready")]
    if not wanting:
        return []
    rows = [[host.name, spoken(host.status), _why(host)] for host in wanting[:_MOST_HOSTS]]
    return ["## Hosts to act on", "", *_table(["Host", "Status", "Why"], rows), *_more(len(wanting), _MOST_HOSTS)]


def _why(host: HostLine) -> str:
    told = [host.failure] if host.failure else list(host.reasons)
    if host.reboot_required:
        told.append("needs a reboot")
    text = "; ".join(told)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _patches(report: Report) -> list[str]:
    found = [report.patch(index) | {"hosts": count} for index, count in enumerate(report.patch_hosts)]
    violations = [patch for patch in found if patch["violation"]]
    violations.sort(key=lambda patch: (-patch["hosts"], patch["id"]))
    if not violations:
        return []
    rows = []
    for patch in violations[:_MOST_PATCHES]:
        change = " → ".join(version for version in (patch["installed_version"], patch["version"]) if version)
        ids = _some([*patch["cves"], *patch["advisories"]])
        rows.append([patch["id"], change, patch["state"], patch["level"] or "", patch["hosts"], ids])
    heads = ["Patch", "Version", "State", "Level", "Hosts", "CVEs and advisories"]
    return ["## Patches to act on", "", *_table(heads, rows), *_more(len(violations), _MOST_PATCHES)]


def _hooks(report: Report) -> list[str]:
    """Those that did not go well."""
    found = [(host.name, each) for host in report.hosts for each in host.hooks if each["result"] not in (DONE, SKIPPED)]
    rows = [
        [
            name,
            f"{SPOKEN.get(each['kind'], each['kind'])} {each['name']}",
            spoken(each["result"]),
            each["message"] or "",
        ]
        for name, each in found[:_MOST_HOSTS]
    ]
    heads = ["Host", "Hook", "Result", "Why"]
    return (
        ["## Hooks and checks that failed", "", *_table(heads, rows), *_more(len(found), _MOST_HOSTS)] if rows else []
    )


def _problems(report: Report) -> list[str]:
    if not report.problems:
        return []
    return ["## Left out", "", *(f"- {escaped(problem)}" for problem in report.problems[:20])]


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(escaped(value) for value in row)} |" for row in rows]


def _more(total: int, shown: int) -> list[str]:
    return ["", f"... and {total - shown} more."] if total > shown else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
