"""Installing through win_updates: what is asked of it, what its answers are held against, and when it is over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from windows_readings import RECORDED, UPDATES, reading, streamed_line, streams, update_line  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows import build_inventory  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_floors import (  # noqa: E402
    install_objection,
    server_of,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_hresults import meaning  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_plan import (  # noqa: E402
    Choice,
    check_installed,
    check_searched,
    choose,
    next_step,
    selects,
    win_updates_arguments,
)


def offered(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return build_inventory(reading(list(lines))).candidates


def line(number: int, title: str, *articles: str, **more: Any) -> dict[str, Any]:
    return update_line(
        {**UPDATES[0], "update_id": f"00000000-0000-0000-0000-{number:012d}", "title": title,
         "kb_article_ids": list(articles)}, **more
    )  # fmt: skip


def ids(records: list[dict[str, Any]], *places: int) -> list[str]:
    return [str(records[place]["update_id"]) for place in places]


def taken(choice: Choice, records: list[dict[str, Any]]) -> set[str]:
    """What win_updates selects with these filters."""
    return {str(each["update_id"]) for each in records if any(selects(one, each) for one in choice.filters)}


def recorded_result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RECORDED / f"win_updates-result.{name}.json").read_text(encoding="utf-8"))
    return result


def test_an_article_number_does_not_select_a_longer_one() -> None:
    records = offered(line(1, "Update A (KB4580)", "4580"), line(2, "Update B (KB4580325)", "4580325"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert choice.filters == (r"KB4580(?!\d)",)
    assert taken(choice, records) == set(ids(records, 0))


def test_a_title_that_names_another_article_is_not_selected_by_it() -> None:
    records = offered(line(1, "Update (KB4580325)", "4580325"), line(2, "Fix for KB4580325", "4589208"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


@pytest.mark.parametrize("place", range(3))
def test_one_of_several_updates_with_one_kb_is_selected_by_its_title(place: int) -> None:
    records = offered(*(update_line(each) for each in UPDATES if each["kb_article_ids"] == ["2267602"]))
    choice = choose(ids(records, place), records, accept_eula=False)
    assert choice.filters[0].startswith("^")
    assert taken(choice, records) == set(ids(records, place))


def test_a_title_that_begins_another_one_selects_just_its_own() -> None:
    records = offered(line(1, "Update (x64)"), line(2, "Update (x64) preview"), line(3, "Old Update (x64)"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


def test_a_title_that_ends_another_one_selects_just_its_own() -> None:
    records = offered(line(1, "Update (x64)"), line(2, "Old Update (x64)"), line(3, "Update (x64) preview"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


def test_an_update_without_articles_is_told_from_one_with_its_title_and_some() -> None:
    records = offered(line(1, "Update (x64)"), line(2, "Update (x64)", "4580325"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


def test_an_update_id_selects_nothing() -> None:
    records = offered(line(1, "Update (x64)", "4580325"))
    assert not selects(records[0]["update_id"], records[0])


def test_signs_of_regular_expressions_in_a_title_mean_themselves() -> None:
    records = offered(line(1, r"Fix [a+b] (1.0|2)* \d $^ #{3}"), line(2, "Fix a (1x0) 5"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


def test_a_malformed_kb_is_matched_as_the_module_sees_it() -> None:
    records = offered(line(1, "Update N", "NET4800"), line(2, "Update N", "NET4801"))
    choice = choose(ids(records, 0), records, accept_eula=False)
    assert taken(choice, records) == set(ids(records, 0))


def test_what_no_filter_tells_from_an_unapproved_update_is_left_with_the_reason() -> None:
    records = offered(line(1, "Update (KB4580325)", "4580325"), line(2, "Update (KB4580325)", "4580325"),
                      line(3, "Other (KB4589208)", "4589208"))  # fmt: skip
    choice = choose(ids(records, 0, 2), records, accept_eula=False)
    assert choice.ids == set(ids(records, 2))
    told = "no filter tells it from what is not approved: Update (KB4580325)"
    assert choice.left == {records[0]["update_id"]: told}
    assert taken(choice, records) == set(ids(records, 2))


def test_a_title_that_no_filter_can_begin_with_is_left_with_the_reason() -> None:
    [record] = offered(line(1, "Update"))
    choice = choose([record["update_id"]], [{**record, "title": " Update"}], accept_eula=False)
    assert choice.left[record["update_id"]].endswith("its title has no fixed text")


def test_two_approved_updates_that_no_filter_tells_apart_are_both_taken() -> None:
    records = offered(line(1, "Update (KB4580325)", "4580325"), line(2, "Update (KB4580325)", "4580325"))
    choice = choose(ids(records, 0, 1), records, accept_eula=False)
    assert choice.ids == set(ids(records, 0, 1))


def test_terms_that_nobody_accepted_keep_an_update_out_unless_the_task_allows_it() -> None:
    records = offered(line(1, "Update (KB4580325)", "4580325", eula_accepted=False))
    refused = choose(ids(records, 0), records, accept_eula=False)
    assert (refused.ids, refused.filters) == (frozenset(), ())
    assert "terms" in refused.left[records[0]["update_id"]]
    assert choose(ids(records, 0), records, accept_eula=True).ids == set(ids(records, 0))


def test_an_unapproved_update_with_open_terms_is_not_even_searched_for() -> None:
    # win_updates accepts the terms of everything its filters select, in searched state too.
    records = offered(line(1, "Update A (KB4580325)", "4580325"),
                      line(2, "Update B (KB4580325)", "4580325", eula_accepted=False))  # fmt: skip
    choice = choose(ids(records, 0), records, accept_eula=True)
    assert taken(choice, records) == set(ids(records, 0))


def test_a_hidden_update_is_left_and_said_to_be_hidden() -> None:
    records = offered(line(1, "Update (KB4580325)", "4580325", hidden=True))
    assert "hidden" in choose(ids(records, 0), records, accept_eula=False).left[records[0]["update_id"]]


def test_an_exclusive_update_goes_alone_and_the_others_later() -> None:
    records = offered(line(1, "A (KB4580325)", "4580325"), line(2, "B (KB4589208)", "4589208", impact=2),
                      line(3, "C (KB4589210)", "4589210", impact=2))  # fmt: skip
    choice = choose(ids(records, 0, 1, 2), records, accept_eula=False)
    assert choice.ids == set(ids(records, 1))
    assert choice.later == set(ids(records, 0, 2))
    assert choice.left == {}


def test_an_id_that_is_not_offered_is_refused() -> None:
    with pytest.raises(PatchError, match="not offered"):
        choose(["00000000-0000-0000-0000-000000000009"], [], accept_eula=False)


@pytest.mark.parametrize("state", ["searched", "installed"])
def test_with_nothing_approved_the_module_is_never_called(state: str) -> None:
    with pytest.raises(PatchError) as caught:
        win_updates_arguments(choose([], [], accept_eula=False), state=state)
    assert caught.value.kind == "nothing_approved"


@pytest.mark.parametrize("choice", [Choice((), frozenset({"a"})), Choice(("x",), frozenset())])
def test_half_a_choice_is_none(choice: Choice) -> None:
    with pytest.raises(PatchError) as caught:
        win_updates_arguments(choice, state="installed")
    assert caught.value.kind == "nothing_approved"


def test_the_arguments_take_every_category_and_never_reboot() -> None:
    choice = Choice((r"KB4580325(?!\d)",), frozenset({"a"}))
    assert win_updates_arguments(choice, state="installed") == {
        "category_names": ["*"],
        "accept_list": [r"KB4580325(?!\d)"],
        "server_selection": "default",
        "skip_optional": False,
        "state": "installed",
        "reboot": False,
    }


@pytest.mark.parametrize("server", ["default", "managed_server", "windows_update"])
def test_the_server_of_the_scan_is_that_of_the_installation(server: str) -> None:
    choice = Choice((r"KB4580325(?!\d)",), frozenset({"a"}))
    for state in ("searched", "installed"):
        assert win_updates_arguments(choice, state=state, server_selection=server)["server_selection"] == server


@pytest.mark.parametrize(("state", "server"), [("downloaded", "default"), ("installed", "others")])
def test_other_states_and_servers_are_refused(state: str, server: str) -> None:
    with pytest.raises(PatchError):
        win_updates_arguments(Choice(("x",), frozenset({"a"})), state=state, server_selection=server)


RUNS = ["custom_kb", "failed_install", "full_run", "install_reboot_req_failure", "install_reboot_req_no_reboot",
        "repeated_update"]  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_each_update_of_every_recorded_search_can_be_taken_alone(name: str) -> None:
    searches = [each["result"]["updates"] for each in streams(name) if each["task"] == "search_result"]
    assert searches
    for updates in searches:
        records = offered(*(streamed_line(each) for each in updates))
        for each in records:
            choice = choose([each["update_id"]], records, accept_eula=True)
            if each.get("held"):
                assert choice.ids == frozenset()
            else:
                assert taken(choice, [one for one in records if not one["held"]]) == {each["update_id"]}


@given(st.sets(st.integers(0, len(UPDATES) - 1), min_size=1))
@settings(max_examples=40, deadline=None)
def test_filters_take_exactly_the_chosen_ones_of_all_recorded_updates(places: set[int]) -> None:
    records = ALL
    choice = choose(ids(records, *(each % len(records) for each in places)), records, accept_eula=True)
    assert taken(choice, records) == choice.ids
    assert choice.ids | set(choice.left) == {records[each % len(records)]["update_id"] for each in places}


ALL = offered(*{each["update_id"]: update_line(each) for each in UPDATES}.values())


def test_a_search_that_would_take_anything_else_stops_the_installation() -> None:
    result = recorded_result("full-run-first-round")
    approved = frozenset(list(result["updates"])[1:])
    with pytest.raises(PatchError, match="Nothing was installed") as caught:
        check_searched(result, Choice(("x",), approved))
    assert caught.value.kind == "unapproved_update"
    assert caught.value.details["update_ids"] == [next(iter(result["updates"]))]


def test_a_search_that_finds_just_the_approved_lets_it_go_on() -> None:
    result = recorded_result("full-run-first-round")
    assert check_searched(result, Choice(("x",), frozenset(result["updates"]))) == frozenset()


@pytest.mark.parametrize("name", ["2023-one-filtered", "issue60785-all-filtered"])
def test_what_the_search_no_longer_finds_is_told(name: str) -> None:
    result = recorded_result(name)
    gone = frozenset(result["filtered_updates"])
    assert check_searched(result, Choice(("x",), gone)) == gone


def test_a_failed_search_is_no_empty_one() -> None:
    with pytest.raises(PatchError, match="HRESULT") as caught:
        check_searched({"failed": True, "msg": "Searching for updates: HRESULT 0x80240032"},
                       Choice(("x",), frozenset({"a"})))  # fmt: skip
    assert caught.value.kind == "search_failed"


def test_the_ids_of_an_installation_are_compared_again() -> None:
    result = recorded_result("full-run-two-reboots")
    names = list(result["updates"])
    outcome = check_installed(result, Choice(("x",), frozenset(names[1:])))
    assert outcome.unapproved == {names[0]}
    assert outcome.claimed == set(names)
    assert not outcome.failed


def test_a_failed_update_has_its_code_and_a_failed_call_fails_the_rest() -> None:
    failing = [
        each["id"] for step in streams("failed_install") if step["task"] == "install_result"
        for each in step["result"]["info"] if each["result_code"] != 2
    ]  # fmt: skip
    assert failing
    result = {"failed": True, "msg": "Failed to install all updates", "updates": {
        failing[0]: {"installed": False, "failure_hresult_code": -2145124330, "failure_msg": "busy"},
        "b": {"installed": True}, "c": {"installed": False}}}  # fmt: skip
    outcome = check_installed(result, Choice(("x",), frozenset({failing[0], "b", "c"})))
    assert outcome.failed[failing[0]].startswith("0x80240016: another installation runs")
    assert outcome.failed["c"] == "Failed to install all updates"
    assert outcome.claimed == {"b"}


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({"failure_hresult_code": -2145124330, "failure_msg": "busy"},
         "0x80240016: another installation runs or a reboot is pending (busy)"),
        ({"failure_hresult_code": -2147023293}, "0x80070643"),
        ({"failure_hresult_code": None, "failure_msg": "no code"}, "failed (no code)"),
        ({"failure_hresult_code": True}, "failed"),
    ],
)  # fmt: skip
def test_a_failure_is_told_by_its_code_and_the_words_of_windows(update: dict[str, Any], told: str) -> None:
    assert check_installed({"updates": {"a": update}}, Choice(("x",), frozenset({"a"}))).failed == {"a": told}


@pytest.mark.parametrize("wanted", [True, False])
def test_the_wish_for_a_reboot_is_that_of_the_module(wanted: bool) -> None:
    outcome = check_installed({"updates": {}, "reboot_required": wanted}, Choice(("x",), frozenset({"a"})))
    assert outcome.reboot_required is wanted


def test_a_broken_answer_of_the_module_is_refused() -> None:
    with pytest.raises(PatchError, match="must be an object"):
        check_installed({"updates": ["a"]}, Choice(("x",), frozenset({"a"})))


def test_the_codes_of_recorded_failures_are_shown_with_their_meaning() -> None:
    exits = [each["result"] for each in streams("install_reboot_two_failures") if each["task"] == "exit"]
    codes = [each["exception"]["hresult"] for each in exits]
    assert [meaning(code) for code in codes] == ["0x80240032: the search criteria are not understood"] * 2


CODES = {
    "0x80070005": "access is denied", "0x80240016": "a reboot is pending", "0x8024001E": "was stopping",
    "0x80240024": "no updates", "0x80240032": "criteria", "0x80240044": "no administrator",
    "0x8024402C": "cannot be reached", "0x80072EE2": "cannot be reached", "0x80072EE7": "cannot be reached",
    "0x80070422": "wuauserv", "0x8007045B": "shutting down",
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_the_codes_that_matter_have_words(code: str) -> None:
    assert meaning(code).startswith(f"{code}: ")
    assert CODES[code] in meaning(code)
    assert meaning(int(code, 16) - 2**32) == meaning(code)


def test_nothing_missing_ends_the_run() -> None:
    assert next_step([frozenset({"a"})], [], reboot_pending=False).action == "stop"


def test_a_pending_reboot_comes_before_the_next_round() -> None:
    assert next_step([], ["a"], reboot_pending=True).action == "reboot"
    assert next_step([], ["a"], reboot_pending=False).action == "install"


def test_an_update_that_comes_back_is_given_up_and_new_ones_have_their_turn() -> None:
    step = next_step([frozenset({"a"}), frozenset({"a"})], ["a", "b"], reboot_pending=False)
    assert (step.action, step.ids) == ("install", {"b"})
    assert "still missing after 2" in step.left["a"]


def test_rounds_have_an_end_even_where_every_update_is_new() -> None:
    rounds = [frozenset({str(number)}) for number in range(5)]
    step = next_step(rounds, ["z"], reboot_pending=False)
    assert (step.action, step.left) == ("stop", {"z": "5 rounds are over"})


def test_no_reboot_is_asked_for_what_is_given_up() -> None:
    assert next_step([frozenset({"a"})] * 2, ["a"], reboot_pending=True).action == "stop"


def test_the_repeated_update_of_the_recording_ends() -> None:
    searches = [each["result"]["updates"] for each in streams("repeated_update") if each["task"] == "search_result"]
    rounds: list[frozenset[str]] = []
    for updates in searches:
        missing = {each["id"] for each in updates}
        step = next_step(rounds, missing, reboot_pending=False)
        if step.action == "stop":
            break
        rounds.append(step.ids)
    assert len(rounds) < len(searches)


@pytest.mark.parametrize(
    ("version", "product"),
    [("6.0.6002", "WindowsServer2008"), ("6.1.7601", "WindowsServer2008R2"), ("6.2.9200", "WindowsServer2012"),
     ("6.3.9600", "WindowsServer2012R2"), ("10.0.14393", "WindowsServer2016"), ("10.0.17763", "WindowsServer2019"),
     ("10.0.20348", "WindowsServer2022"), ("10.0.26100", "WindowsServer2025")],
)  # fmt: skip
def test_every_server_that_patch_manager_knows_has_its_product(version: str, product: str) -> None:
    for kind in (2, 3):
        assert server_of(version, kind, "").product == product


@pytest.mark.parametrize(("version", "kind"), [("10.0.19045", 1), ("10.0.25398", 3), ("5.2.3790", 3)])
def test_other_releases_are_refused_with_the_list(version: str, kind: int) -> None:
    with pytest.raises(PatchError, match="2022 and 2025") as caught:
        server_of(version, kind, "Microsoft Windows")
    assert caught.value.kind == "unsupported_os"


@pytest.mark.parametrize(
    ("version", "powershell", "core", "words"),
    [("6.3.9600", (4, 0), (2, 21), ("Windows Management Framework 5.1", "ansible-core 2.16 to 2.18")),
     ("6.0.6002", (3, 0), (2, 19), ("run from ansible-core 2.16 to 2.18",)),
     ("6.0.6002", (2, 0), (2, 19), ("has to be replaced",))],
)  # fmt: skip
def test_an_old_host_is_told_what_helps(
    version: str, powershell: tuple[int, int], core: tuple[int, int], words: tuple[str, ...]
) -> None:
    told = install_objection(server_of(version, 3, ""), powershell, core) or ""
    assert all(each in told for each in words)


@pytest.mark.parametrize(("powershell", "core"), [((4, 0), (2, 16)), ((4, 0), (2, 18)), ((5, 1), (2, 21))])
def test_a_host_that_is_new_enough_is_told_nothing(powershell: tuple[int, int], core: tuple[int, int]) -> None:
    assert install_objection(server_of("6.3.9600", 3, ""), powershell, core) is None
