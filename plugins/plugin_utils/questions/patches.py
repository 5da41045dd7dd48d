# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patches of one host, and what a baseline makes of everything that its hosts could have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .filters import patch_filter

Document = Mapping[str, Any]
_STATUS_OF_REASON = {
    "approved_by_rule": "APPROVED",
    "approved_explicitly": "EXPLICIT_APPROVED",
    "rejected_explicitly": "EXPLICIT_REJECTED",
    "waiting_for_approval_delay": "PENDING_APPROVAL",
}
_KEPT = ("id", "title", "name", "arch", "version", "product", "classification", "severity", "priority", "section")


def patches_of(document: Document, filters: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """The entries of a document that fit all filters (DescribeInstancePatches), in the document's order.

    Filters on State take Patch Manager's states; what is available and has none fits no such filter.
    """
    fits = patch_filter(filters, document["operating_system"])
    return [dict(entry) for entry in document["patches"] if fits(entry)]


def effective_patches(documents: Iterable[Document], *, baseline: str) -> list[dict[str, Any]]:
    """What the hosts judged by ``baseline`` could have or have, and how the baseline decided.

    ``status`` as in DescribeEffectivePatchesForPatchBaseline: APPROVED, PENDING_APPROVAL, EXPLICIT_APPROVED or
    EXPLICIT_REJECTED; ``approves_on`` is the day for what is pending. What no rule and no list names is left out.
    Patch Manager answers this for Windows alone and from its catalogue; here every operating system is answered, from
    what the hosts were offered. ``hosts`` counts them. Where documents differ the newest ``as_of`` tells.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for document in documents:
        if (document["baseline"] or {}).get("name") != baseline:
            continue
        as_of = document["run"]["as_of"]
        for entry in document["patches"]:
            status = _STATUS_OF_REASON.get(entry["reason"])
            if status is None:
                continue
            version = entry["version"] or entry["installed_version"]
            known = found.setdefault((entry["id"], version, entry["product"]), {"as_of": "", "hosts": 0})
            known["hosts"] += 1
            if as_of > known["as_of"]:
                known.update({name: entry[name] for name in _KEPT})
                known.update(
                    version=version,
                    status=status,
                    level=entry["level"],
                    rule=entry["rule"],
                    approves_on=entry["approves_on"],
                    as_of=as_of,
                )
    return [found[key] for key in sorted(found, key=lambda key: tuple(str(part) for part in key))]
