"""Our installation against `apt-get install` by hand over ssh: the same thirty packages, on fresh hosts, in turns.

Each package has 1.5 MiB in 48 files and a maintainer script that calls update-alternatives, so that they take about as
long as ordinary ones; ``--light`` takes the lab's feature `bulk` instead, packages of one tiny file.
Both ways fetch the package lists, keep changed conffiles and are quiet in the same way, from logging in to being done.
Three rows: the installation on the host (the commands that install, beside `apt-get install`), the whole task (reading,
deciding, simulating, installing, reading again, beside ssh with `apt-get update` and `apt-get install`), and for
comparison the whole `ansible-playbook`. The target is for the first two.
``bench_install.py [--rounds 5] [--light]``
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openfleet_lab import debs
from openfleet_lab.api import Lab, LabHost, forget_snapshot, session, start_host
from openfleet_lab.machine import why_not
from openfleet_lab.packages import BULK, Package, Version

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_plan import QUIET_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / ".cache" / "bench" / "install.json"
TARGET = 1.15
KIND = "bookworm"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
OPTIONS = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Use-Pty=0"]
Seconds = dict[str, float]

BY_HAND = """\
export %s
began=$(date +%%s.%%N)
apt-get -q update >/dev/null || exit 1
fetched=$(date +%%s.%%N)
%s >/dev/null || exit 1
echo "$began $fetched $(date +%%s.%%N)"
"""

# When the first command began and the last ended, by the times of the journal's own files.
JOB = """\
cd /var/lib/openfleet-patch/jobs/* || exit 1
stat -c '%n %.6Y' created result steps/*/started steps/*/exit
"""


def _version(name: str, version: str, pocket: str) -> Version:
    """1.5 MiB, other bytes in every version; what is in the files never matters."""
    noise = random.Random(f"{name} {version}")
    files = {f"/usr/share/{name}/{number:02d}.dat": noise.randbytes(16384).hex() for number in range(48)}
    command = f"update-alternatives --install /usr/bin/{name} {name} /usr/share/{name}/00.dat 10"
    return Version(version, pocket, files=files, scripts={"postinst": command})


def heavy_packages() -> list[Package]:
    names = [f"acme-heavy-{number:02d}" for number in range(1, 31)]
    return [
        Package(name, "one of thirty", (_version(name, "1.0", "release"), _version(name, "1.1", "security")))
        for name in names
    ]


class Fleet:
    """Hosts that have the old versions of `packages`, each with repositories that have the new ones."""

    def __init__(self, lab: Lab, *, light: bool) -> None:
        self.lab = lab
        self.packages = list(BULK) if light else heavy_packages()
        self.names = [package.name for package in self.packages]
        self.snapshot = "" if light else f"bench-install-{os.getpid()}"

    def __enter__(self) -> Fleet:
        if self.snapshot:
            host = start_host(self.lab, KIND, f"bench-old-{os.getpid()}")
            try:
                staged = host.root / "var/cache/bench"
                staged.mkdir()
                for package in self.packages:
                    shutil.copy(debs.build(self.lab, package, package.versions[0]).path, staged)
                host.run(["sh", "-c", "dpkg -i /var/cache/bench/*.deb && rm -r /var/cache/bench"])
                host.power_off()
                host.snapshot(self.snapshot)
            finally:
                host.destroy()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.snapshot:
            forget_snapshot(self.lab, self.snapshot)

    def host(self, name: str) -> LabHost:
        if not self.snapshot:
            return start_host(self.lab, KIND, name, features=["bulk"])
        host = start_host(self.lab, "", name, snapshot=self.snapshot)
        view = host.own_repositories()
        for package in self.packages:
            for version in package.versions:
                view.add(package, version, publish=False)
        view.publish(["release", "security"])
        return host


def by_hand(host: LabHost, names: list[str]) -> Seconds:
    quiet = " ".join(f"{name}={shlex.quote(value)}" for name, value in QUIET_ENVIRONMENT.items())
    program = BY_HAND % (quiet, shlex.join(["apt-get", "-y", "-q", *OPTIONS, "install", *names]))
    started = time.monotonic()
    done = subprocess.run(
        [*host.ssh_argv(), "sh", "-s"], input=program, capture_output=True, text=True, check=False, timeout=300
    )
    whole = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"apt-get by hand failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    _began, fetched, ended = map(float, done.stdout.split())
    return {"installation": ended - fetched, "task": whole, "command": whole}


def playbook(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """One task of ours between two looks at the clock."""
    baseline = {"name": "bench", "operating_system": "DEBIAN", "approval_rules": [], "approved_patches": names}
    task = {
        "baselines": [baseline],
        "default_baselines": {"DEBIAN": "bench"},
        "state_directory": str(folder / "state"),
        "refresh": "always",
    }
    clock = {"ansible.builtin.debug": {"msg": "CLOCK={{ now(utc=true).strftime('%s.%f') }}"}}
    return [{"hosts": "all", "gather_facts": False, "tasks": [clock, {"openfleet.patch.install_patches": task}, clock]}]


def ours(host: LabHost, names: list[str]) -> Seconds:
    with tempfile.TemporaryDirectory(prefix="openfleet-bench-") as name:
        folder = Path(name)
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": {host.name: host.inventory()}}}))
        (folder / "play.yml").write_text(json.dumps(playbook(folder, names)))
        environ = dict(os.environ, ANSIBLE_HOME=str(folder), ANSIBLE_PIPELINING="true", ANSIBLE_NOCOLOR="1")
        started = time.monotonic()
        done = subprocess.run(
            [str(PLAYBOOK), "-i", str(folder / "inventory.json"), str(folder / "play.yml")],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        whole = time.monotonic() - started
    clocks = [float(found) for found in re.findall(r"CLOCK=([0-9.]+)", done.stdout)]
    if done.returncode != 0 or len(clocks) != 2:
        raise SystemExit(f"our playbook failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    times = dict(line.split() for line in host.run(["sh", "-c", JOB]).stdout.splitlines())
    began = min(float(when) for file, when in times.items() if file.endswith("/started"))
    ended = max(float(when) for file, when in times.items() if file.endswith("/exit"))
    return {
        "installation": ended - began,
        "job": float(times["result"]) - float(times["created"]),
        "task": clocks[1] - clocks[0],
        "command": whole,
    }


def insist_on_versions(host: LabHost, names: list[str]) -> None:
    """A fast installation that installed nothing would be no result."""
    answer = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}\n", *names]).stdout
    if answer.split() != ["ii", "1.1"] * len(names):
        raise SystemExit(f"{host.name} has not the new version of every package:\n{answer}")


def time_once(fleet: Fleet, way: Callable[[LabHost, list[str]], Seconds]) -> Seconds:
    host = fleet.host(f"bench-{os.getpid()}")
    try:
        # dpkg waits for the disk: what the host before left to be written must not be paid for by this one.
        os.sync()
        seconds = way(host, fleet.names)
        insist_on_versions(host, fleet.names)
    finally:
        host.destroy()
    return seconds


def measure(rounds: int, *, light: bool) -> dict[str, list[Seconds]]:
    ways = {"hand": by_hand, "ours": ours}
    found: dict[str, list[Seconds]] = {name: [] for name in ways}
    with session() as lab, Fleet(lab, light=light) as fleet:
        for turn in range(rounds + 1):
            for name in sorted(ways, reverse=bool(turn % 2)):
                seconds = time_once(fleet, ways[name])
                # The first round warms the page cache.
                if turn:
                    found[name].append(seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--light", action="store_true")
    options = parser.parse_args()
    if reason := why_not():
        print(reason)
        return 77
    found = measure(options.rounds, light=options.light)
    medians = {
        way: {row: statistics.median(seconds[row] for seconds in rounds) for row in rounds[0]}
        for way, rounds in found.items()
    }
    # The two of a round follow each other at once, so what else the machine does meets both of them.
    pairs = list(zip(found["ours"], found["hand"], strict=True))
    ratios = {row: statistics.median(own[row] / hand[row] for own, hand in pairs) for row in medians["hand"]}
    shown = {
        "installation": "installation on the host",
        "task": "whole task, ssh by hand",
        "command": "ansible-playbook",
    }
    print(f"{'':<26} {'by hand s':>10} {'ours s':>8} {'ratio':>6}   medians of {options.rounds} rounds on fresh hosts")
    for row, label in shown.items():
        print(f"{label:<26} {medians['hand'][row]:>10.2f} {medians['ours'][row]:>8.2f} {ratios[row]:>6.2f}")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    settings = {"target": TARGET, "kind": KIND, "packages": len(BULK), "light": options.light}
    RESULT.write_text(json.dumps({**settings, "seconds": found, "medians": medians, "ratios": ratios}, indent=1) + "\n")
    worst = max(ratios["installation"], ratios["task"])
    print(f"target: at most {TARGET} for the first two rows; worst: {worst:.2f}")
    return 0 if worst <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
