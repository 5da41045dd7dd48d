"""docs/walkthrough.md, command by command, on six hosts of two families."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openfleet_lab.api import Lab, LabHost, start_host
from walkthrough import Command, missing_line, steps, write

pytestmark = [pytest.mark.lab, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
HOSTS = {"web1": "ubuntu2204", "web2": "ubuntu2204", "web3": "ubuntu2204", "db1": "rhel9", "db2": "rhel9",
         "tool1": "rocky9"}  # fmt: skip


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    started: dict[str, LabHost] = {}
    try:
        for name, kind in HOSTS.items():
            started[name] = start_host(lab, kind)
        hosts = {name: host.inventory("root") for name, host in started.items()}
        path = tmp_path / "addresses.json"
        path.write_text(json.dumps({"all": {"hosts": hosts}}))
        yield path
    finally:
        for host in started.values():
            host.destroy()


def test_the_walkthrough_says_what_happens(inventory: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
    # Whoever tests in that very night would find the window open.
    assert page.count("TUE#2 *)") == 1
    page = page.replace("TUE#2 *)", "TUE#2 2199)")
    folder = tmp_path / "folder"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_INVENTORY": f"inventory.yml,{inventory}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    commands = 0
    for step in steps(page):
        if not isinstance(step, Command):
            write(folder, step)
            continue
        commands += 1
        done = subprocess.run(
            ["bash", "-c", step.line], cwd=folder, env=environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        printed = done.stdout + done.stderr
        assert done.returncode == step.exit_code, f"{step.line}\n{printed}"
        assert (line := missing_line(step.lines, printed)) is None, f"{step.line}\nnot printed: {line}\n{printed}"
    assert commands == 10
