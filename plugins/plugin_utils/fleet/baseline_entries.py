# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in ``patch_baselines``: baselines, files and folders of them, and output of the AWS command line.

``aws ssm get-patch-baseline`` prints a baseline with the patch groups it is registered for, ``aws ssm
describe-patch-baselines`` lists baselines without their rules and says which is the default of its operating system.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..engine.baseline import parse_baselines
from ..engine.predefined import predefined_baselines
from ..engine.problems import Problems, show
from ..errors import PatchError

SUFFIXES = (".yml", ".yaml", ".json")
# Beyond this a file is not a baseline, whatever its name says.
MOST_BYTES = 4 * 1024 * 1024
IDENTITIES = "BaselineIdentities"
VARIABLE = "patch_baselines"


@dataclass
class Registry:
    """Baselines in canonical form, lint warnings, and what they themselves register: ``{group: {OS: name}}`` and
    ``{OS: name}``."""

    baselines: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)
    patch_groups: dict[str, dict[str, str]] = field(default_factory=dict)
    default_baselines: dict[str, str] = field(default_factory=dict)

    def groups_with(self, given: Mapping[Any, Any] | None) -> dict[Any, Any]:
        """The user's ``patch_groups`` with the registrations that came with baselines; both may not differ.

        Raises ``bad_patch_groups``.
        """
        problems = Problems()
        merged: dict[Any, Any] = {group: dict(each) for group, each in self.patch_groups.items()}
        for group, registrations in (given or {}).items():
            if not isinstance(registrations, Mapping):
                merged[group] = registrations
                continue
            found = merged.setdefault(str(group), {})
            for system, name in registrations.items():
                if found.get(system, name) != name:
                    problems.add(
                        f"patch_groups.{group}.{system}",
                        f"{name!r}, but baseline {found[system]!r} is registered for this group by its own PatchGroups;"
                        " one patch group has one baseline per operating system",
                    )
                found[system] = name
        problems.raise_if_any("bad_patch_groups", "patch groups")
        return merged

    def defaults_with(self, given: Mapping[Any, Any] | None) -> dict[Any, Any]:
        """The user's ``default_baselines``, which come first, with those that the AWS output names."""
        return {**self.default_baselines, **(given or {})}


def read_registry(raw: Any, *, where: str = VARIABLE, folder: Path | None = None) -> Registry:
    """All entries of ``raw`` as one registry; relative paths are below ``folder``.

    Raises ``bad_baseline`` with the problems of all entries and files, ``bad_patch_groups`` where two baselines claim
    one patch group.
    """
    problems = Problems()
    found = _Entries(problems, folder or Path.cwd())
    if not isinstance(raw, list):
        problems.add(where, f"must be a list of baselines and paths, not {show(raw)}")
    else:
        for index, entry in enumerate(raw):
            found.add(entry, f"{where}[{index}]")
    # What is wrong inside baselines is told together with what is wrong around them.
    try:
        baselines, warnings = parse_baselines(found.baselines, where=where, places=found.places)
    except PatchError as error:
        problems.found += error.details.get("problems", [])
        problems.raise_if_any()
        raise
    registry = Registry(baselines, warnings)
    _register_groups(registry, found.places, problems)
    _register_defaults(registry, found.identities, problems)
    problems.raise_if_any()
    return registry


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay text, as in JSON and in AWS's own output."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Entries:
    """Baselines as they are written and where each stands; entries of describe-patch-baselines apart."""

    def __init__(self, problems: Problems, folder: Path) -> None:
        self._problems = problems
        self._folder = folder
        self.baselines: list[Any] = []
        self.places: list[str] = []
        self.identities: list[tuple[str, Mapping[Any, Any]]] = []

    def add(self, entry: Any, where: str) -> None:
        if isinstance(entry, str):
            self._path(entry, where)
        elif isinstance(entry, Mapping) and IDENTITIES in entry:
            self._identities(entry[IDENTITIES], f"{where}.{IDENTITIES}")
        else:
            self.baselines.append(entry)
            self.places.append(where)

    def _path(self, text: str, where: str) -> None:
        path = self._folder / Path(text).expanduser()
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file())
            if not files:
                self._problems.add(
                    where, f"the folder {path} holds no file named {', '.join('*' + s for s in SUFFIXES)}"
                )
            for each in files:
                self._file(each, f"{where} ({each})")
        else:
            self._file(path, f"{where} ({path})")

    def _file(self, path: Path, where: str) -> None:
        try:
            if path.stat().st_size > MOST_BYTES:
                self._problems.add(where, f"is larger than {MOST_BYTES} bytes")
                return
            text = path.read_text(encoding="utf-8")
            content = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Loader)
        except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
            self._problems.add(where, f"cannot be read: {' '.join(str(error).split())[:300]}")
            return
        if isinstance(content, Mapping) and set(content) == {VARIABLE}:
            content = content[VARIABLE]
        if isinstance(content, list):
            for index, entry in enumerate(content):
                place = f"{where}[{index}]"
                if isinstance(entry, str):
                    self._problems.add(place, "a file of baselines cannot name further files")
                else:
                    self.add(entry, place)
        elif isinstance(content, Mapping):
            self.add(content, where)
        else:
            self._problems.add(where, f"must hold a baseline or a list of them, not {show(content)}")

    def _identities(self, listed: Any, where: str) -> None:
        if not isinstance(listed, list):
            self._problems.add(where, f"must be a list, not {show(listed)}")
            return
        for index, entry in enumerate(listed):
            place = f"{where}[{index}]"
            if isinstance(entry, Mapping) and isinstance(entry.get("BaselineName"), str):
                self.identities.append((place, entry))
            else:
                self._problems.add(place, "must be an entry of describe-patch-baselines with a BaselineName")


def _register_groups(registry: Registry, places: list[str], problems: Problems) -> None:
    claimed: dict[tuple[str, str], str] = {}
    for baseline, place in zip(registry.baselines, places, strict=True):
        groups = baseline.get("aws_members", {}).get("PatchGroups") or []
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            problems.add(f"{place}.PatchGroups", f"must be a list of patch groups, not {show(groups)}")
            continue
        for group in groups:
            key = (group, baseline["operating_system"])
            if key in claimed:
                problems.add(
                    f"{place}.PatchGroups",
                    f"patch group {group!r} has the baseline {claimed[key]!r} for {key[1]} already; "
                    "one patch group has one baseline per operating system",
                )
            claimed.setdefault(key, baseline["name"])
            registry.patch_groups.setdefault(group, {}).setdefault(key[1], baseline["name"])


def _register_defaults(registry: Registry, identities: list[tuple[str, Mapping[Any, Any]]], problems: Problems) -> None:
    by_id = {each.get("aws_members", {}).get("BaselineId"): each for each in registry.baselines}
    by_name = {each["name"]: each for each in [*predefined_baselines(), *registry.baselines]}
    for place, identity in identities:
        name, system = identity["BaselineName"], identity.get("OperatingSystem")
        baseline = by_id.get(identity.get("BaselineId")) or by_name.get(name)
        if baseline is None and identity.get("DefaultBaseline"):
            problems.add(
                place,
                f"{name!r} is the default of {system}, but its rules are not here; "
                "add the output of aws ssm get-patch-baseline for it",
            )
        elif baseline is None:
            registry.warnings.append(f"{place}: the rules of {name!r} are not here, so no host can get it")
        elif identity.get("DefaultBaseline"):
            registry.default_baselines[baseline["operating_system"]] = baseline["name"]
