# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the hosts of a patch group stand: the counts over hosts, and each host's own counts.

DescribePatchGroupState and DescribeInstancePatchStatesForPatchGroup of Patch Manager, answered from documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..compliance.summary import COUNT_NAMES
from .filters import count_filter

Document = Mapping[str, Any]
_HOSTS_WITH = {
    "instances_with_installed_patches": "installed_count",
    "instances_with_installed_other_patches": "installed_other_count",
    "instances_with_installed_pending_reboot_patches": "installed_pending_reboot_count",
    "instances_with_installed_rejected_patches": "installed_rejected_count",
    "instances_with_missing_patches": "missing_count",
    "instances_with_failed_patches": "failed_count",
    "instances_with_not_applicable_patches": "not_applicable_count",
    "instances_with_unreported_not_applicable_patches": "unreported_not_applicable_count",
    "instances_with_critical_non_compliant_patches": "critical_non_compliant_count",
    "instances_with_security_non_compliant_patches": "security_non_compliant_count",
    "instances_with_other_non_compliant_patches": "other_non_compliant_count",
    "instances_with_available_security_updates": "available_security_update_count",
}
ANY_GROUP = None


def group_state(documents: Iterable[Document], *, patch_group: str | None = ANY_GROUP) -> dict[str, int]:
    """Number of hosts with at least one patch of each kind.

    ``instances`` is all hosts of the group. A host that could not be read has no counts: it is in none of the
    others but in ``instances_unknown``, which Patch Manager does not have. Without ``patch_group``, all hosts.
    """
    answer = dict.fromkeys(("instances", *_HOSTS_WITH, "instances_unknown"), 0)
    for document in of_group(documents, patch_group):
        answer["instances"] += 1
        if document["error"] is not None:
            answer["instances_unknown"] += 1
        for name, count in _HOSTS_WITH.items():
            if document["summary"][count]:
                answer[name] += 1
    return answer


def host_states(
    documents: Iterable[Document],
    *,
    patch_group: str | None = ANY_GROUP,
    filters: Sequence[Mapping[str, Any]] = (),
    last_no_reboot_installs: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """One state per host of the group that fits all filters (see ``filters.count_filter``), in the order given.

    ``last_no_reboot_installs``: host to the end of its newest Install with the reboot option NoReboot, UTC.
    """
    fits = count_filter(filters)
    last = last_no_reboot_installs or {}
    for document in of_group(documents, patch_group):
        if fits(document["summary"]):
            yield host_state(document, last_no_reboot_install=last.get(str(document["host"])))


def host_state(document: Document, *, last_no_reboot_install: str | None = None) -> dict[str, Any]:
    """What InstancePatchState has of one host, by our names: identity, times, every count of the document."""
    baseline = document["baseline"] or {}
    selection = (document["installation"] or {}).get("selection") or {}
    newest = document["operation"] == "Install" and document["reboot_option"] == "NoReboot"
    return {
        "host": document["host"],
        "patch_group": document["patch_group"],
        "baseline": baseline.get("name"),
        "baseline_digest": baseline.get("digest"),
        "run_id": document["run"]["id"],
        "verdict": document["verdict"],
        "operation": document["operation"],
        "started_at": document["times"]["started_at"],
        "finished_at": document["times"]["finished_at"],
        "last_no_reboot_install": document["times"]["finished_at"] if newest else last_no_reboot_install,
        "reboot_option": document["reboot_option"],
        "install_override_list": selection.get("source") if selection.get("kind") == "override_list" else None,
        **{name: document["summary"][name] for name in COUNT_NAMES},
    }


def of_group(documents: Iterable[Document], patch_group: str | None) -> Iterator[Document]:
    """Those of one patch group; all where ``patch_group`` is None."""
    return (each for each in documents if patch_group is None or each["patch_group"] == patch_group)
