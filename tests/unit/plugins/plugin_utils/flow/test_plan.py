"""The job made of a manager's steps: what is noted on the host, what stays secret, what is bounded."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import Change, CommandStep
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.plan import job_plan
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import SEARCH_PATH
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import FileReference, OnCrash, Plan, payload

STEP = CommandStep("install curl", ("apt-get", "install", "curl=2"), 60, {"LC_ALL": "C"})
CURL = Change("curl", "amd64", "1", "2")


def plan(*changes: Change, boot_id: str | None = "b00t", environment: dict[str, str] | None = None) -> Plan:
    given = environment or {"http_proxy": "s3cret"}
    return job_plan("mine", [STEP], changes=changes, boot_id=boot_id, environment=given, timeout=90)


def test_what_may_come_is_noted_before_the_first_step_and_again_after_the_last() -> None:
    made = plan(CURL, Change("gone", "amd64", "1", None))
    assert [step.name for step in made.steps] == [
        "note what is installed", "install curl", "note it again after a power cut"]  # fmt: skip
    assert made.files["pending"] == b"curl amd64 2\n"
    assert (made.steps[2].cleanup, made.timeout) == (True, 90)
    assert {step.on_crash for step in made.steps} == {OnCrash.RETRY}


def test_without_changes_or_a_boot_id_nothing_is_noted() -> None:
    assert [step.name for step in plan().steps] == ["install curl"]
    assert [step.name for step in plan(CURL, boot_id=None).steps] == ["install curl"]


def test_the_environment_of_the_task_is_a_secret_of_the_plan() -> None:
    made = plan(CURL)
    assert dict(made.secret_environment) == {"http_proxy": "s3cret"}
    assert dict(made.steps[1].environment) == {"LC_ALL": "C"}
    before_secrets, _mark, _rest = payload(made, search_path="/bin").partition("file secrets/environment")
    assert "s3cret" not in before_secrets


def test_a_search_path_of_the_task_comes_before_the_systems_own_and_takes_none_of_it_away() -> None:
    for given, found in (("", SEARCH_PATH), ("/opt/a::/usr/bin", f"/opt/a:/usr/bin:{SEARCH_PATH}")):
        path = plan(CURL, environment={"PATH": given}).secret_environment["PATH"].split(":")
        assert path == list(dict.fromkeys(found.split(":")))


def run_note(made: Plan, number: int, folder: Path) -> Path:
    """Runs the step here, with its folder in place of the host's; the folder of notes."""
    (folder / "plan").write_bytes(made.files["pending"])
    words = [str(folder / "plan") if isinstance(word, FileReference) else word for word in made.steps[number].argv]
    words[4] = str(folder / "pending")
    subprocess.run(words, check=True)
    return folder / "pending"


def test_notes_belong_to_the_boot_that_installs(tmp_path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / "of-an-earlier-boot").write_text("old amd64 1\n")
    notes = run_note(plan(CURL, boot_id=boot), 0, tmp_path)
    assert {path.name: path.read_text() for path in notes.iterdir()} == {boot: "curl amd64 2\n"}
    # The same boot has it already; after a power cut it is another one, and has not.
    run_note(plan(CURL, boot_id=boot), 2, tmp_path)
    assert (notes / boot).read_text() == "curl amd64 2\n"
    (notes / boot).unlink()
    run_note(plan(CURL, boot_id="the-one-before-the-cut"), 2, tmp_path)
    assert (notes / boot).read_text() == "curl amd64 2\n"
