# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and simulations of apt; the recorded lines come from apt 2.6.1 on Debian 12."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import Change, Choice, Simulation, Target
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import apt_plan

CURL = Target("curl", "amd64", "7.88.1-10+deb12u15", "7.88.1-10+deb12u14", automatic=False, family="curl")
LIBCURL = Target("libcurl4", "amd64", "7.88.1-10+deb12u15", "7.88.1-10+deb12u14", automatic=True, family="curl")
TZDATA = Target("tzdata", "all", "2026b-0+deb12u1", "2025b-0+deb12u2", automatic=True, family="tzdata")
APT = Target("python3-apt", "amd64", "2.6.0", "2.5.0", family="python-apt")

RECORDED = """\
Reading package lists...
The following additional packages will be installed:
  libcurl4
Inst curl [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64]) []
Inst libcurl4 [7.88.1] (7.88.1-10+deb12u15 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst tzdata [2025b-0+deb12u2] (2026b-0+deb12u1 Debian:12.15/oldstable [all])
Inst apparmor (3.0.8-3 Debian:12.15/oldstable [amd64])
Inst libc6:i386 [2.36-9] (2.36-9+deb12u10 Debian:12.9/stable [i386])
Remv acme-old [1.0] [acme-new:amd64 ]
Conf curl (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64])
"""

UNMET = """\
Reading package lists...
The following packages have unmet dependencies:
 curl : Depends: libcurl4 (= 7.88.1-10+deb12u14) but 7.88.1-10+deb12u15 is to be installed
E: Unable to correct problems, you have held broken packages.
"""


def steps(targets: list[Target], **options: bool) -> list[tuple[str, tuple[object, ...]]]:
    planned = apt_plan.install_steps(
        Choice(list(targets), Simulation(), {}), allow_removals=False, lock_timeout=60, step_timeout=600, **options
    )
    return [(step.name, step.argv) for step in planned]


def test_a_recorded_simulation_is_read_whole() -> None:
    simulation = apt_plan.parse_simulation(0, RECORDED)
    assert simulation == Simulation(
        changes=[
            Change("curl", "amd64", "7.88.1-10+deb12u14", "7.88.1-10+deb12u15"),
            Change("libcurl4", "amd64", "7.88.1", "7.88.1-10+deb12u15"),
            Change("tzdata", "all", "2025b-0+deb12u2", "2026b-0+deb12u1"),
            Change("apparmor", "amd64", None, "3.0.8-3"),
            Change("libc6", "i386", "2.36-9", "2.36-9+deb12u10"),
        ],
        removals=[Change("acme-old", "", "1.0", None)],
    )


def test_a_flat_repository_without_release_names_is_read() -> None:
    for origin in ("localhost ", ""):
        changes = apt_plan.parse_simulation(0, f"Inst acme [1.0] (1.1 {origin}[amd64])\n").changes
        assert changes == [Change("acme", "amd64", "1.0", "1.1")]


@pytest.mark.parametrize("line", ["Inst something new in a later apt", "Remv without a version", "Purg x"])
def test_a_change_that_cannot_be_read_is_an_error(line: str) -> None:
    with pytest.raises(PatchError, match="not understood"):
        apt_plan.parse_simulation(0, line)


def test_a_refusal_is_carried_in_the_words_of_apt() -> None:
    assert apt_plan.parse_simulation(100, UNMET).error == (
        "curl : Depends: libcurl4 (= 7.88.1-10+deb12u14) but 7.88.1-10+deb12u15 is to be installed; "
        "E: Unable to correct problems, you have held broken packages."
    )


def test_a_silent_refusal_is_still_a_refusal() -> None:
    assert apt_plan.parse_simulation(100, "").error == "apt-get ended with exit code 100 and gave no reason"


def test_exact_versions_reach_the_command_as_single_words() -> None:
    command = apt_plan.install_command([CURL, TZDATA], allow_removals=False, lock_timeout=60)
    assert command[-2:] == ["curl:amd64=7.88.1-10+deb12u15", "tzdata=2026b-0+deb12u1"]
    assert "--no-remove" in command
    assert "--no-remove" not in apt_plan.install_command([CURL], allow_removals=True, lock_timeout=60)


def test_an_empty_plan_never_becomes_a_command() -> None:
    with pytest.raises(PatchError, match="nothing to install"):
        apt_plan.install_command([], allow_removals=False, lock_timeout=60)
    with pytest.raises(PatchError, match="nothing to install"):
        apt_plan.simulation_command([])


def test_no_word_of_a_command_switches_a_signature_check_off() -> None:
    words = " ".join(apt_plan.install_command([CURL], allow_removals=True, lock_timeout=1)).lower()
    assert [word for word in ("unauthenticated", "insecure", "force-yes", "trusted") if word in words] == []


def test_everything_is_installed_by_one_command_after_python3_apt() -> None:
    planned = steps([CURL, LIBCURL, APT, TZDATA])
    assert [name for name, _argv in planned] == [
        "install python3-apt 2.6.0",
        "install 3 packages, curl to tzdata",
        "put automatic marks back",
    ]
    assert planned[-1][1] == ("apt-mark", "auto", "libcurl4:amd64", "tzdata")


def test_families_get_steps_of_their_own_in_a_second_try() -> None:
    assert [name for name, _argv in steps([CURL, LIBCURL, TZDATA], separately=True)] == [
        "install 2 packages, curl to libcurl4",
        "install tzdata 2026b-0+deb12u1",
        "put automatic marks back",
    ]


def test_what_comes_along_at_a_named_version_is_named_and_marked_as_installed_automatically() -> None:
    along = Target("libnew", "amd64", "1.0", None, automatic=True)
    choice = Choice([CURL], Simulation(companions=[along]), {})
    install, marks = apt_plan.install_steps(choice, allow_removals=False, lock_timeout=60, step_timeout=600)
    assert install.argv[-2:] == (f"curl:amd64={CURL.version}", "libnew:amd64=1.0")
    assert marks.argv == ("apt-mark", "auto", "libnew:amd64")


def test_an_interrupted_dpkg_is_repaired_keeping_changed_conffiles() -> None:
    [step] = apt_plan.repair_steps(60)
    assert step.argv == ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a")
    assert step.environment["DEBIAN_FRONTEND"] == "noninteractive"


def test_unpacked_packages_are_configured_by_name() -> None:
    [step] = apt_plan.configure_steps([("curl", "amd64", "1"), ("tzdata", "all", "1")], 60)
    assert step.argv[-3:] == ("--configure", "curl:amd64", "tzdata")


def test_the_library_comes_with_what_it_depends_on_and_removes_nothing() -> None:
    refresh, install = apt_plan.library_steps(refresh=True, lock_timeout=60, step_timeout=600)
    assert refresh.continue_on_failure
    assert {"--no-remove", "--no-install-recommends"} < set(install.argv)
    assert install.argv[-1] == "python3-apt"
    assert [step.name for step in apt_plan.library_steps(refresh=False, lock_timeout=1, step_timeout=1)] == [
        "install python3-apt"
    ]


def test_no_step_can_ask_a_question() -> None:
    planned = apt_plan.install_steps(
        Choice([CURL], Simulation(), {}), allow_removals=False, lock_timeout=1, step_timeout=1
    )
    assert all(step.environment["DEBIAN_FRONTEND"] == "noninteractive" for step in planned)
    assert all(step.environment["NEEDRESTART_SUSPEND"] == "1" for step in planned)


FAILED_LOG = """\
Setting up acme-fail (2.0) ...
dpkg: error processing package acme-fail (--configure):
 installed acme-fail package post-installation script subprocess returned error exit status 3
dpkg: error processing archive /var/cache/apt/archives/acme-lib_1.1_all.deb (--unpack):
 cannot copy extracted data: No space left on device
Errors were encountered while processing:
 acme-fail
E: Sub-process /usr/bin/dpkg returned an error code (1)
"""


def test_reasons_of_failures_are_found_by_package() -> None:
    reasons, general = apt_plan.failure_reasons(FAILED_LOG)
    assert reasons == {
        "acme-fail": "installed acme-fail package post-installation script subprocess returned error exit status 3",
        "acme-lib": "cannot copy extracted data: No space left on device",
    }
    assert general == "E: Sub-process /usr/bin/dpkg returned an error code (1)"


def test_what_left_the_repository_makes_a_plan_stale() -> None:
    assert apt_plan.is_stale("E: Version '1.1' for 'acme' was not found")
    assert not apt_plan.is_stale("would remove acme-old 1.0")


def test_an_install_step_finishes_dpkg_first_so_that_it_can_run_again() -> None:
    [(_name, argv)] = steps([CURL])
    assert argv[:2] == ("/bin/sh", "-c")
    assert argv[3:5] == ("sh", "apt-get")
    assert "curl" not in argv[2]
