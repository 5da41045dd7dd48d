# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a Windows Server from the answer of the Windows reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError, without_passwords
from . import _linux
from ._answer import Part, refuse
from ._linux import warning
from .windows_answer import Update, code, guid, has_malformed_article, hotfix_day, hotfix_kb, moment, read_update
from .windows_categories import place
from .windows_floors import READER_NEEDS, Server, powershell_version, server_of
from .windows_hresults import meaning

_SUCCEEDED, _WITH_ERRORS = 2, 3
_INSTALLATION = 1
_REBOOT_SIGNALS = {
    "agent": "the update agent says so",
    "component_servicing": "component based servicing waits for a reboot",
    "auto_update": "installed updates wait for a reboot",
}
_REBOOTS = {0: "never", 1: "always", 2: "can_request"}
_HIDDEN = {"kind": "hidden", "detail": "an administrator of the host has hidden it"}


def build_inventory(reading: dict[str, Any], *, mappings: Mapping[str, Any] | None = None) -> Inventory:
    """The inventory; ``mappings`` mean nothing here, for Windows tells its own version.

    Raises ``bad_answer`` naming the place, ``unsupported_os`` for what is no Windows Server that Patch Manager knows,
    and ``update_search_failed`` with the agent's own code: without the whole search no host is judged.
    """
    result = Part.of(Part.of(reading, "reading").value.get("result"), "result")
    system = result.part("os")
    version = system.text("version", 40) or ""
    release = server_of(version, system.integer("product_type", 1, 3), system.text("caption") or "")
    powershell = result.text("powershell", 40) or ""
    if powershell_version(powershell) < READER_NEEDS:
        raise PatchError("unsupported_os", f"{release.product} with Windows PowerShell {powershell}: 3.0 is needed.")
    server = _server_asked(result.part("policy"), _search_asked(reading))
    offered, partly = _search(result.part("offered"), server)
    present, _partly_too = _search(result.part("present"), server)
    dates = _install_dates(result)
    inventory = Inventory(
        operating_system="WINDOWS",
        product=release.product,
        os=_os(system, version, release),
        manager={"name": "windows", "version": result.text("agent_version", 60), "api": "Windows Update Agent"},
        interpreter=None,
        collected_at=result.instant("collected_at") or "",
        privileged=result.flag("privileged"),
        booted_at=system.instant("booted_at"),
    )
    if not inventory.collected_at:
        raise refuse("result.collected_at", "a UTC time", None)
    waiting = [each for each in offered if each.reboot_required]
    candidates = [each for each in offered if not each.reboot_required]
    replaced = _successors(candidates)
    inventory.candidates = [_candidate(each, release, replaced.get(each.update_id, [])) for each in candidates]
    inventory.installed = [_installed(each, release, dates) for each in (*present, *waiting)]
    inventory.installed += _hotfixes(result, inventory.installed, release)
    inventory.holds = [
        {"name": each.kb or each.title, "arch": None, "version": None, **_HIDDEN} for each in candidates if each.hidden
    ]
    inventory.reboot = _reboot(result.part("reboot"), inventory.installed)
    inventory.refresh = {"attempted": True, "ok": not partly, "errors": partly, "skipped_because": None}
    inventory.findings = {**_findings(result, powershell), "update_search": _search_asked(reading)}
    inventory.warnings = _warnings(result, inventory, [*candidates, *present], partly)
    return inventory


def _os(system: Part, version: str, server: Server) -> dict[str, Any]:
    revision = system.maybe_integer("revision", 0, 2**31)
    return {
        "id": "windows",
        "id_like": None,
        "version": version if revision is None else f"{version}.{revision}",
        "codename": system.text("display_version", 40),
        "name": system.text("caption") or server.product,
        "kernel": version,
        "arch": system.text("architecture", 40),
    }


def _search_asked(reading: dict[str, Any]) -> dict[str, Any]:
    """Which server was asked, or which file in its place; what the task said, not the host."""
    asked = (reading.get("system") or {}).get("search") or {}
    return {"server_selection": asked.get("server_selection") or "default", "offline_file": asked.get("offline_file")}


def _server_asked(policy: Part, asked: dict[str, Any]) -> str:
    """In words: who was asked for updates."""
    if asked["offline_file"]:
        return f"the scan file {asked['offline_file']}"
    address = without_passwords(policy.text("wu_server", 500) or "of no address")
    managed = policy.maybe_integer("use_wu_server", 0, 2**32) == 1
    if asked["server_selection"] == "managed_server" or (managed and asked["server_selection"] == "default"):
        return f"the WSUS server {address}"
    return "Windows Update"


def _search(part: Part, server: str) -> tuple[list[Update], list[str]]:
    """Updates of one search, and what it could not do."""
    failed = part.maybe_part("error")
    if failed is not None:
        told = f"{meaning(code(failed))} ({failed.text('message', 500) or 'no message'})"
        raise PatchError("update_search_failed", f"The search for updates at {server} failed: {told}.")
    ended = part.integer("result_code", 0, 5)
    if ended not in (_SUCCEEDED, _WITH_ERRORS):
        raise PatchError("update_search_failed", f"The search for updates ended with result code {ended}, not 2.")
    updates = [read_update(each) for each in part.parts("updates")]
    twice = [name for name, count in Counter(each.update_id for each in updates).items() if count > 1]
    if twice:
        raise refuse(f"{part.where}.updates", "a list of different updates", twice[0])
    partly = [f"{meaning(code(each))} {each.text('message', 300) or ''}".strip() for each in part.parts("warnings")]
    if ended == _WITH_ERRORS and not partly:
        partly = ["the search succeeded with errors that it does not name"]
    return updates, partly


def _successors(offered: list[Update]) -> dict[str, list[str]]:
    """Update id to what replaces it: the KB where it tells the one update, else the update id."""
    count = Counter(each.kb for each in offered)
    by_id = {each.update_id: each for each in offered}
    found: dict[str, list[str]] = {}
    for each in offered:
        for old in each.supersedes:
            if old in by_id and old != each.update_id:
                telling = each.kb is not None and count[each.kb] == 1
                found.setdefault(old, []).append(str(each.kb) if telling else each.update_id)
    return found


def _record(update: Update, server: Server) -> PatchRecord:
    placement = place(list(update.categories), server.product)
    family = "Windows" if "Windows" in placement.families else next(iter(placement.families), None)
    return {
        "kb": update.kb,
        "title": update.title,
        "update_id": update.update_id,
        "revision": update.revision,
        "product": placement.products[0] if placement.products else None,
        "products": list(placement.products),
        "product_family": family,
        "patch_set": placement.patch_set,
        "classification": placement.classification,
        "security": placement.classification == "SecurityUpdates",
        "msrc_severity": update.severity,
        "msrc_number": list(update.bulletins),
        "child_kbs": list(update.other_kbs),
        "advisories": _advisories(update),
        "released": update.released,
        "released_source": "last_deployment_change" if update.released else None,
        "article_ids": list(update.article_ids),
    }


def _advisories(update: Update) -> list[dict[str, Any]]:
    """One bulletin with all CVEs: the agent does not say which belongs to which."""
    if not update.bulletins and not update.cves:
        return []
    first = {"id": next(iter(update.bulletins), None), "cves": list(update.cves)}
    return [first, *({"id": each, "cves": []} for each in update.bulletins[1:])]


def _candidate(update: Update, server: Server, successors: list[str]) -> PatchRecord:
    return {
        **_record(update, server),
        "installed": False,
        "superseded_by": successors,
        "held": dict(_HIDDEN) if update.hidden else None,
        "downloaded": update.downloaded,
        "mandatory": update.mandatory,
        "optional": update.browse_only,
        "needs_eula": not update.eula_accepted,
        "reboot_behavior": _REBOOTS.get(-1 if update.reboot_behavior is None else update.reboot_behavior),
        "exclusive": update.exclusive,
        "asks_user": update.asks_user,
        "size": update.size,
    }


def _installed(update: Update, server: Server, dates: dict[str, str]) -> PatchRecord:
    # Installed and not in force: the agent calls such an update not installed until the host has booted.
    return {**_record(update, server), "installed": True, "installed_at": dates.get(update.update_id),
            "pending_reboot": update.reboot_required}  # fmt: skip


def _install_dates(result: Part) -> dict[str, str]:
    """Update id to when the history says that it was last installed."""
    found: dict[str, str] = {}
    for line in result.parts("history"):
        update_id, when = guid(line, "update_id"), moment(line, "date")
        ended = line.integer("result_code", 0, 5)
        if line.integer("operation", 0, 10) == _INSTALLATION and ended in (_SUCCEEDED, _WITH_ERRORS) and when:
            found[update_id] = max(when, found.get(update_id, ""))
    return found


def _hotfixes(result: Part, known: list[PatchRecord], server: Server) -> list[PatchRecord]:
    """Installed packages that the agent does not list; the known ones get a date where the history has none."""
    by_kb: dict[str, list[PatchRecord]] = {}
    for record in known:
        by_kb.setdefault(str(record["kb"]), []).append(record)
    more = []
    for line in result.parts("hotfixes"):
        kb, day = hotfix_kb(line.text("id", 60)), hotfix_day(line.text("installed_on", 60))
        if kb is None:
            continue
        for record in by_kb.get(kb, []):
            record["installed_at"] = record["installed_at"] or day
        if kb not in by_kb:
            title = line.text("description") or "Update"
            more.append(
                {"kb": kb, "title": f"{title} ({kb})", "product": server.product, "product_family": "Windows",
                 "patch_set": "OS", "classification": None, "msrc_severity": None, "released": None,
                 "released_source": None, "installed": True, "installed_at": day}
            )  # fmt: skip
            by_kb[kb] = []
    return more


def _reboot(part: Part, installed: list[PatchRecord]) -> dict[str, Any]:
    reasons = [
        {"kind": kind, "detail": detail, "packages": []}
        for kind, detail in _REBOOT_SIGNALS.items()
        if part.maybe_flag(kind)
    ]
    names = [str(each["kb"] or each["title"]) for each in installed if each.get("pending_reboot")]
    if names:
        reasons.append({"kind": "updates", "detail": f"{', '.join(names[:5])} wait for a reboot", "packages": names})
    required = bool(reasons)
    # Ordinary installers leave renames behind as well: worth a word, no reason to reboot.
    if part.flag("file_renames"):
        reasons.append({"kind": "file_renames", "detail": "files are to be replaced at the next boot", "packages": []})
    return {"required": required, "reasons": reasons}


def _findings(result: Part, powershell: str) -> dict[str, Any]:
    policy, system = result.part("policy"), result.part("os")
    addresses = {
        key: None if (text := policy.text(key, 500)) is None else without_passwords(text)
        for key in ("wu_server", "wu_status_server")
    }
    flags = ("use_wu_server", "disable_access", "no_internet_locations", "no_auto_update", "au_options")
    return {
        "disk": _disks(result),
        "system_drive": result.text("system_drive", 10) or "C:",
        "edition": system.text("edition", 60),
        "installation_type": system.text("installation_type", 60),
        "powershell": powershell,
        "last_detection": moment(result, "last_detection"),
        "update_policy": {
            **addresses,
            "target_group": policy.text("target_group"),
            **{key: policy.maybe_integer(key, 0, 2**32) for key in flags},
        },
        "update_sources": [
            {"id": guid(each, "id"), "name": each.text("name"), "registered": each.flag("registered"),
             "default": each.flag("default")}
            for each in result.parts("sources")
        ],
        "services": {
            str(each.text("name", 60)): {"state": each.text("state", 40), "start_mode": each.text("start_mode", 40)}
            for each in result.parts("services")
        },
        "refused": [{"part": each.text("part", 60), "code": code(each)} for each in result.parts("refused")],
    }  # fmt: skip


def _disks(result: Part) -> list[dict[str, Any]]:
    return [
        {"path": each.text("path", 60), "free_bytes": each.integer("free_bytes"),
         "size_bytes": each.integer("size_bytes")}
        for each in result.parts("disk")
    ]  # fmt: skip


def _warnings(result: Part, inventory: Inventory, updates: list[Update], partly: list[str]) -> list[dict[str, str]]:
    findings = inventory.findings
    drives = [each for each in findings["disk"] if each["path"] == findings["system_drive"]]
    found = _linux.disk_warnings(drives)[0]
    if findings["services"].get("wuauserv", {}).get("start_mode") == "Disabled":
        found.append(warning("update_service_disabled", "the service wuauserv is disabled; nothing can be installed"))
    policy = findings["update_policy"]
    if policy["use_wu_server"] == 1 and not policy["wu_server"]:
        found.append(warning("wsus_without_address", "the policy asks for a WSUS server and names none"))
    if policy["disable_access"] == 1:
        found.append(warning("update_access_disabled", "a policy forbids access to Windows Update"))
    if partly:
        found.append(warning("search_incomplete", f"the search left something out: {'; '.join(partly[:5])}"))
    malformed = [each.title for each in updates if has_malformed_article(each)]
    if malformed:
        found.append(warning("malformed_kb", f"no KB number: {', '.join(malformed[:5])}"))
    unsorted = [str(each["title"]) for each in inventory.candidates if each["classification"] is None]
    if unsorted:
        found.append(warning("no_classification", f"no rule with a classification takes {', '.join(unsorted[:5])}"))
    return found
