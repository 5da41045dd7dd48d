# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the apt reader says of the host around its packages: repositories, reboot signals, findings, warnings."""

from __future__ import annotations

from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory

from . import _linux, apt_answer
from ._linux import Reason, warning
from .apt_answer import Part
from .apt_pockets import Pocket

_MANY_KERNELS = 3
# dpkg's states in the order of apt_pkg.CURSTATE_*.
_DPKG_STATES = {1: "unpacked", 2: "half-configured", 4: "half-installed", 5: "config-files", 7: "triggers-awaited",
                8: "triggers-pending"}  # fmt: skip


def repositories(
    result: Part, pockets: list[Pocket], refreshed: dict[str, Any], collected_at: str
) -> list[dict[str, Any]]:
    """One entry per component of a suite, whatever the architectures; sources that have no lists yet come last."""
    age = result.part("lists").maybe_integer("age")
    found: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for pocket in pockets:
        key = (pocket.id, pocket.site, pocket.archive, pocket.component, pocket.release_file)
        entry = found.get(key)
        if entry is None:
            found[key] = {
                "id": pocket.id,
                "enabled": True,
                "security_metadata": pocket.security,
                "metadata_age": _age(pocket, age, refreshed["errors"], collected_at),
                "origin": pocket.origin,
                "label": pocket.label,
                "archive": pocket.archive,
                "codename": pocket.codename,
                "component": pocket.component,
                "site": pocket.site,
                "architectures": [pocket.architecture] if pocket.architecture else [],
                "trusted": pocket.trusted,
                "priority": pocket.priority,
                "published_at": release_date(pocket.date),
                "valid_until": release_date(pocket.valid_until),
            }
        elif pocket.architecture and pocket.architecture not in entry["architectures"]:
            entry["architectures"].append(pocket.architecture)
    return [*found.values(), *_never_downloaded(result)]


def _never_downloaded(result: Part) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{source.text('uri', 500)} {source.text('dist')}",
            "enabled": True,
            "security_metadata": None,
            "metadata_age": None,
        }
        for source in result.parts("sources")
        if not source.flag("lists")
    ]


def _age(pocket: Pocket, age: int | None, errors: list[str], collected_at: str) -> int | None:
    """Seconds since the lists were last known to be current; one that just failed is at least as old as its file."""
    names = [name for name in (pocket.archive, pocket.codename) if name]
    failed = pocket.site and any(pocket.site in error and any(name in error for name in names) for error in errors)
    if failed and age is not None and pocket.fetched_at is not None:
        return max(age, int(_linux.seconds(collected_at) - _linux.seconds(pocket.fetched_at)))
    return age


def release_date(text: str | None) -> str | None:
    """``Wed, 18 Nov 2026 22:17:41 UTC`` of a Release file -> ``2026-11-18T22:17:41Z``."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


def reboot(result: Part) -> dict[str, Any]:
    """Every signal as a reason of its own; not required only where all of them could be read."""
    reasons = [*_flag_file(result), *_kernel(result), *_linux.deleted_libraries(result)]
    return _linux.conclude(result, reasons)


def _flag_file(result: Part) -> list[Reason]:
    flag = result.maybe_part("reboot_required")
    if flag is None:
        return []
    packages = flag.texts("packages", 200)
    return [{"kind": "reboot_required_file", "detail": flag.text("file"), "packages": packages, "needs_boot": True}]


def _kernel(result: Part) -> list[Reason]:
    kernels = result.part("kernels")
    running, installed = kernels.text("running"), kernels.parts("installed")
    if kernels.flag("container") or not installed:
        return []
    # Newest first, by Debian order on the host.
    releases = [part.text("release") for part in installed]
    if running not in releases:
        return []
    newer = installed[: releases.index(running)]
    if newer:
        packages = [part.text("package") for part in newer]
        detail = f"{running} runs, {newer[0].text('release')} is installed"
        return [{"kind": "kernel_older_than_installed", "detail": detail, "packages": packages, "needs_boot": True}]
    return _rebuilt_kernel(kernels, installed[releases.index(running)])


def _rebuilt_kernel(kernels: Part, part: Part) -> list[Reason]:
    """Same release, newer build: ``#1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3 (2024-08-26)`` names what runs."""
    build, version = kernels.text("build", 500) or "", apt_answer.version(part)
    words = build.split()
    if "Debian" not in words[:-1]:
        return []
    runs = words[words.index("Debian") + 1]
    if runs == version:
        return []
    detail = f"{part.text('release')} was built as {runs}, {version} is installed"
    return [{"kind": "kernel_rebuilt", "detail": detail, "packages": [part.text("package")], "needs_boot": True}]


def findings(result: Part) -> dict[str, Any]:
    """Facts that explain or warn; absent when unknown."""
    kernels = result.part("kernels")
    found: dict[str, Any] = {
        "disk": _linux.disk(result),
        "kernels": {
            "running": kernels.text("running"),
            "installed": [
                {"package": part.text("package"), "version": apt_answer.version(part), "release": part.text("release")}
                for part in kernels.parts("installed")
            ],
            "container": kernels.flag("container"),
        },
        "updaters": _updaters(result.part("updaters")),
        "deleted_libraries": _linux.stale(result.part("processes")),
    }  # fmt: skip
    machine = result.part("boot").instant("machine_booted_at")
    if machine is not None:
        found["machine_booted_at"] = machine
    lock = _linux.lock(result)
    if lock is not None:
        found["lock"] = lock
    unfinished = _unfinished(result.part("unfinished"))
    if unfinished:
        found["unfinished"] = unfinished
    pro = result.maybe_part("pro")
    if pro is not None:
        services = pro.part("services")
        found["pro"] = {"attached": pro.flag("attached"),
                        "services": {name: services.text(name) for name in ("esm-infra", "esm-apps")}}  # fmt: skip
    if result.value.get("odd_packages"):
        found["odd_packages"] = result.texts("odd_packages", 200, 100)
    private = result.maybe_part("private")
    if private is not None:
        found["private_sources"] = {"dropped": private.texts("dropped"), "sources": private.integer("sources")}
    return found


def _updaters(part: Part) -> dict[str, Any]:
    periodic = part.part("periodic")
    return {
        "periodic": {key: periodic.text(key) for key in ("Enable", "Update-Package-Lists", "Unattended-Upgrade")},
        "timers": part.texts("timers"),
        "packagekit": part.flag("packagekit"),
        "running": _linux.running_updaters(part),
    }


def _unfinished(part: Part) -> dict[str, Any] | None:
    rows = []
    for index, row in enumerate(part.items("packages")):
        where = f"{part.where}.packages[{index}]"
        if not isinstance(row, list) or len(row) != 5:
            raise apt_answer.refuse(where, "name, architecture, version and two states", row)
        rows.append({
            "name": apt_answer.check(row[0], apt_answer.NAME, where, "a package name"),
            "arch": apt_answer.check(row[1], apt_answer.ARCH, where, "an architecture"),
            "version": apt_answer.check(row[2], apt_answer.VERSION, where, "a package version"),
            "state": _DPKG_STATES.get(apt_answer.integer(row[3], where, 0, 100), "installed"),
            "reinstall_required": apt_answer.integer(row[4], where, 0, 100) in (1, 3),
        })  # fmt: skip
    updates = part.integer("updates")
    return {"updates": updates, "packages": rows} if updates or rows else None


def warnings(result: Part, pockets: list[Pocket], inventory: Inventory) -> list[dict[str, str]]:
    """What a person should know although the reading went well."""
    found = [{"kind": "refresh_failed", "message": error} for error in inventory.refresh["errors"]]
    now = inventory.collected_at
    for entry in inventory.repositories:
        name = entry["id"]
        if entry.get("valid_until") and entry["valid_until"] < now:
            found.append(warning("expired_metadata", f"{name}: the lists were valid until {entry['valid_until']}"))
        if entry.get("trusted") is False:
            found.append(warning("unsigned_repository", f"{name} at {entry['site']} is not signed by a known key"))
        if entry["security_metadata"] is None:
            found.append(warning("never_downloaded", f"{name} is configured, but its lists were never downloaded"))
    codename = inventory.os["codename"]
    for name in sorted({pocket.codename for pocket in pockets if pocket.security and pocket.codename}):
        if codename and name.split("-")[0].split("/")[0] != codename:
            found.append(warning("foreign_security_pocket", f"the security pocket {name} is not one of {codename}"))
    if "unfinished" in inventory.findings:
        found.append(warning("unfinished_dpkg", "dpkg was interrupted; run `dpkg --configure -a` on the host"))
    odd = inventory.findings.get("odd_packages")
    if odd:
        found.append(
            warning("odd_packages", f"left out, since dpkg would not accept what they are called: {'; '.join(odd)}")
        )
    found += _pinned_security(inventory)
    found += _space(inventory.findings)
    if not inventory.privileged:
        found.append(warning("not_privileged", "read without root: processes of others and locks may be hidden"))
    return found


def _pinned_security(inventory: Inventory) -> list[dict[str, str]]:
    """Held by the host, so no violation; but hardly anybody wants it, and the host looks as if it lacked nothing."""
    names = [
        each["name"]
        for each in inventory.candidates
        if each["security"] and (each["held"] or {}).get("kind") == "pin" and each["policy_priority"] >= 0
    ]
    if not names:
        return []
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return [warning("security_held_by_pin", f"APT::Default-Release or a pin keeps security updates away: {shown}")]


def _space(findings: dict[str, Any]) -> list[dict[str, str]]:
    found, full = _linux.disk_warnings(findings["disk"])
    old = _linux.superseded_kernels(findings["kernels"])
    if len(old) >= (1 if full else _MANY_KERNELS):
        found.append(
            warning(
                "old_kernels",
                f"neither running nor among the two newest: {', '.join(old)};"
                " `apt-get autoremove --purge` on the host removes what nothing needs",
            )
        )
    return found
