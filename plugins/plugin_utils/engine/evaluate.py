# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's front door: a baseline, patch records and a clock in, one decision with its reason per record out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ..errors import PatchError
from . import versions
from .baseline import canonical
from .candidates import Candidate, prepare
from .compiled_baseline import compile_baseline
from .dates import instant_of
from .eligibility import Judgement, judge
from .fixes import fixing
from .operating_systems import OperatingSystem
from .operating_systems import operating_system as find_system
from .override_list import OverrideList, compile_override_list
from .problems import show
from .states import scan_state

_SUPERSEDED = Judgement("not_approved", "superseded_by_newer")


def evaluate(
    baseline: dict[str, Any],
    patches: list[dict[str, Any]],
    *,
    operating_system: str,
    as_of: str | datetime,
    operation: str = "Install",
    install_override_list: dict[str, Any] | None = None,
    delay_clock: str = "vendor",
    with_dates: bool = False,
) -> list[dict[str, Any]]:
    """One decision per record, in input order.

    ``baseline`` is the canonical schema or an AWS baseline JSON; quotas and name rules are not checked here
    (``baseline.parse_baseline`` does), and ``operating_system`` beats the baseline's own. ``as_of`` without zone
    is UTC. ``delay_clock`` says from when delays and cut-off dates count: ``vendor`` (as Patch Manager: release
    dates, and none at all on apt systems), or one of ours, on every system: ``first_seen`` of the record;
    ``vendor_else_first_seen``; ``repository`` (``released``, else ``build_time``, else ``repository_date``). With
    these an unknown date is never approved.

    A decision has ``patch`` (identifier), ``decision`` (approved, not_approved, rejected, filtered_out) and
    ``reason``; where they apply ``rule`` (number from 1, None for the approved list), ``compliance_level``,
    ``approves_on`` (UTC day) and ``state``, the compliance state that a Scan reports, whatever the operation:
    compliance reflects the baseline, never the override list. ``with_dates`` adds ``counted_from`` (UTC text) and
    ``counted_source`` (``delay_clock.SOURCES``), both None where no date took part. Raises PatchError
    (``bad_baseline``, ``bad_record``, ``bad_override_list``, ``unsupported_os``, ``bad_option``).
    """
    system = find_system(operating_system)
    if operation not in ("Scan", "Install"):
        raise PatchError("bad_option", f"operation: must be Scan or Install, not {show(operation)}")
    compiled = compile_baseline(canonical(baseline), system, delay_clock)
    now = instant_of(as_of)
    override = compile_override_list(install_override_list, system.family) if operation == "Install" else None
    candidates = prepare(patches, system)
    alone = [judge(candidate, compiled, now) for candidate in candidates]
    by_baseline = _supersede(candidates, alone, system)
    fixes = fixing(candidates, override.wanted, system.version_scheme) if override else set()
    results = []
    for position, (candidate, own, judgement) in enumerate(zip(candidates, alone, by_baseline, strict=True)):
        final = judgement if override is None else _by_override(candidate, override, position in fixes)
        result = final.to_dict(candidate, with_dates=with_dates)
        state = scan_state(candidate, own, judgement, compiled)
        if state is not None:
            result["state"] = state
        results.append(result)
    return results


def _by_override(candidate: Candidate, override: OverrideList, is_fix: bool) -> Judgement:
    if not is_fix and not override.lists(candidate):
        named = bool(override.wanted) and bool(override.wanted.contained_in(candidate))
        if not named or candidate.present:
            return Judgement("not_approved", "not_in_override_list")
        if candidate.installed_version is not None and not candidate.outdated:
            return Judgement("not_approved", "not_needed_for_fix")
    # A list only upgrades: it brings nothing new to the host, and takes nothing back to an older version.
    if candidate.absent:
        return Judgement("not_approved", "not_installed")
    return _SUPERSEDED if candidate.outdated else Judgement("approved", "override_list")


def _supersede(candidates: list[Candidate], judgements: list[Judgement], system: OperatingSystem) -> list[Judgement]:
    if system.family == "windows":
        return _supersede_updates(candidates, judgements)
    newest = _newest_approved(candidates, judgements, system)
    result = []
    for candidate, judgement in zip(candidates, judgements, strict=True):
        best = newest.get(_package(candidate))
        replaced = candidate.outdated or (
            best is not None and versions.compare(candidate.version, best, system.version_scheme) < 0
        )
        result.append(_SUPERSEDED if replaced and judgement.decision != "rejected" else judgement)
    return result


def _package(candidate: Candidate) -> tuple[str, str, str]:
    """Versions of one package compete; another architecture, or another macOS source, is another package."""
    source = "" if candidate.arch else candidate.record.get("classification") or ""
    return (candidate.name, candidate.arch, source)


def _newest_approved(
    candidates: list[Candidate], judgements: Iterable[Judgement], system: OperatingSystem
) -> dict[tuple[str, str, str], str]:
    newest: dict[tuple[str, str, str], str] = {}
    for candidate, judgement in zip(candidates, judgements, strict=True):
        if judgement.approved:
            package = _package(candidate)
            best = newest.get(package)
            if best is None or versions.compare(candidate.version, best, system.version_scheme) > 0:
                newest[package] = candidate.version
    return newest


def _supersede_updates(candidates: list[Candidate], judgements: list[Judgement]) -> list[Judgement]:
    """Windows: an update whose successor is listed is gone, even while the successor still waits."""
    listed = {each for candidate in candidates if candidate.record.get("kb") for each in candidate.own_ids}
    return [
        _SUPERSEDED
        if judgement.reason not in ("no_kb_id", "rejected_explicitly")
        and any(each in listed and each not in candidate.windows_ids for each in candidate.superseded_by)
        else judgement
        for candidate, judgement in zip(candidates, judgements, strict=True)
    ]
