# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance state that a Scan reports for one record (Patch Manager user guide, compliance states).

States that only a run can know (FAILED, INSTALLED_PENDING_REBOOT) are not decided here.
"""

from __future__ import annotations

from .candidates import Candidate
from .compiled_baseline import CompiledBaseline
from .eligibility import Judgement


def scan_state(candidate: Candidate, alone: Judgement, judgement: Judgement, baseline: CompiledBaseline) -> str | None:
    """None where a Scan does not list the record.

    ``alone`` is the record judged as the only version of its package: a version that is on the host and approved
    stays INSTALLED while a newer approved one is missing. ``judgement`` counts superseding; neither knows an
    override list.
    """
    if judgement.reason == "no_kb_id":
        return None
    if candidate.present:
        if alone.decision == "rejected":
            return "INSTALLED_REJECTED" if baseline.blocks_rejected else "INSTALLED_OTHER"
        return "INSTALLED" if alone.approved else "INSTALLED_OTHER"
    if baseline.system.family == "windows":
        return _absent_update(candidate, alone, judgement)
    # The macOS installer can only report: its packages are never missing.
    reports_only = baseline.system.family == "macos" and candidate.record.get("classification") == "installer"
    return "MISSING" if judgement.approved and not reports_only else None


def _absent_update(candidate: Candidate, alone: Judgement, judgement: Judgement) -> str | None:
    if alone.approved:
        replaced = judgement.reason == "superseded_by_newer" or candidate.record.get("applicable") is False
        return "NOT_APPLICABLE" if replaced else "MISSING"
    skipped = judgement.reason in ("superseded_by_newer", "rejected_explicitly")
    offered = not skipped and candidate.record.get("applicable") is not False
    return "AVAILABLE_SECURITY_UPDATE" if offered and candidate.security else None
