# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One self-contained HTML file: opens from disk, loads nothing, runs nothing but its own script.

What has to be read without scripts (verdict, counts, groups, what to act on) is in the page itself; the tables of
hosts and patches are built from embedded data by ``page.js``, which writes text nodes and no markup. A content
security policy with the hashes of script and style keeps the page to that, whatever text a host sent.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..compliance.hooks import SPOKEN
from ..compliance.run_data import spoken as spoken_data
from .markdown import spoken
from .model import PATCH_FIELDS, STATUSES, HostLine, Report

_NUMBER = ' class="number"'
_HERE = Path(__file__).parent
_SHOWN_COUNTS = (
    "missing_count", "failed_count", "installed_rejected_count", "installed_pending_reboot_count", "waiting_count",
    "held_count", "installed_count",
)  # fmt: skip
_ACT = frozenset({"failed", "timed_out", "unreachable", "unknown", "stale", "never_scanned", "not_started"})
_CLASSES = {"compliant": "good", "ready": "good", "non_compliant": "bad", "failed": "bad", "timed_out": "bad",
            "unreachable": "bad"}  # fmt: skip


def html_page(report: Report) -> Iterator[str]:
    """Pieces of the page, UTF-8 text."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    title = f"Patch compliance: {spoken(report.verdict)}"
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="openfleet.patch">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#hosts">Skip to the hosts</a>
<header>
<h1>Patch compliance <span class="badge {_class(report.verdict)}">{escape(spoken(report.verdict))}</span></h1>
<p>{escape(_scope(report))}</p>{_given(report)}
</header>
<main>
{_glance(report)}
{_act(report)}
{_reboots(report)}
{_breakdown(report)}
{_trend(report.trend)}
{_TABLES}
{_problems(report)}
</main>
<footer><p>Made by openfleet.patch. All times are UTC.</p></footer>
<script type="application/json" id="data">"""
    yield from _data(report)
    yield f"</script>\n<script>{script}</script>\n</body>\n</html>\n"


_TABLES = """<section id="hosts" aria-labelledby="hosts-title">
<h2 id="hosts-title">Hosts</h2>
<noscript><p>The tables of hosts and patches need scripts; the CSV and JSON reports hold the same.</p></noscript>
<div class="controls" id="hosts-controls"></div>
<p class="count" id="hosts-count" role="status"></p>
<div class="scroll" role="region" aria-label="Hosts, table" tabindex="0" id="hosts-table"></div>
</section>
<section id="patches" aria-labelledby="patches-title">
<h2 id="patches-title">Patches</h2>
<div class="controls" id="patches-controls"></div>
<p class="count" id="patches-count" role="status"></p>
<div class="scroll" role="region" aria-label="Patches, table" tabindex="0" id="patches-table"></div>
</section>"""


def _scope(report: Report) -> str:
    hosts = "1 host" if len(report.hosts) == 1 else f"{len(report.hosts)} hosts"
    if report.scope["kind"] == "run":
        run = f"run {report.scope['run_id']}, judged as of {report.scope['as_of']}"
        return f"{hosts} of {run}; written {report.generated_at}"
    days = f"{report.stale_after_days:g}"
    return (
        f"{hosts}, each by its newest document; written {report.generated_at}; stale after {days} days without a scan"
    )


def _given(report: Report) -> str:
    """What people gave the runs: their words, who they are, how long it may take."""
    told = "; ".join(spoken_data(report.run_data))
    return f"\n<p>{escape(told)}</p>" if told else ""


def _hook_line(hook: Mapping[str, Any]) -> str:
    why = f" ({hook['message']})" if hook["message"] else ""
    return f"{SPOKEN.get(hook['kind'], hook['kind'])} {hook['name']}: {spoken(hook['result'])}{why}"


def _glance(report: Report) -> str:
    counts = report.counts
    cards = "".join(
        f'<li class="card {_class(name)}"><b>{counts[name]}</b> {escape(spoken(name))}</li>'
        for name in STATUSES
        if counts[name]
    )
    return f'<section aria-labelledby="glance"><h2 id="glance">At a glance</h2><ul class="cards">{cards}</ul></section>'


def _act(report: Report) -> str:
    hosts = [host for host in report.hosts if host.status in _ACT]
    rows = [(host.name, spoken(host.status), host.failure or "; ".join(host.reasons)) for host in hosts]
    title = "Hosts that could not be judged, and what to do"
    return _section("act", title, ("Host", "Status", "What was said"), rows) if rows else ""


def _reboots(report: Report) -> str:
    rows = [
        (host.name, host.patch_group or "", "; ".join(host.reboot_reasons) or "no reason was given")
        for host in report.hosts
        if host.reboot_required
    ]
    return _section("reboots", "Pending reboots", ("Host", "Patch group", "Because of"), rows) if rows else ""


def _breakdown(report: Report) -> str:
    parts = [
        _by("groups", "By patch group", "Patch group", report.groups()),
        _by("systems", "By operating system", "Operating system", report.operating_systems()),
    ]
    rows = [(each["level"], each["patches"], each["hosts"], each["findings"]) for each in report.levels()]
    if rows:
        heads = ("Level", "Patches", "Hosts", "Violations")
        parts.append(_section("levels", "Violations by compliance level", heads, rows))
    return "".join(parts)


def _by(name: str, title: str, what: str, groups: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for group in groups:
        counts = group["counts"]
        rest = group["hosts"] - counts["compliant"] - counts["non_compliant"]
        told = "(none)" if group["name"] is None else group["name"]
        rows.append((told, group["hosts"], counts["compliant"], counts["non_compliant"], rest))
    return _section(name, title, (what, "Hosts", "Compliant", "Non-compliant", "Neither"), rows)


def _trend(trend: Sequence[Mapping[str, Any]]) -> str:
    if len(trend) < 2:
        return ""
    most = max(sum(each["counts"].values()) for each in trend) or 1
    width, height = 16, 120
    bars = []
    for place, each in enumerate(trend):
        counts = each["counts"]
        parts = (("good", counts["compliant"]), ("bad", counts["non_compliant"]))
        other = sum(counts.values()) - counts["compliant"] - counts["non_compliant"]
        top = float(height)
        for kind, number in (*parts, ("open", other)):
            tall = height * number / most
            top -= tall
            if number:
                bars.append(
                    f'<rect class="{kind}" x="{place * width}" y="{top:.1f}" width="{width - 3}" height="{tall:.1f}"/>'
                )
    total = len(trend) * width
    rows = [
        (each["started_at"], sum(each["counts"].values()), each["counts"]["compliant"], each["counts"]["non_compliant"])
        for each in trend
    ]
    table = _table("Runs, oldest first", ("Run started", "Hosts", "Compliant", "Non-compliant"), rows, "Runs")
    return (
        '<section aria-labelledby="trend"><h2 id="trend">Trend</h2>'
        f'<svg class="trend" role="img" aria-label="Hosts per run by verdict; the table below has the numbers"'
        f' viewBox="0 0 {total} {height}" width="{total}" height="{height}">{"".join(bars)}</svg>'
        '<p class="legend"><span class="key good">compliant</span> <span class="key bad">non-compliant</span>'
        ' <span class="key open">neither</span></p>'
        f"<details><summary>Numbers of the trend</summary>{table}</details></section>"
    )


def _problems(report: Report) -> str:
    if not report.problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in report.problems)
    return f'<section aria-labelledby="problems"><h2 id="problems">Left out</h2><ul>{items}</ul></section>'


def _section(name: str, title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    table = _table(title, heads, rows, title)
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{table}</section>'


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], label: str) -> str:
    listed = list(rows)
    numbers = [isinstance(value, int) for value in listed[0]] if listed else [False] * len(heads)
    head = "".join(
        f'<th scope="col"{_NUMBER if number else ""}>{escape(each)}</th>'
        for each, number in zip(heads, numbers, strict=True)
    )
    body = "".join(
        "<tr>" + f'<th scope="row">{escape(str(row[0]))}</th>' + "".join(_cell(each) for each in row[1:]) + "</tr>"
        for row in listed
    )
    return (
        f'<div class="scroll" role="region" aria-label="{escape(label)}, table" tabindex="0"><table>'
        f'<caption class="unseen">{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any) -> str:
    return f"<td{_NUMBER if isinstance(value, int) else ''}>{escape(str(value))}</td>"


def _data(report: Report) -> Iterator[str]:
    """Rows of indexes into one list of strings: the same names and sentences come again and again."""
    strings: dict[str, int] = {}

    def packed(value: Any) -> Any:
        if isinstance(value, _Numbers):
            return value
        if isinstance(value, str):
            return strings.setdefault(value, len(strings))
        if isinstance(value, (tuple, list)):
            return [packed(each) for each in value]
        # Booleans and numbers (a rule) are told apart from indexes by their place.
        return value if value is not None else -1

    yield '{"patchFields":' + _safe(PATCH_FIELDS)
    yield ',"statuses":' + _safe([[name, spoken(name), _class(name)] for name in STATUSES])
    yield ',"countFields":' + _safe(_SHOWN_COUNTS)
    for name, rows in (("patches", report.patches), ("hosts", (_host_row(host) for host in report.hosts))):
        yield f',"{name}":['
        for number, row in enumerate(rows):
            yield ("," if number else "") + _safe([packed(value) for value in row])
        yield "]"
    yield ',"strings":' + _safe(list(strings)) + "}"


def _host_row(host: HostLine) -> list[Any]:
    state = host.state or {}
    reboot = {True: "needed", False: "not needed", None: "unknown"}[host.reboot_required]
    return [
        host.name,
        host.status,
        host.patch_group,
        host.product or host.operating_system,
        state.get("baseline"),
        state.get("finished_at"),
        state.get("operation"),
        reboot,
        [*host.reasons, *([host.failure] if host.failure else []), *host.warnings, *map(_hook_line, host.hooks)],
        _Numbers(-1 if state.get(name) is None else int(state[name]) for name in _SHOWN_COUNTS),
        _Numbers(host.patches),
    ]


class _Numbers(list[int]):
    """Numbers that are no indexes of strings; ``packed`` passes them as they are."""


def _safe(value: Any) -> str:
    # "</script" and "<!--" end or change a script element, whatever its type.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _class(status: str) -> str:
    return _CLASSES.get(status, "open")
