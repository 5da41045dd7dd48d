"""Runs every molecule scenario, as many at once as there are processors, four at most: ``run_molecule.py [NAME...]``.

A line per scenario; of one that failed, all that it printed. Ends with 77 and one line where this machine cannot carry
the lab, with 1 instead where ``CI`` is set. ``molecule test --all`` runs the same, one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "extensions" / "molecule"
MOLECULE = Path(sys.executable).with_name("molecule")
CANNOT_RUN = 77
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from openfleet_lab.machine import why_not  # noqa: E402


def environment() -> dict[str, str]:
    return dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".cache" / "collections"),
        ANSIBLE_HOME=str(ROOT / ".cache" / "ansible"),
        PATH=os.pathsep.join([str(MOLECULE.parent), os.environ.get("PATH", "")]),
    )


def scenarios() -> list[str]:
    return sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))


def molecule_test(scenario: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MOLECULE), "test", "--scenario-name", scenario],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def run_one(scenario: str) -> bool:
    started = time.monotonic()
    done = molecule_test(scenario)
    passed = done.returncode == 0
    words = "ok" if passed else f"FAILED (exit code {done.returncode})"
    text = "" if passed else done.stdout
    print(f"{text}molecule {scenario}: {words}, {time.monotonic() - started:.0f} s", flush=True)
    return passed


def cannot_run() -> str | None:
    """One line saying why the scenarios cannot run here, or None."""
    return why_not() if os.environ.get("OPENFLEET_MOLECULE_DRIVER", "lab") == "lab" else None


def main(wanted: list[str]) -> int:
    if reason := cannot_run():
        print(f"molecule: {reason}", flush=True)
        return 1 if os.environ.get("CI", "").lower() in ("1", "true", "yes") else CANNOT_RUN
    names = wanted or scenarios()
    started = time.monotonic()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        passed = list(pool.map(run_one, names))
    print(f"molecule: {sum(passed)} of {len(names)} scenarios passed in {time.monotonic() - started:.0f} s")
    return 0 if names and all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
