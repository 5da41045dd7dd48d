"""The ansible-core versions the tests run with: ``.cache/venvs/core-2.16``, ``core-2.19`` and ``core-2.21``.

``core_venvs.py [VERSION...]`` creates those missing and says which this machine has no interpreter for.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from interpreters import find_interpreters  # noqa: E402

# Exact ansible-core release, and the controller interpreters it supports, the preferred one first.
CORES = {
    "2.16": ("2.16.19", ("3.11", "3.12", "3.10")),
    "2.19": ("2.19.14", ("3.11", "3.12", "3.13")),
    "2.21": ("2.21.5", ("3.13", "3.12", "3.14")),
}


def venv_path(core: str) -> Path:
    return ROOT / ".cache" / "venvs" / f"core-{core}"


def is_ready(core: str) -> bool:
    """The environment exists and carries exactly the pinned release."""
    python = venv_path(core) / "bin" / "python"
    if not (venv_path(core) / "bin" / "ansible-playbook").exists():
        return False
    probe = "from importlib.metadata import version; print(version('ansible-core'))"
    answer = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == CORES[core][0]


def ensure(core: str) -> str | None:
    """Create the environment if need be; a sentence when this machine cannot."""
    if is_ready(core):
        return None
    lock = venv_path(core).parent / f"core-{core}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        # Test processes side by side want the same environment at the same moment.
        fcntl.flock(held, fcntl.LOCK_EX)
        return None if is_ready(core) else _create(core)


def _create(core: str) -> str | None:
    release, pythons = CORES[core]
    found = find_interpreters()
    usable = [found[version] for version in pythons if version in found]
    if not usable:
        return f"ansible-core {release} needs a Python of {', '.join(sorted(pythons))}; none found on this machine"
    maker = Path(__file__).with_name("make_venv.sh")
    subprocess.run([str(maker), str(venv_path(core)), str(usable[0]), f"ansible-core=={release}"], check=True)
    return None


def main(cores: list[str]) -> int:
    with ThreadPoolExecutor() as pool:
        missing = [problem for problem in pool.map(ensure, cores or list(CORES)) if problem]
    for problem in missing:
        print(problem, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
