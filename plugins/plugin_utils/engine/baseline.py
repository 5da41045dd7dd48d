# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline schema: reading, checking, defaults, digest.

Fields and limits are those of Patch Manager's CreatePatchBaseline; the list is in docs/baselines.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from . import aws_shape, schema
from . import sources as patch_sources
from .dates import parse_day
from .filters import EXTRACTORS
from .lint import lint
from .operating_systems import OPERATING_SYSTEMS
from .problems import HUGE, Problems, nearest, show, show_key
from .source_repositories import without_credentials


def parse_baseline(
    raw: Any, *, where: str = "patch_baseline", name_required: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The canonical baseline, with every default filled in, and lint warnings (``where: text``).

    ``raw`` is the snake_case schema or AWS baseline JSON. ``name_required`` is False for a baseline override,
    which has no name. Raises ``PatchError("bad_baseline")`` with ``problems=[{"where", "message"}]``, all of them.
    """
    problems = Problems()
    baseline = _read(raw, where, problems, strict=True, name_required=name_required)
    problems.raise_if_any()
    return baseline, lint(baseline, where)


def parse_baselines(
    raw: Any, *, where: str = "patch_baselines", places: Sequence[str] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """As ``parse_baseline`` for a list: problems of all entries at once, names must be unique.

    ``places`` says where each entry stands, if not at ``where[index]``.
    """
    problems = Problems()
    if not isinstance(raw, list):
        problems.add(where, f"must be a list of baselines, not {show(raw)}")
        problems.raise_if_any()
    places = places or [f"{where}[{index}]" for index in range(len(raw))]
    baselines = [
        _read(entry, place, problems, strict=True, name_required=True) for entry, place in zip(raw, places, strict=True)
    ]
    first_use: dict[str, int] = {}
    for index, baseline in enumerate(baselines):
        name = baseline["name"]
        if isinstance(name, str) and first_use.setdefault(name, index) != index:
            problems.add(
                f"{places[index]}.name", f"{name!r} is already the name of {places[first_use[name]]}; rename one"
            )
    problems.raise_if_any()
    warnings = [text for entry, place in zip(baselines, places, strict=True) for text in lint(entry, place)]
    return baselines, warnings


def canonical(raw: Any) -> dict[str, Any]:
    """As ``parse_baseline`` but for judging: shape and types are checked, lengths, names and dates-per-OS are not."""
    problems = Problems()
    baseline = _read(raw, "baseline", problems, strict=False, name_required=False)
    problems.raise_if_any()
    return baseline


def recorded(baseline: dict[str, Any]) -> dict[str, Any]:
    """The canonical baseline as it may be written down: its sources without credentials."""
    sources = []
    for each in baseline.get("sources") or []:
        text = each["configuration"]
        plain = without_credentials(text) if isinstance(text, str) else text
        sources.append({**each, "configuration": plain})
    return {**baseline, "sources": sources} if sources else dict(baseline)


def digest(baseline: dict[str, Any]) -> str:
    """``sha256:<hex>`` of the canonical form; members without effect (ids, dates, tags of AWS) do not count, nor do
    credentials of sources, which a digest in a document would let somebody try out."""
    effective = recorded(canonical(baseline))
    effective.pop("aws_members", None)
    text = json.dumps(effective, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _read(raw: Any, where: str, problems: Problems, *, strict: bool, name_required: bool) -> dict[str, Any]:
    reader, first = _Reader(problems, strict), len(problems.found)
    result: dict[str, Any] = json.loads(json.dumps(schema.BASELINE_DEFAULTS))
    if not isinstance(raw, dict):
        problems.add(where, f"must be a mapping with a name and approval_rules, not {show(raw)}")
        return result
    from_aws = aws_shape.is_aws(raw)
    if from_aws:
        raw = aws_shape.to_snake(raw, where, problems)
    problems.unknown_keys(where, [key for key in raw if key not in schema.EXTRA_KEYS], schema.BASELINE_DEFAULTS)
    given = {key: value for key, value in raw.items() if value is not None}
    reader.scalars(given, where, result)
    if strict:
        reader.names(given, where, name_required)
    result["global_filters"] = reader.filters(given.get("global_filters", {}), f"{where}.global_filters")
    rules = reader.items(given.get("approval_rules", []), f"{where}.approval_rules", "rules")
    result["approval_rules"] = [
        reader.rule(rule, f"{where}.approval_rules[{index}]", given.get("operating_system", "WINDOWS"))
        for index, rule in enumerate(rules)
    ]
    for key in ("approved_patches", "rejected_patches"):
        result[key] = reader.texts(given.get(key, []), f"{where}.{key}", schema.PATCH_ID_LENGTH)
    sources = reader.items(given.get("sources", []), f"{where}.sources", "sources")
    result["sources"] = [reader.source(item, f"{where}.sources[{index}]") for index, item in enumerate(sources)]
    if strict and given.get("operating_system", "WINDOWS") == result["operating_system"]:
        reader.sources_fit(result, where)
    members = aws_shape.extra_members(given, f"{where}.aws_members", problems)
    if members:
        result["aws_members"] = members
    if from_aws:
        for problem in problems.found[first:]:
            problem["where"] = where + aws_shape.aws_place(problem["where"][len(where) :])
    return result


class _Reader:
    """Reads the parts of one baseline; what is wrong goes to ``problems`` and a harmless value comes back."""

    def __init__(self, problems: Problems, strict: bool) -> None:
        self.problems = problems
        self.strict = strict

    def scalars(self, given: dict[str, Any], where: str, result: dict[str, Any]) -> None:
        for key in ("name", "description"):
            if key in given and not isinstance(given[key], str):
                self.problems.add(f"{where}.{key}", f"must be a string, not {show(given[key])}")
            else:
                result[key] = given.get(key)
        choices = {
            "operating_system": tuple(OPERATING_SYSTEMS),
            "approved_patches_compliance_level": schema.LEVELS,
            "rejected_patches_action": schema.REJECTED_ACTIONS,
            "unapproved_dependencies": schema.UNAPPROVED_DEPENDENCIES,
            "available_security_updates_compliance_status": schema.COMPLIANCE_STATUSES,
        }
        for key, values in choices.items():
            result[key] = self.choice(given.get(key, result[key]), values, f"{where}.{key}", result[key])
        key = "approved_patches_enable_non_security"
        result[key] = self.flag(given.get(key, False), f"{where}.{key}")

    def names(self, given: dict[str, Any], where: str, name_required: bool) -> None:
        name, description = given.get("name"), given.get("description")
        if name is None and name_required:
            self.problems.add(f"{where}.name", "is required; give the baseline a name of 3 to 128 characters")
        if isinstance(name, str) and not schema.BASELINE_NAME.fullmatch(name):
            self.problems.add(f"{where}.name", f"{show(name)} must be 3 to 128 letters, digits, '_', '-' or '.'")
        # The service takes no empty one, and its CLI prints one where there is none.
        if isinstance(description, str) and len(description) > schema.DESCRIPTION_LENGTH:
            self.problems.add(
                f"{where}.description",
                f"must have 1 to {schema.DESCRIPTION_LENGTH} characters, has {len(description)}",
            )

    def choice(self, value: Any, values: tuple[str, ...], where: str, default: Any) -> Any:
        if isinstance(value, str) and value in values:
            return value
        self.problems.add(where, f"{show(value)} is not possible; {nearest(value, values)}")
        return default

    def flag(self, value: Any, where: str) -> bool:
        if isinstance(value, bool):
            return value
        self.problems.add(where, f"must be true or false (unquoted), not {show(value)}")
        return False

    def items(self, value: Any, where: str, what: str) -> list[Any]:
        if isinstance(value, list):
            return value
        self.problems.add(where, f"must be a list of {what}, not {show(value)}")
        return []

    def texts(self, value: Any, where: str, limit: int) -> list[str]:
        """A list of strings; whole numbers are taken as written, since YAML makes numbers of Bugzilla ids."""
        if not isinstance(value, list):
            self.problems.add(
                where, f"must be a list such as [{show_key(value)}]" if _plain(value) else "must be a list"
            )
            return []
        result = []
        for index, item in enumerate(value):
            number = isinstance(item, int) and not isinstance(item, bool) and abs(item) < HUGE
            text = str(item) if number else item
            if not isinstance(text, str):
                self.problems.add(f"{where}[{index}]", f"must be a string, not {show(item)}; put it in quotes")
            elif self.strict and not 1 <= len(text) <= limit:
                self.problems.add(f"{where}[{index}]", f"must have 1 to {limit} characters, has {len(text)}")
            else:
                result.append(text)
        return result

    def filters(self, value: Any, where: str) -> dict[str, list[str]]:
        if not isinstance(value, dict):
            self.problems.add(where, f"must be a mapping such as {{classification: [Security]}}, not {show(value)}")
            return {}
        result: dict[str, list[str]] = {}
        for key, values in value.items():
            name = key.lower() if isinstance(key, str) else key
            place = f"{where}.{show_key(key)}"
            if name not in EXTRACTORS:
                self.problems.add(place, f"unknown filter; {nearest(key, EXTRACTORS)}")
            elif name in result:
                self.problems.add(place, "is given twice; join the values in one list")
            else:
                if name == "security" and isinstance(values, list):
                    values = [str(item).lower() if isinstance(item, bool) else item for item in values]
                # The service needs at least one value; an empty list is read as all of them.
                result[name] = self.texts(values, place, schema.FILTER_VALUE_LENGTH) or ["*"]
        if self.strict:
            self._product_family(result, where)
        return result

    def _product_family(self, filters: dict[str, list[str]], where: str) -> None:
        families = filters.get("product_family", [])
        if not families or "*" in families:
            return
        for product in filters.get("product", []):
            known = next((family for pattern, family in schema.WINDOWS_FAMILIES if pattern.match(product)), None)
            if known is not None and known not in families:
                self.problems.add(
                    f"{where}.product",
                    f"{product!r} belongs to the product family {known!r}, which product_family does not name; "
                    f"add {known!r} there or remove the product",
                )

    def rule(self, value: Any, where: str, system_name: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(schema.RULE_DEFAULTS))
        if not isinstance(value, dict):
            self.problems.add(where, f"must be a mapping with filters, not {show(value)}")
            return result
        self.problems.unknown_keys(where, value, schema.RULE_DEFAULTS)
        given = {key: item for key, item in value.items() if item is not None}
        if "filters" not in given and self.strict:
            self.problems.add(f"{where}.filters", "is required; write {} to match every patch")
        result["filters"] = self.filters(given.get("filters", {}), f"{where}.filters")
        level = f"{where}.compliance_level"
        result["compliance_level"] = self.choice(
            given.get("compliance_level", "UNSPECIFIED"), schema.LEVELS, level, "UNSPECIFIED"
        )
        result["enable_non_security"] = self.flag(
            given.get("enable_non_security", False), f"{where}.enable_non_security"
        )
        self._dates(given, where, result, system_name)
        return result

    def _dates(self, given: dict[str, Any], where: str, result: dict[str, Any], system_name: Any) -> None:
        days, until = given.get("approve_after_days"), given.get("approve_until_date")
        if days is not None:
            if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= schema.MAX_DELAY_DAYS:
                self.problems.add(
                    f"{where}.approve_after_days",
                    f"must be a whole number of days from 0 to {schema.MAX_DELAY_DAYS}, not {show(days)}",
                )
            else:
                result["approve_after_days"] = days
        if until is not None:
            try:
                result["approve_until_date"] = parse_day(until).isoformat()
            except ValueError:
                self.problems.add(
                    f"{where}.approve_until_date", f"must be a real day written 'YYYY-MM-DD', not {_show_day(until)}"
                )
        if days is not None and until is not None:
            self.problems.add(where, "has both approve_after_days and approve_until_date; keep one of them")
        system = OPERATING_SYSTEMS.get(system_name) if isinstance(system_name, str) else None
        required = system is not None and system.family not in ("deb", "macos")
        if days is None and until is None and self.strict and required:
            self.problems.add(
                where,
                f"needs approve_after_days or approve_until_date on {system_name}; "
                "approve_after_days: 0 approves at once",
            )

    def source(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problems.add(where, f"must be a mapping with name, products and configuration, not {show(value)}")
            return {"name": "", "products": [], "configuration": ""}
        self.problems.unknown_keys(where, value, schema.SOURCE_KEYS)
        for key in schema.SOURCE_KEYS:
            if value.get(key) is None:
                self.problems.add(f"{where}.{key}", "is required")
        for key in ("name", "configuration"):
            if not isinstance(value.get(key), (str, type(None))):
                self.problems.add(f"{where}.{key}", f"must be a string, not {show(value[key])}")
        products = value.get("products")
        return {
            "name": value.get("name"),
            "products": [] if products is None else self.texts(products, f"{where}.products", schema.PRODUCT_LENGTH),
            "configuration": value.get("configuration"),
        }

    def sources_fit(self, baseline: dict[str, Any], where: str) -> None:
        system = OPERATING_SYSTEMS[baseline["operating_system"]]
        if baseline["sources"] and not system.is_linux:
            self.problems.add(f"{where}.sources", f"exist on Linux only; remove them from this {system.name} baseline")
        count, most = len(baseline["sources"]), patch_sources.MAX_SOURCES
        if count > most:
            self.problems.add(f"{where}.sources", f"has {count} entries; a baseline takes at most {most} sources")
        for index, source in enumerate(baseline["sources"]):
            place, name, text = f"{where}.sources[{index}]", source["name"], source["configuration"]
            if isinstance(name, str) and not schema.SOURCE_NAME.fullmatch(name):
                self.problems.add(f"{place}.name", f"{show(name)} must be 3 to 50 letters, digits, '_', '-' or '.'")
            if not source["products"]:
                self.problems.add(f"{place}.products", "must name at least one product; '*' stands for all versions")
            if isinstance(text, str) and not 1 <= len(text) <= schema.CONFIGURATION_LENGTH:
                limit = schema.CONFIGURATION_LENGTH
                self.problems.add(f"{place}.configuration", f"must have 1 to {limit} characters, has {len(text)}")
            elif isinstance(text, str) and system.is_linux:
                _found, problems = patch_sources.parse(name if isinstance(name, str) else "", text, system.family)
                for problem in dict.fromkeys(problems):
                    self.problems.add(f"{place}.configuration", problem)


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _show_day(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else show(value)
