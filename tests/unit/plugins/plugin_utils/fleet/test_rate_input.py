"""Numbers and shares as people write them: documented forms, rounding, Patch Manager's own scaling, every mistake."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_control import RatePlan
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_input import parse_rates


def plan(count: int, operation: str = "Install", **raw: Any) -> RatePlan:
    return parse_rates(raw).plan([f"h{number}" for number in range(count)], operation=operation)


@pytest.mark.parametrize(
    ("count", "concurrency", "errors", "expected"),
    [
        # What Patch Manager takes when nothing is said.
        (200, None, None, (50, 0)),
        (50, "10%", "10%", (5, 5)),
        (50, 3, 3, (3, 3)),
        (50, "3", "3", (3, 3)),
        # Rounded down, a concurrency to one at least.
        (19, "10%", "10%", (1, 1)),
        (9, "10%", "10%", (1, 0)),
        (9, "1%", "0%", (1, 0)),
        (7, "100%", "100%", (7, 7)),
        (1000, "33%", "7%", (330, 70)),
        (29, "50%", "50%", (14, 14)),
        # 0 is something that was said.
        (50, 1, 0, (1, 0)),
    ],
)
def test_numbers_and_shares_of_the_whole_target_set(
    count: int, concurrency: Any, errors: Any, expected: tuple[int, int]
) -> None:
    found = plan(count, concurrency=concurrency, error_threshold=errors)
    assert (found.concurrency, found.max_errors) == expected


# The documented scaling of a patching on demand, at the edges of its steps.
@pytest.mark.parametrize(
    ("count", "operation", "expected"),
    [
        (1, "Install", (1, 1)),
        (24, "Install", (1, 1)),
        (25, "Install", (1, 5)),
        (40, "Install", (2, 5)),
        (100, "Install", (5, 5)),
        (101, "Install", (8, 10)),
        (1000, "Install", (80, 10)),
        (1001, "Install", (100, 10)),
        (5000, "Install", (500, 10)),
        (10, "Scan", (1000, 1000)),
        (2000, "Scan", (1000, 1000)),
    ],
)
def test_the_profile_scales_with_the_fleet(count: int, operation: str, expected: tuple[int, int]) -> None:
    found = plan(count, operation, profile="patch_now")
    assert (found.concurrency, found.max_errors) == expected


def test_what_is_written_beside_a_profile_comes_before_it() -> None:
    found = plan(200, profile="patch_now", error_threshold=0)
    assert (found.concurrency, found.max_errors) == (16, 0)


@pytest.mark.parametrize(
    ("count", "waves", "ends"),
    [
        (100, [1, "10%", "50%", "100%"], (1, 10, 50, 100)),
        (35, [1, "10%", "50%", "100%"], (1, 3, 17, 35)),
        # A wave that would add none is none.
        (10, [1, "10%", "50%", "100%"], (1, 5, 10)),
        (3, [1, "10%", "50%", "100%"], (1, 3)),
        (1, [1, "10%", "50%", "100%"], (1,)),
        (4, [5, "100%"], (4,)),
        (20, ["100%"], (20,)),
        (20, [], ()),
        (20, None, ()),
        (0, [1, "100%"], ()),
    ],
)
def test_waves_go_up_to_so_much_of_the_whole(count: int, waves: Any, ends: tuple[int, ...]) -> None:
    assert plan(count, waves=waves).waves == ends


@pytest.mark.parametrize(
    ("raw", "place", "told"),
    [
        ({"concurrency": 0}, "concurrency", "0 is not a whole number from 1 on, nor a share from 1% to 100%"),
        ({"concurrency": "0%"}, "concurrency", "'0%' is not"),
        ({"concurrency": "101%"}, "concurrency", "'101%' is not"),
        ({"concurrency": "10 %"}, "concurrency", "'10 %' is not"),
        ({"concurrency": 2.5}, "concurrency", "2.5 is not"),
        ({"concurrency": True}, "concurrency", "true is not"),
        ({"concurrency": -1}, "concurrency", "-1 is not"),
        ({"concurrency": "٣"}, "concurrency", "is not a whole number"),
        ({"error_threshold": -1}, "error_threshold", "-1 is not a whole number from 0 on, nor a share from 0% to 100%"),
        ({"error_threshold": "few"}, "error_threshold", "'few' is not"),
        ({"error_threshold": [1]}, "error_threshold", "a list is not"),
        ({"waves": "1, 10%"}, "waves", "is not a list such as"),
        ({"waves": [1, None, "100%"]}, "waves[1]", "null is not"),
        ({"waves": [0, "100%"]}, "waves[0]", "0 is not"),
        ({"waves": [1, "10%"]}, "waves[1]", "10%: the last wave is 100%"),
        ({"waves": [1, "50%", "10%", "100%"]}, "waves[2]", "10% is no more than an earlier wave"),
        ({"waves": [5, "10%", 5, "100%"]}, "waves[2]", "5 is no more than an earlier wave"),
        ({"ramp_up": "yes"}, "ramp_up", "neither true nor false"),
        ({"profile": "patch_later"}, "profile", "'patch_later' is none of patch_now"),
        ({"max_per_domain": "10%"}, "max_per_domain", "'10%' is not a whole number from 1 on"),
        ({"max_errors": 1}, "max_errors", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_place(raw: dict[str, Any], place: str, told: str) -> None:
    with pytest.raises(PatchError) as caught:
        parse_rates(raw)
    assert caught.value.kind == "bad_rate_control"
    assert [each["where"] for each in caught.value.details["problems"]] == [place]
    assert told in caught.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(PatchError) as caught:
        parse_rates({"concurrency": 0, "error_threshold": "x", "waves": ["y", "z"]})
    assert len(caught.value.details["problems"]) == 4
