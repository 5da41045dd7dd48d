"""What softwareupdate's lists say in every form that has been seen, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos_titles import (
    is_next_major,
    security_of,
    title_rules,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos_updates import Update, read_updates

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "macos-outputs"
CLT = "Command Line Tools (macOS High Sierra version 10.13) for Xcode"
MOJAVE = "Command Line Tools (macOS Mojave version 10.14) for Xcode"
# Label, title, version, KiB, recommended, action: all that the recorded lists hold.
LISTS = {
    "10.8-mountainlion": [
        ("Safari6.1.4MountainLion-6.1.4", "Safari", "6.1.4", 51692, True, None),
        ("Mac App Store Update-1.0", "Mac App Store Update", "1.0", 3697, True, "restart"),
        ("AirPortUtility-6.3.1", "AirPort Utility", "6.3.1", 21104, True, None),
        ("SecUpd2014-002MtLion-1.0", "Security Update 2014-002", "1.0", 132404, True, "restart"),
    ],
    "10.13-highsierra-clt": [
        (f"{CLT}-9.3", CLT, "9.3", 187312, True, None),
        (f"{CLT}-9.4", CLT, "9.4", 187380, True, None),
    ],
    "10.14-mojave.salt": [
        (f"{MOJAVE}-10.3", MOJAVE, "10.3", 199140, True, None),
        ("macOS 10.14.1 Update", "macOS 10.14.1 Update", "10.14.1", 199140, True, "restart"),
        ("BridgeOSUpdateCustomer", "BridgeOSUpdateCustomer", "10.14.4.1.1.1555388607", 328394, True, "shut down"),
        ("iCal-1.0.2", "iCal", "1.0.2", 6520, False, None),
    ],
    "10.14-mojave.trailing-space-empty-version": [
        ("macOS Mojave 10.14.6 Supplemental Update- ", "macOS Mojave 10.14.6 Supplemental Update", "", 1581834, True,
         "restart"),
    ],
    "10.14.6-safari14": [("Safari14.0MojaveAuto-14.0", "Safari", "14.0", 67309, True, None)],
    "10.15-catalina.salt": [
        ("Command Line Tools beta 5 for Xcode-11.0", "Command Line Tools beta 5 for Xcode", "11.0", 224804, True, None),
        ("macOS Catalina Developer Beta-6", "macOS Catalina Public Beta", "5", 3084292, True, "restart"),
        ("BridgeOSUpdateCustomer", "BridgeOSUpdateCustomer", "10.15.0.1.1.1560926689", 390674, True, "shut down"),
        ("iCal-1.0.2", "iCal", "1.0.2", 6520, False, None),
    ],
    "10.15-clt-two-versions": [
        ("Command Line Tools for Xcode-11.2", "Command Line Tools for Xcode", "11.2", 224942, True, None),
        ("Command Line Tools for Xcode-11.3", "Command Line Tools for Xcode", "11.3", 224878, True, None),
    ],
    "10.15-clt.chef": [
        ("Command Line Tools for Xcode-11.0", "Command Line Tools for Xcode", "11.0", 224868, True, None),
    ],
    "10.15.6-safari14": [("Safari14.0CatalinaAuto-14.0", "Safari", "14.0", 65417, True, None)],
    "11-bigsur-beta.no-header": [
        ("macOS Big Sur 11.1 Beta 2-20C5061b", "macOS Big Sur 11.1 Beta 2", "11.1", 2746951, True, "restart"),
    ],
    "11.6-bigsur-safari15": [
        ("Safari15.0BigSurAuto-15.0", "Safari", "15.0", 119059, True, None),
        ("macOS Big Sur 11.6-20G165", "macOS Big Sur 11.6", "11.6", 2575888, True, "restart"),
    ],
    "26.3-background-security-improvement.no-scan": [
        ("macOS Background Security Improvement (a)-25D771280a", "macOS Background Security Improvement (a)",
         "26.3.1 (a)", 208896, True, "restart"),
    ],
    "26.5-tahoe-one": [("macOS Tahoe 26.6-25G72", "macOS Tahoe 26.6", "26.6", 3829595, True, "restart")],
    "26.5.2-tahoe-three": [
        ("Safari27.0TahoeAuto-27.0", "Safari", "27.0", 249465, True, None),
        ("macOS Tahoe 26.7.1-25G241", "macOS Tahoe 26.7.1", "26.7.1", 3852999, True, "restart"),
        ("macOS 27.0.1-26A434", "macOS 27.0.1", "27.0.1", 11852702, True, "restart"),
    ],
    "26.6-tahoe-safari-minor-major": [
        ("Safari27.0TahoeAuto-27.0", "Safari", "27.0", 249465, True, None),
        ("macOS Tahoe 26.7-25G229", "macOS Tahoe 26.7", "26.7", 3039632, True, "restart"),
        ("macOS 27-26A428", "macOS 27", "27", 11727219, True, "restart"),
    ],
    "26.7-major-only": [("macOS 27-26A428", "macOS 27", "27", 11728377, True, "restart")],
    "none.stdout": [],
}  # fmt: skip


def recorded(name: str) -> str:
    return (GOLDEN / f"softwareupdate-list.{name}.txt").read_bytes().decode()


def test_every_recorded_list_has_its_expectation() -> None:
    names = {path.name for path in GOLDEN.glob("softwareupdate-list.*")}
    split = {f"softwareupdate-list.none.split-streams.{stream}.txt" for stream in ("stdout", "stderr")}
    assert names - split == {f"softwareupdate-list.{name}.txt" for name in LISTS}


@pytest.mark.parametrize("name", LISTS)
def test_a_recorded_list_becomes_these_updates(name: str) -> None:
    assert read_updates(recorded(name)) == [Update(*row) for row in LISTS[name]]


@pytest.mark.parametrize("name", LISTS)
def test_line_ends_of_a_terminal_change_nothing(name: str) -> None:
    assert read_updates(recorded(name).replace("\n", "\r\n")) == [Update(*row) for row in LISTS[name]]


def test_the_sentence_may_come_on_standard_error() -> None:
    streams = [recorded("none.split-streams.stdout"), recorded("none.split-streams.stderr")]
    assert read_updates(*streams) == []
    with pytest.raises(PatchError, match="neither an update nor"):
        read_updates(streams[0])


def test_lines_of_the_log_on_standard_error_are_left_out() -> None:
    line = "2026-11-20 12:00:00.123 softwareupdate[412:9a3f] XType: Using static font registry.\n"
    assert len(read_updates(recorded("26.5-tahoe-one"), line)) == 1


def test_a_title_may_hold_commas_and_a_detail_unknown_fields() -> None:
    [update] = read_updates(
        "* Label: a-1\n\tTitle: One, two words, Version: 1, Size: 2KiB, Deferred: YES, Action: restart,\n"
    )
    assert update == Update("a-1", "One, two words", "1", 2, False, "restart")


def test_a_version_in_the_old_form_may_hold_brackets() -> None:
    [update] = read_updates("   - a\n\tSecurity (x) Response (13.3.1 (a)), 5K [restart]\n")
    assert update == Update("a", "Security (x) Response", "13.3.1 (a)", 5, False, "restart")


def test_the_old_form_may_have_the_new_unit() -> None:
    [update] = read_updates("   * a\n\ta (1), 5KiB [recommended]\n")
    assert update == Update("a", "a", "1", 5, True, None)


def test_a_size_that_is_not_told_is_unknown() -> None:
    assert read_updates("* Label: a-1\n\tTitle: a, Version: 1,\n") == [Update("a-1", "a", "1", None, False, None)]


def test_updates_on_standard_error_count_and_count_once() -> None:
    text = recorded("26.5-tahoe-one")
    assert read_updates("", text) == read_updates(text, text) == read_updates(text)


@pytest.mark.parametrize("code", [1, 2, 255])
def test_an_exit_code_says_nothing_where_the_list_is_whole(code: int) -> None:
    assert len(read_updates(recorded("26.5-tahoe-one"), code=code)) == 1
    assert read_updates(recorded("none.stdout"), code=code) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* Label: a-1",
        "* Label: a-1\n\tTitle: a, Version: 1, Size: 1K,\n* Label: b-1",
        "Software Update Tool\n\nFinding available software\n",
        "Can't connect to the Apple Software Update server.\n",
        "Software Update Tool\nSomething new\nNo new software available.\n",
        "* Label: a-1\n",
        "* Label: --all\n\tTitle: a, Version: 1, Size: 1K,\n",
        "   * -a\n\ta (1), 5K\n",
        "* Label: a-1\n* Label: b-1\n\tTitle: b, Version: 1, Size: 1K,\n",
        "* Label: a-1\n\tVersion: 1, Size: 1K,\n",
        "* Label: a-1\n\tTitle: a, Version: 1, Size: 1 GB,\n",
        "* Label: a-1\n\tTitle: a, Version: 1, Size: 1K, Action: explode,\n",
        "* Label: a-1\n\tTitle: a, Version: 1, Size: 1K, Recommended: PERHAPS,\n",
        "* Label: a-1\n\tTitle: a, Version: 1, Version: 2, Size: 1K,\n",
        "   * a-1\n\ta (1), 5K [explode]\n",
        "   * a-1\n\ta, 5K\n",
        "No new software available.\n* Label: a-1\n\tTitle: a, Version: 1, Size: 1K,\n",
    ],
)
def test_unknown_text_is_refused_and_never_a_list_without_updates(text: str) -> None:
    with pytest.raises(PatchError) as caught:
        read_updates(text)
    assert caught.value.kind == "softwareupdate_failed"


def test_a_list_that_was_ended_from_outside_is_refused() -> None:
    with pytest.raises(PatchError, match="did not end in time"):
        read_updates(recorded("26.5-tahoe-one"), code=142)


@pytest.mark.parametrize(
    ("title", "version", "running", "expected"),
    [
        ("macOS 27", "27", "26.7", True),
        ("macOS 27.0.1", "27.0.1", "26.5.2", True),
        ("macOS Tahoe 26.7.1", "26.7.1", "26.5.2", False),
        ("macOS 27", "27", "27.0", False),
        ("Safari", "27.0", "26.5.2", False),
        ("macOS Catalina", "10.15", "10.14.6", True),
        ("macOS Catalina Public Beta", "5", "10.15.1", False),
        ("macOS Catalina Public Beta", "5", "10.14.6", True),
        ("macOS Mojave 10.14.6 Supplemental Update", "", "10.14.6", False),
        ("macOS Background Security Improvement (a)", "26.3.1 (a)", "26.3.1", False),
        ("macOS Security Update 2021-005", "10.14.6", "10.14.6", False),
        ("Install macOS Big Sur", "11.6", "10.15.7", True),
        ("macOS Unheard Public Beta", "1", "26.1", True),
    ],
)
def test_the_next_release_of_macos_is_known_as_such(title: str, version: str, running: str, expected: bool) -> None:
    assert is_next_major(title, version, running) is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("macOS Tahoe 26.7", True),
        ("macOS 10.14.1 Update", True),
        ("Safari", True),
        ("Security Update 2014-002", True),
        ("macOS Background Security Improvement (a)", True),
        ("macOS Rapid Security Response", True),
        ("XProtectPlistConfigData", True),
        ("MRTConfigData", True),
        ("Gatekeeper Configuration Data", True),
        ("macOS Big Sur 11.1 Beta 2", False),
        ("Command Line Tools (macOS Mojave version 10.14) for Xcode", False),
        ("BridgeOSUpdateCustomer", False),
        ("iCal", False),
    ],
)
def test_titles_tell_what_counts_as_security(title: str, expected: bool) -> None:
    security, reason = security_of(title, "softwareupdate", title_rules(None))
    assert security is expected
    assert reason


def test_rules_of_the_user_stand_before_ours_and_reach_homebrew() -> None:
    rules = title_rules(
        [
            {"title": "^Safari$", "security": False, "reason": "tested first"},
            {"title": "^(openssl@3|curl)$", "security": True, "source": "brew"},
        ]
    )
    assert security_of("Safari", "softwareupdate", rules) == (False, "tested first")
    assert security_of("curl", "brew", rules) == (True, "the user's rule '^(openssl@3|curl)$'")
    assert security_of("curl", "brew cask", rules)[0] is False
    assert security_of("safari", "brew", title_rules(None))[0] is False


@pytest.mark.parametrize(
    "rule",
    [
        {"title": "(", "security": True},
        {"title": "a"},
        {"title": "a", "security": "yes"},
        {"title": 1, "security": True},
        {"title": "a", "security": True, "source": "port"},
        {"title": "a", "security": True, "severity": "x"},
        "a",
    ],
)
def test_a_wrong_rule_is_refused(rule: object) -> None:
    with pytest.raises(PatchError) as caught:
        title_rules([rule])  # type: ignore[list-item]
    assert caught.value.kind == "bad_title_rules"
