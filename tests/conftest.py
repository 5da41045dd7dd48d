"""What every test shares: the collection's import path, marks, and an honest word about what was not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".cache" / "collections"
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def link_collection() -> None:
    """``.cache/collections/ansible_collections/openfleet/patch`` leads to this checkout."""
    link = COLLECTIONS / "ansible_collections" / "openfleet" / "patch"
    if link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    # Relative, so that the checkout can be moved; another test process may have been faster.
    try:
        link.symlink_to(os.path.relpath(ROOT, link.parent))
    except FileExistsError:
        pass


link_collection()
for folder in (ROOT / "tests" / "tools", ROOT / "tests" / "lab", COLLECTIONS):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(COLLECTIONS))

from interpreters import find_interpreters, report  # noqa: E402
from openfleet_lab.machine import why_not  # noqa: E402
from turns import Groups, turn  # noqa: E402
from xdist.remote import Producer  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=turn)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups | None:
    return Groups(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("lab") is None:
        return
    reason = why_not()
    if reason and CI:
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = terminalreporter.stats.get("passed", [])
    gates = [str(value) for each in passed for name, value in each.user_properties if name == "gate"]
    if gates:
        terminalreporter.section("gates")
        terminalreporter.line("\n".join(gates))
    terminalreporter.section("what this machine has")
    terminalreporter.line(report(find_interpreters()))
    terminalreporter.line("lab: " + (why_not() or "this machine can carry it"))
