"""A strict reader of Prometheus' text format, as node_exporter's textfile collector takes it."""

from __future__ import annotations

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}
Samples = dict[str, list[tuple[dict[str, str], float]]]


def parse(text: str) -> Samples:
    """Samples by metric; ``ValueError`` for a metric without HELP and TYPE before it, a sample that comes twice, a
    timestamp, a label or escape that the format does not have, or a last line without an end."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    described: dict[str, set[str]] = {}
    samples: Samples = {}
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            kind, name = line.split(" ")[1:3]
            if name in samples or kind in described.setdefault(name, set()):
                raise ValueError(f"{kind} of {name} comes twice or late")
            described[name].add(kind)
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a sample: {line}")
        name, labels = match[1], _labels(match[2] or "")
        if described.get(name) != {"HELP", "TYPE"}:
            raise ValueError(f"{name} has no HELP and TYPE")
        known = samples.setdefault(name, [])
        known.append((labels, float(match[3])))
    for name, found in samples.items():
        if len({tuple(sorted(labels.items())) for labels, _value in found}) != len(found):
            raise ValueError(f"a sample of {name} comes twice")
    return samples


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    while text:
        match = _LABEL.match(text)
        if match is None or match[1] in labels:
            raise ValueError(f"not a label: {text}")
        labels[match[1]] = re.sub(r"\\.", lambda escape: _ESCAPES[escape[0]], match[2])
        rest = text[match.end() :]
        if rest and (not rest.startswith(",") or rest == ","):
            raise ValueError(f"not a label: {rest}")
        text = rest[1:]
    return labels
