# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report is made of: hosts, patches and counts, gathered from one document at a time.

Every format is rendered from this one model. Text from hosts is made printable here, once; each format still escapes
what it gives a meaning to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ..compliance import run_data
from ..compliance.outcomes import OK, UNREACHABLE, host_status
from ..compliance.overview import LEVELS
from ..questions.hosts import host_state
from ..questions.staleness import is_stale, utc_time

SCHEMA_VERSION = "1.0"
STALE = "stale"
NEVER_SCANNED = "never_scanned"
STATUSES = ("failed", "timed_out", "unreachable", "non_compliant", "unknown", STALE, NEVER_SCANNED, "not_started",
            "ready", "compliant")  # fmt: skip
"""Worst first. A stale host is not compliant, whatever it was."""
PATCH_FIELDS = (
    "id", "title", "installed_version", "version", "state", "detail", "violation", "level", "classification",
    "severity", "priority", "section", "security", "repository", "product", "cves", "advisories", "decision", "reason",
    "explanation", "rule", "approves_on", "released", "failure",
)  # fmt: skip
HOOK_FIELDS = (
    "kind",
    "name",
    "how",
    "required",
    "result",
    "started_at",
    "finished_at",
    "exit_code",
    "output",
    "message",
)
_QUIET = frozenset({"INSTALLED", "INSTALLED_OTHER", "NOT_APPLICABLE"})
_LONGEST_TEXT = 4000
_LISTS = (PATCH_FIELDS.index("cves"), PATCH_FIELDS.index("advisories"))
_fields_of = itemgetter(*PATCH_FIELDS)
PatchRow = tuple[Any, ...]


@dataclass
class HostLine:
    """One host: its word, its state (``questions.hosts.host_state``) and what is to be said about it."""

    name: str
    status: str
    patch_group: str | None = None
    operating_system: str | None = None
    product: str | None = None
    state: dict[str, Any] | None = None
    """None where no document of the host is known."""
    reboot_required: bool | None = None
    reboot_reasons: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    failure: str | None = None
    warnings: list[str] = field(default_factory=list)
    patches: list[int] = field(default_factory=list)
    """Indexes into ``Report.patches``."""
    run_data: dict[str, Any] = field(default_factory=dict)
    """``run.data`` of the document."""
    hooks: list[dict[str, Any]] = field(default_factory=list)
    """What became of hooks and checks: ``HOOK_FIELDS`` of the document's."""


@dataclass
class Report:
    """``scope``: ``{"kind": "fleet" | "run", "run_id", "as_of"}``. Times are UTC text."""

    generated_at: str
    scope: dict[str, Any]
    stale_after_days: float
    hosts: list[HostLine] = field(default_factory=list)
    patches: list[PatchRow] = field(default_factory=list)
    patch_hosts: list[int] = field(default_factory=list)
    """Number of hosts per entry of ``patches``."""
    trend: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def run_data(self) -> dict[str, list[Any]]:
        """What people gave the runs of these hosts, see ``compliance.run_data.gather``."""
        return run_data.gather(host.run_data for host in self.hosts)

    @property
    def counts(self) -> dict[str, int]:
        """How many hosts ended as what; every status is present."""
        return count_statuses(host.status for host in self.hosts)

    @property
    def verdict(self) -> str:
        """``compliant`` only if every host is and there is one; one violation makes it ``non_compliant``."""
        statuses = {host.status for host in self.hosts}
        if "non_compliant" in statuses:
            return "non_compliant"
        return "compliant" if statuses == {"compliant"} else "unknown"

    def groups(self) -> list[dict[str, Any]]:
        """``{"name", "hosts", "counts"}`` per patch group; hosts without one come as null."""
        return self._by(lambda host: host.patch_group)

    def operating_systems(self) -> list[dict[str, Any]]:
        """The same per product; null where it is not known."""
        return self._by(lambda host: host.product or host.operating_system)

    def levels(self) -> list[dict[str, Any]]:
        """``{"level", "patches", "hosts", "findings"}`` of violations, the worst level first."""
        found: dict[str, dict[str, Any]] = {}
        level_of, violation_of = PATCH_FIELDS.index("level"), PATCH_FIELDS.index("violation")
        for row, hosts in zip(self.patches, self.patch_hosts, strict=True):
            if row[violation_of]:
                level = row[level_of] or "UNSPECIFIED"
                known = found.setdefault(level, {"level": level, "patches": 0, "hosts": 0, "findings": 0})
                known["patches"] += 1
                known["findings"] += hosts
        for host in self.hosts:
            for level in {self.patches[index][level_of] or "UNSPECIFIED" for index in host.patches
                          if self.patches[index][violation_of]}:  # fmt: skip
                found[level]["hosts"] += 1
        return [found[level] for level in LEVELS if level in found]

    def patch(self, index: int) -> dict[str, Any]:
        """One row of ``patches`` by field name."""
        return dict(zip(PATCH_FIELDS, self.patches[index], strict=True))

    def _by(self, group_of: Any) -> list[dict[str, Any]]:
        found: dict[str | None, list[str]] = {}
        for host in self.hosts:
            found.setdefault(group_of(host), []).append(host.status)
        return [
            {"name": name, "hosts": len(found[name]), "counts": count_statuses(found[name])}
            for name in sorted(found, key=lambda name: (name is None, name or ""))
        ]


class ReportBuilder:
    """Takes documents one at a time and forgets them; 1,000 hosts with 300 patches each stay below 500 MB."""

    def __init__(
        self, *, generated_at: str, scope: Mapping[str, Any], stale_after_days: float = 7, installed: bool = False
    ) -> None:
        """``installed``: list what is installed and in order as well, not just what someone may have to act on."""
        self.report = Report(generated_at, dict(scope), stale_after_days)
        self._installed = installed
        self._index: dict[PatchRow, int] = {}
        self._seen: dict[PatchRow, int] = {}
        """As ``_index``, by the fields as the documents have them: most hosts of a fleet lack the same patches."""
        self._pool: dict[str, str] = {}
        self._hosts: dict[str, HostLine] = {}

    def add(
        self,
        document: Mapping[str, Any],
        outcome: Mapping[str, Any] | None,
        *,
        in_run: bool,
        last_no_reboot_install: str | None = None,
    ) -> None:
        """A checked document (``questions.checked``) and the host's newest outcome.

        ``in_run``: the report is of one run, and an outcome is what says that the host had its turn. Else the
        document speaks for the host until it is stale, unless a newer attempt failed.
        """
        name = self._text(document["host"])
        line = HostLine(name, self._status(document, outcome, in_run))
        line.patch_group = self._text_or_none(document["patch_group"])
        line.operating_system = self._text_or_none(document["operating_system"])
        line.product = self._text_or_none(document["product"])
        state = host_state(document, last_no_reboot_install=last_no_reboot_install)
        line.state = {key: self._text(value) if isinstance(value, str) else value for key, value in state.items()}
        line.run_data = self._run_data(document["run"].get("data"))
        line.hooks = self._hooks(document.get("hooks"))
        required = document["reboot"].get("required")
        line.reboot_required = required if isinstance(required, bool) else None
        if required:
            reasons = document["reboot"].get("reasons") or []
            line.reboot_reasons = [self._reason(each) for each in reasons if isinstance(each, Mapping)]
        line.reasons = [self._text(each["message"]) for each in document["verdict_reasons"]]
        line.warnings = [self._text(each["message"]) for each in document["warnings"]]
        line.failure = self._failure(line.status, document, outcome)
        for entry in document["patches"]:
            if self._installed or entry["state"] not in _QUIET:
                line.patches.append(self._patch(entry))
        self._hosts[name] = line

    def add_missing(self, host: str, outcome: Mapping[str, Any] | None, *, in_run: bool) -> None:
        """A host without a document; nothing is done if one was added."""
        name = self._text(host)
        if name in self._hosts:
            return
        status = host_status(None, outcome) if in_run or outcome is not None else NEVER_SCANNED
        given = self._run_data((outcome or {}).get("run_data"))
        line = HostLine(name, status, failure=self._failure(status, None, outcome), run_data=given)
        line.hooks = self._hooks((outcome or {}).get("hooks"))
        self._hosts[name] = line

    def finish(self, *, trend: Sequence[Mapping[str, Any]] = (), problems: Iterable[str] = ()) -> Report:
        """The report; the builder is used up. ``trend``: ``{"run_id", "as_of", "started_at", "counts"}``."""
        report = self.report
        report.hosts = sorted(self._hosts.values(), key=lambda host: (STATUSES.index(host.status), host.name))
        report.patches = list(self._index)
        report.patch_hosts = [0] * len(report.patches)
        for host in report.hosts:
            for index in set(host.patches):
                report.patch_hosts[index] += 1
        report.trend = [dict(each) for each in trend]
        report.problems = [self._text(problem) for problem in problems]
        self._index, self._seen, self._pool = {}, {}, {}
        return report

    def _status(self, document: Mapping[str, Any], outcome: Mapping[str, Any] | None, in_run: bool) -> str:
        if in_run:
            return host_status(document, outcome)
        finished = document["times"]["finished_at"]
        if outcome is not None and outcome.get("status") != OK and str(outcome.get("at") or "") >= finished:
            return host_status(document, outcome)
        now = utc_time(self.report.generated_at)
        if document["error"] is None and is_stale(finished, now=now, days=self.report.stale_after_days):
            return STALE
        return host_status(document, {"status": OK})

    def _failure(
        self, status: str, document: Mapping[str, Any] | None, outcome: Mapping[str, Any] | None
    ) -> str | None:
        told = (outcome or {}).get("message") or ((document or {}).get("error") or {}).get("message")
        if status in ("failed", "timed_out", UNREACHABLE, "unknown") and told:
            return self._text(told)
        advice = {
            STALE: f"not scanned for more than {self.report.stale_after_days:g} days; scan it again",
            NEVER_SCANNED: "no run has scanned it yet; scan it",
            "not_started": "the play ended before its turn; run again",
        }
        return advice.get(status)

    def _patch(self, entry: Mapping[str, Any]) -> int:
        raw = list(_fields_of(entry))
        for place in _LISTS:
            raw[place] = tuple(raw[place])
        key = tuple(raw)
        index = self._seen.get(key)
        if index is None:
            row = tuple(self._value(value) for value in raw)
            index = self._seen[key] = self._index.setdefault(row, len(self._index))
        return index

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            return tuple(self._text(each) for each in value)
        return value if value is None or isinstance(value, (bool, int)) else self._text(value)

    def _run_data(self, given: Any) -> dict[str, Any]:
        known = given if isinstance(given, Mapping) else {}
        return {name: self._value(known[name]) for name in run_data.NAMES if known.get(name) is not None}

    def _hooks(self, given: Any) -> list[dict[str, Any]]:
        known = [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []
        return [{name: self._value(each.get(name)) for name in HOOK_FIELDS} for each in known]

    def _text_or_none(self, value: Any) -> str | None:
        return None if value is None else self._text(value)

    def _text(self, value: Any) -> str:
        text = str(value)
        known = self._pool.get(text)
        if known is None:
            known = self._pool[text] = printable(text)
        return known

    def _reason(self, reason: Mapping[str, Any]) -> str:
        detail = reason.get("detail") or ", ".join(str(each) for each in reason.get("packages") or [])
        return self._text(f"{reason.get('kind')}: {detail}" if detail else reason.get("kind"))


def printable(text: str) -> str:
    """Line ends as spaces; control characters, bidirectional overrides and broken Unicode as visible escapes."""
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
    if short.isprintable():
        return short
    return "".join(
        each if each.isprintable() else " " if each in "\n\r\t" else each.encode("unicode_escape").decode("ascii")
        for each in short
    )


def count_statuses(statuses: Iterable[str]) -> dict[str, int]:
    """Every status with its number, worst first."""
    counts = dict.fromkeys(STATUSES, 0)
    for status in statuses:
        counts[status] += 1
    return counts
