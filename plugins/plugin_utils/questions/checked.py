# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something read from a file or a database is a document that the questions can be put to."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from ..compliance.outcomes import VERDICTS
from ..compliance.summary import COUNT_NAMES

_TYPES: dict[str, type | tuple[type, ...]] = {
    "host": str,
    "patch_group": (str, type(None)),
    "run": dict,
    "operation": str,
    "reboot_option": (str, type(None)),
    "baseline": (dict, type(None)),
    "operating_system": (str, type(None)),
    "product": (str, type(None)),
    "times": dict,
    "verdict": str,
    "verdict_reasons": list,
    "summary": dict,
    "patches": list,
    "installation": (dict, type(None)),
    "reboot": dict,
    "warnings": list,
    "error": (dict, type(None)),
}
_RUN = ("id", "as_of", "started_at")
_TEXTS = frozenset({"id", "title", "decision", "reason", "explanation"})
_TEXTS_OR_NULL = frozenset(
    "arch state detail level classification severity priority section installed_version version repository product "
    "approves_on released failure".split()
)
_ENTRY = _TEXTS | _TEXTS_OR_NULL | {"name", "violation", "security", "rule", "cves", "advisories"}
_texts = itemgetter(*_TEXTS)
_texts_or_null = itemgetter(*_TEXTS_OR_NULL)
_TEXT = {str}
_TEXT_OR_NULL = {str, type(None)}
_COUNTS = frozenset(COUNT_NAMES)


def why_not_document(value: Any) -> str | None:
    """None for a document of schema version 1; else what is wrong with it, the first thing found."""
    if not isinstance(value, dict):
        return "it is not a JSON object"
    if not str(value.get("schema_version")).startswith("1."):
        return f"its schema_version is {value.get('schema_version')!r}, this release reads 1.x"
    for name, kind in _TYPES.items():
        if name not in value or not isinstance(value[name], kind):
            return f"'{name}' is missing or of another type"
    if value["verdict"] not in VERDICTS:
        return f"its verdict is {value['verdict']!r}"
    if not all(isinstance(value["run"].get(name), str) for name in _RUN):
        return f"'run' lacks one of {', '.join(_RUN)}"
    if not all(isinstance(value["times"].get(name), str) for name in ("started_at", "finished_at")):
        return "'times' lacks started_at or finished_at"
    if not value["summary"].keys() >= _COUNTS or not all(_is_count(count) for count in value["summary"].values()):
        return "'summary' lacks a count, or one is no whole number"
    reasons = [*value["verdict_reasons"], *value["warnings"]]
    if not all(isinstance(each, dict) and each.keys() >= {"kind", "message"} for each in reasons):
        return "a verdict reason or a warning lacks kind or message"
    if not all(_is_entry(entry) for entry in value["patches"]):
        return "an entry of 'patches' lacks a member, or one is of another type"
    return None


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _is_entry(entry: Any) -> bool:
    # By sets of types: a fleet has hundreds of thousands of entries.
    return (
        isinstance(entry, dict)
        and entry.keys() >= _ENTRY
        and _TEXT.issuperset(map(type, _texts(entry)))
        and _TEXT_OR_NULL.issuperset(map(type, _texts_or_null(entry)))
        and isinstance(entry["violation"], bool)
        and (entry["security"] is None or isinstance(entry["security"], bool))
        and _is_count(entry["rule"])
        and isinstance(entry["cves"], list)
        and isinstance(entry["advisories"], list)
        and _TEXT.issuperset(map(type, entry["cves"]))
        and _TEXT.issuperset(map(type, entry["advisories"]))
    )
