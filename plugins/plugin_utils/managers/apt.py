# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a Debian-family host from the answer of the apt reader. Pure; the answer is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.identity import Identity, identify
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory, PatchRecord
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

from . import _linux, apt_answer, apt_system
from .apt_answer import Part
from .apt_pockets import Pocket, origins_of, read_pocket

_INSTALLED = {"name", "arch", "version", "automatic", "installed_at", "priority", "section", "origins"}
_CANDIDATE = {
    "name", "arch", "version", "installed_version", "priority", "section", "size", "installed_size", "origins",
    "policy_priority", "apt_choice", "above_apt_choice", "source_package", "source_version", "phased_percentage",
    "deferred", "hold",
}  # fmt: skip
_FAMILIES = ("DEBIAN", "UBUNTU", "RASPBIAN")
# Waiting for triggers is a word between packages that are installed.
_UNFINISHED = ("unpacked", "half-configured", "half-installed")


def build_inventory(reading: dict[str, Any], *, mappings: Mapping[str, Any] | None = None) -> Inventory:
    """``reading`` is what the channel brought home: ``system``, ``reader``, ``interpreter`` and ``result``.

    Raises ``PatchError`` ``bad_answer`` naming the first place that is not as the reader writes it, and
    ``unsupported_os`` or ``bad_mapping`` as ``identify`` does.
    """
    result = Part.of(Part.of(reading, "reading").value.get("result"), "result")
    fields, identity = _identity(reading, result, mappings)
    pockets = [read_pocket(part) for part in result.parts("files")]
    candidates = [_candidate(part, pockets, identity) for part in result.rows("candidates", _CANDIDATE)]
    collected_at = result.matching("collected_at", apt_answer.INSTANT, "a UTC time")
    boot = result.part("boot")
    refresh = _linux.refresh(result.part("refresh"))
    apt = result.part("apt")
    inventory = Inventory(
        operating_system=identity.operating_system,
        product=identity.product,
        os=_linux.system(fields, identity, result.part("kernels")),
        manager={"name": "apt", "version": apt.text("version"), "api": "apt_pkg"},
        interpreter=_interpreter(result.part("interpreter")),
        collected_at=collected_at,
        privileged=result.flag("privileged"),
        booted_at=boot.instant("booted_at"),
        boot_id=boot.text("boot_id", 64),
        installed=[_installed(part, pockets, identity) for part in result.rows("installed", _INSTALLED)],
        candidates=candidates,
        holds=_holds(result, candidates),
        repositories=apt_system.repositories(result, pockets, refresh, collected_at),
        reboot=apt_system.reboot(result),
        refresh=refresh,
        findings=apt_system.findings(result),
    )
    _mark_unfinished(inventory)
    inventory.warnings = apt_system.warnings(result, pockets, inventory)
    return inventory


def _mark_unfinished(inventory: Inventory) -> None:
    """What dpkg began and did not end is on the host, but not installed."""
    found = inventory.findings.get("unfinished") or {"packages": []}
    words = {(each["name"], each["arch"], each["version"]): each for each in found["packages"]}
    for record in inventory.installed:
        seen = words.get((record["name"], record["arch"], record["version"]))
        if seen and (seen["state"] in _UNFINISHED or seen["reinstall_required"]):
            record["unfinished"] = "reinstallation required" if seen["reinstall_required"] else seen["state"]


def _identity(
    reading: dict[str, Any], result: Part, mappings: Mapping[str, Any] | None
) -> tuple[dict[str, str], Identity]:
    fields, files = _linux.os_release(reading, result), result.part("identity_files")
    texts = {name: files.text(name, 4096) for name in ("debian_version", "rpi-issue")}
    identity = identify(fields, mappings=mappings, files=texts)
    if identity.operating_system not in _FAMILIES:
        raise PatchError(
            "unsupported_os",
            f"The host has apt, but is taken for {identity.operating_system}, which apt does not patch. "
            f"Correct the mapping of {identity.os_id}.",
        )
    return fields, identity


def _interpreter(part: Part) -> dict[str, Any]:
    return {"path": part.text("path", 500), "version": part.text("version", 40)}


def _installed(part: Part, pockets: list[Pocket], identity: Identity) -> PatchRecord:
    version = apt_answer.version(part)
    origins = origins_of(part, pockets)
    record = _common(part, version, version, origins, identity)
    seconds = part.maybe_integer("installed_at", 0, 2**40)
    record["automatic"] = part.maybe_flag("automatic")
    record["installed_at"] = _linux.utc(seconds) if seconds is not None else None
    # Nobody lists the installed version any more, so where it came from is not known.
    record["security"] = any(pocket.security for pocket in origins) if origins else None
    return record


def _candidate(part: Part, pockets: list[Pocket], identity: Identity) -> PatchRecord:
    origins = origins_of(part, pockets)
    record = _common(part, apt_answer.version(part), apt_answer.version(part, "installed_version"), origins, identity)
    record.update(
        repositories=list(dict.fromkeys(pocket.id for pocket in origins)),
        repository_date=_first(apt_system.release_date(pocket.date) for pocket in origins),
        size=part.integer("size"),
        installed_size=part.integer("installed_size"),
        source_package=part.text("source_package"),
        source_version=part.text("source_version"),
        phased_percentage=part.maybe_integer("phased_percentage", 0, 999),
        deferred=part.flag("deferred"),
        policy_priority=part.integer("policy_priority", -32768, 32767),
        manager_choice=part.flag("apt_choice"),
        trusted=_trust(origins),
        held=_held(part, origins),
    )
    return record


def _common(part: Part, version: str, installed: str, origins: list[Pocket], identity: Identity) -> PatchRecord:
    section = part.text("section", 100)
    priority = part.text("priority", 40)
    return {
        "name": apt_answer.package_name(part),
        "arch": apt_answer.architecture(part),
        "version": version,
        "installed_version": installed,
        "repository": origins[0].id if origins else None,
        "product": identity.product,
        "priority": priority.capitalize() if priority else None,
        # Ubuntu and Debian put the component in front, "universe/admin"; filters name the section alone.
        "section": section.rsplit("/", 1)[-1] if section else None,
        "vendor_section": section,
        "security": any(pocket.security for pocket in origins),
        "released": None,
        "released_source": None,
    }


def _first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _trust(origins: list[Pocket]) -> bool | None:
    known = [pocket.trusted for pocket in origins if pocket.trusted is not None]
    return any(known) if known else None


def _held(part: Part, origins: list[Pocket]) -> dict[str, str] | None:
    """Why apt itself would leave this version alone, apart from phasing."""
    if part.flag("hold"):
        return {"kind": "hold", "detail": "dpkg selection hold"}
    priority = part.integer("policy_priority", -32768, 32767)
    if priority < 0:
        return {"kind": "pin", "detail": f"pin priority {priority}"}
    # apt 2.1.16 to 2.2 puts a phased update off by giving it priority 1; that is no pin of the host's.
    if part.flag("above_apt_choice") and not part.flag("deferred"):
        if origins and all(pocket.not_automatic for pocket in origins):
            return {"kind": "pin", "detail": f"{origins[0].id} is not for automatic upgrades (priority {priority})"}
        return {"kind": "pin", "detail": f"pin priority {priority} is below that of the version that apt prefers"}
    return None


def _holds(result: Part, candidates: list[PatchRecord]) -> list[dict[str, Any]]:
    """Held packages, also those with nothing newer, and single versions that a pin keeps away."""
    holds: list[dict[str, Any]] = []
    for index, row in enumerate(result.items("holds")):
        where = f"result.holds[{index}]"
        if not isinstance(row, list) or len(row) != 3:
            raise apt_answer.refuse(where, "name, architecture and version", row)
        name = apt_answer.check(row[0], apt_answer.NAME, where, "a package name")
        arch = apt_answer.check(row[1], apt_answer.ARCH, where, "an architecture")
        holds.append({"name": name, "arch": arch, "kind": "hold", "version": None, "detail": "dpkg selection hold"})
    for record in candidates:
        held = record["held"]
        if held is not None and held["kind"] == "pin":
            holds.append({"name": record["name"], "arch": record["arch"], "kind": "pin", "version": record["version"],
                          "detail": held["detail"]})  # fmt: skip
    return holds
