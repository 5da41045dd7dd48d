"""Plans where sources of a baseline replace the host's repositories: paths on command lines, secrets in files."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Choice,
    CommandStep,
    FileArgument,
    PrivateRepositories,
    Simulation,
    Target,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.plan import job_plan
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_private import PrivateAptPlan
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf_plan import DnfPlan
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_plan import ZypperPlan

FOLDER = "/var/cache/openfleet-patch/0123456789abcdef"
PRIVATE = PrivateRepositories(
    folder=FOLDER, text="[mine]\nbaseurl=https://rpm.example\n", secret_text="[mine]\npassword=s3cret\n",
    netrc="machine deb.example login me password s3cret\n", names_keys=True,
)  # fmt: skip
TARGET = Target(name="acme", arch="noarch", version="2-1", installed_version="1-1", automatic=True, family="acme")
OPTIONS = {"allow_removals": False, "lock_timeout": 5, "step_timeout": 60}


def planned(plan: Any) -> list[CommandStep]:
    steps: list[CommandStep] = plan.install_steps(Choice([TARGET], Simulation(), {}), **OPTIONS)
    return steps


def in_the_open(steps: list[CommandStep]) -> str:
    """Everything that a job shows to whoever may read its journal or a list of processes."""
    plan = job_plan("job", steps, changes=(), boot_id=None, environment={}, timeout=60)
    return repr((plan.steps, plan.files, plan.environment))


@pytest.mark.parametrize("made", [DnfPlan("/usr/bin/python3", "program"), ZypperPlan("program")], ids=["dnf", "zypper"])
def test_an_rpm_job_reads_its_repositories_from_a_secret_file(made: Any) -> None:
    made.private = PRIVATE
    for steps in (planned(made), made.repair_steps(60)):
        acting = next(each for each in steps if made.acts(each.name))
        last = acting.argv[-1]
        assert isinstance(last, FileArgument)
        assert (last.secret, last.content) == (True, f"{FOLDER}\n{PRIVATE.secret_text}".encode())
        assert "s3cret" not in in_the_open(steps)
    [simulation] = made.simulation_commands([[TARGET]])
    assert "rpm.example" not in " ".join(simulation)


def test_keys_that_dnf_brings_are_taken_away_whatever_happens() -> None:
    made = DnfPlan("/usr/bin/python3", "program")
    made.private = PRIVATE
    first, *_between, last = planned(made)
    assert (first.argv[-1], last.argv[-1], last.cleanup) == (f"{FOLDER}/keys", f"{FOLDER}/keys", True)
    made.private = PrivateRepositories(FOLDER, "", "")
    assert len(planned(made)) == 1


def test_apt_is_told_of_folders_and_of_a_file_with_credentials() -> None:
    plan = PrivateAptPlan(PRIVATE)
    install, marks = planned(plan)
    words = [each for each in install.argv if isinstance(each, str)]
    for word in (f"Dir::Etc::sourceparts={FOLDER}/parts", f"Dir::State::lists={FOLDER}/lists", "acme:noarch=2-1"):
        assert word in words
    [netrc] = [each for each in install.argv if isinstance(each, FileArgument)]
    assert (netrc.prefix, netrc.secret, netrc.content) == ("Dir::Etc::netrc=", True, PRIVATE.netrc.encode())
    assert "s3cret" not in in_the_open([install, marks])
    assert marks.argv[0] == "apt-mark"
    [simulation] = plan.simulation_commands([[TARGET]])
    assert simulation[:1] == ["apt-get"]
    assert f"Dir::State::lists={FOLDER}/lists" in simulation
    assert plan.LIBRARY == "python3-apt"
