# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which baseline does this host get, and why.

The order is Patch Manager's (user guide, patch groups): the baseline registered for the host's patch group and
operating system; else the default of that operating system; else the predefined one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.baseline import digest
from ..engine.operating_systems import OPERATING_SYSTEMS
from ..engine.predefined import predefined_baseline, predefined_baselines
from ..errors import PatchError

Problem = dict[str, str]
GROUP_TAGS = ("Patch Group", "PatchGroup")


@dataclass(frozen=True)
class ResolvedBaseline:
    """A baseline in canonical form, and the sentence that says where it came from."""

    baseline: dict[str, Any]
    name: str
    digest: str
    source: str
    asked: str = ""
    """What was asked for: ``UBUNTU, patch group 'web'``. In one run the same question has the same answer."""


def resolve_baseline(
    baselines: list[dict[str, Any]],
    *,
    operating_system: str,
    patch_group: str | None = None,
    patch_groups: Mapping[Any, Any] | None = None,
    default_baselines: Mapping[Any, Any] | None = None,
    group_source: str = "",
) -> ResolvedBaseline:
    """The one baseline for a host.

    ``baselines`` come out of ``engine.baseline.parse_baselines``. ``patch_groups`` is
    ``{group: {OPERATING_SYSTEM: baseline name}}``, ``default_baselines`` ``{OPERATING_SYSTEM: baseline name}``;
    names of predefined baselines may be used in both; ``group_source`` is what ``patch_group_of`` says. Raises
    ``bad_patch_groups`` with every problem of both mappings, whichever host asks.
    """
    problems = patch_group_problems(baselines, patch_groups=patch_groups, default_baselines=default_baselines)
    if problems:
        raise PatchError("bad_patch_groups", _all_in_one(problems), problems=problems)
    group = None if patch_group is None or str(patch_group) == "" else str(patch_group)
    asked = f"{operating_system}, " + ("without a patch group" if group is None else f"patch group '{group}'")
    registered = {str(key): value for key, value in (patch_groups or {}).items()}
    why_not = ""
    if group is not None:
        name = (registered.get(group) or {}).get(operating_system)
        if name is not None:
            source = f"patch group '{group}'{group_source}, {operating_system}"
            return _resolved(_named(baselines, name), source, asked)
        why_not = (
            f" (patch group '{group}'{group_source} has no baseline for it)"
            if group in registered
            else f" (patch group '{group}'{group_source} is not in patch_groups)"
        )
    name = (default_baselines or {}).get(operating_system)
    if name is not None:
        return _resolved(_named(baselines, name), f"default for {operating_system}{why_not}", asked)
    return _resolved(predefined_baseline(operating_system), f"predefined for {operating_system}{why_not}", asked)


def patch_group_of(given: Any, *, cloud_tags: Any = None) -> tuple[str | None, str]:
    """The patch group of a host, and words that say where it came from when that was a tag: ``" (tag PatchGroup)"``.

    ``given`` is the variable, which comes first; ``cloud_tags`` a mapping of tags, or a list of ``{Key, Value}``.
    Raises ``bad_patch_groups`` where both tags are there and differ (Patch Manager user guide, patch groups).
    """
    if given is not None and str(given) != "":
        return str(given), ""
    if isinstance(cloud_tags, (list, tuple)):
        cloud_tags = {each.get("Key"): each.get("Value") for each in cloud_tags if isinstance(each, Mapping)}
    tags = cloud_tags if isinstance(cloud_tags, Mapping) else {}
    found = {key: str(tags[key]) for key in GROUP_TAGS if tags.get(key) not in (None, "")}
    if len(set(found.values())) > 1:
        shown = " and ".join(f"{key}={value!r}" for key, value in found.items())
        message = f"The host has two tags that name different patch groups, {shown}; remove one, or set patch_group."
        raise PatchError("bad_patch_groups", message, problems=[_problem("tags", message)])
    for key, value in found.items():
        return value, f" (tag {key})"
    return None, ""


def patch_group_problems(
    baselines: list[dict[str, Any]],
    *,
    patch_groups: Any = None,
    default_baselines: Any = None,
) -> list[Problem]:
    """Everything wrong with both mappings, each with its place: ``patch_groups.web.UBUNTU``."""
    known = {**{each["name"]: each for each in predefined_baselines()}, **{each["name"]: each for each in baselines}}
    problems: list[Problem] = []
    if patch_groups is not None and not isinstance(patch_groups, Mapping):
        problems.append(_problem("patch_groups", "must map a patch group to {OPERATING_SYSTEM: baseline name}"))
    elif patch_groups:
        for group, registrations in patch_groups.items():
            where = f"patch_groups.{group}"
            if not 1 <= len(str(group)) <= 256:
                problems.append(_problem(where, "the name of a patch group has 1 to 256 characters"))
            problems += _registration_problems(where, registrations, known)
    if default_baselines is not None:
        problems += _registration_problems("default_baselines", default_baselines, known)
    return problems


def _registration_problems(where: str, registrations: Any, known: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    if not isinstance(registrations, Mapping):
        return [_problem(where, "must map operating systems to baseline names, such as {UBUNTU: web-prod}")]
    problems = []
    for operating_system, name in registrations.items():
        place = f"{where}.{operating_system}"
        if operating_system not in OPERATING_SYSTEMS:
            problems.append(
                _problem(place, f"unknown operating system{_nearest(str(operating_system), OPERATING_SYSTEMS)}")
            )
        if isinstance(name, (list, tuple)):
            shown = ", ".join(map(str, name))
            problems.append(
                _problem(place, f"one baseline per patch group and operating system, not {len(name)} ({shown})")
            )
        elif not isinstance(name, str):
            problems.append(_problem(place, "must be the name of a baseline"))
        elif name not in known:
            problems.append(_problem(place, f"no baseline is called '{name}'{_nearest(name, known)}"))
        elif operating_system in OPERATING_SYSTEMS and known[name]["operating_system"] != operating_system:
            problems.append(
                _problem(place, f"baseline '{name}' is for {known[name]['operating_system']}, not {operating_system}")
            )
    return problems


def _named(baselines: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in [*baselines, *predefined_baselines()] if each["name"] == name)


def _resolved(baseline: dict[str, Any], source: str, asked: str) -> ResolvedBaseline:
    return ResolvedBaseline(baseline, baseline["name"], digest(baseline), source, asked)


def _nearest(word: str, known: Iterable[str]) -> str:
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else f"; known are {', '.join(sorted(folded.values()))}"


def _problem(where: str, message: str) -> Problem:
    return {"where": where, "message": message}


def _all_in_one(problems: list[Problem]) -> str:
    return "; ".join(f"{each['where']}: {each['message']}" for each in problems)
