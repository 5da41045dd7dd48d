# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and simulations of apt; the recorded lines come from apt 2.6.1 on Debian 12."""

from __future__ import annotations

import pytest
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import apt_plan
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_plan import Change, Policy, Target

CURL = Target("curl", "amd64", "7.88.1-10+deb12u15", "7.88.1-10+deb12u14", automatic=False)
TZDATA = Target("tzdata", "all", "2026b-0+deb12u1", "2025b-0+deb12u2", automatic=True)

RECORDED = """\
Reading package lists...
The following additional packages will be installed:
  libcurl4
Inst curl [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64]) []
Inst libcurl4 [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst tzdata [2025b-0+deb12u2] (2026b-0+deb12u1 Debian:12.15/oldstable [all])
Inst apparmor (3.0.8-3 Debian:12.15/oldstable [amd64])
Inst libc6:i386 [2.36-9] (2.36-9+deb12u10 Debian:12.9/stable [i386])
Conf curl (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64])
"""


def simulate(stdout: str = RECORDED, rc: int = 0, stderr: str = "") -> apt_plan.Simulation:
    return apt_plan.parse_simulation({"rc": rc, "stdout": stdout, "stderr": stderr})


def test_a_recorded_simulation_is_read_whole() -> None:
    assert simulate().changes == [
        Change("curl", "amd64", "7.88.1-10+deb12u14", "7.88.1-10+deb12u15"),
        Change("libcurl4", "amd64", "7.88.1-10+deb12u14", "7.88.1-10+deb12u15"),
        Change("tzdata", "all", "2025b-0+deb12u2", "2026b-0+deb12u1"),
        Change("apparmor", "amd64", None, "3.0.8-3"),
        Change("libc6", "i386", "2.36-9", "2.36-9+deb12u10"),
    ]


def test_a_change_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(PatchError, match="not understood"):
        simulate("Inst something new in a later apt\n")


def test_a_flat_repository_without_release_names_is_read() -> None:
    assert simulate("Inst acme [1.0] (1.1 localhost [amd64])\n").changes == [Change("acme", "amd64", "1.0", "1.1")]
    assert simulate("Inst acme [1.0] (1.1 [amd64])\n").changes == [Change("acme", "amd64", "1.0", "1.1")]


def test_what_nobody_named_is_pulled_in() -> None:
    assert [change.name for change in apt_plan.pulled_in(simulate(), [CURL, TZDATA])] == ["libcurl4", "apparmor", "libc6"]


def test_nothing_speaks_against_a_plain_upgrade() -> None:
    assert apt_plan.objections(simulate(), [CURL, TZDATA], Policy()) == []


def test_a_removal_is_refused_unless_allowed() -> None:
    simulation = simulate("Remv acme-old [1.0] [acme-new:amd64 ]\nInst curl [1] (7.88.1-10+deb12u15 D [amd64])\n")
    assert apt_plan.objections(simulation, [CURL], Policy()) == ["would remove acme-old 1.0"]
    assert apt_plan.objections(simulation, [CURL], Policy(allow_removals=True)) == []


def test_a_blocked_dependency_is_refused() -> None:
    found = apt_plan.objections(simulate(), [CURL, TZDATA], Policy(), blocked=[("libcurl4", "amd64")])
    assert found == ["needs libcurl4 7.88.1-10+deb12u15, which the baseline rejects (BLOCK)"]


def test_a_held_dependency_is_refused() -> None:
    found = apt_plan.objections(simulate(), [CURL, TZDATA], Policy(), held=[("libc6", "i386")])
    assert found == ["needs a change of libc6, which this host holds back"]


def test_unapproved_dependencies_are_refused_when_the_operator_asks_for_it() -> None:
    found = apt_plan.objections(
        simulate(), [CURL, TZDATA], Policy(require_approved_dependencies=True),
        approved=[("libcurl4", "amd64", "7.88.1-10+deb12u15"), ("libc6", "i386", "2.36-9+deb12u10")],
    )  # fmt: skip
    assert found == ["needs apparmor 3.0.8-3, which the baseline does not approve"]


def test_another_version_than_the_approved_one_is_refused() -> None:
    older = Target("curl", "amd64", "7.88.1-10+deb12u14.1", "7.88.1-10+deb12u14")
    assert "instead of 7.88.1-10+deb12u14.1" in apt_plan.objections(simulate(), [older, TZDATA], Policy())[0]


def test_a_refusal_of_apt_is_carried_in_its_own_words() -> None:
    answer = simulate("E: Version '99' for 'bash' was not found\n", rc=100)
    assert apt_plan.objections(answer, [CURL], Policy()) == ["E: Version '99' for 'bash' was not found"]


def test_a_silent_refusal_is_still_a_refusal() -> None:
    assert apt_plan.objections(simulate("", rc=100), [CURL], Policy()) == [
        "apt-get ended with exit code 100 and gave no reason"
    ]


def test_exact_versions_reach_the_command_as_single_words() -> None:
    command = apt_plan.install_command([CURL, TZDATA], allow_removals=False, lock_timeout=60)
    assert command[-2:] == ["curl:amd64=7.88.1-10+deb12u15", "tzdata=2026b-0+deb12u1"]
    assert "--no-remove" in command
    assert "--no-remove" not in apt_plan.install_command([CURL], allow_removals=True, lock_timeout=60)


def test_an_empty_plan_never_becomes_a_command() -> None:
    with pytest.raises(PatchError):
        apt_plan.install_command([], allow_removals=False, lock_timeout=60)


def test_no_option_switches_a_signature_check_off() -> None:
    words = " ".join(apt_plan.install_command([CURL], allow_removals=True, lock_timeout=1)).lower()
    assert "unauthenticated" not in words and "insecure" not in words and "force-yes" not in words


def test_automatic_marks_are_put_back_for_automatic_packages_alone() -> None:
    assert apt_plan.automatic_marks_command([CURL, TZDATA]) == ["apt-mark", "auto", "tzdata"]
    assert apt_plan.automatic_marks_command([CURL]) is None


def test_targets_leave_out_what_is_held_deferred_or_not_approved() -> None:
    def record(name: str, **extra: object) -> dict[str, object]:
        return {"name": name, "arch": "amd64", "version": "2", "installed_version": "1", **extra}

    approved, refused = {"decision": "approved"}, {"decision": "not_approved"}
    pairs = [
        (record("zsh"), approved),
        (record("bash"), approved),
        (record("held", held=True), approved),
        (record("phased", deferred=True), approved),
        (record("late"), refused),
    ]
    targets = apt_plan.targets_from(pairs, {("bash", "amd64"): True})
    assert [(target.name, target.automatic) for target in targets] == [("bash", True), ("zsh", None)]
