"""Which ansible-playbook this is, and whether its files survive it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.controller import controller_key, ephemeral_warning


def test_children_of_one_process_have_one_key_and_others_another() -> None:
    code = (
        "from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.controller import controller_key\n"
        "print(controller_key())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    keys = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        ).stdout.strip()
        for _child in range(2)
    }
    assert keys == {controller_key(os.getpid())}
    assert controller_key() != controller_key(os.getpid())


def test_the_key_of_a_process_whose_number_is_used_again_differs() -> None:
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        start = controller_key(sleeper.pid).rsplit(":", 1)[1]
    finally:
        sleeper.kill()
        sleeper.wait()
    assert start.isdigit()
    assert start != controller_key(os.getpid()).rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("environment", "runner"),
    [
        ({"AWX_JOB_ID": "17"}, False),
        ({"TOWER_JOB_ID": "17"}, False),
        ({"AWX_HOST": "https://awx"}, False),
        ({"JOB_ID": "17"}, True),
        ({}, True),
    ],
)
def test_an_execution_environment_is_told_how_to_keep_its_files(environment: dict[str, str], runner: bool) -> None:
    warning = ephemeral_warning(environment, runner_directory=runner)
    assert warning is not None
    assert "lost when the job's container ends" in warning
    assert "patch_state_directory" in warning


@pytest.mark.parametrize("environment", [{}, {"JOB_ID": "17"}, {"AWX_JOB_ID": ""}])
def test_an_ordinary_controller_is_not_warned(environment: dict[str, str]) -> None:
    assert ephemeral_warning(environment, runner_directory=False) is None
