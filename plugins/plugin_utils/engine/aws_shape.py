# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of AWS baseline JSON (PascalCase), as ``aws ssm get-patch-baseline`` prints it, renamed to ours."""

from __future__ import annotations

from typing import Any

from .problems import Problems, show, show_key

BASELINE_MEMBERS = {
    "Name": "name",
    "OperatingSystem": "operating_system",
    "Description": "description",
    "GlobalFilters": "global_filters",
    "ApprovalRules": "approval_rules",
    "ApprovedPatches": "approved_patches",
    "ApprovedPatchesComplianceLevel": "approved_patches_compliance_level",
    "ApprovedPatchesEnableNonSecurity": "approved_patches_enable_non_security",
    "RejectedPatches": "rejected_patches",
    "RejectedPatchesAction": "rejected_patches_action",
    "UnapprovedDependencies": "unapproved_dependencies",
    "Sources": "sources",
    "AvailableSecurityUpdatesComplianceStatus": "available_security_updates_compliance_status",
}
IDLE_MEMBERS = (
    "BaselineId",
    "PatchGroups",
    "CreatedDate",
    "ModifiedDate",
    "Tags",
    "ClientToken",
    "DefaultBaseline",
    "ResponseMetadata",
)
"""Members without effect here."""
RULE_MEMBERS = {
    "PatchFilterGroup": "filters",
    "ComplianceLevel": "compliance_level",
    "ApproveAfterDays": "approve_after_days",
    "ApproveUntilDate": "approve_until_date",
    "EnableNonSecurity": "enable_non_security",
}
SOURCE_MEMBERS = {"Name": "name", "Products": "products", "Configuration": "configuration"}

_RULE_NAMES = {ours: theirs for theirs, ours in RULE_MEMBERS.items()}
_SOURCE_NAMES = {ours: theirs for theirs, ours in SOURCE_MEMBERS.items()}


def is_aws(raw: dict[Any, Any]) -> bool:
    """Whether a mapping is AWS baseline JSON."""
    return any(key in BASELINE_MEMBERS or key in IDLE_MEMBERS for key in raw)


def to_snake(raw: dict[Any, Any], where: str, problems: Problems) -> dict[str, Any]:
    """The same baseline under our names; wrong structure becomes problems, values are not looked at."""
    problems.unknown_keys(where, raw, [*BASELINE_MEMBERS, *IDLE_MEMBERS])
    result = {ours: raw[theirs] for theirs, ours in BASELINE_MEMBERS.items() if theirs in raw}
    if result.get("global_filters") is not None:
        result["global_filters"] = _filters(result["global_filters"], f"{where}.GlobalFilters", problems)
    if result.get("approval_rules") is not None:
        place = f"{where}.ApprovalRules"
        rules = _member_list(result["approval_rules"], "PatchRules", place, problems)
        result["approval_rules"] = [
            _rule(rule, f"{place}.PatchRules[{index}]", problems) for index, rule in enumerate(rules)
        ]
    if isinstance(result.get("sources"), list):
        result["sources"] = [
            _renamed(source, SOURCE_MEMBERS, f"{where}.Sources[{index}]", problems)
            for index, source in enumerate(result["sources"])
        ]
    idle = {key: raw[key] for key in IDLE_MEMBERS if key in raw and key != "ResponseMetadata"}
    if idle:
        result["aws_members"] = idle
    return result


def aws_place(place: str) -> str:
    """A place inside a baseline under the names of its AWS JSON.

    ``.approval_rules[0].filters.severity[1]`` is ``.ApprovalRules.PatchRules[0].PatchFilterGroup.SEVERITY[1]``.
    """
    names = {
        **{ours: theirs for theirs, ours in BASELINE_MEMBERS.items()},
        "approval_rules": "ApprovalRules.PatchRules",
    }
    parts = place.split(".")
    for index, part in enumerate(parts):
        word, bracket, rest = part.partition("[")
        inside = parts[index - 1] if index else ""
        if inside in ("PatchFilterGroup", "GlobalFilters"):
            word = word.upper() if word != "PatchFilters" else word
        elif inside.startswith("ApprovalRules.PatchRules"):
            word = _RULE_NAMES.get(word, word)
        elif inside.startswith("Sources["):
            word = _SOURCE_NAMES.get(word, word)
        else:
            word = names.get(word, word)
        parts[index] = word + bracket + rest
    return ".".join(parts)


def extra_members(given: dict[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    """Members without effect, under their AWS names; none of the others may hide among them."""
    members = given.get("aws_members", {})
    result: dict[str, Any] = {}
    if isinstance(members, dict):
        problems.unknown_keys(where, members, IDLE_MEMBERS)
        result.update(members)
    else:
        problems.add(where, f"must be a mapping of {', '.join(IDLE_MEMBERS)}, not {show(members)}")
    for ours, theirs in (("tags", "Tags"), ("client_token", "ClientToken")):
        if ours in given:
            result[theirs] = given[ours]
    return result


def _renamed(value: Any, members: dict[str, str], where: str, problems: Problems) -> Any:
    if not isinstance(value, dict):
        return value
    problems.unknown_keys(where, value, members)
    return {ours: value[theirs] for theirs, ours in members.items() if theirs in value}


def _rule(value: Any, where: str, problems: Problems) -> Any:
    rule = _renamed(value, RULE_MEMBERS, where, problems)
    if isinstance(rule, dict) and rule.get("filters") is not None:
        rule["filters"] = _filters(rule["filters"], f"{where}.PatchFilterGroup", problems)
    return rule


def _member_list(value: Any, member: str, where: str, problems: Problems) -> list[Any]:
    if not isinstance(value, dict):
        problems.add(where, f"must be a mapping with {member}, not {show(value)}")
        return []
    problems.unknown_keys(where, value, [member])
    items = value.get(member) or []
    if not isinstance(items, list):
        problems.add(f"{where}.{member}", f"must be a list, not {show(items)}")
        return []
    return items


def _filters(value: Any, where: str, problems: Problems) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for index, item in enumerate(_member_list(value, "PatchFilters", where, problems)):
        place = f"{where}.PatchFilters[{index}]"
        if not isinstance(item, dict) or not isinstance(item.get("Key"), str) or "Values" not in item:
            problems.add(place, "must be a mapping with Key and Values")
            continue
        problems.unknown_keys(place, item, ["Key", "Values"])
        key = item["Key"].lower()
        if key in result:
            problems.add(place, f"{show_key(item['Key'])} is given twice in one group; join the values in one filter")
        result[key] = item["Values"]
    return result
