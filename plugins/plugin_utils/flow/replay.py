# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge again what an earlier scan read: a saved inventory or a compliance document, no host needed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..compliance.states import DEFERRED_PHASED, HELD, HostWishes, decide_apart, host_exclude
from ..engine.baseline import digest, parse_baseline
from ..engine.evaluate import evaluate
from ..engine.explain import explainer
from ..engine.records import PatchRecord
from ..errors import PatchError
from ..fleet.baseline_entries import read_registry
from ..fleet.baselines import ResolvedBaseline, patch_group_of, resolve_baseline

# What a document's patch entry says of the record it was made from.
_KEPT = (
    "name",
    "title",
    "arch",
    "version",
    "installed_version",
    "repository",
    "product",
    "priority",
    "section",
    "classification",
    "severity",
    "security",
    "released",
    "released_source",
    "first_seen",
)
# The dates that a document has only where a delay counted from them.
_DATED_BY = {"build_time": "build_time", "repository": "repository_date"}


@dataclass(frozen=True)
class Saved:
    """What a file or variable holds that can be judged again."""

    operating_system: str
    candidates: list[PatchRecord]
    installed: list[PatchRecord]
    holds: list[dict[str, Any]]
    patch_group: str | None = None
    as_of: str | None = None
    """The time of the run that a document belongs to."""
    note: str | None = None


def load_saved(value: Any) -> Saved:
    """Read ``value``: a mapping, JSON text, or the path of a JSON file. Raises ``PatchError("bad_inventory")``."""
    content = _content(value)
    operating_system = content.get("operating_system")
    if not isinstance(operating_system, str):
        raise _bad("it has no operating_system. A scan that failed leaves a document with nothing to judge")
    if isinstance(content.get("patches"), list):
        return _from_document(content, operating_system)
    if isinstance(content.get("candidates"), list):
        candidates, installed, holds = (
            _records(content.get(name) or []) for name in ("candidates", "installed", "holds")
        )
        return Saved(operating_system, candidates, installed, holds)
    raise _bad("it has neither the candidates of an inventory nor the patches of a compliance document")


def _content(value: Any) -> dict[str, Any]:
    where = "the inventory"
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        path = Path(value).expanduser()
        where = str(path)
        try:
            value = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _bad(f"{path} cannot be read: {error}") from error
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise _bad(f"{where} is not JSON: {error}") from error
    if not isinstance(value, Mapping):
        raise _bad(f"{where} holds a {type(value).__name__} where an object belongs")
    return dict(value)


def _bad(what: str) -> PatchError:
    return PatchError(
        "bad_inventory",
        f"There is nothing to judge: {what}. Give an inventory that scan_host saved, or a compliance document.",
    )


def _records(values: list[Any]) -> list[PatchRecord]:
    for index, value in enumerate(values):
        if not isinstance(value, Mapping):
            raise _bad(f"entry {index} of its list of patches is a {type(value).__name__}, not an object")
    return [dict(value) for value in values]


def _from_document(document: dict[str, Any], operating_system: str) -> Saved:
    if operating_system == "WINDOWS":
        raise _bad("a document of Windows lacks what its rules ask for (patch set, family); its inventory has it")
    candidates, installed = [], []
    holds = _records(document.get("holds") or [])
    for entry in _records(document["patches"]):
        record = {key: entry[key] for key in _KEPT if entry.get(key) is not None}
        if entry.get("detail") == HELD:
            # An empty one would say that nothing holds it.
            record["held"] = host_exclude(record, holds) or {"kind": None}
        if entry.get("counted_source") in _DATED_BY:
            record[_DATED_BY[entry["counted_source"]]] = entry["counted_from"]
        record["deferred"] = entry.get("detail") == DEFERRED_PHASED
        if "version" in record:
            candidates.append(record)
        else:
            installed.append({**record, "version": record.get("installed_version")})
    run = document.get("run")
    return Saved(
        operating_system,
        candidates,
        installed,
        holds,
        patch_group=document.get("patch_group"),
        as_of=run.get("as_of") if isinstance(run, Mapping) else None,
        note="A document lists patches with what was decided by; advisories are known by their names only.",
    )


def choose_baseline(
    arguments: Mapping[str, Any], saved: Saved, folder: Path | None
) -> tuple[ResolvedBaseline, list[str]]:
    """The baseline given, else the one that a scan with these options would take; and lint warnings."""
    if arguments["baseline"]:
        baseline, lint = parse_baseline(arguments["baseline"], where="baseline", name_required=False)
        return ResolvedBaseline(baseline, baseline.get("name") or "(no name)", digest(baseline), "the task"), lint
    registry = read_registry(arguments["baselines"] or [], where="baselines", folder=folder)
    group, _source = patch_group_of(arguments["patch_group"], cloud_tags=arguments["cloud_tags"])
    resolved = resolve_baseline(
        registry.baselines,
        operating_system=saved.operating_system,
        patch_group=group or saved.patch_group,
        patch_groups=registry.groups_with(arguments["patch_groups"]),
        default_baselines=registry.defaults_with(arguments["default_baselines"]),
    )
    return resolved, registry.warnings


def judge_saved(arguments: Mapping[str, Any], *, now: str, folder: Path | None = None) -> dict[str, Any]:
    """The task result of evaluate_baseline; ``now`` (UTC text) is judged at where neither option nor document says.

    Relative paths of baselines are below ``folder``.
    """
    saved = load_saved(arguments["inventory"])
    resolved, lint = choose_baseline(arguments, saved, folder)
    as_of = arguments["as_of"] or saved.as_of or now
    judge = _Judge(resolved.baseline, saved.operating_system, as_of, arguments)
    wishes = HostWishes(saved.holds, arguments["honour_host_excludes"], arguments["honour_phasing"])
    decided = decide_apart(saved.candidates, wishes.keep_away, judge.decide)
    decisions = [judge.explained(record, decision, wishes) for record, decision in decided]
    if arguments["include_installed"]:
        # What is installed competes with nothing that could be.
        installed = zip(saved.installed, judge.decide(saved.installed), strict=True)
        decisions += [judge.explained(record, decision) for record, decision in installed]
    return {
        "changed": False,
        "decisions": decisions,
        "counts": dict(Counter(decision["decision"] for decision in decisions)),
        "baseline": {"name": resolved.name, "digest": resolved.digest, "source": resolved.source},
        "operating_system": saved.operating_system,
        "as_of": as_of,
        "notes": lint + ([saved.note] if saved.note else []),
    }


@dataclass(frozen=True)
class _Judge:
    baseline: dict[str, Any]
    operating_system: str
    as_of: str
    arguments: Mapping[str, Any]

    @cached_property
    def _explain(self) -> Callable[[dict[str, Any], dict[str, Any]], str]:
        return explainer(self.baseline, as_of=self.as_of, operating_system=self.operating_system)

    def decide(self, records: list[PatchRecord]) -> list[dict[str, Any]]:
        return evaluate(
            self.baseline,
            records,
            operating_system=self.operating_system,
            as_of=self.as_of,
            operation=self.arguments["operation"],
            install_override_list=self.arguments["install_override_list"],
            delay_clock=self.arguments["delay_clock"],
            with_dates=True,
        )

    def explained(
        self, record: PatchRecord, decision: dict[str, Any], wishes: HostWishes | None = None
    ) -> dict[str, Any]:
        sentence = self._explain(decision, record)
        known = {"version": record.get("version"), "installed_version": record.get("installed_version")}
        against = wishes.against(record) if wishes and decision["decision"] == "approved" else None
        if against is None:
            return {**decision, **known, "explanation": sentence}
        # What the host is kept from is not missing.
        decision = {key: value for key, value in decision.items() if key != "state"}
        return {**decision, **known, "detail": against[0], "explanation": f"{sentence} {against[1]}"}
