# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance state of every patch of one host, from what the engine decided.

States are Patch Manager's (user guide, compliance states). A candidate that is not a violation and not
installed has no state there: its ``state`` is None and ``reason`` tells why it is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.evaluate import evaluate
from ..engine.explain import explainer
from ..engine.records import Inventory, PatchRecord

HELD = "HELD"
DEFERRED_PHASED = "DEFERRED_PHASED"

STATES = (
    "INSTALLED",
    "INSTALLED_OTHER",
    "INSTALLED_PENDING_REBOOT",
    "INSTALLED_REJECTED",
    "MISSING",
    "FAILED",
    "NOT_APPLICABLE",
    "AVAILABLE_SECURITY_UPDATE",
)
VIOLATIONS = frozenset({"MISSING", "FAILED", "INSTALLED_REJECTED", "INSTALLED_PENDING_REBOOT"})

REPLACED_IN_PART = ("half-installed", "reinstallation required")
"""What a package manager says of the version that it was taking away when unpacking the next one failed."""

Entry = dict[str, Any]
Decision = dict[str, Any]
PatchKey = tuple[str, str | None, str | None]
"""Name, architecture, version."""


def patch_entries(
    inventory: Inventory,
    baseline: Mapping[str, Any],
    *,
    as_of: str,
    honour_host_excludes: bool = True,
    honour_phasing: bool = True,
    delay_clock: str = "vendor",
    pending: Iterable[PatchKey] = (),
    failed: Mapping[PatchKey, str] | None = None,
) -> list[Entry]:
    """One entry per candidate version and per installed package, INSTALLED_OTHER included.

    ``pending``: (name, arch, version) that an Install put there since the last boot. ``failed``: those whose
    installation was tried and failed, with the reason. A package with a missing version is not counted as installed
    as well. An approved version that the package manager began and did not end is FAILED, in a scan too.
    """
    judge = _Judge(inventory, dict(baseline), as_of, delay_clock)
    pending_keys, kernels = set(pending), _kernels_not_running(inventory)
    wishes = HostWishes(inventory.holds, honour_host_excludes, honour_phasing)
    decided = decide_apart(inventory.candidates, wishes.keep_away, judge.decide)
    candidates = [_candidate_entry(judge, record, decision, wishes, failed or {}) for record, decision in decided]
    missing = {patch_key(entry)[:2] for entry in candidates if entry["state"] in ("MISSING", "FAILED")}
    installed = []
    for record, decision in zip(inventory.installed, judge.decide(inventory.installed), strict=True):
        # The old version of what could not be unpacked: the newer one is what failed or is missing.
        if record.get("unfinished") in REPLACED_IN_PART and patch_key(record)[:2] in missing:
            continue
        entry = _installed_entry(judge, record, decision, pending_keys, kernels)
        if record.get("unfinished") and decision["decision"] == "approved":
            _mark_unfinished(entry, record, failed or {})
        if entry["state"] in VIOLATIONS or patch_key(entry)[:2] not in missing:
            installed.append(entry)
    return [*candidates, *installed]


@dataclass(frozen=True)
class HostWishes:
    """What a host is kept from, by its own excludes and by the distribution's phasing."""

    holds: list[dict[str, Any]]
    honour_host_excludes: bool
    honour_phasing: bool

    def against(self, record: Mapping[str, Any]) -> tuple[str, str] | None:
        """``detail`` and a sentence for a version that the host is kept from, None for any other."""
        hold = host_exclude(record, self.holds) if self.honour_host_excludes else None
        if hold is not None:
            return HELD, _hold_sentence(hold)
        deferred = self.honour_phasing and is_deferred_by_phasing(record)
        return (DEFERRED_PHASED, _PHASED_SENTENCE) if deferred else None

    def keep_away(self, record: Mapping[str, Any]) -> bool:
        return self.against(record) is not None


def decide_apart(
    records: list[PatchRecord],
    kept_away: Callable[[PatchRecord], bool],
    decide: Callable[[list[PatchRecord]], list[Decision]],
) -> list[tuple[PatchRecord, Decision]]:
    """Each record with its decision, in input order. What the host is kept from is judged apart from the rest, so
    that it does not supersede a version that the host can have."""
    decisions: dict[int, Decision] = {}
    for away in (False, True):
        group = [index for index, record in enumerate(records) if kept_away(record) is away]
        decisions.update(zip(group, decide([records[index] for index in group]), strict=True))
    return [(record, decisions[index]) for index, record in enumerate(records)]


class _Judge:
    """The baseline, the clock and the operating system that every record of one host is held against."""

    def __init__(self, inventory: Inventory, baseline: dict[str, Any], as_of: str, delay_clock: str) -> None:
        self.inventory = inventory
        self.baseline = baseline
        self.as_of = as_of
        self.delay_clock = delay_clock
        self.windows = inventory.operating_system == "WINDOWS"
        self._explain = explainer(baseline, as_of=as_of)

    def decide(self, records: list[PatchRecord]) -> list[Decision]:
        return evaluate(
            self.baseline,
            records,
            operating_system=self.inventory.operating_system,
            as_of=self.as_of,
            operation="Scan",
            delay_clock=self.delay_clock,
            with_dates=True,
        )

    def sentence(self, decision: Mapping[str, Any], record: PatchRecord) -> str:
        return self._explain(dict(decision), record)


def _candidate_entry(
    judge: _Judge,
    record: PatchRecord,
    decision: Decision,
    wishes: HostWishes,
    failed: Mapping[PatchKey, str],
) -> Entry:
    entry = _entry(judge, record, decision)
    entry["state"] = decision.get("state")
    if decision["decision"] == "approved":
        against = wishes.against(record)
        if against is not None:
            entry.update(state=None, detail=against[0], explanation=f"{entry['explanation']} {against[1]}")
        elif patch_key(record) in failed:
            entry.update(state="FAILED", failure=failed[patch_key(record)])
    elif entry["state"] in VIOLATIONS:
        entry["state"] = None
    entry["violation"] = entry["state"] in VIOLATIONS or (
        entry["state"] == "AVAILABLE_SECURITY_UPDATE"
        and judge.baseline.get("available_security_updates_compliance_status") == "NON_COMPLIANT"
    )
    return entry


_PHASED_SENTENCE = "Ubuntu rolls this update out in phases and does not offer it to this host yet."


def _hold_sentence(hold: Mapping[str, Any]) -> str:
    detail = f" ({hold['detail']})" if hold.get("detail") else ""
    return f"The host itself excludes it by {hold.get('kind') or 'a hold'}{detail}."


def _installed_entry(
    judge: _Judge,
    record: PatchRecord,
    decision: dict[str, Any],
    pending_keys: set[PatchKey],
    kernels: set[PatchKey],
) -> Entry:
    entry = _entry(judge, record, decision)
    state = decision.get("state") or "INSTALLED_OTHER"
    unbooted = patch_key(record) in pending_keys or record.get("pending_reboot") is True
    waits = unbooted and state != "INSTALLED_REJECTED"
    # A kernel that the baseline does not ask for is nobody's violation, whichever one runs.
    if waits or (state == "INSTALLED" and patch_key(record) in kernels):
        state = "INSTALLED_PENDING_REBOOT"
    entry.update(state=state, violation=state in VIOLATIONS, version=None, cves=[])
    return entry


def _mark_unfinished(entry: Entry, record: PatchRecord, failed: Mapping[PatchKey, str]) -> None:
    told = f"its installation began and has not ended: it is {record['unfinished']}"
    entry.update(state="FAILED", violation=True, version=record["version"], failure=failed.get(patch_key(record), told))


def _entry(judge: _Judge, record: PatchRecord, decision: dict[str, Any]) -> Entry:
    name = record.get("name") or record.get("kb") or record.get("title") or ""
    arch = record.get("arch")
    version = record.get("version")
    identifier = f"{name}.{arch}" if arch else str(name)
    advisories = [each for each in record.get("advisories") or [] if isinstance(each, dict)]
    # Several updates of Windows may have one KB.
    own = {"update_id": record.get("update_id")} if judge.windows else {}
    # Where the operating system tells formulae from casks, and where whether it is security had to be inferred.
    own.update({key: record[key] for key in ("kind", "security_reason") if record.get(key)})
    return own | {
        "id": identifier,
        "title": record.get("title") or (f"{identifier}:{version}" if version else identifier),
        "name": name,
        "arch": arch,
        "state": None,
        "detail": None,
        "violation": False,
        "failure": None,
        "level": decision.get("compliance_level"),
        "classification": record.get("classification"),
        "severity": record.get("msrc_severity") if judge.windows else record.get("severity"),
        "priority": record.get("priority"),
        "section": record.get("section"),
        "security": record.get("security"),
        "installed_version": record.get("installed_version"),
        "version": version,
        "repository": record.get("repository"),
        "product": record.get("product"),
        "cves": sorted({cve for each in advisories for cve in each.get("cves") or []}),
        "advisories": [each["id"] for each in advisories if each.get("id")],
        "decision": decision["decision"],
        "reason": decision["reason"],
        "explanation": judge.sentence(decision, record),
        "rule": decision.get("rule"),
        "approves_on": decision.get("approves_on"),
        "released": record.get("released"),
        "released_source": record.get("released_source"),
        "first_seen": record.get("first_seen"),
        "counted_from": decision.get("counted_from"),
        "counted_source": decision.get("counted_source"),
        "installed_at": record.get("installed_at"),
    }


def patch_key(record: Mapping[str, Any]) -> PatchKey:
    """What tells one patch of a host from another; several updates of Windows may have one KB."""
    return (
        record.get("name") or record.get("kb") or record.get("title") or "",
        record.get("arch") or record.get("kind"),
        record.get("version") or record.get("update_id"),
    )


def host_exclude(record: Mapping[str, Any], holds: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The hold, lock, exclude or negative pin that keeps this candidate from the host, or None.

    A manager that knows says so in the record's ``held`` ({kind, detail}, empty for none); else the host's holds
    decide. A hold without a version holds the package. With one, a version lock excludes every other version, anything
    else (a negative pin, a lock on one version) just that version.
    """
    own = record.get("held")
    if isinstance(own, Mapping):
        return own or None
    for hold in holds:
        if hold.get("name") != record.get("name") or hold.get("arch") not in (None, "all", record.get("arch")):
            continue
        version = hold.get("version")
        if version is None or (version != record.get("version")) == (hold.get("kind") == "versionlock"):
            return hold
    return None


def is_deferred_by_phasing(record: Mapping[str, Any]) -> bool:
    """A phased Ubuntu update that has not reached this host: its manager says so in ``deferred``."""
    return record.get("deferred") is True


def _kernels_not_running(inventory: Inventory) -> set[PatchKey]:
    """Installed kernels newer than the running one: installed, not in force before the next boot.

    Where kernels of one name stay beside each other (rpm systems), only those versions are meant, with whatever comes
    in the same version (kernel-modules); where each has a name of its own, the name says it.
    """
    waiting = {
        package
        for reason in inventory.reboot.get("reasons") or []
        if str(reason.get("kind", "")).startswith("kernel")
        for package in reason.get("packages") or []
    }
    newer = _newer_kernel_versions(inventory) if waiting else set()
    return {
        patch_key(record)
        for record in inventory.installed
        if (record.get("version") in newer if record.get("install_only") else record.get("name") in waiting)
    }


def _newer_kernel_versions(inventory: Inventory) -> set[Any]:
    kernels = inventory.findings.get("kernels") or {}
    # Newest first. Those of another flavour (kernel-rt beside kernel) wait for nobody.
    installed = [each for each in kernels.get("installed") or [] if each.get("flavour") == kernels.get("flavour")]
    releases = [each.get("release") for each in installed]
    running = kernels.get("running")
    return {each.get("version") for each in installed[: releases.index(running)]} if running in releases else set()
