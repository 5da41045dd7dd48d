"""Hosts whose Python is older than ansible-core still wants: ours run there, on every release, and core's do not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from transport_play import Controller, carry, inventory_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from interpreters import find_interpreters

pytestmark = pytest.mark.lab
OLD = ("2.7", "3.6")
# The host has apt's library for its own Python only. This stands in for it: what is proven here is that transport,
# loader and reader run under the old interpreter, not what apt would say.
STAND_IN = "VERSION = 'stand-in'\n\n\ndef init_config():\n    pass\n"
REFUSED_BY_CORE = {("2.19", "2.7"), ("2.19", "3.6"), ("2.21", "2.7"), ("2.21", "3.6")}


def copy_interpreter(python: Path, root: Path) -> str:
    """Put an interpreter and its library at the same absolute place below ``root``; returns its path there."""
    home = python.resolve().parents[1]
    ignore = shutil.ignore_patterns("test", "tests", "*.a", "*.pyc", "__pycache__", "site-packages", "idlelib", "share")
    shutil.copytree(home, root / home.relative_to("/"), symlinks=True, ignore=ignore, dirs_exist_ok=True)
    library = next((root / home.relative_to("/") / "lib").glob("python*"))
    (library / "site-packages").mkdir(exist_ok=True)
    (library / "site-packages" / "apt_pkg.py").write_text(STAND_IN)
    return str(python.resolve())


@pytest.fixture(scope="module")
def old_pythons(host: Any) -> Any:
    found = find_interpreters()
    missing = [version for version in OLD if version not in found]
    if missing:
        pytest.skip(f"this machine has no Python {', '.join(missing)} to put on the host")
    return {version: copy_interpreter(Path(found[version]), host.root) for version in OLD}


def test_a_reading_comes_from_an_interpreter_that_ansible_core_refuses(
    controller: Controller, host: Any, old_pythons: dict[str, str]
) -> None:
    hosts = {
        version: {**host.inventory("root"), "ansible_python_interpreter": path} for version, path in old_pythons.items()
    }
    ping = {"name": "ping", "ansible.builtin.ping": {}, "ignore_errors": True}
    play = controller.play(inventory_of(hosts), [ping, carry()])
    for version, path in old_pythons.items():
        task = play.task(version, "carry")
        assert task.status == "ok", task.result
        reading = task.result["reading"]
        assert reading["interpreter"]["path"] == path
        assert reading["interpreter"]["version"].startswith(version + ".")
        assert reading["result"] == {"api": "apt_pkg", "version": "stand-in"}
        pinged = play.task(version, "ping").status == "ok"
        assert pinged == ((controller.core, version) not in REFUSED_BY_CORE)


def test_an_interpreter_without_the_library_leaves_the_reading_to_the_next(
    controller: Controller, host: Any, old_pythons: dict[str, str]
) -> None:
    # As most interpreters in an inventory: it cannot see the library.
    stand_in = next(
        (host.root / old_pythons["2.7"].lstrip("/")).parents[1].glob("lib/python*/site-packages/apt_pkg.py")
    )
    hidden = stand_in.rename(stand_in.with_name("elsewhere.py"))
    variables = {**host.inventory("root"), "ansible_python_interpreter": f"/usr/bin/env {old_pythons['2.7']}"}
    try:
        task = controller.play(inventory_of({"a": variables}), [carry()]).only()
    finally:
        hidden.rename(stand_in)
    assert task.status == "ok", task.result
    reading = task.result["reading"]
    assert reading["interpreter"]["path"] == "/usr/bin/python3"
    seen = f"{old_pythons['2.7']} ImportError('No module named apt_pkg',)"
    assert reading["system"]["interpreters_tried"] == [seen]
