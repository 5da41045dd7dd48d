"""The rules of approval written a second time: from the user guide alone, plain and slow, with nothing of the engine.

It knows the attributes of the conformance vectors and no extension of ours (clocks, CVE selections, applicability).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

DEB = ("DEBIAN", "UBUNTU", "RASPBIAN")
LEVELS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")
CLOSEST = ("waiting_for_approval_delay", "after_cutoff_date", "unknown_release_date", "not_security")
Record = dict[str, Any]
Decision = dict[str, Any]


def plain_evaluate(
    baseline: dict[str, Any],
    patches: list[Record],
    system: str,
    as_of: str,
    operation: str,
    override: dict[str, Any] | None,
) -> list[Decision]:
    """As ``evaluate``; the baseline is canonical."""
    alone = [judged_alone(baseline, patch, system, moment(as_of)) for patch in patches]
    decisions = []
    for patch, own in zip(patches, alone, strict=True):
        fixed = own["reason"] in ("no_kb_id", "rejected_explicitly")
        replaced = not fixed and is_replaced(patch, patches, alone, system)
        by_baseline = refused("superseded_by_newer") if replaced else own
        decision = by_baseline
        if operation == "Install" and override is not None:
            decision = by_list(override, patch, system)
        state = state_of(baseline, patch, own, by_baseline, system)
        decisions.append({"patch": identifier(patch, system), **decision, **({"state": state} if state else {})})
    return decisions


def refused(reason: str) -> Decision:
    return {"decision": "not_approved", "reason": reason}


def identifier(patch: Record, system: str) -> str:
    if system == "WINDOWS":
        return str(patch["kb"] or patch["title"])
    name = patch["name"] if system == "MACOS" else f"{patch['name']}.{patch['arch']}"
    return f"{name} {patch['version']}"


def moment(text: str) -> datetime:
    stamp = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=timezone.utc)


# What the host has


def is_absent(patch: Record, system: str) -> bool:
    offered = system == "MACOS" and patch["classification"] == "softwareupdate"
    return system != "WINDOWS" and patch["installed_version"] is None and not offered


def is_present(patch: Record, system: str) -> bool:
    if system == "WINDOWS":
        return patch["installed"] is True
    if system == "MACOS" or patch["installed_version"] is None:
        return bool(patch["installed_version"] == patch["version"])
    return newer(patch["version"], patch["installed_version"], system) == 0


def is_outdated(patch: Record, system: str) -> bool:
    if system in ("WINDOWS", "MACOS") or patch["installed_version"] is None:
        return False
    return newer(patch["version"], patch["installed_version"], system) < 0


# One version alone


def judged_alone(baseline: dict[str, Any], patch: Record, system: str, now: datetime) -> Decision:
    if system == "WINDOWS" and not patch["kb"]:
        return {"decision": "filtered_out", "reason": "no_kb_id"}
    if any(names(entry, patch, system) for entry in baseline["rejected_patches"]):
        return {"decision": "rejected", "reason": "rejected_explicitly"}
    if is_absent(patch, system):
        return refused("not_installed")
    if system in DEB and patch["name"] == "python3-apt" and not is_present(patch, system):
        return {"decision": "approved", "reason": "python3_apt_bootstrap"}
    listed = any(names(entry, patch, system) for entry in baseline["approved_patches"])
    if listed and (system == "WINDOWS" or patch["security"] or baseline["approved_patches_enable_non_security"]):
        level = baseline["approved_patches_compliance_level"]
        return {"decision": "approved", "reason": "approved_explicitly", "rule": None, "compliance_level": level}
    notices = [each for each in notices_of(patch) if passes(baseline["global_filters"], patch, each, system)]
    if not notices:
        return {"decision": "filtered_out", "reason": "global_filter"}
    approving: list[tuple[int, int]] = []
    reasons = ["not_security"] if listed else []
    ends = []
    for number, rule in enumerate(baseline["approval_rules"], start=1):
        filters = {"patch_set": ["OS"], **rule["filters"]} if system == "WINDOWS" else rule["filters"]
        for notice in notices:
            if passes(filters, patch, notice, system):
                reason, end = why_not(rule, patch, notice, system, now)
                if reason is None:
                    approving.append((LEVELS.index(rule["compliance_level"]), number))
                else:
                    reasons.append(reason)
                    ends += [end] if end else []
    if approving:
        level, number = min(approving)
        return {
            "decision": "approved", "reason": "approved_by_rule", "rule": number, "compliance_level": LEVELS[level]
        }  # fmt: skip
    reason = min(reasons, key=CLOSEST.index) if reasons else "no_rule_matches"
    wait = {"approves_on": min(ends).astimezone(timezone.utc).date().isoformat()} if reason == CLOSEST[0] else {}
    return {**refused(reason), **wait}


def why_not(
    rule: dict[str, Any], patch: Record, notice: Record, system: str, now: datetime
) -> tuple[str | None, datetime | None]:
    """The reason of a rule whose filters match, and the end of its wait."""
    if system != "WINDOWS" and not rule["enable_non_security"] and not patch["security"]:
        return "not_security", None
    if system in DEB:
        return None, None
    days = rule.get("approve_after_days")
    stamp = notice["updated"] if "updated" in notice else patch["released"]
    if stamp is None and system == "WINDOWS":
        stamp = "1970-01-01"
    elif stamp is None and rule["enable_non_security"]:
        stamp = patch["build_time"]
    elif stamp is None and days != 0:
        return "unknown_release_date", None
    if stamp is None:
        return None, None
    if days is None:
        late = moment(stamp) >= moment(rule["approve_until_date"]) + timedelta(days=1)
        return ("after_cutoff_date" if late else None), None
    end = moment(stamp) + timedelta(days=days)
    return ("waiting_for_approval_delay", end) if now < end else (None, None)


def notices_of(patch: Record) -> list[Record]:
    return patch.get("advisories") or [{}]


def passes(filters: dict[str, list[str]], patch: Record, notice: Record, system: str) -> bool:
    own = {"advisory_id": [notice.get("id")], "cve_id": notice.get("cves", [])}
    for key, wanted in filters.items():
        if not wanted or "*" in wanted:
            continue
        values = own.get(key) or [notice[key] if key in notice else patch.get(key)]
        if system in ("AMAZON_LINUX_2022", "AMAZON_LINUX_2023") and key == "severity" and "Medium" in wanted:
            wanted = [*wanted, "Moderate"]
        if not any(value in wanted for value in values):
            return False
    return True


# Lists


def fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None


def names(entry: str, patch: Record, system: str) -> bool:
    """Whether an entry of the approved or rejected list names a patch."""
    notices = patch.get("advisories") or []
    if system == "WINDOWS":
        return entry.upper() in [each.upper() for each in (patch["kb"], patch.get("msrc_number")) if each]
    if system == "MACOS":
        return bool(entry == patch["name"])
    name, arch = patch["name"], patch["arch"]
    epoch, version, release = evr(patch["version"])
    full = f"{version}-{release}" if release else version
    if system in DEB:
        forms = [name]
    elif system == "SUSE":
        forms = [*(each["id"] for each in notices), f"{name}-{version}-{release}.{arch}.rpm"]
    else:
        if entry.isdigit():
            return any(entry == str(number) for each in notices for number in each["bugzillas"])
        if any(entry == each["id"] or entry in each["cves"] for each in notices):
            return True
        forms = [name, f"{name}.{arch}", version, full, f"{epoch}:{full}", f"{epoch}:{name}-{full}.{arch}"]
        forms += [f"{name}-{text}" for text in (version, full, f"{full}.{arch}", f"{epoch}:{full}")]
        forms += [f"{name}-{epoch}:{full}.{arch}", f"{name}.{arch}:{epoch}:{full}"]
    return entry.count("*") < 2 and any(fits(entry, form) for form in forms)


def by_list(override: dict[str, Any], patch: Record, system: str) -> Decision:
    if not any(is_listed(entry, patch, system) for entry in override["patches"]):
        return refused("not_in_override_list")
    if is_absent(patch, system):
        return refused("not_installed")
    if is_outdated(patch, system):
        return refused("superseded_by_newer")
    return {"decision": "approved", "reason": "override_list"}


def is_listed(entry: dict[str, str], patch: Record, system: str) -> bool:
    if system == "WINDOWS":
        return bool(patch["kb"]) and names(entry["id"], patch, system)
    if system == "MACOS":
        return entry["id"] in (patch["name"], f"{patch['name']}.{patch['version']}")
    whole = f"{patch['name']}.{patch['arch']}"
    epoch, version, release = evr(patch["version"])
    short = f"{version}-{release}" if release else version
    full = patch["version"] if system in DEB else f"{epoch}:{short}"
    titles = (f"{whole}:{full}", f"{epoch}:{short}", short)
    title = entry.get("title")
    named = fits(entry["id"], patch["name"]) or fits(entry["id"], whole)
    return named and (not title or any(fits(title, text) for text in titles))


# Several versions


def is_replaced(patch: Record, patches: list[Record], alone: list[Decision], system: str) -> bool:
    if system == "WINDOWS":
        later = patch.get("superseded_by") or ""
        return any(later.upper() == (each["kb"] or "").upper() != patch["kb"].upper() for each in patches if later)
    keys = ("name", "classification") if system == "MACOS" else ("name", "arch")
    return is_outdated(patch, system) or any(
        decision["decision"] == "approved"
        and all(each[key] == patch[key] for key in keys)
        and newer(each["version"], patch["version"], system) > 0
        for each, decision in zip(patches, alone, strict=True)
    )


def state_of(baseline: dict[str, Any], patch: Record, own: Decision, decision: Decision, system: str) -> str | None:
    approved, rejected = own["decision"] == "approved", own["decision"] == "rejected"
    if own["reason"] == "no_kb_id":
        return None
    if is_present(patch, system):
        if rejected and baseline["rejected_patches_action"] == "BLOCK":
            return "INSTALLED_REJECTED"
        return "INSTALLED" if approved else "INSTALLED_OTHER"
    replaced = decision["reason"] == "superseded_by_newer"
    if system != "WINDOWS":
        reports_only = system == "MACOS" and patch["classification"] == "installer"
        return "MISSING" if approved and not replaced and not reports_only else None
    if approved:
        return "NOT_APPLICABLE" if replaced else "MISSING"
    available = not rejected and not replaced and patch["classification"] == "SecurityUpdates"
    return "AVAILABLE_SECURITY_UPDATE" if available else None


# Orders of versions


def evr(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    upstream, dash, release = (rest if colon else version).rpartition("-")
    return str(int(epoch)) if colon else "0", upstream if dash else release, release if dash else ""


def newer(a: str, b: str, system: str) -> int:
    """Above 0 where ``a`` is newer than ``b``, 0 where they are equal."""
    if system == "MACOS":
        return rpmvercmp(a, b)
    part = debvercmp if system in DEB else rpmvercmp
    one, other = evr(a), evr(b)
    return int(one[0]) - int(other[0]) or part(one[1], other[1]) or part(one[2], other[2])


def rpmvercmp(a: str, b: str) -> int:
    while a or b:
        a, b = (re.sub(r"\A[^A-Za-z0-9~^]+", "", text) for text in (a, b))
        for mark, order in (("~", (-1, 1)), ("^", (1, -1))):
            if a[:1] == mark != b[:1]:
                return order[0] if mark == "~" or not b else -1
            if b[:1] == mark != a[:1]:
                return order[1] if mark == "~" or not a else 1
        if a[:1] in ("~", "^") and a[:1] == b[:1]:
            a, b = a[1:], b[1:]
            continue
        if not a or not b:
            return len(a) - len(b)
        kind = r"[0-9]+" if a[0].isdigit() else r"[A-Za-z]+"
        one, other = re.match(kind, a), re.match(kind, b)
        assert one
        if other is None:
            return 1 if a[0].isdigit() else -1
        x, y = one[0], other[0]
        if x[0].isdigit() and int(x) != int(y):
            return int(x) - int(y)
        if not x[0].isdigit() and x != y:
            return 1 if x > y else -1
        a, b = a[len(x) :], b[len(y) :]
    return 0


def debvercmp(a: str, b: str) -> int:
    def weight(text: str) -> list[int]:
        return [-1 if char == "~" else ord(char) + (0 if char.isalpha() else 256) for char in text] + [0]

    while a or b:
        one, other = (re.match(r"([^0-9]*)([0-9]*)", text) for text in (a, b))
        assert one
        assert other
        if one[1] != other[1]:
            return 1 if weight(one[1]) > weight(other[1]) else -1
        if int(one[2] or 0) != int(other[2] or 0):
            return int(one[2] or 0) - int(other[2] or 0)
        a, b = a[one.end() :], b[other.end() :]
    return 0
