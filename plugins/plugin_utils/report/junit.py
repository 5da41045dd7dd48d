# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit XML for pipelines: a suite per patch group, a case per host.

A host that is not compliant is a failure; one that could not be judged (unknown, stale, unreachable, failed, never
scanned, not started) is an error: in a pipeline neither may pass in silence.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from .model import HostLine, Report

_MOST_LINES = 200


def junit(report: Report) -> str:
    """The whole file. ``time`` is 0: the duration of a scan is no duration of a test."""
    groups: dict[str, list[HostLine]] = {}
    for host in report.hosts:
        groups.setdefault(host.patch_group or "(no patch group)", []).append(host)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_totals(report.hosts)}>"]
    for name in sorted(groups):
        hosts = sorted(groups[name], key=lambda host: host.name)
        lines.append(
            f' <testsuite name={_quoted(name)} {_totals(hosts)} skipped="0"'
            f" timestamp={_quoted(report.generated_at.rstrip('Z'))}>"
        )
        for host in hosts:
            lines += _case(report, host, name)
        lines.append(" </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _case(report: Report, host: HostLine, group: str) -> list[str]:
    head = f'  <testcase classname={_quoted(group)} name={_quoted(host.name)} time="0"'
    if host.status in ("compliant", "ready"):
        return [head + "/>"]
    kind = "failure" if host.status == "non_compliant" else "error"
    told = "; ".join(host.reasons) if kind == "failure" else host.failure or "; ".join(host.reasons)
    details = [_patch_line(report.patch(index)) for index in host.patches]
    wrong = [line for line in details if line is not None]
    body = wrong[:_MOST_LINES] + ([f"... and {len(wrong) - _MOST_LINES} more"] if len(wrong) > _MOST_LINES else [])
    text = escape("\n".join(_xml_text(line) for line in body))
    return [
        head + ">",
        f"   <{kind} type={_quoted(host.status)} message={_quoted(told or host.status)}>{text}</{kind}>",
        "  </testcase>",
    ]


def _patch_line(patch: dict[str, object]) -> str | None:
    if not patch["violation"]:
        return None
    change = " -> ".join(str(each) for each in (patch["installed_version"], patch["version"]) if each)
    return (
        f"{patch['state']} {patch['level'] or '-'} {patch['id']} {change}: {patch['failure'] or patch['explanation']}"
    )


def _totals(hosts: list[HostLine]) -> str:
    failures = sum(host.status == "non_compliant" for host in hosts)
    fine = sum(host.status in ("compliant", "ready") for host in hosts)
    return f'tests="{len(hosts)}" failures="{failures}" errors="{len(hosts) - failures - fine}"'


def _quoted(text: str) -> str:
    return quoteattr(_xml_text(text))


def _xml_text(text: str) -> str:
    # Printable text has no control characters; what is left are the two code points that XML 1.0 has no form for.
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
