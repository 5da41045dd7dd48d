# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one Install run takes in place of what the baseline approves: an override list or a snapshot.

Compliance follows the baseline all the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compliance.states import patch_key
from ..engine.candidates import prepare
from ..engine.changes import Change, Target
from ..engine.digests import canonical_digest
from ..engine.fixes import never_named
from ..engine.operating_systems import operating_system
from ..engine.override_list import OverrideList, compile_override_list
from ..engine.records import Inventory, PatchRecord
from ..errors import PatchError
from ..fleet import files, operator_yaml
from ..fleet import snapshot as snapshots
from ..fleet.run_directory import Run
from ..fleet.selection_check import BOTH, LISTS, SNAPSHOTS, Kind, is_given
from . import named_files
from .s3_files import S3Reader, bucket_and_key

Decide = Callable[[list[PatchRecord]], list[dict[str, Any]]]
_LONGEST_WAIT = 600.0
_LONGEST_ADDRESS = 2048


def refuse_both(arguments: Mapping[str, Any]) -> None:
    """One run takes its patches from one place."""
    if is_given(arguments["install_override_list"]) and is_given(arguments["snapshot"]):
        raise PatchError("bad_option", BOTH)


class NoSelection:
    """The baseline alone decides."""

    replaces = False
    fixes_dependencies = False
    """Whether nothing may come along but what ``may_come_along`` allows."""
    described: dict[str, Any] | None = None
    wording = "approved {}"
    """What could not be installed, in the words of its failure; ``{}`` is "patch" or "patches"."""
    changed = False
    """Whether the file says something else than what this run read from it."""

    def override_list(self) -> dict[str, Any] | None:
        """For the engine."""
        return None

    def decide(self, records: list[PatchRecord], inventory: Inventory, decide: Decide) -> list[dict[str, Any]]:
        """A decision per record."""
        return decide(records)

    def check(self, inventory: Inventory) -> list[dict[str, str]]:
        """Warnings about this host; raises ``PatchError`` where nothing should be installed on it."""
        return []

    def told(self) -> list[dict[str, str]]:
        """Warnings that are the same for every host."""
        if not self.changed or self.described is None:
            return []
        source, digest = self.described["source"], self.described["digest"]
        message = f"{source} was changed since this run read it; the run goes by what it read, {digest}"
        return [{"kind": "selection_changed", "message": message}]

    def may_come_along(self, name: str, arch: str, version: str) -> bool:
        """Whether a dependency may that the baseline does not approve, whatever the options say."""
        return False

    def companion(self, change: Change, automatic: Mapping[tuple[str, str], bool | None]) -> Target | None:
        """What may come in place of this dependency; ``automatic``: how installed packages are marked."""
        return None


class ListSelection(NoSelection):
    """An override list; ``described`` has ``kind``, ``source`` and ``digest``."""

    replaces = True
    wording = "{} that the install override list names"

    def __init__(self, raw: dict[str, Any], source: str, digest: str) -> None:
        self._raw = raw
        # A list that is wrong is refused before a host is touched.
        compile_override_list(raw, "rpm")
        self.described = {"kind": "override_list", "source": source, "digest": digest}

    def override_list(self) -> dict[str, Any] | None:
        return self._raw

    def decide(self, records: list[PatchRecord], inventory: Inventory, decide: Decide) -> list[dict[str, Any]]:
        """What is on the host may contain a fix already, so it is judged together with what could come."""
        compiled = self._compiled(inventory)
        names = {patch_key(each)[:2] for each in records} if compiled.wanted else set()
        there = [each for each in inventory.installed if patch_key(each)[:2] in names]
        return decide([*records, *there])[: len(records)]

    def check(self, inventory: Inventory) -> list[dict[str, str]]:
        compiled = self._compiled(inventory)
        if not compiled.wanted or compiled.family == "windows":
            return []
        ids = ", ".join(compiled.wanted.ids()[:10])
        enabled = [each for each in inventory.repositories if each.get("enabled")]
        blind = sorted(str(each["id"]) for each in enabled if not each.get("security_metadata"))
        if compiled.family not in ("rpm", "suse") or len(blind) == len(enabled):
            raise PatchError(
                "no_update_notices",
                f"Whether this host needs an update for {ids} cannot be known: none of its repositories has update"
                " notices that name CVEs and advisories. List the packages by id, or, on rpm systems, give notices with"
                " the option errata.",
            )
        warnings = []
        if blind:
            told = (
                f"no update notices in {', '.join(blind[:10])}: whether their packages need one for {ids} is not known"
            )
            warnings.append({"kind": "fix_partly_unknown", "message": told})
        system = operating_system(inventory.operating_system)
        unnamed = never_named(prepare([*inventory.candidates, *inventory.installed], system), compiled.wanted)
        if unnamed:
            told = f"no notice about what this host has or could have names {', '.join(unnamed[:10])}"
            warnings.append({"kind": "fix_not_named", "message": told})
        return warnings

    def _compiled(self, inventory: Inventory) -> OverrideList:
        compiled = compile_override_list(self._raw, operating_system(inventory.operating_system).family)
        if compiled is None:
            raise AssertionError("a list is never None")
        return compiled


class SnapshotSelection(NoSelection):
    """A frozen snapshot; ``described`` has ``kind``, ``source``, ``digest``, ``frozen_at`` and ``signed_off_by``."""

    replaces = True
    fixes_dependencies = True
    wording = "{} that the snapshot has"

    def __init__(self, snapshot: snapshots.Snapshot, source: str, *, when_unavailable: str) -> None:
        self._snapshot = snapshot
        self._refuses = when_unavailable == "refuse"
        self._part: snapshots.Frozen | None = None
        self.described = {
            "kind": "snapshot", "source": source, "digest": snapshot.digest, "frozen_at": snapshot.frozen_at,
            "signed_off_by": snapshot.signed_off_by,
        }  # fmt: skip

    def decide(self, records: list[PatchRecord], inventory: Inventory, decide: Decide) -> list[dict[str, Any]]:
        return self._of(inventory).decide(records, decide(records))

    def check(self, inventory: Inventory) -> list[dict[str, str]]:
        missing = self._of(inventory).unavailable(inventory.installed, inventory.candidates)
        if not missing:
            return []
        named = ", ".join(f"{each['name']}.{each['arch']} {each['version']}" for each in missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        told = f"versions of the snapshot that no repository of this host has any more: {named}{more}"
        if self._refuses:
            raise PatchError(
                "snapshot_unavailable",
                f"Nothing was installed, because of {told}. Keep frozen versions in repositories of your own, freeze"
                " anew, or install the rest with snapshot_unavailable=report.",
                unavailable=missing,
            )
        return [{"kind": "snapshot_unavailable", "message": told}]

    def may_come_along(self, name: str, arch: str, version: str) -> bool:
        return self._part is not None and self._part.has(name, arch, version)

    def companion(self, change: Change, automatic: Mapping[tuple[str, str], bool | None]) -> Target | None:
        version = self._part.newest(change.name, change.arch) if self._part is not None else None
        if version is None or version == change.version:
            return None
        marked = automatic.get((change.name, change.arch)) if change.installed_version else True
        return Target(change.name, change.arch, version, change.installed_version, marked, change.name)

    def _of(self, inventory: Inventory) -> snapshots.Frozen:
        if self._part is None:
            self._part = self._snapshot.of(inventory.operating_system, inventory.product)
        return self._part


def select(arguments: Mapping[str, Any], run: Run, s3: S3Reader, *, path_of: Callable[[str], str]) -> NoSelection:
    """What the task's options ask for; a file is read once per run, so that every host gets the same."""
    refuse_both(arguments)
    given, snapshot = arguments["install_override_list"], arguments["snapshot"]
    selection: NoSelection
    if is_given(snapshot):
        kept = _kept(snapshot, run, s3, SNAPSHOTS, path_of=path_of)
        read = snapshots.parse_snapshot(kept.value, named=f"The snapshot {kept.source}")
        selection = SnapshotSelection(read, kept.source, when_unavailable=arguments["snapshot_unavailable"])
    elif not is_given(given):
        return NoSelection()
    elif not isinstance(given, str):
        return ListSelection(given, "the option install_override_list", canonical_digest(given))
    else:
        kept = _kept(given, run, s3, LISTS, path_of=path_of)
        try:
            selection = ListSelection(kept.value, kept.source, kept.digest)
        except PatchError as error:
            problems = error.details.get("problems", [])
            raise PatchError(LISTS.error, f"In {kept.source}: {error.message}", problems=problems) from error
    selection.changed = kept.changed
    return selection


def reader(action: Any, task_vars: dict[str, Any]) -> Callable[[str, Kind], tuple[Any, str]]:
    """Reads such files outside of a run, to check them; gives value and source as shown."""
    s3, path_of = S3Reader(action, task_vars), named_files.path_of(action._loader)

    def read(source: str, kind: Kind) -> tuple[Any, str]:
        source, shown = _named(source, kind, path_of=path_of)
        return operator_yaml.parse(
            _content(source, kind, s3), named=f"The {kind.what} {shown}", kind=kind.error, most=kind.most
        ), shown

    return read


@dataclass(frozen=True)
class _Kept:
    value: Any
    source: str
    digest: str
    changed: bool = False


def _named(source: str, kind: Kind, *, path_of: Callable[[str], str]) -> tuple[str, str]:
    """Where a file is, and that as it is shown; raises ``PatchError`` for an address that is none."""
    source = source if "://" in source else path_of(source)
    if "://" in source and len(source) > _LONGEST_ADDRESS:
        raise PatchError(kind.error, f"The address of the {kind.what} has more than {_LONGEST_ADDRESS} characters.")
    if source.startswith("s3://"):
        bucket_and_key(source, what=kind.what, kind=kind.error)
        return source, source
    return source, named_files.shown(source, what=kind.what, kind=kind.error)


def _content(source: str, kind: Kind, s3: S3Reader) -> bytes:
    read = s3.read if source.startswith("s3://") else named_files.content
    return read(source, what=kind.what, kind=kind.error, most=kind.most)


def _kept(source: str, run: Run, s3: S3Reader, kind: Kind, *, path_of: Callable[[str], str]) -> _Kept:
    """What the run read first, whatever is there by now."""
    source, shown = _named(source, kind, path_of=path_of)
    folder = Path(run.path) / "selections"
    files.make_private_directory(folder)
    name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    with files.locked(folder / ".lock", timeout=_LONGEST_WAIT):
        kept = folder / f"{name}.json"
        if not kept.exists():
            stamp = _stamp(source)
            content = _content(source, kind, s3)
            value = operator_yaml.parse(content, named=f"The {kind.what} {shown}", kind=kind.error, most=kind.most)
            found = {"source": shown, "digest": _digest(content), "stamp": stamp, "value": value}
            try:
                files.write_new_json(folder, name, found)
            except (TypeError, ValueError) as error:
                raise PatchError(
                    kind.error, f"The {kind.what} {shown} holds something that is no plain value: {error}."
                ) from error
    data = files.read_json(kept)
    return _Kept(data["value"], str(data["source"]), str(data["digest"]), _says_something_else(source, kind, data))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _stamp(source: str) -> list[int] | None:
    """By which a file that nobody touched is told without reading it; None for an address."""
    try:
        found = os.stat(source)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns]


def _says_something_else(source: str, kind: Kind, data: Mapping[str, Any]) -> bool:
    """Of files on the controller; what an address has is read once per run."""
    stamp = None if "://" in source else _stamp(source)
    if stamp is None or stamp == data["stamp"]:
        return False
    try:
        content = named_files.content(source, what=kind.what, kind=kind.error, most=kind.most)
        return _digest(content) != str(data["digest"])
    except PatchError:
        return False
