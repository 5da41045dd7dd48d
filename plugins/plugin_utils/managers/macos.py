# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a Mac from the sections of the macos reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine import versions
from ..engine.changes import UNVERSIONED
from ..engine.identity import identify
from ..engine.records import Inventory, PatchRecord, package_key
from ..errors import PatchError
from . import _answer, macos_homebrew
from ._answer import Part
from ._linux import disk_warnings, utc, warning
from ._sections import Sections
from .macos_installed import Entry, Receipt, read_history, read_receipts, read_system
from .macos_titles import TitleRule, is_next_major, is_system, release, security_of, title_rules
from .macos_updates import Update, read_updates

KINDS = {"softwareupdate": "update", "installer": "package", "brew": "formula", "brew cask": "cask"}
OLDEST = (10, 14)
"""The oldest release that Patch Manager patches."""
_ABSENT = 66
# { sec = 1763647200, usec = 512345 } Thu Nov 20 14:00:00 2026
_BOOT_TIME = re.compile(r"\{ sec = (\d{1,11}), usec = \d+ \}")
_DOTTED = re.compile(r"\d+(?:\.\d+)*\Z")
_BREW_STATES = {
    "no_such_user": "the owner of its folder is no user of this host",
    "owner_is_root": "its folder belongs to root, and brew refuses to run as root",
    "not_owner": "this user is neither root nor the owner of its folder, and may not write to it",
    "no_sudo": "there is no sudo to run it as the owner of its folder",
}


@dataclass(frozen=True)
class _Reading:
    sections: Sections
    rules: tuple[TitleRule, ...]
    product: str
    running: str

    def record(self, source: str, name: str, version: str, **more: Any) -> PatchRecord:
        """A record with what the title tells; dates are never known."""
        security, reason = security_of(name, source, self.rules)
        return {
            "name": name,
            "arch": None,
            "version": version,
            "installed_version": None,
            "repository": None,
            "product": self.product,
            "classification": source,
            "kind": KINDS[source],
            "severity": None,
            "security": security,
            "security_reason": reason,
            "released": None,
            **more,
        }


def build_inventory(
    reading: Mapping[str, Any],
    *,
    mappings: Mapping[str, Any] | None = None,
    rules: Iterable[Mapping[str, Any]] | None = None,
    major_upgrades: bool | None = False,
) -> Inventory:
    """Check and translate what the reader carried home.

    ``rules`` say which titles are security, see ``macos_titles.title_rules``. ``major_upgrades`` lets the next release
    of macOS be a candidate; else it is told in ``findings`` alone. ``candidates`` add ``label`` (the argument for
    installing, byte for byte), ``action`` (restart, shut down or None), ``recommended``, ``next_major`` and
    ``security_reason``; those of Homebrew ``full_name``. Raises ``bad_answer``, ``softwareupdate_failed``,
    ``brew_failed``, ``bad_title_rules`` and what ``identify`` raises.
    """
    sections = Sections.of(Part.of(Part.of(reading, "reading").value.get("result"), "result").value)
    system = read_system(sections.text("sw_vers"))
    running = system["ProductVersion"]
    if (release(running) or OLDEST) < OLDEST:
        raise PatchError(
            "unsupported_os",
            f"macOS {running} is too old: 10.14 is the oldest release that can be patched. Update it by hand, or leave"
            " this Mac out of the play.",
        )
    identity = identify({"ID": "macos", "VERSION_ID": running}, mappings=mappings)
    read = _Reading(sections, title_rules(rules), identity.product, running)
    machine = sections.fields("machine")
    boot = _BOOT_TIME.search(machine.get("boottime", ""))
    inventory = Inventory(
        operating_system=identity.operating_system,
        product=identity.product,
        os={"id": "macos", "id_like": None, "version": running, "codename": None, "build": system["BuildVersion"],
            "name": f"{system.get('ProductName', 'macOS')} {running}", "kernel": machine.get("running") or None,
            "arch": machine.get("arch") or None},
        manager={"name": "macos", "version": running, "api": "softwareupdate --list"},
        interpreter=None,
        collected_at=utc(_number(machine, "now")),
        privileged=_number(machine, "uid") == 0,
        booted_at=utc(int(boot.group(1))) if boot else None,
        boot_id=_answer.clean(machine.get("boot_session", ""), 64).lower() or None,
    )  # fmt: skip
    _add_updates(inventory, read, bool(major_upgrades))
    _add_homebrew(inventory, read)
    disks = [_disk(row) for row in sections.rows("disk", 3)]
    inventory.findings["disk"] = disks
    inventory.warnings += disk_warnings(disks)[0]
    return inventory


def reboot_need(inventory: Inventory) -> dict[str, Any]:
    """macOS has no sign of a reboot that is due. What installs of ours brought in this boot with ``Action: restart``
    asks for one; what others installed restarts by itself or is not known."""
    there = {(*package_key(each), each["version"]) for each in inventory.installed}
    waiting = [
        each["name"]
        for each in inventory.pending
        if each.get("restart") and (each["name"], each["arch"], each["version"]) in there
    ]
    reasons = [{"kind": "restart_action", "detail": f"{', '.join(waiting)} asked for a restart", "packages": waiting}]
    return {"required": bool(waiting), "reasons": reasons if waiting else []}


def _number(fields: Mapping[str, str], name: str) -> int:
    text = _answer.check(fields.get(name), re.compile(r"\d{1,12}\Z"), f"sections.machine, {name}", "a number")
    return int(text)


def _disk(row: list[str]) -> dict[str, Any]:
    size, free = (_answer.check(each, re.compile(r"\d{1,15}\Z"), "sections.disk", "kibibytes") for each in row[1:])
    return {"path": _answer.clean(row[0], 500), "size_bytes": int(size) << 10, "free_bytes": int(free) << 10}


def _add_updates(inventory: Inventory, read: _Reading, major_upgrades: bool) -> None:
    sections = read.sections
    updates = read_updates(
        sections.text("updates"), sections.text("updates_errors"), code=sections.code("updates")
    )  # fmt: skip
    entries: list[Entry] = []
    if sections.code("history") == _ABSENT:
        inventory.warnings.append(warning("history_missing", "InstallHistory.plist is not there; only what is offered "
                                          "and the receipts are known"))  # fmt: skip
    else:
        entries = read_history(sections.text("history"))
    receipts = {each.package: each for each in read_receipts(sections.text("receipts"))}
    installed = _installed(read, entries, receipts)
    had = {(each["classification"], each["name"]): each["installed_version"] for each in installed}
    held_back = []
    for update in updates:
        record = _candidate(read, update, had)
        if _is_older(record, had):
            # Of two offered versions the newer one is there already.
            continue
        if record["next_major"] and not major_upgrades:
            held_back.append({"name": update.title, "version": update.version, "label": update.label})
        else:
            inventory.candidates.append(record)
    # That something was installed once does not count against its being offered now.
    offered = {(each.title, each.version or UNVERSIONED) for each in updates}
    inventory.installed += [
        each
        for each in installed
        if each["classification"] != "softwareupdate" or (each["name"], each["version"]) not in offered
    ]
    if held_back:
        names = ", ".join(each["name"] for each in held_back)
        inventory.findings["major_upgrades"] = held_back
        inventory.warnings.append(warning("major_upgrade", f"{names}: another release of macOS, left alone"))
    silent = "--no-scan" in sections.text("updates_command")
    skipped = "refresh is set to never: softwareupdate told what it knew" if silent else None
    inventory.refresh = {"attempted": not silent, "ok": None if silent else True, "errors": [],
                         "skipped_because": skipped}  # fmt: skip


def _is_older(record: PatchRecord, had: Mapping[tuple[str, str], str]) -> bool:
    installed = had.get(("softwareupdate", record["name"])) or ""
    told = _DOTTED.match(installed) and _DOTTED.match(record["version"])
    return told is not None and versions.compare(record["version"], installed, "plain") < 0


def _candidate(read: _Reading, update: Update, had: Mapping[tuple[str, str], str]) -> PatchRecord:
    version = update.version or UNVERSIONED
    installed = had.get(("softwareupdate", update.title))
    if is_system(update.title) and installed is None:
        installed = read.running
    return read.record(
        "softwareupdate",
        update.title,
        version,
        # The engine takes a version that is installed for done, and this one is offered.
        installed_version=None if installed == version else installed,
        label=update.label,
        action=update.action,
        recommended=update.recommended,
        size=None if update.size_kib is None else update.size_kib << 10,
        next_major=is_next_major(update.title, update.version, read.running),
    )


def _installed(read: _Reading, entries: list[Entry], receipts: Mapping[str, Receipt]) -> list[PatchRecord]:
    """The last entry of each name; of whole systems only the one that runs. What the App Store brought is no patch."""
    last: dict[tuple[str, str], PatchRecord] = {}
    for entry in entries:
        if entry.source == "app store":
            continue
        source = "softwareupdate" if entry.source == "system" else entry.source
        if source == "softwareupdate" and is_system(entry.name) and _is_past(entry, read.running):
            continue
        told = [receipts[package].version for package in entry.packages if package in receipts]
        version = entry.version or next((each for each in told if each), UNVERSIONED)
        last[source, entry.name] = read.record(
            source, entry.name, version, installed_version=version, installed_at=entry.installed_at, automatic=None
        )
    found = list(last.values())
    if not any(is_system(each["name"]) and each["version"] == read.running for each in found):
        found.append(read.record("softwareupdate", f"macOS {read.running}", read.running,
                                 installed_version=read.running, installed_at=None, automatic=None))  # fmt: skip
    return found


def _is_past(entry: Entry, running: str) -> bool:
    return release(entry.version) is not None and entry.version.partition(" ")[0] != running


def _add_homebrew(inventory: Inventory, read: _Reading) -> None:
    fields = read.sections.fields("brew")
    state = fields.get("state")
    if state == "absent":
        return
    path = _answer.clean(fields.get("path", "brew"), 300)
    if state in _BREW_STATES:
        why = f"Homebrew at {path} cannot be asked: {_BREW_STATES[state]}"
        inventory.warnings.append(warning("homebrew_unavailable", why))
        # What it has is not known, so nothing may call the host compliant.
        inventory.refresh.update(attempted=True, ok=False, errors=[*inventory.refresh["errors"], why])
        return
    if state != "ready":
        raise _answer.refuse("sections.brew, state", f"ready, absent or one of {', '.join(_BREW_STATES)}", state)
    inventory.findings["homebrew"] = {
        "path": path,
        "owner": _answer.clean(fields.get("owner", ""), 64),
        "release": ".".join(map(str, macos_homebrew.read_release(read.sections.text("brew_version")))) or None,
    }
    refreshed = read.sections.text("brew_update_errors")
    if read.sections.code("brew_update") != 0:
        why = f"brew update failed: {_answer.clean(refreshed, 400) or 'no message'}"
        inventory.refresh.update(attempted=True, ok=False, errors=[*inventory.refresh["errors"], why])
    for source, word in (("brew", "formula"), ("brew cask", "cask")):
        _add_kegs(inventory, read, source, word)
    taps = macos_homebrew.read_names(read.sections.text("brew_taps"))
    inventory.repositories += [
        {"id": tap, "enabled": True, "security_metadata": False, "metadata_age": None} for tap in taps
    ]


def _add_kegs(inventory: Inventory, read: _Reading, source: str, word: str) -> None:
    def section(name: str) -> dict[str, Any]:
        text, errors = read.sections.text(f"brew_{name}_{word}"), read.sections.text(f"brew_{name}_{word}_errors")
        return {"text": text, "kind": source, "code": read.sections.code(f"brew_{name}_{word}"), "errors": errors}

    outdated = {each.name: each for each in macos_homebrew.read_outdated(**section("outdated"))}
    present = macos_homebrew.read_versions(**section("list"))
    for name, found in present.items():
        version = macos_homebrew.newest(found)
        tap = outdated[name].tap if name in outdated else None
        inventory.installed.append(
            read.record(source, name, version, installed_version=version, repository=tap, installed_at=None,
                        automatic=None))  # fmt: skip
    for name, item in outdated.items():
        version = macos_homebrew.newest(present.get(name, item.installed))
        if item.current in (version, macos_homebrew.LATEST):
            continue
        tap = item.tap or macos_homebrew.KINDS[source][1]
        held = {"kind": "pin", "detail": f"pinned in Homebrew at {item.pinned_version or version}"}
        # A formula and a cask may have one name, so the record itself says which of them is pinned.
        inventory.candidates.append(
            read.record(source, name, item.current, installed_version=version, repository=tap,
                        full_name=item.full_name, next_major=False, action=None, held=held if item.pinned else {})
        )  # fmt: skip
        if item.pinned:
            inventory.holds.append({"name": name, "arch": None, "version": None, **held})
