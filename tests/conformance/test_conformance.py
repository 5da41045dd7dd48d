"""Runs every conformance vector: the published ones (``vectors/``) and this project's own (``own/``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate

HERE = Path(__file__).parent
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OPTIONAL_KEYS = ("rule", "compliance_level", "approves_on", "state")


def _load() -> list[Any]:
    cases = []
    for path in sorted(HERE.glob("*/*.yaml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER):
            cases.append(pytest.param(case, id=case["id"]))
    return cases


CASES = _load()


def test_the_vector_files_are_there() -> None:
    assert len(list((HERE / "vectors").glob("*.yaml"))) == 6
    assert len(CASES) > 90


def test_every_vector_has_its_own_id() -> None:
    ids = [case.id for case in CASES]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("case", CASES)
def test_vector(case: dict[str, Any]) -> None:
    decisions = evaluate(
        case["baseline"],
        case["patches"],
        operating_system=case["operating_system"],
        as_of=case["as_of"],
        operation=case.get("operation", "Install"),
        install_override_list=case.get("install_override_list"),
        **case.get("options", {}),
    )
    assert len(decisions) == len(case["expect"])
    for decision, expected in zip(decisions, case["expect"], strict=True):
        # ``state: null`` asks for no state at all; a state that a vector does not mention is free.
        ignored = () if "state" in expected else ("state",)
        wanted = {key: value for key, value in expected.items() if key != "state" or value is not None}
        assert {key: value for key, value in decision.items() if key not in ignored} == wanted
