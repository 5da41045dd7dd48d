"""A strict reader of OCSF findings, by what the public schema says of their classes and objects.

``schema-1.7.0.json`` beside the tests of the report room has those facts. An attribute that is not in it is wrong, and
so is one of a profile, one that is deprecated, or an object that is not described there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(
    (ROOT / "tests/unit/plugins/plugin_utils/report/ocsf/schema-1.7.0.json").read_text(encoding="utf-8")
)
_PYTHON = {"string_t": str, "integer_t": int, "long_t": int, "boolean_t": bool}
_LONGEST_INTEGER = {"integer_t": 2**31, "long_t": 2**63}


def problems(finding: Any) -> Iterator[str]:
    """Everything that is wrong with one finding."""
    named = [name for name, known in SCHEMA["classes"].items() if known["uid"] == finding.get("class_uid")]
    if not named:
        yield f"class_uid is {finding.get('class_uid')!r}"
        return
    yield from _object(finding, SCHEMA["classes"][named[0]], named[0])
    if finding.get("category_uid") != finding["class_uid"] // 1000:
        yield "category_uid is not that of the class"
    if finding.get("type_uid") != finding["class_uid"] * 100 + finding.get("activity_id", -1):
        yield "type_uid does not follow from class and activity"
    if finding.get("metadata", {}).get("version") != SCHEMA["version"]:
        yield "metadata.version is not that of the schema"


def _object(value: Any, known: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    attributes = known["attributes"]
    for name, facts in attributes.items():
        if facts["requirement"] == "required" and name not in value:
            yield f"{where} lacks {name}"
    for name, each in value.items():
        if name not in attributes:
            yield f"{where} has no attribute {name}"
        else:
            yield from _attribute(each, attributes[name], f"{where}.{name}")
            yield from _sibling(value, name, attributes[name], where)
    for kind, names in known.get("constraints", {}).items():
        present = sum(name in value for name in names)
        if present != 1 if kind == "just_one" else present < 1:
            yield f"{where} wants {kind} of {', '.join(names)}"


def _attribute(value: Any, facts: dict[str, Any], where: str) -> Iterator[str]:
    if facts.get("array"):
        if not isinstance(value, list) or not value:
            yield f"{where} is no list with something in it"
            return
        for number, each in enumerate(value):
            yield from _attribute(each, {**facts, "array": False}, f"{where}[{number}]")
    elif facts["type"] == "object":
        if facts["object"] not in SCHEMA["objects"]:
            yield f"{where} is a {facts['object']}, which is not described"
        else:
            yield from _object(value, SCHEMA["objects"][facts["object"]], where)
    else:
        base = SCHEMA["types"][facts["type"]]
        kind = _PYTHON.get(base)
        if kind is None or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            yield f"{where} is no {base}: {value!r}"
        elif kind is int and not -_LONGEST_INTEGER[base] <= value < _LONGEST_INTEGER[base]:
            yield f"{where} is too large"
        elif kind is str and not value:
            yield f"{where} is empty"
        elif "enum" in facts and where.rpartition(".")[2] not in ("category_uid", "class_uid", "type_uid"):
            if str(value) not in facts["enum"]:
                yield f"{where} is {value!r}, not one of {', '.join(facts['enum'])}"


def _sibling(value: dict[str, Any], name: str, facts: dict[str, Any], where: str) -> Iterator[str]:
    """``severity_id`` 5 has to be the ``severity`` Critical."""
    sibling = facts.get("sibling")
    if sibling in value and "enum" in facts and str(value[name]) in facts["enum"] and str(value[name]) != "99":
        caption = facts["enum"][str(value[name])]
        if name not in ("category_uid", "class_uid", "type_uid") and value[sibling] != caption:
            yield f"{where}.{sibling} is {value[sibling]!r}, {name} says {caption!r}"
