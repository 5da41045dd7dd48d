# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one compliance document: task result, file in the run directory, source of every report.

``docs/schema/document.schema.json`` is its published schema, ``docs/document.md`` explains every field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..engine.digests import canonical_digest
from ..engine.records import Inventory
from .states import PatchKey, patch_entries
from .summary import summarize, unknown_summary
from .verdict import COMPLIANT, NON_COMPLIANT, UNKNOWN, doubts_about, judge_host

SCHEMA_VERSION = "1.1"
STALE_AFTER = 86400
"""Seconds after which package lists no longer prove compliance."""

_ORDER = (
    "FAILED",
    "MISSING",
    "INSTALLED_REJECTED",
    "INSTALLED_PENDING_REBOOT",
    "AVAILABLE_SECURITY_UPDATE",
    None,
    "INSTALLED",
    "INSTALLED_OTHER",
    "NOT_APPLICABLE",
)
_LEVELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED", None)


class RunFacts(Protocol):
    """A run, in documents and in lists of runs; ``fleet.run_directory.Run`` is one."""

    @property
    def run_id(self) -> str:
        """The run that a document belongs to."""

    @property
    def as_of(self) -> str:
        """The fixed time of evaluation, UTC."""

    @property
    def started_at(self) -> str:
        """When the run was opened, UTC."""


class BaselineFacts(Protocol):
    """What a document tells about its baseline; ``fleet.baselines.ResolvedBaseline`` is one."""

    @property
    def baseline(self) -> dict[str, Any]:
        """The canonical baseline."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the canonical form."""

    @property
    def source(self) -> str:
        """A sentence: where the baseline came from."""


def build_document(
    inventory: Inventory,
    resolved: BaselineFacts,
    run: RunFacts,
    *,
    host: str,
    started_at: str,
    finished_at: str,
    patch_group: str | None = None,
    operation: str = "Scan",
    reboot_option: str | None = None,
    honour_host_excludes: bool = True,
    honour_phasing: bool = True,
    delay_clock: str = "vendor",
    list_installed_other: bool = False,
    stale_after: int = STALE_AFTER,
    pending: Iterable[PatchKey] = (),
    failed: Mapping[PatchKey, str] | None = None,
    pulled_in: Iterable[Mapping[str, Any]] = (),
    installation: Mapping[str, Any] | None = None,
    warnings: Iterable[Mapping[str, str]] = (),
    run_data: Mapping[str, Any] | None = None,
    sources: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge an inventory and write it down. Times are UTC text, ``started_at`` and ``finished_at`` of this host.

    ``delay_clock`` says from when delays count, see ``engine.evaluate``; ``first_seen`` wants that key in the
    records. ``pending`` holds (name, arch, version) of what an Install put there, ``failed`` the reason for what it
    could not install. ``installation``: how an Install went, ``docs/document.md`` tells its members.
    ``warnings`` ({kind, message}) are added to those of the inventory.
    """
    entries = patch_entries(
        inventory,
        resolved.baseline,
        as_of=run.as_of,
        honour_host_excludes=honour_host_excludes,
        honour_phasing=honour_phasing,
        delay_clock=delay_clock,
        pending=pending,
        failed=failed,
    )
    verdict, reasons = judge_host(entries, doubts_about(inventory, resolved.baseline, stale_after=stale_after))
    listed = [entry for entry in entries if list_installed_other or entry["state"] != "INSTALLED_OTHER"]
    return {
        **_head(host, patch_group, run, operation, reboot_option, run_data),
        **({"sources": dict(sources)} if sources else {}),
        "baseline": _baseline(resolved),
        "operating_system": inventory.operating_system,
        "product": inventory.product,
        "os": inventory.os,
        "manager": inventory.manager,
        "interpreter": inventory.interpreter,
        "times": {"started_at": started_at, "finished_at": finished_at, "collected_at": inventory.collected_at},
        "privileged": inventory.privileged,
        "booted_at": inventory.booted_at,
        "boot_id": inventory.boot_id,
        "compliant": {COMPLIANT: True, NON_COMPLIANT: False, UNKNOWN: None}[verdict],
        "verdict": verdict,
        "verdict_reasons": reasons,
        "summary": summarize(entries),
        "patches": sorted(listed, key=_position),
        "installed_other_listed": list_installed_other,
        "delay_clock": delay_clock,
        "pulled_in": [dict(each) for each in pulled_in],
        "installation": None if installation is None else dict(installation),
        "reboot": inventory.reboot,
        "hooks": [],
        "holds": inventory.holds,
        "repositories": inventory.repositories,
        "refresh": inventory.refresh,
        "findings": inventory.findings,
        "warnings": [*inventory.warnings, *(dict(each) for each in warnings)],
        "interrupted_run": inventory.interrupted_run,
        "inventory_digest": inventory_digest(inventory),
        "error": None,
    }


def build_unknown_document(
    run: RunFacts,
    error: Mapping[str, Any],
    *,
    host: str,
    started_at: str,
    finished_at: str,
    patch_group: str | None = None,
    resolved: BaselineFacts | None = None,
    operation: str = "Scan",
    reboot_option: str | None = None,
    known: Mapping[str, Any] | None = None,
    warnings: Iterable[Mapping[str, str]] = (),
    run_data: Mapping[str, Any] | None = None,
    sources: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a host that could not be read: never compliant, every count unknown.

    ``error`` is ``PatchError.as_result()``. ``known`` may carry what was found before it failed:
    ``operating_system``, ``product``, ``os``, ``manager``, ``interpreter``, ``privileged``.
    """
    found = known or {}
    return {
        **_head(host, patch_group, run, operation, reboot_option, run_data),
        **({"sources": dict(sources)} if sources else {}),
        "baseline": None if resolved is None else _baseline(resolved),
        "operating_system": found.get("operating_system"),
        "product": found.get("product"),
        "os": found.get("os"),
        "manager": found.get("manager"),
        "interpreter": found.get("interpreter"),
        "times": {"started_at": started_at, "finished_at": finished_at, "collected_at": None},
        "privileged": found.get("privileged"),
        "booted_at": None,
        "boot_id": None,
        "compliant": None,
        "verdict": UNKNOWN,
        "verdict_reasons": [{"kind": str(error["kind"]), "message": str(error["message"])}],
        "summary": unknown_summary(),
        "patches": [],
        "installed_other_listed": False,
        "delay_clock": None,
        "pulled_in": [],
        "installation": None,
        "reboot": {"required": None, "reasons": []},
        "hooks": [],
        "holds": [],
        "repositories": [],
        "refresh": {},
        "findings": {},
        "warnings": [dict(each) for each in warnings],
        "interrupted_run": None,
        "inventory_digest": None,
        "error": dict(error),
    }


def inventory_digest(inventory: Inventory) -> str:
    """``sha256:<hex>`` over the inventory's canonical JSON: what exactly was judged."""
    return canonical_digest(inventory.to_dict())


def _baseline(resolved: BaselineFacts) -> dict[str, Any]:
    return {
        "name": resolved.name,
        "digest": resolved.digest,
        "source": resolved.source,
        "operating_system": resolved.baseline.get("operating_system"),
    }


def _head(
    host: str,
    patch_group: str | None,
    run: RunFacts,
    operation: str,
    reboot_option: str | None,
    run_data: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "host": host,
        "patch_group": patch_group,
        "run": {"id": run.run_id, "as_of": run.as_of, "started_at": run.started_at, "data": dict(run_data or {})},
        "operation": operation,
        "reboot_option": reboot_option,
    }


def _position(entry: Mapping[str, Any]) -> tuple[int, int, str, str, str]:
    """Violations first, the worst level first among them, then by name."""
    return (
        _ORDER.index(entry["state"]),
        _LEVELS.index(entry["level"]),
        str(entry["name"]),
        str(entry["arch"]),
        str(entry["version"] or entry["installed_version"]),
    )
