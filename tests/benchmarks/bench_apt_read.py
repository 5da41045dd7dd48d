"""Our read of an apt host beside what a person would use: `bench_apt_read.py [--host KIND | --here]`.

Every way runs as a process of its own, in turns, at least five times, with the lists left as they are. Prints a table
of medians and writes .cache/bench/apt_read.json. A lab host is the default; --packages makes its index as long as a
real one's. Ends with 0 when the target is reached, 1 when not, 77 when this machine cannot carry the lab.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE.parent / "lab", HERE.parent / "parity", ROOT / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from apt_reading import READER, request  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import payload  # noqa: E402

TARGET = 1.3
OURS = "our read, all that a scan runs"
CANNOT_RUN = 77

# What somebody writes by hand for the same question: installed and upgradable packages with their origins.
BY_HAND = """
import json
import apt_pkg
apt_pkg.init()
cache = apt_pkg.Cache(None)
depcache = apt_pkg.DepCache(cache)
installed, upgradable = [], []
def origins(version):
    return [[f.origin, f.archive, f.label, f.codename, f.component, f.site] for f, _ in version.file_list]
for package in cache.packages:
    current = package.current_ver
    if not current:
        continue
    installed.append([package.name, current.arch, current.ver_str, origins(current)])
    candidate = depcache.get_candidate_ver(package)
    if candidate and candidate.id != current.id:
        upgradable.append([package.name, candidate.arch, candidate.ver_str, origins(candidate)])
print(json.dumps({"installed": installed, "upgradable": upgradable}))
"""

PYTHON = ["/usr/bin/python3", "-I", "-c"]
Run = Callable[[list[str], str], str]


def ways(have_unattended: bool) -> dict[str, tuple[list[str], str]]:
    sent = payload.build(json.loads(request()), environment={}, interpreters=[], seconds=900)
    found = {
        OURS: (shlex.split(sent.command), sent.data.decode()),
        "the reader of it alone": ([*PYTHON, READER], request()),
        "hand-written script": ([*PYTHON, BY_HAND], ""),
        "apt-get -s dist-upgrade": (["apt-get", "-s", "dist-upgrade"], ""),
        "apt list --upgradable": (["apt", "list", "--upgradable"], ""),
    }
    if have_unattended:
        found["unattended-upgrade --dry-run"] = (["unattended-upgrade", "--dry-run"], "")
    return found


def measure(run: Run, rounds: int, have_unattended: bool) -> dict[str, list[float]]:
    """Milliseconds of every round of every way, in turns so that a busy moment hits them all."""
    seconds: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, (command, stdin) in ways(have_unattended).items():
            started = time.perf_counter()
            run(command, stdin)
            # The first round warms the page cache.
            if number:
                seconds.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    return seconds


def here(command: list[str], stdin: str) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    # unattended-upgrade says 1 when it would leave something out, which is its everyday answer.
    if done.returncode not in ((0, 1) if "unattended-upgrade" in command else (0,)):
        raise SystemExit(f"{command[:4]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


@contextlib.contextmanager
def lab_run(kind: str, packages: int) -> Iterator[Run]:
    from openfleet_lab.api import session, start_host

    with session() as lab:
        host = start_host(lab, kind)
        try:
            if packages:
                lengthen(host.run, packages)

            # nsenter alone, without the look-up of the host's PID 1 that host.run does each time.
            enter = ["nsenter", "-t", str(host.init_pid()), "-m", "-u", "-i", "-n", "-p", "--", "env", "-i",
                     "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]  # fmt: skip
            yield lambda command, stdin: here([*enter, *command], stdin)
        finally:
            host.destroy()


def lengthen(run: Callable[..., object], packages: int) -> None:
    """Append as many packages to the list of the release as a real archive has."""
    entry = ("Package: filler-{0}\\nArchitecture: all\\nVersion: 1.{0}\\nPriority: optional\\nSection: misc\\n"
             "Maintainer: Lab <lab@example.invalid>\\nDepends: libc6, python3\\nInstalled-Size: 10\\nSize: 1000\\n"
             "Filename: pool/filler-{0}.deb\\nSHA256: {1}\\nDescription: filler {0}\\n\\n")  # fmt: skip
    code = ("import glob\n"
            "path = [p for p in glob.glob('/var/lib/apt/lists/*_main_binary-*_Packages')"
            " if '-updates' not in p and '-security' not in p and '-backports' not in p and 'deb.lab' in p][0]\n"
            f"text = ''.join('{entry}'.format(n, 'a' * 64) for n in range({packages}))\n"
            "open(path, 'a').write('\\n' + text)\n")  # fmt: skip
    run([*PYTHON, code])
    run(["apt-get", "-s", "install"])


def table(medians: dict[str, float], rounds: dict[str, list[float]]) -> str:
    base = medians["hand-written script"]
    lines = [f"{'':32}{'median ms':>10}{'min':>8}{'max':>8}{'x hand-written':>16}"]
    for name, median in medians.items():
        low, high = min(rounds[name]), max(rounds[name])
        lines.append(f"{name:32}{median:10.0f}{low:8.0f}{high:8.0f}{median / base:16.2f}")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--here", action="store_true", help="this machine instead of a lab host")
    options.add_argument("--host", default="bookworm", help="kind of lab host")
    options.add_argument("--packages", type=int, default=60000, help="packages added to the lab host's index")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--out", type=Path, default=ROOT / ".cache" / "bench" / "apt_read.json")
    chosen = options.parse_args()
    if chosen.rounds < 5:
        options.error("fewer than five rounds make no median worth printing")
    if not chosen.here:
        from openfleet_lab import machine

        reason = machine.why_not()
        if reason:
            print(f"the lab cannot run here: {reason}")
            return CANNOT_RUN
    with contextlib.nullcontext(here) if chosen.here else lab_run(chosen.host, chosen.packages) as run:
        answer = json.loads(run(*ways(False)["the reader of it alone"]))
        unattended = "unattended-upgrades" in {row[0] for row in answer["result"]["installed"]["rows"]}
        rounds = measure(run, chosen.rounds, unattended)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    ratio = medians[OURS] / medians["hand-written script"]
    counts = {key: len(answer["result"][key]["rows"]) for key in ("installed", "candidates")}
    where = "this machine" if chosen.here else f"lab host {chosen.host}, {chosen.packages} packages more in the index"
    print(f"{where}: {counts['installed']} installed, {counts['candidates']} newer versions")
    print(table(medians, rounds))
    print(f"{OURS} / hand-written script: {ratio:.2f} (to reach: at most {TARGET})")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps({
        "benchmark": "apt_read", "where": where, **counts, "milliseconds": rounds, "medians": medians,
        "ratio_to_hand_written": ratio, "target": TARGET,
    }, indent=1) + "\n")  # fmt: skip
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
