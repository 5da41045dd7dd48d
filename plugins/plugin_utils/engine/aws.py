# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines to and from the JSON of AWS Systems Manager."""

from __future__ import annotations

from typing import Any

from . import aws_shape
from .baseline import canonical
from .problems import Problems, show


def from_aws(document: Any) -> dict[str, Any]:
    """The canonical baseline of a CreatePatchBaseline, GetPatchBaseline or BaselineOverride document.

    Members that mean nothing here (BaselineId, PatchGroups, dates, tags) wait in ``aws_members`` for the export.
    Raises ``PatchError("bad_baseline")`` with all problems.
    """
    if not isinstance(document, dict) or not aws_shape.is_aws(document):
        problems = Problems()
        problems.add("document", f"must be AWS baseline JSON such as {{'Name': ...}}, not {show(document)}")
        problems.raise_if_any()
    return canonical(document)


def to_aws(baseline: dict[str, Any]) -> dict[str, Any]:
    """The AWS JSON of a baseline: every member of the service model that has a value, defaults written out.

    ``UnapprovedDependencies`` is ours and written only where it is ``REFUSE``: the service knows no such rule.
    """
    source = canonical(baseline)
    document: dict[str, Any] = {}
    for theirs, ours in aws_shape.BASELINE_MEMBERS.items():
        value = source[ours]
        if value not in (None, ""):
            document[theirs] = value
    document["GlobalFilters"] = _filters(source["global_filters"])
    document["ApprovalRules"] = {"PatchRules": [_rule(rule) for rule in source["approval_rules"]]}
    document["Sources"] = [
        {theirs: item[ours] for theirs, ours in aws_shape.SOURCE_MEMBERS.items()} for item in source["sources"]
    ]
    status = "AvailableSecurityUpdatesComplianceStatus"
    # The service refuses this member on any other operating system.
    if source["operating_system"] != "WINDOWS" and document[status] == "COMPLIANT":
        del document[status]
    if document["UnapprovedDependencies"] == "ALLOW":
        del document["UnapprovedDependencies"]
    document.update(source.get("aws_members", {}))
    return document


def _filters(filters: dict[str, list[str]]) -> dict[str, Any]:
    return {"PatchFilters": [{"Key": key.upper(), "Values": list(values)} for key, values in filters.items()]}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    renamed = {theirs: rule[ours] for theirs, ours in aws_shape.RULE_MEMBERS.items() if rule[ours] is not None}
    renamed["PatchFilterGroup"] = _filters(rule["filters"])
    return renamed
