# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is allowed in a baseline but hardly meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import schema
from . import sources as patch_sources
from .operating_systems import OPERATING_SYSTEMS, OperatingSystem

_ARCH_SUFFIX = re.compile(r"[.:](amd64|arm64|armel|armhf|i386|all|any|mips64el|ppc64el|riscv64|s390x)$")
_SUSE_PATCH_ID = re.compile(r".*-\d{4}-\d+")


def lint(baseline: dict[str, Any], where: str) -> list[str]:
    """Warnings ``where: text`` for a canonical baseline."""
    system = OPERATING_SYSTEMS[baseline["operating_system"]]
    found = [
        *_whole(baseline, system),
        *_filters(baseline["global_filters"], "global_filters", system),
        *_names(baseline, system),
    ]
    for index, rule in enumerate(baseline["approval_rules"]):
        place = f"approval_rules[{index}]"
        found.extend(_filters(rule["filters"], f"{place}.filters", system))
        found.extend(_rule(rule, place, system))
    for index, source in enumerate(baseline["sources"]):
        found.extend(_quota(source["products"], "products", f"sources[{index}].products"))
        repositories, _problems = patch_sources.parse(source["name"], source["configuration"], system.family)
        found.extend(f"sources[{index}].configuration: {text}" for text in patch_sources.warnings_about(repositories))
    return [f"{where}.{text}" for text in found]


def _quota(items: Any, quota: str, place: str) -> Iterator[str]:
    limit = schema.QUOTAS[quota]
    if len(items) > limit:
        yield f"{place}: {len(items)} entries; the AWS service takes at most {limit}"


def _whole(baseline: dict[str, Any], system: OperatingSystem) -> Iterator[str]:
    for key in ("approval_rules", "approved_patches", "rejected_patches"):
        yield from _quota(baseline[key], key, key)
    if not baseline["approval_rules"] and not baseline["approved_patches"]:
        yield "approval_rules: no rule and no approved patch, so nothing is ever approved"
    if system.name == "CENTOS" and not any(rule["enable_non_security"] for rule in baseline["approval_rules"]):
        yield (
            "approval_rules: no rule has enable_non_security: true; CentOS repositories carry no update notices, "
            "so nothing is selected from them"
        )
    key = "available_security_updates_compliance_status"
    if system.family != "windows" and baseline[key] != "COMPLIANT":
        yield f"{key}: has an effect on Windows only"
    if system.family == "windows" and baseline["approved_patches_enable_non_security"]:
        yield "approved_patches_enable_non_security: has no effect on Windows"


def _filters(filters: dict[str, list[str]], place: str, system: OperatingSystem) -> Iterator[str]:
    yield from _quota(filters, "filters", place)
    for key, values in filters.items():
        yield from _quota(values, "values", f"{place}.{key}")
        if key not in system.attributes and values and "*" not in values:
            offered = ", ".join(system.filter_keys)
            yield f"{place}.{key}: {system.name} patches carry no {key}, so this matches nothing; use {offered}"
        for value in values:
            if "*" in value and value != "*":
                yield f"{place}.{key}: {value!r} is compared literally; only a lone '*' is a wildcard"


def _rule(rule: dict[str, Any], place: str, system: OperatingSystem) -> Iterator[str]:
    days, until = rule["approve_after_days"], rule["approve_until_date"]
    option = "approve_after_days" if days else "approve_until_date" if until else None
    if option and not system.vendor_dates:
        yield (
            f"{place}.{option}: ignored, {system.name} publishes no release dates; matches are approved at once, unless"
            " delay_clock names another clock than vendor"
        )
    if option and system.family == "macos":
        yield f"{place}.{option}: macOS updates rarely carry a date, and one without is held back by this rule"
    if days is not None and days > schema.ADVISED_DELAY_DAYS:
        yield f"{place}.approve_after_days: {days} days; at most {schema.ADVISED_DELAY_DAYS} are advised"
    if system.family == "windows":
        yield from _windows_rule(rule, place)


def _windows_rule(rule: dict[str, Any], place: str) -> Iterator[str]:
    if rule["enable_non_security"]:
        yield f"{place}.enable_non_security: has no effect on Windows"
    filters, days = rule["filters"], rule["approve_after_days"]
    if "APPLICATION" in filters.get("patch_set", []) and "product" not in filters:
        yield f"{place}.filters: patch_set APPLICATION should name a product; '*' stands for all"
    if days is not None and days > 30:
        yield (
            f"{place}.approve_after_days: over 30 days the next month's update replaces each one before it is "
            "approved, so nothing may ever be installed"
        )


def _names(baseline: dict[str, Any], system: OperatingSystem) -> Iterator[str]:
    for key in ("approved_patches", "rejected_patches"):
        for index, entry in enumerate(baseline[key]):
            text = _name(entry, system)
            if text:
                yield f"{key}[{index}]: {entry!r} {text}"
    for entry in sorted(set(baseline["approved_patches"]) & set(baseline["rejected_patches"])):
        yield f"rejected_patches: {entry!r} is approved as well; rejected wins"


def _name(entry: str, system: OperatingSystem) -> str | None:
    if system.family in ("macos", "windows"):
        return f"has a '*', which is literal on {system.name}" if "*" in entry else None
    if entry.count("*") > 1:
        return "has more than one '*' and matches nothing"
    if system.family == "deb" and _ARCH_SUFFIX.search(entry):
        return "names an architecture and matches nothing; write the bare package name"
    if system.family == "suse" and "*" not in entry and not entry.endswith(".rpm") and not _SUSE_PATCH_ID.match(entry):
        return "is neither a patch id nor an rpm file name and matches nothing; 'name-*' covers all versions"
    return None
