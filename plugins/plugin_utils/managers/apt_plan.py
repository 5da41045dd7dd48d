# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for apt: the commands for exact versions, and what a simulation of them says.

Pure: commands are argument vectors, simulations are text that was carried home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..engine.changes import Change, Choice, CommandStep, Simulation, Target, families
from ..errors import PatchError
from ._titles import install_title

# Nothing may ask: debconf, needrestart, ucf, apt-listchanges and apt-listbugs each have a switch of their own.
QUIET_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "NEEDRESTART_MODE": "l",
    "NEEDRESTART_SUSPEND": "1",
    "UCF_FORCE_CONFFOLD": "1",
    "APT_LISTCHANGES_FRONTEND": "none",
    "APT_LISTBUGS_FRONTEND": "none",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}

# Seconds between TERM and KILL for a step whose time is up.
KILL_GRACE = 10

# apt-get has no words to keep a package out of a transaction.
AVOIDS = False
# It takes the version of a dependency that is named beside the targets.
COMPANIONS = True

# A changed conffile stays, an unchanged one takes the package's default.
_CONFFILES = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")


def package(target: Target) -> str:
    """``libc6:i386``, or the bare name of a package for all architectures."""
    return target.name if target.arch in ("", "all") else f"{target.name}:{target.arch}"


def _words(targets: Sequence[Target]) -> list[str]:
    if not targets:
        raise PatchError("empty_plan", "There is nothing to install, so no apt command may be built from it.")
    return [f"{package(target)}={target.version}" for target in targets]


def simulation_command(targets: Sequence[Target]) -> list[str]:
    """``apt-get -s`` for exactly these versions; takes no lock and changes nothing: apt's planner would write a log."""
    options = ["-o", "Debug::NoLocking=true", "-o", "Dir::Log::Planner=/dev/null"]
    return ["apt-get", "-s", "-y", "-q", *options, "install", *_words(targets)]


def simulation_commands(batches: Sequence[Sequence[Target]]) -> list[list[str]]:
    """Commands that simulate each batch; ``parse_simulations`` reads what they print."""
    return [simulation_command(batch) for batch in batches]


def parse_simulations(batches: Sequence[Sequence[Target]], results: Sequence[tuple[int, str]]) -> list[Simulation]:
    """One simulation per batch from the exit codes and outputs of ``simulation_commands``."""
    return [parse_simulation(code, output) for _batch, (code, output) in zip(batches, results, strict=True)]


def install_command(targets: Sequence[Target], *, allow_removals: bool, lock_timeout: int) -> list[str]:
    """``apt-get install`` for exactly these versions.

    ``--no-remove`` makes apt itself refuse a removal that no simulation showed. ``lock_timeout`` (seconds) is
    understood by apt 1.9.11 and later and ignored by older ones.
    """
    guard = [] if allow_removals else ["--no-remove"]
    return ["apt-get", "-y", "-q", *guard, *install_option_words(lock_timeout), "install", *_words(targets)]


LIBRARY = "python3-apt"


def library_steps(*, refresh: bool, lock_timeout: int, step_timeout: int) -> list[CommandStep]:
    """Installs the library that reading the host needs, with what it depends on and nothing else."""
    refreshing = _step("refresh the package lists", ["apt-get", "-q", "update"], step_timeout, continue_on_failure=True)
    words = ["-y", "-q", "--no-remove", "--no-install-recommends", *install_option_words(lock_timeout)]
    step = _step(f"install {LIBRARY}", _resumable(["apt-get", *words, "install", LIBRARY]), step_timeout)
    return [refreshing, step] if refresh else [step]


def install_option_words(lock_timeout: int) -> list[str]:
    """Options of every ``apt-get install``: changed conffiles stay, nothing asks."""
    return [*_CONFFILES, "-o", "Dpkg::Use-Pty=0", "-o", f"DPkg::Lock::Timeout={lock_timeout}"]


def install_steps(
    choice: Choice,
    *,
    allow_removals: bool,
    lock_timeout: int,
    step_timeout: int,
    separately: bool = False,
) -> list[CommandStep]:
    """The steps that bring these versions to the host, in order: python3-apt, the rest, automatic marks.

    ``separately`` gives each family a step of its own, so that what fails does not keep the others away; for a
    second try after all together failed. Order: Patch Manager user guide, installing patches on Debian.
    """
    targets = choice.targets
    first = [target for target in targets if target.name == LIBRARY]
    rest = [target for target in targets if target.name != LIBRARY]
    groups = families(rest) if separately else [rest]
    steps = []
    for group in [first, *groups]:
        if group:
            named = [*group, *choice.simulation.companions]
            command = install_command(named, allow_removals=allow_removals, lock_timeout=lock_timeout)
            steps.append(_step(install_title(group), _resumable(command), step_timeout, continue_on_failure=separately))
    marks = automatic_marks_command([*targets, *choice.simulation.companions])
    if marks:
        steps.append(_step("put automatic marks back", marks, 300, cleanup=True))
    return steps


def _step(
    name: str, argv: Sequence[str], timeout: int, *, continue_on_failure: bool = False, cleanup: bool = False
) -> CommandStep:
    return CommandStep(
        name, tuple(argv), timeout, QUIET_ENVIRONMENT, continue_on_failure=continue_on_failure, cleanup=cleanup
    )


def _resumable(command: Sequence[str]) -> list[str]:
    """The same command, which may run again after a power cut: apt refuses to work while dpkg has unfinished work.
    The script is fixed, the command travels as its arguments."""
    return ["/bin/sh", "-c", 'dpkg --force-confdef --force-confold --configure -a; exec "$@"', "sh", *command]


_CONFIGURE = ("dpkg", "--force-confdef", "--force-confold", "--configure")


def repair_steps(step_timeout: int) -> list[CommandStep]:
    """Brings to its end what an interrupted run of dpkg left."""
    return [_step("finish interrupted dpkg runs", [*_CONFIGURE, "-a"], step_timeout)]


def configure_steps(packages: Iterable[tuple[str, str, str]], step_timeout: int) -> list[CommandStep]:
    """Configures these unpacked packages (name, architecture, version) and runs nobody else's scripts."""
    names = [name if arch in ("", "all") else f"{name}:{arch}" for name, arch, _version in packages]
    return [_step(f"configure {len(names)} unpacked packages", [*_CONFIGURE, *names], step_timeout)]


def automatic_marks_command(targets: Iterable[Target]) -> list[str] | None:
    """Puts back the automatic marks that naming a package on the command line takes away; None without any."""
    packages = [package(target) for target in targets if target.automatic]
    return ["apt-mark", "auto", *packages] if packages else None


# Inst curl [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64]) []
# Inst libc6:i386 (2.36-9+deb12u10 Debian:12.9/stable, Debian-Security:12/stable-security [i386])
_INSTALL_LINE = re.compile(
    r"Inst (?P<name>[^\s:\[(]+)(?::(?P<foreign>[^\s\[(]+))?(?: \[(?P<old>[^\]]+)\])?"
    r" \((?P<new>\S+)(?: [^\[]*)?\[(?P<arch>[^\]]+)\]\)"
)
# Remv acme-old [1.0] | Purg acme-old [1.0] | Remv libx:i386 [1.0] [libx:amd64 ]
_REMOVE_LINE = re.compile(r"(?:Remv|Purg) (?P<name>[^\s:\[]+)(?::(?P<foreign>[^\s\[]+))? \[(?P<old>[^\]]+)\]")


def parse_simulation(code: int, output: str) -> Simulation:
    """A simulation from the exit code and output of ``simulation_command``.

    A line that starts like a change and cannot be read is an error, never skipped: an unseen removal must not
    reach a host.
    """
    simulation = Simulation()
    for line in output.splitlines():
        if line.startswith("Inst "):
            found = _understood(_INSTALL_LINE.match(line), line)
            simulation.changes.append(
                Change(found["name"], found["foreign"] or found["arch"], found["old"], found["new"])
            )
        elif line.startswith(("Remv ", "Purg ")):
            found = _understood(_REMOVE_LINE.match(line), line)
            simulation.removals.append(Change(found["name"], found["foreign"] or "", found["old"], None))
    if code != 0:
        simulation.error = _reason(output, code)
    return simulation


def _understood(found: re.Match[str] | None, line: str) -> re.Match[str]:
    if found is None:
        raise PatchError("unreadable_simulation", f"apt-get -s printed a line that is not understood: {line[:200]!r}")
    return found


def _reason(text: str, code: int) -> str:
    """apt's own words: its ``E:`` lines and the unmet dependencies above them."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    unmet = [line for line in lines if re.match(r"(\S+ : )?(Pre)?-?(Depends|Breaks|Conflicts|Recommends): ", line)]
    errors = [line for line in lines if line.startswith("E:")]
    words = "; ".join([*unmet[:5], *errors[:5]])
    return words or f"apt-get ended with exit code {code} and gave no reason"


# dpkg: error processing package acme-fail (--configure):
#  installed acme-fail package post-installation script subprocess returned error exit status 1
_PACKAGE_ERROR = re.compile(r"dpkg: error processing (?:package|archive) (?P<what>\S+)[^\n]*:\n (?P<why>[^\n]+)")


def failure_reasons(log: str) -> tuple[dict[str, str], str]:
    """Why packages failed, by name, and the general reason, from the end of the log of an install step."""
    reasons = {}
    for found in _PACKAGE_ERROR.finditer(log):
        # "/var/cache/apt/archives/acme_1.0_all.deb" or "acme:amd64"
        name = re.sub(r"_.*", "", found["what"].rpartition("/")[2]).partition(":")[0]
        reasons[name] = " ".join(found["why"].split())
    errors = [" ".join(line.split()) for line in log.splitlines() if line.startswith(("E: ", "dpkg: error: "))]
    return reasons, "; ".join(errors[-5:])


def is_stale(reason: str) -> bool:
    """The repository no longer has what the plan was made from, so a fresh reading may help."""
    return "was not found" in reason or "404  Not Found" in reason or "Hash Sum mismatch" in reason


# New versions of conffiles that dpkg and ucf left beside those that were changed on the host.
CONFFILE_SUFFIXES = (".dpkg-dist", ".ucf-dist", ".dpkg-new")


def conffiles_command(newer_than: str) -> list[str]:
    """Lists new conffiles beside changed ones in /etc that came after the file ``newer_than``."""
    names = [word for suffix in CONFFILE_SUFFIXES for word in ("-o", "-name", f"*{suffix}")][1:]
    return ["find", "/etc", "-xdev", "-type", "f", "(", *names, ")", "-cnewer", newer_than]
