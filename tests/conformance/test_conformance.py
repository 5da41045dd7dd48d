"""Runs every conformance vector: the published ones (``vectors/``) and this project's own (``own/``)."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate

HERE = Path(__file__).parent
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
strangers = {"ansible", "yaml", "jinja2", "subprocess", "socket"} & set(sys.modules)
assert not strangers, strangers
answers = []
for case in json.load(sys.stdin):
    given = json.dumps(case)
    answers.append(evaluate(**case))
    assert json.dumps(case) == given
json.dump(answers, sys.stdout)
"""
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


def test_the_call_is_the_one_that_is_promised() -> None:
    parameters = inspect.signature(evaluate).parameters
    assert [name for name, each in parameters.items() if each.default is inspect.Parameter.empty] == [
        "baseline",
        "patches",
        "operating_system",
        "as_of",
    ]
    keywords = [name for name, each in parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY]
    assert keywords[:4] == ["operating_system", "as_of", "operation", "install_override_list"]
    assert (parameters["operation"].default, parameters["install_override_list"].default) == ("Install", None)


def test_published_vectors_need_the_standard_library_alone_and_leave_what_they_are_given() -> None:
    cases = [case.values[0] for case in CASES if not case.id.startswith("own-")]
    named = ("baseline", "patches", "operating_system", "as_of", "operation", "install_override_list")
    calls = [{key: case[key] for key in named if key in case} for case in cases]
    path = str(Path(inspect.getfile(evaluate)).parents[6])
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, path],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for case, decisions in zip(cases, json.loads(ran.stdout), strict=True):
        for decision, expected in zip(decisions, case["expect"], strict=True):
            assert expected.items() <= decision.items(), case["id"]
