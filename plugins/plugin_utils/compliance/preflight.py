# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is everything there that patching needs? All findings at once (Patch Manager user guide, prerequisites)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..engine.operating_systems import BOOT_RESERVE, LOW_DISK
from ..engine.records import Inventory, PatchRecord
from .states import Entry, patch_key
from .verdict import doubts_about

ERROR = "error"
WARNING = "warning"

SKEW_WARNING = timedelta(seconds=60)
SKEW_ERROR = timedelta(hours=1)
_KERNEL = re.compile(r"(linux-image|kernel|kernel-core|kernel-default|kernel-uek|raspberrypi-kernel)\b")
_ENOUGH_FORKS = ((20, 20), (200, 50), (2000, 100))
"""(hosts from which, forks that are enough): see docs/scale.md."""

_TOLD_HERE = ("refresh_failed", "not_privileged", "low_disk", "update_service_disabled", "wsus_without_address")
"""Warnings of an inventory that are judged anew here."""

_WINDOWS_LOW_DISK = 5 << 30
_INSTALLS_BY_ITSELF = 4

Finding = dict[str, str]
"""``severity`` (error: patching will not work; warning: look at it), ``kind`` (slug) and ``message``."""


def host_findings(
    inventory: Inventory,
    baseline: Mapping[str, Any],
    entries: Iterable[Entry],
    *,
    stale_after: int,
    read_between: tuple[datetime, datetime],
) -> list[Finding]:
    """What this host's inventory tells. ``entries``: its patches as judged, for what an Install would need.

    ``read_between``: the controller's time before and after the host was read; the host's clock has to lie there.
    """
    missing = {
        (entry["name"], entry["arch"], entry["version"] or entry.get("update_id"))
        for entry in entries
        if entry["state"] == "MISSING"
    }
    wanted = [record for record in inventory.candidates if patch_key(record) in missing]
    findings = [
        *(
            _error(doubt["kind"], doubt["message"])
            for doubt in doubts_about(inventory, baseline, stale_after=stale_after)
        ),
        *_unreachable_repositories(inventory),
        *(_windows(inventory, wanted) if inventory.operating_system == "WINDOWS" else _disk(inventory, wanted)),
        *_clock(inventory, read_between),
        *_busy(inventory),
        *_baseline_fits(inventory, baseline),
        *(_warning(each["kind"], each["message"]) for each in inventory.warnings if each["kind"] not in _TOLD_HERE),
    ]
    return _without_repeats(findings)


def error_finding(kind: str, message: str) -> Finding:
    """The finding for a host that could not be read: what the reading raised."""
    return _error(kind, message)


def controller_findings(
    *, hosts: int, forks: int, connection: str, ssh_arguments: Iterable[str], open_files: int | None
) -> list[Finding]:
    """What the controller's settings mean for a run of this size.

    ``ssh_arguments``: the texts of ssh_args, ssh_common_args and ssh_extra_args. ``open_files``: the limit of
    file descriptors, None where there is none.
    """
    findings = []
    enough = next((forks for least, forks in reversed(_ENOUGH_FORKS) if hosts >= least), min(hosts, 5))
    if forks < min(enough, hosts):
        rounds = -(-hosts // max(forks, 1))
        findings.append(
            _warning(
                "few_forks", f"forks = {forks} means {rounds} rounds for {hosts} hosts; {enough} would do (-f {enough})"
            )
        )
    if connection == "ssh" and "serveraliveinterval" not in " ".join(ssh_arguments).lower():
        findings.append(
            _warning(
                "no_keep_alive",
                "ssh has no ServerAliveInterval, so a host that vanishes in mid-run is waited for until the task's"
                " timeout; add '-o ServerAliveInterval=15 -o ServerAliveCountMax=4' to ssh_args, see"
                " docs/ansible.cfg.sample",
            )
        )
    # ansible-playbook keeps about ten descriptors open for each worker.
    if open_files is not None and open_files < 64 + 10 * forks:
        findings.append(
            _error(
                "few_descriptors",
                f"{forks} forks need about {64 + 10 * forks} open files, the limit is {open_files}; raise 'ulimit -n'",
            )
        )
    return findings


def told(findings: Iterable[Finding]) -> str:
    """All errors in one line each, for a failed task's message."""
    return "; ".join(f"{each['kind']}: {each['message']}" for each in findings if each["severity"] == ERROR)


def _unreachable_repositories(inventory: Inventory) -> list[Finding]:
    return [_error("repository_unreachable", str(error)) for error in inventory.refresh.get("errors") or []]


def _disk(inventory: Inventory, wanted: list[PatchRecord]) -> list[Finding]:
    """User guide is silent here; ours: warn below 1 GiB, fail below what the missing patches need.

    /boot is often smaller than that; there the room for one kernel counts.
    """
    free = {str(each["path"]): int(each["free_bytes"]) for each in inventory.findings.get("disk") or []}
    download = sum(int(record.get("size") or 0) for record in wanted)
    largest = max((int(record.get("installed_size") or 0) for record in wanted), default=0)
    kernel = any(_KERNEL.match(str(record.get("name"))) for record in wanted)
    needs = [
        (_holding(free, "/var"), download, "to download what is missing"),
        (_holding(free, "/"), download + largest, "to download and unpack what is missing"),
        ("/boot", BOOT_RESERVE if kernel else 0, "for a new kernel"),
    ]
    most = {path: (need, why) for path, need, why in sorted(needs, key=lambda each: each[1])}
    findings = []
    for path, size in free.items():
        need, why = most.get(path, (0, ""))
        told_size = f"{path} has {_mebibytes(size)} free"
        if size < need:
            findings.append(_error("no_space", f"{told_size}, {_mebibytes(need)} are needed {why}"))
        elif size < (BOOT_RESERVE if path == "/boot" else LOW_DISK):
            findings.append(_warning("low_disk", told_size))
    return findings


def _windows(inventory: Inventory, wanted: list[PatchRecord]) -> list[Finding]:
    """Ours: an update is on the disk packed and unpacked, and Windows itself wants room to work in."""
    known = inventory.findings
    findings = []
    for each in known.get("disk") or []:
        if each["path"] != known.get("system_drive"):
            continue
        need = 2 * sum(int(record.get("size") or 0) for record in wanted)
        told_size = f"{each['path']} has {_mebibytes(each['free_bytes'])} free"
        if each["free_bytes"] < need:
            findings.append(_error("no_space", f"{told_size}, {_mebibytes(need)} are needed for what is missing"))
        elif each["free_bytes"] < _WINDOWS_LOW_DISK:
            findings.append(_warning("low_disk", told_size))
    if (known.get("services") or {}).get("wuauserv", {}).get("start_mode") == "Disabled":
        told_of = "the service wuauserv is disabled, so that nothing can be installed; set it to Manual"
        findings.append(_error("update_service_disabled", told_of))
    policy = known.get("update_policy") or {}
    if policy.get("use_wu_server") == 1 and not policy.get("wu_server"):
        findings.append(_error("wsus_without_address", "the policy asks for a WSUS server and names none"))
    if policy.get("au_options") == _INSTALLS_BY_ITSELF and policy.get("no_auto_update") != 1:
        told_of = "Automatic Updates installs on its own as well (AUOptions 4), whatever the baseline says"
        findings.append(_warning("competing_updater", told_of))
    if inventory.reboot.get("required") is True:
        reasons = ", ".join(str(each.get("detail")) for each in inventory.reboot.get("reasons") or [])
        told_of = f"a reboot is pending, and Windows installs nothing before it: {reasons}"
        findings.append(_warning("reboot_pending", told_of))
    return findings


def _holding(free: Mapping[str, int], path: str) -> str:
    """The file system of the list that a path is on: ``/var`` is on ``/`` unless it is listed itself."""
    return path if path in free else "/"


def _clock(inventory: Inventory, read_between: tuple[datetime, datetime]) -> list[Finding]:
    try:
        there = datetime.strptime(inventory.collected_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return [_warning("clock_unknown", f"the host's time {inventory.collected_at!r} is none")]
    before, after = read_between
    # The host tells whole seconds.
    skew = max(before - there - timedelta(seconds=1), there - after, timedelta(0))
    if skew <= SKEW_WARNING:
        return []
    direction = "behind" if there < before else "ahead"
    message = (
        f"the host's clock is {skew.total_seconds():.0f} s {direction} the controller's; mend its time synchronisation"
    )
    if skew > SKEW_ERROR:
        return [_error("clock_skew", f"{message}: repositories and certificates may count as expired or not valid yet")]
    return [_warning("clock_skew", message)]


def _busy(inventory: Inventory) -> list[Finding]:
    findings = []
    lock = inventory.findings.get("lock")
    if lock:
        findings.append(
            _warning(
                "locked", f"the package manager is locked by {lock.get('name') or 'a process'} ({lock.get('pid')}) now"
            )
        )
    updaters = inventory.findings.get("updaters") or {}
    periodic = updaters.get("periodic") or {}
    if periodic.get("Unattended-Upgrade") not in (None, "", "0") and updaters.get("timers"):
        findings.append(
            _warning("competing_updater", "unattended-upgrades installs on its own as well, whatever the baseline says")
        )
    automatic = [timer for timer in updaters.get("timers") or [] if _installs(timer, updaters.get("apply_updates"))]
    if automatic:
        told_of = f"{automatic[0]} installs on its own as well, whatever the baseline says"
        findings.append(_warning("competing_updater", told_of))
    if updaters.get("packagekit"):
        findings.append(_warning("competing_updater", "PackageKit is there and may install on its own as well"))
    if inventory.interrupted_run:
        findings.append(
            _warning("interrupted_run", "an earlier run was interrupted; the next Install finishes or undoes it")
        )
    return findings


def _installs(timer: str, apply_updates: str | None) -> bool:
    """Whether yum-cron or a timer of dnf-automatic does more than to look and to download."""
    if not timer.startswith(("dnf", "yum")) or "-notifyonly" in timer or "-download" in timer:
        return False
    return "-install" in timer or (apply_updates or "").lower() in ("yes", "true", "1", "on")


def _baseline_fits(inventory: Inventory, baseline: Mapping[str, Any]) -> list[Finding]:
    rules = baseline.get("approval_rules") or []
    noticed = any(each.get("security_metadata") for each in inventory.repositories if each.get("enabled"))
    open_to_all = any(rule.get("enable_non_security") for rule in rules)
    if inventory.operating_system == "CENTOS" and not noticed and not open_to_all:
        return [
            _warning(
                "nothing_will_be_approved",
                "CentOS repositories publish no update notices: without enable_non_security no rule approves anything",
            )
        ]
    return []


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def _without_repeats(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, each message once."""
    ordered = sorted(findings, key=lambda each: each["severity"] != ERROR)
    return list({each["message"]: each for each in reversed(ordered)}.values())[::-1]


def _error(kind: str, message: str) -> Finding:
    return {"severity": ERROR, "kind": kind, "message": message}


def _warning(kind: str, message: str) -> Finding:
    return {"severity": WARNING, "kind": kind, "message": message}
