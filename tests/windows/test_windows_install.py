"""Installing on stand-ins for Windows hosts: the real actions of ours and of ansible.windows, recorded runs of Windows.

Each host of the play is one story; the play is the same for all, so that one ansible-playbook tells them all.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from windows_host import Update, create, log, recorded_updates, state_of
from windows_plays import EVERYTHING, Ended, WindowsPlays
from windows_readings import UPDATES, update_line

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text(encoding="utf-8"))
FULL = recorded_updates("full_run")
LATER = recorded_updates("full_run", 1, since_boot=1)
FLASH, REMOVAL, TOOL, DOTNET, DEFENDER, CUMULATIVE = FULL
REPEATED = recorded_updates("repeated_update")


def approving(*kbs: str) -> list[dict[str, Any]]:
    """A baseline for these articles alone."""
    return [{"name": "-".join(kbs), "operating_system": "WINDOWS", "approved_patches": list(kbs)}]


def some(update: Update, **line: Any) -> Update:
    return replace(update, line={**update.line, **line})


def kb(update: Update) -> str:
    return f"KB{update.line['kb_article_ids'][0]}"


@dataclass
class Story:
    """A host, what is approved there, and further options of the task."""

    updates: list[Update]
    state: dict[str, Any]
    kbs: tuple[str, ...] = ()
    options: dict[str, Any] | None = None


RECORDED = {
    "full_run": Story([*FULL, *LATER], {"calls": [["full_run", 0], ["full_run", 1]]}),
    "failed_install": Story(
        [replace(each, fails=99 if each.line["kb_article_ids"] == ["2267602"] else 0)
         for each in recorded_updates("failed_install")],
        {"calls": [["failed_install", 0]]}, kbs=("KB2267602", "KB5003171"),
    ),
    "reboot_first": Story(
        recorded_updates("install_reboot_req_failure"), {"calls": [["install_reboot_req_failure", 0]]}
    ),
    "no_reboot": Story(
        recorded_updates("install_reboot_req_no_reboot"), {"calls": [["install_reboot_req_no_reboot", 0]]},
        options={"reboot_option": "NoReboot"},
    ),
    "two_failures": Story(
        FULL, {"calls": [["install_reboot_two_failures", 0], ["install_reboot_two_failures", 1]]}
    ),
    "repeated_update": Story(
        [replace(each, keeps_coming=each.line["kb_article_ids"] == ["2267602"]) for each in REPEATED],
        {"version": "10.0.14393", "calls": [["repeated_update", number] for number in range(5)]},
    ),
    "custom_kb": Story(recorded_updates("custom_kb"), {"calls": [["custom_kb", 0]]}),
    "poll_fails": Story([TOOL], {"calls": [["fail_poll_script", None], ["fail_poll_script", None]]}),
    "poll_fails_once": Story([TOOL], {"calls": [["fail_poll_script_critical_stdout", None]]}),
}  # fmt: skip
MADE = {
    "lost_contact": Story([TOOL], {"lost_at": 2, "away_then": 2}),
    "slips_in": Story([TOOL, DEFENDER], {"slips_in": DEFENDER.line["update_id"]}, kbs=(kb(TOOL),)),
    "seen_to_slip_in": Story([TOOL, DEFENDER], {"slips_in": DEFENDER.line["update_id"], "seen": True}, kbs=(kb(TOOL),)),
    "terms": Story([some(TOOL, eula_accepted=False), DEFENDER], {}),
    "terms_accepted": Story([some(TOOL, eula_accepted=False)], {}, options={"auto_agree_with_licenses": True}),
    "hidden": Story([some(TOOL, hidden=True), DEFENDER], {}),
    "nothing_approved": Story([TOOL], {}, kbs=("KB1234567",)),
    "alone_first": Story([some(CUMULATIVE, impact=2), TOOL], {}),
    "withdrawn": Story([TOOL, DEFENDER], {"withdrawn": [DEFENDER.line["update_id"]]}),
    "rolled_back": Story([replace(CUMULATIVE, rolled_back=True)], {}),
    "stays_up": Story([replace(CUMULATIVE, reboots=True), *LATER], {"stays_up": True}, options={"reboot_timeout": 1}),
    "no_service": Story([TOOL], {"parts": {"services": [
        {"name": "wuauserv", "state": "Stopped", "start_mode": "Disabled"}]}}),
    "no_administrator": Story([TOOL], {"parts": {"privileged": False}}),
    "old_powershell": Story([TOOL], {"version": "6.3.9600", "parts": {"powershell": "4.0"}}),
    "by_scan_file": Story([TOOL], {}, options={"windows_offline_file": r"C:\wsusscn2.cab"}),
    "by_snapshot": Story([TOOL], {}, options={"snapshot": "/srv/snapshot.json"}),
}  # fmt: skip


@dataclass
class Told:
    """What came of one story."""

    result: dict[str, Any]
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = self.result["document"]
        return found

    @property
    def installation(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["installation"]
        return found

    def states(self) -> dict[str, str]:
        return {entry["name"]: entry["state"] for entry in self.document["patches"]}

    def failures(self) -> dict[str, str]:
        return {entry["name"]: entry["failure"] for entry in self.document["patches"] if entry["failure"]}

    def calls(self, state: str) -> list[dict[str, Any]]:
        """Arguments of the calls of win_updates that began in this state."""
        starts = [each for each in log(self.folder, "win_updates") if each["operation"] == "start"]
        return [each["arguments"] for each in starts if each["arguments"]["state"] == state]

    def reboots(self) -> int:
        return len(log(self.folder, "reboot"))


def tell(plays: WindowsPlays, folder: Path, stories: dict[str, Story], *more: str, **options: Any) -> dict[str, Told]:
    arguments = {
        "baselines": "{{ wanted }}", "default_baselines": "{{ defaults }}",
        "reboot_option": "{{ reboot_option | default(omit) }}",
        "reboot_timeout": "{{ reboot_timeout | default(omit) }}",
        "auto_agree_with_licenses": "{{ auto_agree_with_licenses | default(omit) }}",
        "windows_offline_file": "{{ windows_offline_file | default(omit) }}",
        "snapshot": "{{ snapshot | default(omit) }}", **options,
    }  # fmt: skip
    for name, story in stories.items():
        create(folder / name, story.updates, **story.state)
        wanted = approving(*story.kbs) if story.kbs else EVERYTHING["baselines"]
        defaults = {"WINDOWS": wanted[0]["name"]}
        plays.add(name, folder / name, wanted=wanted, defaults=defaults, **(story.options or {}))
    # The default of the roles: become, with sudo, which is none of Windows.
    ended: Ended = plays.play("install_patches", arguments, "-f", "4", *more, become=True)
    return {name: Told(ended.result(name), folder / name) for name in stories}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    from other_collections import other_collections

    folder = tmp_path_factory.mktemp("recorded")
    return tell(WindowsPlays("2.21", folder / "play", other_collections()), folder, RECORDED)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    from other_collections import other_collections

    folder = tmp_path_factory.mktemp("made")
    return tell(WindowsPlays("2.21", folder / "play", other_collections()), folder, MADE)


def hold_recorded_runs(told: dict[str, Told]) -> None:
    """What every recorded run of win_updates has to come to."""
    validator = Draft202012Validator(SCHEMA)
    for one in told.values():
        assert [error.message for error in validator.iter_errors(one.document)] == []

    full = told["full_run"]
    assert full.result["status"] == "ok", full.result.get("msg")
    assert (full.result["installed_count"], full.result["verdict"]) == (8, "compliant")
    assert (full.installation["result"], full.installation["reboots"], full.reboots()) == ("SUCCEEDED", 2, 2)
    assert full.result["installed_since_boot"] == 0

    failed = told["failed_install"]
    assert (failed.result["error"]["kind"], failed.installation["result"]) == ("install_incomplete", "PARTIAL")
    assert "0x80070643" in failed.failures()["KB2267602"]
    assert failed.states()["KB5003171"] == "INSTALLED"
    assert len(failed.calls("installed")) == 2

    first = told["reboot_first"]
    assert first.result["status"] == "ok", first.result.get("msg")
    assert first.installation["jobs"][0]["result"] == "FAILED"
    assert first.reboots() == 1
    assert first.document["summary"]["failed_count"] == 0

    kept = told["no_reboot"]
    assert kept.reboots() == 0
    assert kept.document["reboot"]["required"] is True
    assert "A reboot is required" in str(kept.installation["jobs"][0]["error"])
    assert len(kept.calls("installed")) == 1

    twice = told["two_failures"]
    assert (twice.installation["result"], len(twice.calls("installed"))) == ("FAILED", 2)
    assert all("0x80240032" in reason for reason in twice.failures().values())
    assert len(twice.failures()) == 6

    again = told["repeated_update"]
    assert (
        len([call for call in again.calls("installed") if any("2267602" in each for each in call["accept_list"])]) == 2
    )
    assert "still missing after 2 installations" in again.failures()["KB2267602"]
    assert {again.states()["KB4589210"], again.states()["KB890830"]} == {"INSTALLED"}

    odd = told["custom_kb"]
    assert odd.states()["KB890830"] == "INSTALLED"
    assert "malformed_kb" in [each["kind"] for each in odd.document["warnings"]]

    broken = told["poll_fails"]
    assert broken.failures() == {kb(TOOL): "Error message during polling (it is still missing after 2 installations)"}
    assert told["poll_fails_once"].states() == {kb(TOOL): "INSTALLED"}
    assert told["poll_fails_once"].result["status"] == "ok"


def test_every_recorded_run_ends_in_what_the_host_is_afterwards(recorded: dict[str, Told]) -> None:
    hold_recorded_runs(recorded)


def test_every_recorded_run_does_so_with_the_oldest_ansible_core(oldest: WindowsPlays, tmp_path: Path) -> None:
    hold_recorded_runs(tell(oldest, tmp_path, RECORDED))


def test_a_recorded_run_with_two_reboots_does_so_with_the_oldest_ansible_core(
    oldest: WindowsPlays, tmp_path: Path
) -> None:
    told = tell(oldest, tmp_path, {"full_run": RECORDED["full_run"], "old_powershell": MADE["old_powershell"]})
    assert (told["full_run"].result["verdict"], told["full_run"].reboots()) == ("compliant", 2)
    # Windows PowerShell 3.0 is enough for ansible-core up to 2.18.
    assert told["old_powershell"].result["verdict"] == "compliant"


def test_every_call_is_searched_for_before_and_never_reboots_by_itself(
    recorded: dict[str, Told], made: dict[str, Told]
) -> None:
    for told in (*recorded.values(), *made.values()):
        calls = [each["arguments"] for each in log(told.folder, "win_updates") if each["operation"] == "start"]
        for before, call in zip([None, *calls], calls, strict=False):
            assert call["accept_list"], "an empty list selects everything"
            assert (call["reboot"], call["category_names"], call["skip_optional"]) == (False, ["*"], False)
            if call["state"] == "installed":
                assert before == {**call, "state": "searched"}


def test_an_update_that_would_be_taken_too_stops_everything_before_it_begins(made: dict[str, Told]) -> None:
    told = made["seen_to_slip_in"]
    assert told.result["error"]["kind"] == "unapproved_update"
    assert DEFENDER.line["title"] in told.result["msg"]
    assert told.calls("installed") == []
    assert [each["state"] for each in state_of(told.folder)["updates"]] == ["offered", "offered"]


def test_an_update_that_was_taken_too_is_a_failure_whatever_else_went_well(made: dict[str, Told]) -> None:
    told = made["slips_in"]
    assert told.result["error"]["kind"] == "unapproved_update"
    assert told.result["error"]["update_ids"] == [DEFENDER.line["update_id"]]
    assert len(told.calls("installed")) == 1
    assert told.states()[kb(TOOL)] == "INSTALLED"


def test_with_nothing_approved_win_updates_is_not_called(made: dict[str, Told]) -> None:
    told = made["nothing_approved"]
    assert [each["kind"] for each in log(told.folder)] == ["reader"]
    assert (told.result["changed"], told.installation["result"]) == (False, "NOTHING_TO_DO")


def test_terms_are_accepted_where_the_task_allows_it_and_nowhere_else(made: dict[str, Told]) -> None:
    refused, accepted = made["terms"], made["terms_accepted"]
    filters = [
        each for call in (*refused.calls("searched"), *refused.calls("installed")) for each in call["accept_list"]
    ]
    assert filters
    assert not any("890830" in each for each in filters)
    assert "terms are not accepted" in refused.failures()[kb(TOOL)]
    assert refused.states()[kb(DEFENDER)] == "INSTALLED"
    assert accepted.states()[kb(TOOL)] == "INSTALLED"


def test_what_an_administrator_has_hidden_stays_away(made: dict[str, Told]) -> None:
    told = made["hidden"]
    assert told.result["status"] == "ok"
    hidden = next(each for each in told.document["patches"] if each["name"] == kb(TOOL))
    assert (hidden["state"], hidden["detail"]) == (None, "HELD")
    assert not any("890830" in each for call in told.calls("installed") for each in call["accept_list"])


def test_what_has_to_be_installed_alone_goes_first(made: dict[str, Told]) -> None:
    calls = made["alone_first"].calls("installed")
    assert [len(call["accept_list"]) for call in calls] == [1, 1]
    assert "5003171" in calls[0]["accept_list"][0]


def test_what_is_no_longer_offered_is_decided_upon_once_more(made: dict[str, Told]) -> None:
    told = made["withdrawn"]
    assert told.result["status"] == "ok", told.result.get("msg")
    assert told.states() == {kb(TOOL): "INSTALLED"}
    assert [len(call["accept_list"]) for call in told.calls("installed")] == [1]


def test_an_update_that_a_boot_rolls_back_is_given_up(made: dict[str, Told]) -> None:
    told = made["rolled_back"]
    assert told.failures() == {kb(CUMULATIVE): "it is still missing after 2 installations"}
    assert (len(told.calls("installed")), told.result["error"]["kind"]) == (2, "install_incomplete")


def test_lost_contact_leaves_the_host_to_tell_what_became_of_it(made: dict[str, Told]) -> None:
    told = made["lost_contact"]
    assert told.states() == {kb(TOOL): "INSTALLED"}
    assert "contact_lost" in [each["kind"] for each in told.document["warnings"]]
    assert told.installation["jobs"][0]["result"] == "INTERRUPTED"


def test_a_host_that_does_not_reboot_is_not_called_rebooted(made: dict[str, Told]) -> None:
    told = made["stays_up"]
    assert told.result["error"]["kind"] == "reboot_failed"
    assert told.result["status"] == "failed"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("no_service", "update_service_disabled", "wuauserv"),
        ("no_administrator", "no_privilege", "administrator"),
        ("old_powershell", "unsupported_os", "Windows Management Framework 5.1"),
    ],
)
def test_a_host_that_cannot_be_installed_on_is_told_why_before_anything_is_done(
    made: dict[str, Told], name: str, kind: str, words: str
) -> None:
    told = made[name]
    assert told.result["error"]["kind"] == kind
    assert words in told.result["msg"]
    assert [each["kind"] for each in log(told.folder)] == ["reader"]


@pytest.mark.parametrize(("name", "words"), [("by_scan_file", "is for scans"), ("by_snapshot", "versions of packages")])
def test_what_is_not_for_an_installation_on_windows_is_refused_before_the_host_is_asked(
    made: dict[str, Told], name: str, words: str
) -> None:
    told = made[name]
    assert told.result["error"]["kind"] == "bad_option"
    assert words in told.result["msg"]
    assert log(told.folder) == []


def test_check_mode_plans_and_asks_windows_for_nothing_that_accepts_terms(newest: WindowsPlays, tmp_path: Path) -> None:
    told = tell(newest, tmp_path, {"planned": MADE["terms"]}, "--check", "--diff")["planned"]
    assert [each["kind"] for each in log(told.folder)] == ["reader"]
    assert [each["name"] for each in told.result["plan"]["install"]] == [kb(DEFENDER)]
    assert told.result["plan"]["refused"][0]["patch"] == TOOL.line["title"]
    assert told.result["changed"] is True
    assert told.document["operation"] == "Scan"


def test_without_the_collection_no_host_is_touched_and_the_task_says_what_to_install(tmp_path: Path) -> None:
    told = tell(WindowsPlays("2.21", tmp_path / "play"), tmp_path, {"win": MADE["hidden"]})["win"]
    assert told.result["error"]["kind"] == "missing_collection"
    assert "ansible-galaxy collection install ansible.windows" in told.result["msg"]
    assert log(told.folder) == []


def test_updates_that_are_on_the_host_already_are_no_part_of_it(newest: WindowsPlays, tmp_path: Path) -> None:
    """An override list by KB: what it names is installed and what the baseline approves stays missing."""
    # What the module warns of is no text any more since ansible-core 2.19, which its action takes it for.
    state = {"present": [update_line(UPDATES[0], installed=True)], "warns": "a setting is old"}
    story = Story([TOOL, DEFENDER], state)
    listed = {"patches": [{"id": kb(TOOL)}]}
    told = tell(newest, tmp_path, {"win": story}, install_override_list=listed)["win"]
    assert [each["name"] for each in told.installation["installed"]] == [kb(TOOL)]
    assert told.states()[kb(DEFENDER)] == "MISSING"
    assert told.installation["selection"]["kind"] == "override_list"


@pytest.mark.endurance
def test_an_installation_past_its_time_is_cancelled_on_the_host_and_says_so(
    newest: WindowsPlays, tmp_path: Path
) -> None:
    stories = {state: Story([TOOL], {"never_ends": state}) for state in ("searched", "installed")}
    for state, told in tell(newest, tmp_path, stories, host_timeout=20).items():
        assert told.result["error"]["kind"] == "timed_out"
        assert told.installation["result"] == "TIMED_OUT"
        asked = log(told.folder, "win_updates")
        assert [each["arguments"]["state"] for each in asked if each["operation"] == "start"][-1] == state
        assert asked[-1]["operation"] == "cancel"
        assert told.states() == {kb(TOOL): "FAILED"}
