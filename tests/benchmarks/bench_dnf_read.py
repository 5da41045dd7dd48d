"""Our read of a dnf host beside the dnf API doing the bare minimum: `bench_dnf_read.py [--packages N --notices N]`.

Every way runs as a process of its own on one lab host, in turns, with the metadata left as it is. Prints a table of
medians and writes .cache/bench/dnf_read.json. Ends with 0 when the target is reached, 1 when not, 77 when this machine
cannot carry the lab.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE.parent / "lab", HERE.parent / "parity", ROOT / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from dnf_reading import command, request  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import payload  # noqa: E402

TARGET = 1.3
OURS = "our read, all that a scan runs"
MINIMUM = "its API, bare minimum"
CANNOT_RUN = 77
# Installed packages, newer versions, the notices of both: the least that answers the question at all.
BY_HAND = """
import json, sys
import dnf, hawkey
base = dnf.Base()
base.conf.read()
base.conf.substitutions.update_from_etc('/')
base.conf.cacheonly = True
base.read_all_repos()
base.fill_sack()
installed = base.sack.query().installed()
answer = {'installed': [(p.name, p.arch, p.evr) for p in installed],
          'upgrades': [(p.name, p.arch, p.evr, p.reponame) for p in base.sack.query().available().upgrades()],
          'notices': []}
for package in installed.get_advisory_pkgs(hawkey.LT | hawkey.EQ | hawkey.GT):
    advisory = package.get_advisory(base.sack)
    answer['notices'].append((package.name, package.evr, advisory.id, advisory.type, advisory.severity,
                              str(advisory.updated), [r.id for r in advisory.references]))
print(json.dumps(answer))
"""


def lengthen(view: Any, packages: int, notices: int, number_of_repository: int = 0) -> None:
    """Metadata of a repository as long as a real one's, signed as before."""
    from openfleet_lab.rpm_packages import Notice

    chosen = view.repositories[number_of_repository]
    repository = chosen.id
    metadata = view.place(repository) / "repodata"
    [listed] = metadata.glob("*-primary.xml.gz")
    text = gzip.decompress(listed.read_bytes()).decode()
    sample = re.findall(r"<package type=.*?</package>", text, re.S)[0]
    name = re.search(r"<name>(.*?)</name>", sample)
    assert name
    copies = [
        sample.replace(name.group(1), f"filler-{number}").replace(
            re.search(r'pkgid="YES">([0-9a-f]+)<', sample).group(1),  # type: ignore[union-attr]
            f"{number:064x}",
        )
        for number in range(packages)
    ]
    text = text.replace("</metadata>", "\n".join(copies) + "\n</metadata>")
    more = [
        Notice(f"RHSA-2026:9{number:04d}", "security", ((f"filler-{number % packages}", "1.1-1.el9", "noarch"),),
               "Important", cves=(f"CVE-2026-9{number:04d}",), repository=(*chosen.roles, repository)[0])
        for number in range(notices)
    ]  # fmt: skip
    view.publish((*view.distribution.published_notices, *more))
    primary = metadata / "primary.xml"
    primary.write_text(re.sub(r'packages="\d+"', f'packages="{text.count("<package type=")}"', text, count=1))
    subprocess.run(["modifyrepo_c", "--mdtype=primary", primary, metadata], check=True, capture_output=True)
    primary.unlink()
    view.sign(repository, "good")


def ways_of(reader: str, by_hand: str, *commands: list[str]) -> dict[str, tuple[list[str], str]]:
    """Name to command and standard input; `commands` are the package manager's own, as people run them."""
    sent = payload.build(json.loads(request()), environment={}, interpreters=[], seconds=900)
    return {
        OURS: (shlex.split(sent.command), sent.data.decode()),
        "the reader of it alone": (command(reader=reader), request()),
        MINIMUM: (["/usr/bin/python3", "-B", "-I", "-c", by_hand], ""),
        **{" ".join(words): ([words[0], "-q", *words[1:]], "") for words in commands},
    }


def measure(host: Any, rounds: int, ways: dict[str, tuple[list[str], str]]) -> dict[str, list[float]]:
    """Milliseconds of every round of every way, in turns so that a busy moment hits them all."""
    enter = ["nsenter", "-t", str(host.init_pid()), "-m", "-u", "-i", "-n", "-p", "--", "env", "-i",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]  # fmt: skip
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, (words, stdin) in ways.items():
            started = time.perf_counter()
            done = subprocess.run([*enter, *words], input=stdin, capture_output=True, text=True, check=False)
            # check-update says 100 when there is something to update.
            if done.returncode not in (0, 100):
                raise SystemExit(f"{name} ended with {done.returncode}: {done.stderr[-500:]}")
            # The first round warms the page cache.
            if number:
                found.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    return found


def main() -> int:
    return compare("rhel9", "dnf_read", __doc__, ways_of("dnf", BY_HAND, ["dnf", "-C", "check-update"],
                                                         ["dnf", "-C", "updateinfo", "list", "--all"]))  # fmt: skip


def compare(kind: str, benchmark: str, what: str | None, ways: dict[str, tuple[list[str], str]]) -> int:
    """Print the table of a host of that kind and write it down; the exit code of the script."""
    options = argparse.ArgumentParser(description=what)
    options.add_argument("--packages", type=int, default=5000, help="packages added to the metadata")
    options.add_argument("--notices", type=int, default=3000, help="notices added to the metadata")
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
        host = start_host(lab, kind)
        try:
            lengthen(host.own_rpm_repositories(), chosen.packages, chosen.notices)
            host.run(["dnf", "-q", "--refresh", "makecache"])
            filled = len(host.run(["dnf", "-q", "-C", "repoquery", "filler-*"]).stdout.split())
            if filled != chosen.packages:
                raise SystemExit(f"the host sees {filled} of {chosen.packages} packages that were added")
            rounds = measure(host, chosen.rounds, ways)
        finally:
            host.destroy()
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    ratio = medians[OURS] / medians[MINIMUM]
    print(f"lab host {kind}, {chosen.packages} packages and {chosen.notices} notices more in the metadata")
    print(f"{'':32}{'median ms':>10}{'min':>8}{'max':>8}{'x minimum':>12}")
    for name, median in medians.items():
        low, high = min(rounds[name]), max(rounds[name])
        print(f"{name:32}{median:10.0f}{low:8.0f}{high:8.0f}{median / medians[MINIMUM]:12.2f}")
    print(f"{OURS} / {MINIMUM}: {ratio:.2f} (to reach: at most {TARGET})")
    out = ROOT / ".cache" / "bench" / f"{benchmark}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"benchmark": benchmark, "packages": chosen.packages, "notices": chosen.notices,
                               "milliseconds": rounds, "medians": medians, "ratio": ratio, "target": TARGET},
                              indent=1) + "\n")  # fmt: skip
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
