"""Readings of Windows hosts put together from recorded updates, as the Windows reader would send them."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).resolve().parents[1] / "golden" / "windows-updates"
UPDATES: list[dict[str, Any]] = json.loads((RECORDED / "updates.json").read_text(encoding="utf-8"))
for _each in UPDATES:
    # Some sources name neither; an id made of the title stands in.
    _each["update_id"] = _each["update_id"] or str(uuid.uuid5(uuid.NAMESPACE_URL, _each["title"]))
    _each["revision_number"] = _each["revision_number"] or 1
GUIDS: dict[str, Any] = json.loads((RECORDED / "category-guids.json").read_text(encoding="utf-8"))
FAMILY = {"id": "6964aab4-c5b5-43bd-a17d-ffb4346a8e1d", "name": "Windows", "type": "ProductFamily"}
BEHAVIORS = {"NeverReboots": 0, "AlwaysRequiresReboot": 1, "CanRequestReboot": 2, None: None}


def update_line(recorded: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One update of ``updates.json`` as the reader names it; what the recording lacks is as most updates have it."""
    return {
        "update_id": recorded["update_id"],
        "revision": recorded["revision_number"],
        "title": recorded["title"],
        "kb_article_ids": list(recorded["kb_article_ids"]),
        "msrc_severity": recorded["msrc_severity"] or "",
        "security_bulletin_ids": list(recorded["security_bulletin_ids"]),
        "cve_ids": [],
        "superseded_update_ids": [],
        "categories": [
            {"id": each["category_id"], "name": each["name"], "type": each["type"],
             "parent": FAMILY if each["type"] == "Product" else None}
            for each in recorded["categories"]
        ],
        "last_deployment_change_time": recorded["last_deployment_change_time"],
        "installed": False,
        "hidden": False,
        "downloaded": False,
        "mandatory": False,
        "browse_only": False,
        "eula_accepted": True,
        "reboot_required": False,
        "type": 1,
        "max_download_size": 67042638,
        "support_url": "https://support.microsoft.com",
        "reboot_behavior": BEHAVIORS[recorded["reboot_behavior"]],
        "impact": 0,
        "can_request_user_input": False,
        **more,
    }  # fmt: skip


def streamed_line(recorded: dict[str, Any]) -> dict[str, Any]:
    """One update of a recorded run of win_updates, which has no dates and no ids of categories."""
    known = {each["name"]: each["category_id"] for group in ("update_classifications", "products", "product_families")
             for each in ({"name": name, **value} for name, value in GUIDS[group].items())}  # fmt: skip
    kinds = GUIDS["update_classifications"]
    categories = [
        {"name": name, "category_id": known.get(name, known["Windows Defender"]),
         "type": "UpdateClassification" if name in kinds else "Product"}
        for name in recorded["categories"]
    ]  # fmt: skip
    line = {
        "update_id": recorded["id"],
        "revision_number": recorded["revision_number"],
        "title": recorded["title"],
        "kb_article_ids": [each.removeprefix("KB") for each in recorded["kb"]],
        "msrc_severity": None,
        "security_bulletin_ids": [],
        "categories": categories,
        "last_deployment_change_time": None,
        "reboot_behavior": recorded["reboot_behaviour"],
    }
    return update_line(line, hidden=recorded["is_hidden"], downloaded=recorded["is_downloaded"],
                       mandatory=recorded["is_mandatory"], browse_only=recorded["browse_only"])  # fmt: skip


def search(lines: list[dict[str, Any]], criteria: str = "IsInstalled=0") -> dict[str, Any]:
    return {"criteria": criteria, "result_code": 2, "error": None, "warnings": [], "updates": lines}


def reading(
    offered: list[dict[str, Any]], present: Sequence[dict[str, Any]] = (), /, *, version: str = "10.0.17763",
    **parts: Any,
) -> dict[str, Any]:  # fmt: skip
    """A whole reading; ``parts`` replace members of its result."""
    result = {
        "collected_at": "2026-11-20T12:00:00Z",
        "privileged": True,
        "powershell": "5.1.17763.5458",
        "system_drive": "C:",
        "os": {
            "caption": "Microsoft Windows Server 2019 Standard", "version": version, "product_type": 3,
            "architecture": "AMD64", "service_pack": 0, "revision": 5458, "edition": "ServerStandard",
            "installation_type": "Server", "display_version": None, "booted_at": "2026-11-01T03:00:00Z",
        },
        "agent_version": "10.0.17763.5458",
        "policy": {
            "wu_server": None, "wu_status_server": None, "target_group": None, "disable_access": None,
            "no_internet_locations": None, "use_wu_server": None, "no_auto_update": None, "au_options": 3,
        },
        "services": [{"name": "wuauserv", "state": "Stopped", "start_mode": "Manual"}],
        "sources": [
            {"id": "9482f4b4-e343-43b6-b170-9a65bc822c77", "name": "Windows Update", "registered": True,
             "default": True}
        ],
        "last_detection": "2026-11-20T06:12:44Z",
        "reboot": {"agent": None, "component_servicing": False, "auto_update": False, "file_renames": False},
        "disk": [{"path": "C:", "free_bytes": 40 << 30, "size_bytes": 100 << 30}],
        "hotfixes": [],
        "history": [],
        "offered": search(offered),
        "present": search(list(present), "IsInstalled=1"),
        "refused": [{"part": "reboot.agent", "code": "0x80070005", "message": "Access is denied."}],
        **parts,
    }  # fmt: skip
    return copy.deepcopy({"system": {}, "reader": "windows", "result": result})


def streams(name: str) -> list[dict[str, Any]]:
    """The lines of a recorded run that say something of a task."""
    lines = (RECORDED / f"wua-progress.{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [each for each in (json.loads(line) for line in lines if line.strip()) if "task" in each]
