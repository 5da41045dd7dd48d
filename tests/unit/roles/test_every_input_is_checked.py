"""Every variable that a role declares is checked before the first host is touched, or is named here as needing no more
than its type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import input_check, input_values
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import input_files
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.fleet_inputs import all_names, typed
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.role_variables import HANDED_OVER, role_variables

ROOT = Path(__file__).resolve().parents[3]
WORDS = "words that are shown as they are"
REPORTED = "the report is made on the controller and says itself what is wrong; no host is touched by it"
TOLD = "for those who are told of a run that has ended; no host is touched by it"
ON_HOST = "only the host can tell whether it fits"
TYPE_IS_ENOUGH = {
    "patch_state_directory": "made when it is not there; that it is the same for all hosts is checked",
    "patch_comment": WORDS,
    "patch_requested_by": WORDS,
    "patch_reboot_message": WORDS,
    "patch_interpreters": ON_HOST,
    "patch_debian8_signing_key": "for Debian 8 alone, which no variable tells",
    "patch_debian8_signing_key_fingerprint": "for Debian 8 alone, which no variable tells",
    "patch_report_run_id": REPORTED,
    "patch_report_hosts": REPORTED,
    "patch_report_directory": REPORTED,
    "patch_report_mode": REPORTED,
    "patch_stale_after_days": REPORTED,
    "patch_aws_instance_ids": REPORTED,
    "patch_notify_counts": TOLD,
    "patch_notify_files": TOLD,
    "patch_notify_hosts": TOLD,
    "patch_windows_offline_file": ON_HOST,
    "patch_macos_brew_path": ON_HOST,
    "patch_volume_owner": ON_HOST,
    "patch_volume_owner_password": ON_HOST,
}
JUDGED = {*input_check.VARIABLES, *input_values.LEAST, *input_values.CHECKS, *input_files.CHECKS, *input_files.HOLDING}


def says_all(spec: dict[str, Any]) -> bool:
    """Whether the type leaves no value that makes no sense."""
    return spec["type"] == "bool" or "choices" in spec


def test_every_variable_of_every_role_is_looked_at() -> None:
    declared: set[str] = set()
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry_point in yaml.safe_load(path.read_text())["argument_specs"].values():
            declared |= set(entry_point["options"])
    assert len(declared) > 60
    assert declared - HANDED_OVER == set(role_variables())
    assert set(role_variables()) <= set(all_names())


@pytest.mark.parametrize("name", sorted(role_variables()))
def test_it_is_judged_beyond_its_type_or_its_type_says_all(name: str) -> None:
    ways = [name in JUDGED, name in TYPE_IS_ENOUGH, says_all(role_variables()[name])]
    assert any(ways), (
        f"{name}: add a check to fleet/input_values.py or flow/input_files.py, or say here why none is needed"
    )
    assert not (name in JUDGED and name in TYPE_IS_ENOUGH)


def test_what_needs_no_check_is_declared() -> None:
    assert set(TYPE_IS_ENOUGH) <= set(role_variables())


OF_WRONG_TYPE: dict[str, Any] = {"bool": "perhaps", "int": "many", "float": "many", "list": 7.5, "dict": 7}


@pytest.mark.parametrize("name", sorted(role_variables()))
def test_a_value_of_another_type_is_refused_for_each(name: str) -> None:
    spec = role_variables()[name]
    wrong = "no such choice" if "choices" in spec and spec["type"] == "str" else OF_WRONG_TYPE.get(spec["type"])
    if spec["type"] in ("str", "path", "raw") and wrong is None:
        # Anything is a text; these have checks of their own or are shown as they are.
        assert name in JUDGED or name in TYPE_IS_ENOUGH
        return
    if spec["type"] == "list" and "choices" not in spec:
        wrong = {"not": "a list"}
    assert typed(name, wrong).error, name


@pytest.mark.parametrize("name", sorted(input_values.LEAST))
def test_a_number_below_the_least_is_told(name: str) -> None:
    least = input_values.LEAST[name]
    assert input_values.value_problem(name, least) is None
    assert "cannot be less than" in str(input_values.value_problem(name, least - 1))
