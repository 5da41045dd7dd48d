"""Runs every ``bench_*.py`` beside it, one after the other: ``run.py [NAME...]``.

A benchmark is a script. It prints its table, writes ``.cache/bench/<name>.json`` and ends with 0 when it reached its
target, 1 when not, 77 when this machine cannot carry it (and says why). Here 77 counts as a failure in CI.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CANNOT_RUN = 77
COLLECTIONS = ROOT / ".cache" / "collections"


def environment() -> dict[str, str]:
    folders = [str(COLLECTIONS), str(ROOT / "tests" / "lab"), str(ROOT / "tests" / "tools"), str(HERE)]
    environ = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), PYTHONPATH=os.pathsep.join(folders))
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", "")])
    return environ


def main(names: list[str]) -> int:
    found = sorted(HERE.glob("bench_*.py"))
    benches = [path for path in found if not names or path.stem.removeprefix("bench_") in names]
    if not benches:
        print(f"no benchmark called {' or '.join(names)} in {HERE}" if names else "no benchmark found", file=sys.stderr)
        return 1
    (ROOT / ".cache" / "bench").mkdir(parents=True, exist_ok=True)
    verdicts = {}
    for bench in benches:
        print(f"\n== {bench.stem}", flush=True)
        started = time.monotonic()
        code = subprocess.run([sys.executable, str(bench)], env=environment(), cwd=ROOT, check=False).returncode
        said = {0: "target reached", CANNOT_RUN: "cannot run on this machine"}.get(code, f"FAILED (exit code {code})")
        verdicts[bench.stem] = (code, f"{said}, {time.monotonic() - started:.0f} s")
    print()
    for name, (_code, said) in verdicts.items():
        print(f"{name}: {said}")
    accepted = {0} if os.environ.get("CI") else {0, CANNOT_RUN}
    return 0 if all(code in accepted for code, _said in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
