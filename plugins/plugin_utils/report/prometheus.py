# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics for the textfile collector of Prometheus' node_exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..questions.staleness import utc_time
from .model import STATUSES, HostLine, Report

_STATES = {
    "missing": "missing_count",
    "failed": "failed_count",
    "installed_rejected": "installed_rejected_count",
    "installed_pending_reboot": "installed_pending_reboot_count",
    "available_security_update": "available_security_update_count",
    "installed": "installed_count",
    "installed_other": "installed_other_count",
    "waiting": "waiting_count",
    "held": "held_count",
    "deferred": "deferred_count",
}
_KINDS = {
    "critical": "critical_non_compliant_count",
    "security": "security_non_compliant_count",
    "other": "other_non_compliant_count",
}
Sample = tuple[Mapping[str, str], float]


def prometheus(report: Report) -> str:
    """Exposition format 0.0.4. What is not known has no sample; samples carry no timestamps, as the collector asks."""
    hosts = report.hosts
    known = [host for host in hosts if host.state is not None]
    counts = report.counts
    families: list[tuple[str, str, list[Sample]]] = [
        ("hosts", "Hosts by status.", [({"status": name}, counts[name]) for name in STATUSES]),
        (
            "host_compliant",
            "1 for a compliant host, 0 for any other: one that could not be judged is not compliant.",
            [(_labels(host), float(host.status == "compliant")) for host in hosts],
        ),
        (
            "host_status",
            "1 for the status that the host has.",
            [({**_labels(host), "status": host.status}, 1) for host in hosts],
        ),
        ("host_patches", "Patches of a host by state.", _counts(known, "state", _STATES)),
        ("host_non_compliant_patches", "Violations of a host by kind.", _counts(known, "kind", _KINDS)),
        (
            "host_reboot_required",
            "Whether the host needs a reboot.",
            [(_labels(host), float(host.reboot_required)) for host in hosts if host.reboot_required is not None],
        ),
        (
            "host_last_scan_timestamp_seconds",
            "End of the newest scan or installation.",
            [(_labels(host), utc_time((host.state or {})["finished_at"]).timestamp()) for host in known],
        ),
        ("violations", "Violations of all hosts by compliance level.",
         [({"level": each["level"]}, each["findings"]) for each in report.levels()]),
        ("report_timestamp_seconds", "When these metrics were made.",
         [({}, utc_time(report.generated_at).timestamp())]),
    ]  # fmt: skip
    return "".join(_family(name, told, samples) for name, told, samples in families if samples)


def _counts(hosts: Iterable[HostLine], label: str, names: Mapping[str, str]) -> list[Sample]:
    return [
        ({**_labels(host), label: word}, host.state[count])
        for host in hosts
        for word, count in names.items()
        if host.state is not None and host.state[count] is not None
    ]


def _labels(host: HostLine) -> dict[str, str]:
    return {"host": host.name, "patch_group": host.patch_group or "", "product": host.product or ""}


def _family(name: str, told: str, samples: Iterable[Sample]) -> str:
    full = f"openfleet_patch_{name}"
    lines = [f"# HELP {full} {told}", f"# TYPE {full} gauge"]
    for labels, value in samples:
        inside = ",".join(f'{key}="{_label_value(text)}"' for key, text in labels.items())
        number = str(int(value)) if value == int(value) else repr(value)
        lines.append(f"{full}{{{inside}}} {number}" if inside else f"{full} {number}")
    return "\n".join(lines) + "\n"


def _label_value(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
