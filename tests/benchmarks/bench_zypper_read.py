"""Our read of a zypper host beside zypper and rpm doing the bare minimum: `bench_zypper_read.py [--packages N ...]`.

Every way runs as a process of its own on one lab host, in turns, with the metadata left as it is. Prints a table of
medians and writes .cache/bench/zypper_read.json. Ends with 0 when the target is reached, 1 when not, 77 when this
machine cannot carry the lab.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE, HERE.parent / "lab", HERE.parent / "parity", ROOT / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from bench_dnf_read import CANNOT_RUN, OURS, TARGET, lengthen, measure  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import payload  # noqa: E402

QUIET = "zypper --xmlout --non-interactive --no-refresh"
MINIMUM = "zypper and rpm, bare minimum"
# Installed packages, newer versions, patches and their severity: what zypper can tell of that at all. It has no command
# for the packages of every patch, nor for build times.
BY_HAND = f"{QUIET} list-updates && {QUIET} list-patches --with-optional && rpm -qa"


def ways() -> dict[str, tuple[list[str], str]]:
    """Name to command and standard input."""
    request = {"protocol": 1, "op": "read", "options": {"refresh": "never"}}
    sent = payload.build(request, environment={}, interpreters=[], seconds=900)
    return {
        OURS: (shlex.split(sent.command), sent.data.decode()),
        MINIMUM: (["sh", "-c", BY_HAND], ""),
        "zypper list-updates": (["sh", "-c", f"{QUIET} list-updates"], ""),
        "zypper list-patches": (["sh", "-c", f"{QUIET} list-patches"], ""),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--packages", type=int, default=5000, help="packages added to the metadata")
    options.add_argument("--notices", type=int, default=3000, help="patches added to the metadata")
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    if chosen.rounds < 5:
        options.error("fewer than five rounds make no median worth printing")
    from openfleet_lab import machine

    reason = machine.why_not()
    if reason:
        print(f"the lab cannot run here: {reason}")
        return CANNOT_RUN
    from openfleet_lab.api import session, start_host

    with session() as lab:
        host = start_host(lab, "sles15")
        try:
            lengthen(host.own_rpm_repositories(), chosen.packages, chosen.notices, number_of_repository=1)
            host.run(["zypper", "--non-interactive", "refresh"])
            filled = host.run(["sh", "-c", f"{QUIET} search --type package filler- | grep -c 'name=\"filler-'"]).stdout
            if int(filled) != chosen.packages:
                raise SystemExit(f"the host sees {filled.strip()} of {chosen.packages} packages that were added")
            rounds = measure(host, chosen.rounds, ways())
        finally:
            host.destroy()
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    ratio = medians[OURS] / medians[MINIMUM]
    print(f"lab host sles15, {chosen.packages} packages and {chosen.notices} patches more in the metadata")
    print(f"{'':32}{'median ms':>10}{'min':>8}{'max':>8}{'x minimum':>12}")
    for name, median in medians.items():
        low, high = min(rounds[name]), max(rounds[name])
        print(f"{name:32}{median:10.0f}{low:8.0f}{high:8.0f}{median / medians[MINIMUM]:12.2f}")
    print(f"{OURS} / {MINIMUM}: {ratio:.2f} (to reach: at most {TARGET})")
    out = ROOT / ".cache" / "bench" / "zypper_read.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"benchmark": "zypper_read", "packages": chosen.packages, "notices": chosen.notices,
                               "milliseconds": rounds, "medians": medians, "ratio": ratio, "target": TARGET},
                              indent=1) + "\n")  # fmt: skip
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
