# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of an rpm host from the answer of its reader: dnf 4, dnf 5 and yum answer in one form.

Pure; the answer is untrusted. What only one of them has stands in the module of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.identity import Identity, identify
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import OPERATING_SYSTEMS
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory, PatchRecord
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.versions import compare
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

from . import _answer, _linux, _rpm_answer, _rpm_system
from ._answer import Part
from ._rpm_notices import Advisory, Nevra, attributes, read_notices

_INSTALLED = {
    "name", "arch", "version", "automatic", "installed_at", "build_time", "repository", "vendor", "install_only",
}  # fmt: skip
_CANDIDATE = {
    "name", "arch", "version", "installed_version", "repository", "size", "installed_size", "build_time",
    "source_package", "vendor", "kept_back",
}  # fmt: skip
_FILES = ("system-release", "redhat-release", "centos-release", "oracle-release")
_KEPT_BACK = {
    "versionlock": "locked to another version (versionlock)",
    "exclude": "excluded in the package manager's configuration",
    "lock": "locked (zypper locks)",
    "vendor": "another vendor's, to which zypper does not change by itself",
    "retracted": "withdrawn by its vendor",
}
_KEPT = {"versionlock": "is locked (versionlock)", "lock": "is locked (zypper locks)"}
_LATEST = 2**33


def build_inventory(
    reading: dict[str, Any], *, manager: str, api: str, family: str = "rpm", mappings: Mapping[str, Any] | None = None
) -> Inventory:
    """``reading`` is what the channel brought home: ``system``, ``reader`` and ``result``; ``manager`` is the
    command's name (``dnf``), ``api`` the library that answered (``libdnf5``) and ``family`` that of the operating
    systems that it patches.

    Raises ``PatchError`` ``bad_answer`` naming the first place that is not as the reader writes it, and
    ``unsupported_os`` or ``bad_mapping`` as ``identify`` does, and ``rpm_failed`` where nothing at all is installed.
    """
    result = Part.of(Part.of(reading, "reading").value.get("result"), "result")
    fields, identity = _identity(reading, result, manager, family, mappings)
    notices = read_notices(result, identity.operating_system)
    repositories = _rpm_system.repositories(result)
    candidates = _candidates(result, notices, repositories, identity)
    installed = [_installed(part, notices, identity) for part in result.rows("installed", _INSTALLED)]
    if not installed:
        # Without its database rpm knows no package and no error; such a host must not look as if nothing were missing.
        raise PatchError(
            "rpm_failed", "rpm's database on the host has no package at all: it is gone, damaged, or somewhere else."
            " See `rpm -qa` and `rpm --rebuilddb` on the host.",
        )  # fmt: skip
    odd = _mark_odd([*installed, *candidates])
    _mark_doubled(installed)
    _mark_kept(installed, result)
    library, kernels, boot = result.part("library"), result.part("kernels"), result.part("boot")
    interpreter = result.part("interpreter")
    inventory = Inventory(
        operating_system=identity.operating_system,
        product=identity.product,
        os={**_linux.system(fields, identity, kernels), "releasever": library.text("releasever")},
        manager={"name": manager, "version": library.text("version"), "api": api},
        interpreter={"path": interpreter.text("path", 500), "version": interpreter.text("version", 40)},
        collected_at=result.matching("collected_at", _answer.INSTANT, "a UTC time"),
        privileged=result.flag("privileged"),
        booted_at=boot.instant("booted_at"),
        boot_id=boot.text("boot_id", 64),
        installed=installed,
        candidates=candidates,
        holds=_rpm_system.holds(candidates),
        repositories=repositories,
        reboot=_rpm_system.reboot(result, installed),
        refresh=_linux.refresh(result.part("refresh")),
        findings=_rpm_system.findings(result),
    )
    lock = _rpm_system.release_lock(identity.operating_system, library.text("releasever"), installed)
    if lock is not None:
        inventory.findings["release_lock"] = lock
    locked_to = library.text("own_releasever")
    if locked_to is not None and locked_to != "latest":
        inventory.findings["judged_release"] = {"releasever": "latest", "locked_to": locked_to}
    inventory.warnings = _rpm_system.warnings(inventory)
    if odd:
        told = f"{len(odd)} packages have names or versions that rpm does not allow, and are left alone: "
        inventory.warnings.append(_linux.warning("odd_packages", told + ", ".join(odd[:10])))
    return inventory


def _identity(
    reading: dict[str, Any], result: Part, manager: str, family: str, mappings: Mapping[str, Any] | None
) -> tuple[dict[str, str], Identity]:
    fields, files = _linux.os_release(reading, result), result.part("identity_files")
    identity = identify(fields, mappings=mappings, files={name: files.text(name, 256) for name in _FILES})
    if OPERATING_SYSTEMS[identity.operating_system].family != family:
        raise PatchError(
            "unsupported_os",
            f"The host has {manager}, but is taken for {identity.operating_system}, which {manager} does not patch. "
            f"Correct the mapping of {identity.os_id}.",
        )
    return fields, identity


def _common(
    nevra: Nevra, installed: str, advisories: list[Advisory], repository: str | None, identity: Identity
) -> PatchRecord:
    name, arch, version = nevra
    return {
        "name": name,
        "arch": arch,
        "version": version,
        "installed_version": installed,
        "repository": repository,
        "product": identity.product,
        **attributes(advisories),
    }


def _mark_doubled(records: list[PatchRecord]) -> None:
    """An upgrade that was cut off leaves the old version beside the new one: that one's installation has not ended."""
    found: dict[tuple[str, str], list[PatchRecord]] = {}
    for record in records:
        if not record["install_only"]:
            found.setdefault((record["name"], record["arch"]), []).append(record)
    for doubled in found.values():
        if len(doubled) > 1:
            newest_first = cmp_to_key(lambda one, other: compare(str(other), str(one), "rpm"))
            newest, *older = sorted(doubled, key=lambda record: newest_first(record["version"]))
            newest["unfinished"] = f"beside {', '.join(record['version'] for record in older)}"


def _mark_odd(records: list[PatchRecord]) -> list[str]:
    """Packages that no command may name: they are listed under what of their names can be shown, and held."""
    found = []
    for record in records:
        name, arch, version = record["name"], record["arch"], record["version"]
        if _rpm_answer.is_odd((name, arch, version)):
            record.update(zip(("name", "arch", "version"), map(_rpm_answer.shown, (name, arch, version)), strict=True))
            found.append(f"{record['name']}-{record['version']}.{record['arch']}")
            if "manager_choice" in record:
                record.update(held={"kind": "hold", "detail": "its name or version is none that rpm allows"})
        record["installed_version"] = _rpm_answer.shown(str(record["installed_version"]))
    return sorted(set(found))


def _mark_kept(records: list[PatchRecord], result: Part) -> None:
    """Installed packages that the host's own locks and excludes want left as they are, and those that its package
    manager protects: nothing takes them away (``kept``, a sentence about the package)."""
    kept = {_rpm_answer.package(part)[:2]: str(part.text("why", 40)) for part in _rpm_system.kept_rows(result)}
    protected = set(result.texts("protected"))
    for record in records:
        why = kept.get((record["name"], record["arch"]))
        if why is not None:
            record["kept"] = _KEPT.get(why, "is excluded in the package manager's configuration")
        elif record["name"] in protected:
            record["kept"] = "is protected in the package manager's configuration"


def _installed(part: Part, notices: dict[Nevra, list[Advisory]], identity: Identity) -> PatchRecord:
    nevra = _rpm_answer.package(part)
    advisories = notices.get(nevra, [])
    record = _common(nevra, nevra[2], advisories, part.text("repository"), identity)
    record.update(
        # Repositories drop old versions and their notices, so nothing said is nothing known.
        security=True if advisories else None,
        build_time=_time(part, "build_time"),
        automatic=part.maybe_flag("automatic"),
        installed_at=_time(part, "installed_at"),
        vendor=part.text("vendor"),
        install_only=part.flag("install_only"),
    )
    return record


def _candidates(
    result: Part, notices: dict[Nevra, list[Advisory]], repositories: list[dict[str, Any]], identity: Identity
) -> list[PatchRecord]:
    """One record per version, whatever number of repositories has it; that of the best priority names it."""
    ranks = {each["id"]: (each["priority"], each["cost"], each["id"]) for each in repositories}
    trusted = {each["id"]: each["trusted"] for each in repositories}
    found: dict[Nevra, PatchRecord] = {}
    rows = [(_rank(part, ranks), part) for part in result.rows("candidates", _CANDIDATE)]
    for _order, part in sorted(rows, key=lambda row: row[0]):
        nevra = _rpm_answer.package(part)
        known = found.get(nevra)
        if known is None:
            known = found[nevra] = _candidate(part, nevra, notices.get(nevra, []), identity)
        repository = part.text("repository")
        known["repositories"].append(repository)
        known["trusted"] = known["trusted"] and trusted[repository]
        if part.text("kept_back", 40) is None and known["held"]:
            known.update(held=None, repository=repository)
    _tell_gone(found, notices)
    _mark_choice(list(found.values()), {name: rank[0] for name, rank in ranks.items()})
    return list(found.values())


def _tell_gone(found: dict[Nevra, PatchRecord], notices: dict[Nevra, list[Advisory]]) -> None:
    """Notices about versions that the repositories have dropped: a newer version of that package contains the fix."""
    dropped: dict[tuple[str, str], list[str]] = {}
    packages = {nevra[:2] for nevra in found}
    for name, arch, version in notices:
        if (name, arch) in packages and (name, arch, version) not in found:
            dropped.setdefault((name, arch), []).append(version)
    for (name, arch, version), record in found.items():
        gone = [
            {"version": each, "id": advisory["id"], "cves": list(advisory["cves"])}
            for each in dropped.get((name, arch), ())
            if compare(str(record["installed_version"]), each, "rpm") < 0 < compare(version, each, "rpm")
            for advisory in notices[(name, arch, each)]
        ]
        if gone:
            record["gone_notices"] = gone


def _rank(part: Part, ranks: dict[Any, tuple[int, int, Any]]) -> tuple[int, int, Any]:
    rank = ranks.get(part.text("repository"))
    if rank is None:
        raise _answer.refuse(f"{part.where}.repository", "one of the repositories", part.value.get("repository"))
    return rank


def _candidate(part: Part, nevra: Nevra, advisories: list[Advisory], identity: Identity) -> PatchRecord:
    record = _common(
        nevra, _rpm_answer.version(part, "installed_version"), advisories, part.text("repository"), identity
    )
    kept = part.text("kept_back", 40)
    if kept is not None and kept not in _KEPT_BACK:
        raise _answer.refuse(f"{part.where}.kept_back", f"null, {' or '.join(_KEPT_BACK)}", kept)
    record.update(
        security=bool(advisories),
        build_time=_time(part, "build_time"),
        repositories=[],
        size=part.integer("size"),
        installed_size=part.integer("installed_size"),
        source_package=part.text("source_package"),
        vendor=part.text("vendor"),
        manager_choice=False,
        trusted=True,
        held={"kind": kept, "detail": _KEPT_BACK[kept]} if kept else None,
    )
    return record


def _mark_choice(records: list[PatchRecord], priorities: dict[str, int]) -> None:
    """What the package manager itself would take: the newest of the best priority that nothing keeps back."""
    groups: dict[tuple[str, str], list[PatchRecord]] = {}
    for record in records:
        if not record["held"]:
            groups.setdefault((record["name"], record["arch"]), []).append(record)
    newest_first = cmp_to_key(lambda one, other: compare(str(other), str(one), "rpm"))
    for group in groups.values():
        best = min(priorities[record["repository"]] for record in group)
        chosen = [record for record in group if priorities[record["repository"]] == best]
        min(chosen, key=lambda record: newest_first(record["version"]))["manager_choice"] = True


def _time(part: Part, key: str) -> str | None:
    seconds = part.maybe_integer(key, 0, _LATEST)
    return None if seconds is None else _linux.utc(seconds)
