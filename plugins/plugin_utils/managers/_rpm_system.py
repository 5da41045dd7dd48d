# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of dnf and yum say of the host around its packages: repositories, reboot, findings, warnings."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory, PatchRecord

from . import _linux, _rpm_answer
from ._answer import Part
from ._linux import Reason, warning
from ._rpm_kernels import flavour_of, newer_than_running, running_kernel

# Libraries and services that every process uses or that cannot be started anew (needs-restarting has the same list).
_CORE = frozenset("glibc linux-firmware systemd dbus dbus-broker dbus-daemon microcode_ctl".split())
_MOST_PATTERNS = 5000
_REPLACEMENT = ("name", "arch", "version", "repository", "replaces", "replaced_version")


def repositories(result: Part) -> list[dict[str, Any]]:
    """One entry per repository of the configuration, those that are switched off included."""
    return [
        {
            "id": part.text("id"),
            "enabled": part.flag("enabled"),
            "security_metadata": part.maybe_flag("updateinfo"),
            "metadata_age": part.maybe_integer("age"),
            "name": part.text("name", 500),
            "site": part.text("address", 1000),
            "published_at": part.instant("published_at"),
            "trusted": part.flag("gpgcheck"),
            "signed_metadata": part.flag("repo_gpgcheck"),
            "priority": part.integer("priority", -(2**31), 2**31),
            "cost": part.integer("cost", -(2**31), 2**31),
            # None where the reader does not tell.
            "skip_if_unavailable": part.maybe_flag("skip_if_unavailable"),
        }
        for part in result.parts("repositories")
    ]


def holds(candidates: list[PatchRecord]) -> list[dict[str, Any]]:
    """Each version that a lock or an exclude keeps away; the entries themselves are in the findings."""
    return [
        {"name": record["name"], "arch": record["arch"], "kind": "lock" if kind == "versionlock" else kind,
         "version": record["version"], "detail": record["held"]["detail"]}
        for record in candidates
        if record["held"]
        for kind in [record["held"]["kind"]]
    ]  # fmt: skip


def kept_rows(result: Part) -> list[Part]:
    """Name, architecture and version of installed packages that nothing may take away, and ``why``."""
    columns = ("name", "arch", "version", "why")
    rows = result.items("kept", _MOST_PATTERNS * 40) if result.value.get("kept") else []
    return [_row_part(result, "kept", index, row, columns) for index, row in enumerate(rows)]


def kept_back(result: Part) -> dict[str, list[str]]:
    """The entries of locks and excludes as they are written."""
    excludes = []
    for index, row in enumerate(result.items("excludes", _MOST_PATTERNS)):
        where = f"{result.where}.excludes[{index}]"
        if not isinstance(row, list) or len(row) != 2:
            raise _rpm_answer.refuse(where, "a repository or null, and a pattern", row)
        pair = Part({"repository": row[0], "pattern": row[1]}, where)
        repository, pattern = pair.text("repository"), pair.text("pattern", 500) or ""
        excludes.append(f"{pattern} ({repository})" if repository else pattern)
    return {"versionlock": result.texts("locks", 500, _MOST_PATTERNS), "exclude": excludes}


def reboot(result: Part, installed: list[PatchRecord]) -> dict[str, Any]:
    return _linux.conclude(result, [*_kernel(result), *_core(result, installed), *_linux.deleted_libraries(result)])


def _kernel(result: Part) -> list[Reason]:
    kernels = result.part("kernels")
    # A kernel that no package brought cannot be compared.
    running, newer = running_kernel(kernels), newer_than_running(kernels)
    if kernels.flag("container") or running is None or not newer:
        return []
    detail = f"{running.text('release')} runs, {newer[0].text('release')} is installed"
    packages = sorted({str(part.text("package")) for part in newer})
    return [{"kind": "kernel_older_than_installed", "detail": detail, "packages": packages, "needs_boot": True}]


def _core(result: Part, installed: list[PatchRecord]) -> list[Reason]:
    """Packages that need a boot to take effect and came after the last one."""
    booted = result.part("boot").instant("booted_at")
    names = _CORE | set(result.texts("reboot_names"))
    late = {
        each["name"] for each in installed if booted and each["name"] in names and (each["installed_at"] or "") > booted
    }
    if not late:
        return []
    detail = f"installed since the boot at {booted}: {', '.join(sorted(late))}"
    return [{"kind": "core_packages_newer_than_boot", "detail": detail, "packages": sorted(late), "needs_boot": True}]


def _kernel_finding(kernels: Part) -> dict[str, Any]:
    """``flavour`` stands at kernels that have one, and of the one that runs beside ``running``."""
    row = running_kernel(kernels)
    flavour = flavour_of(row.text("package")) if row else ""
    return {
        "running": row.text("release") if row else kernels.text("running"),
        "installed": [
            {
                "package": part.text("package"),
                "version": _rpm_answer.shown(_rpm_answer.version(part)),
                "release": part.text("release"),
            }
            | ({"flavour": own} if (own := flavour_of(part.text("package"))) else {})
            for part in kernels.parts("installed")
        ],
        "container": kernels.flag("container"),
    } | ({"flavour": flavour} if flavour else {})


def findings(result: Part) -> dict[str, Any]:
    """Facts that explain or warn; absent when unknown."""
    kernels, updaters = result.part("kernels"), result.part("updaters")
    found: dict[str, Any] = {
        "disk": _linux.disk(result),
        "kernels": _kernel_finding(kernels),
        "updaters": {
            "timers": updaters.texts("timers"),
            "apply_updates": updaters.text("apply_updates", 40),
            "packagekit": updaters.flag("packagekit"),
            "running": _linux.running_updaters(updaters),
        },
        "deleted_libraries": _linux.stale(result.part("processes")),
        "protected": result.texts("protected"),
        "kept_back": kept_back(result),
        "modules": [
            _row(result, "modules", index, row, ("name", "stream", "state"))
            for index, row in enumerate(result.items("modules"))
        ],
    }
    machine = result.part("boot").instant("machine_booted_at")
    if result.value.get("metadata_problems"):
        found["metadata_problems"] = result.texts("metadata_problems", 1000)
    lock, unfinished = _linux.lock(result), result.maybe_part("unfinished")
    subscription, offline = result.maybe_part("subscription"), result.maybe_part("offline")
    if machine is not None:
        found["machine_booted_at"] = machine
    if lock is not None:
        found["lock"] = lock
    # A transaction that is still going on has its lock beside it.
    if unfinished is not None and lock is None:
        found["unfinished"] = {"transaction": unfinished.integer("id"), "begun_at": unfinished.instant("begun_at")}
    if result.value.get("replacements"):
        found["replacements"] = [
            _row(result, "replacements", index, row, _REPLACEMENT)
            for index, row in enumerate(result.items("replacements"))
        ]
    if offline is not None:
        found["offline"] = {"status": offline.text("status", 100), "command": offline.text("command", 500)}
    if subscription is not None:
        registered, entitlements = subscription.flag("registered"), subscription.integer("entitlements")
        found["subscription"] = {"registered": registered, "entitlements": entitlements}
    return found


def _row(result: Part, table: str, index: int, row: Any, columns: tuple[str, ...]) -> dict[str, Any]:
    part = _row_part(result, table, index, row, columns)
    return {key: part.text(key, 400) for key in part.value}


def _row_part(result: Part, table: str, index: int, row: Any, columns: tuple[str, ...]) -> Part:
    where = f"{result.where}.{table}[{index}]"
    if not isinstance(row, list) or len(row) != len(columns):
        raise _rpm_answer.refuse(where, ", ".join(columns), row)
    return Part(dict(zip(columns, row, strict=True)), where)


def release_lock(operating_system: str, releasever: str | None, installed: list[PatchRecord]) -> dict[str, Any] | None:
    """The release that the host's repositories are held at, where newer ones may exist that it does not see.

    Amazon Linux 2023 is locked to the release that it was installed from unless its ``releasever`` is ``latest``
    (Amazon Linux 2023 user guide, deterministic upgrades); an EL system is when that names a minor release (extended
    update support).
    """
    if not releasever or releasever == "latest":
        return None
    if operating_system in ("AMAZON_LINUX_2022", "AMAZON_LINUX_2023"):
        package = next((each["version"] for each in installed if each["name"] == "system-release"), None)
        return {"kind": "amazon_release", "releasever": releasever, "system_release": package}
    if re.fullmatch(r"\d+\.\d+", releasever):
        return {"kind": "minor_release", "releasever": releasever}
    return None


def _release_warnings(inventory: Inventory) -> list[dict[str, str]]:
    lock = inventory.findings.get("release_lock")
    if lock is None:
        return []
    if lock["kind"] == "amazon_release":
        told = (
            f"the repositories are locked to the release {lock['releasever']}: updates of newer releases are hidden"
            " from this host and this scan (Patch Manager looks at the newest release). `dnf check-release-update` on"
            " the host lists them; with `latest` in /etc/dnf/vars/releasever it sees them"
        )
    else:
        told = (
            f"the repositories are held at the minor release {lock['releasever']} (releasever): updates of later ones"
            " are hidden from this host"
        )
    return [warning("release_locked", told)]


def _notice_warnings(enabled: list[dict[str, Any]]) -> list[dict[str, str]]:
    known = [each for each in enabled if each["security_metadata"] is not None]
    without = [str(each["id"]) for each in known if not each["security_metadata"]]
    if without and len(without) == len(known):
        return [warning("no_security_metadata", "no security metadata: no repository of this host says which updates"
                        " are security updates (updateinfo), so none can be told from the others")]  # fmt: skip
    if without:
        told = (
            f"{', '.join(without)}: no update notices (updateinfo), so a rule for security updates takes nothing there"
        )
        return [warning("repository_without_notices", told)]
    return []


def _subscription_warnings(inventory: Inventory, enabled: list[dict[str, Any]]) -> list[dict[str, str]]:
    subscription = inventory.findings.get("subscription")
    if not subscription or enabled:
        return []
    if not subscription["registered"]:
        told = "the host is not registered with subscription-manager, so it has no repositories"
        return [warning("not_registered", told)]
    return [warning("no_subscription", "the host is registered with subscription-manager, but has no repositories; see"
                    " `subscription-manager status` on the host")]  # fmt: skip


def warnings(inventory: Inventory) -> list[dict[str, str]]:
    """What a person should know although the reading went well."""
    found = [warning("refresh_failed", error) for error in inventory.refresh["errors"]]
    enabled = [each for each in inventory.repositories if each["enabled"]]
    for entry in enabled:
        if entry["metadata_age"] is None:
            found.append(warning("never_downloaded", f"{entry['id']} is enabled, but its metadata is not on the host"))
        if not entry["trusted"]:
            found.append(warning("unsigned_repository", f"{entry['id']}: signatures of its packages are not checked"))
    found += _notice_warnings(enabled) + _subscription_warnings(inventory, enabled) + _release_warnings(inventory)
    command = inventory.manager["name"]
    if "offline" in inventory.findings:
        waits = inventory.findings["offline"]
        found.append(warning("offline_transaction", f"a transaction waits for the next boot ({waits['status']}:"
                             f" {waits['command']}); see `{command} offline status` on the host"))  # fmt: skip
    if "unfinished" in inventory.findings:
        begun = inventory.findings["unfinished"]
        message = f"{command}'s transaction {begun['transaction']}, begun at {begun['begun_at']}, never ended; "
        found.append(warning("unfinished_transaction", f"{message}see `{command} history info` on the host"))
    found += [warning("damaged_metadata", problem) for problem in inventory.findings.get("metadata_problems", [])]
    found += _linux.disk_warnings(inventory.findings["disk"])[0]
    if not inventory.privileged:
        found.append(warning("not_privileged", "read without root: processes of others and locks may be hidden"))
    return found
