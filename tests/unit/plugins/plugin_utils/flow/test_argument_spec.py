"""Specs come from the documentation, fragments included, and refuse what it does not name."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from core_venvs import CORES, ensure, venv_path

from ansible_collections.openfleet.patch.plugins.modules import evaluate_baseline, scan_host
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec

ROOT = Path(__file__).resolve().parents[5]
MODULES = ROOT / "plugins" / "modules"


def validate(module: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    result = ArgumentSpecValidator(argument_spec(module)).validate(arguments)
    return result.validated_parameters, result.error_messages


@pytest.mark.parametrize("module", [scan_host, evaluate_baseline])
def test_every_documented_option_is_in_the_spec(module: Any) -> None:
    name = module.__name__.rpartition(".")[2]
    own = yaml.safe_load(module.DOCUMENTATION)["options"]
    spec = argument_spec(name)
    assert set(own) < set(spec)
    assert {"baselines", "patch_groups", "patch_group", "default_baselines", "os_mappings"} <= set(spec)


def test_defaults_types_and_choices_count() -> None:
    values, errors = validate("scan_host", {"metadata_max_age": "60", "honour_host_excludes": "no"})
    assert errors == []
    assert (values["metadata_max_age"], values["honour_host_excludes"]) == (60, False)
    assert (values["refresh"], values["baselines"], values["timeout"]) == ("auto", [], 900)
    assert not values["state_directory"].startswith("~")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"patch_grup": "web"}, "patch_grup. Supported parameters include"),
        ({"refresh": "sometimes"}, "value of refresh must be one of"),
        ({"timeout": "soon"}, "timeout"),
        ({"baselines": {"name": "web"}}, "baselines"),
        ({"patch_groups": ["web"]}, "patch_groups"),
    ],
)
def test_what_the_documentation_does_not_allow_is_refused(arguments: dict[str, Any], words: str) -> None:
    _values, errors = validate("scan_host", arguments)
    assert errors
    assert words in errors[0]


def test_a_required_option_is_required() -> None:
    _values, errors = validate("evaluate_baseline", {})
    assert "missing required arguments: inventory" in errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("core", [min(CORES), max(CORES)])
def test_tasks_check_the_options_that_ansible_doc_shows_those_of_fragments_included(core: str) -> None:
    problem = ensure(core)
    if problem:
        pytest.skip(problem)
    names = sorted(path.stem for path in MODULES.glob("*.py"))
    shown = subprocess.run(
        [
            str(venv_path(core) / "bin" / "ansible-doc"),
            *("--json", "--type", "module"),
            *(f"openfleet.patch.{name}" for name in names),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")},
    )
    documented = json.loads(shown.stdout)
    for name in names:
        options = documented[f"openfleet.patch.{name}"]["doc"].get("options") or {}
        spec = argument_spec(name)
        assert set(spec) == set(options), name
        for option, traits in spec.items():
            for trait, value in traits.items():
                # Documentation has no word for what is kept out of logs.
                if trait not in ("options", "no_log"):
                    assert options[option][trait] == value, f"{name}: {option}: {trait}"
