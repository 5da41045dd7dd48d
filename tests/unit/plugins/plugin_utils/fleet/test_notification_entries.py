"""What may be set in patch_notifications, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.notifications import WAYS, parse_notifications

MAIL: dict[str, Any] = {"via": "mail", "options": {"to": ["a@example.com"]}}


def problems(raw: Any) -> dict[str, str]:
    with pytest.raises(PatchError) as caught:
        parse_notifications(raw)
    assert caught.value.kind == "bad_notifications"
    assert "s3cret" not in caught.value.message
    return {
        each["where"].removeprefix("patch_notifications"): each["message"] for each in caught.value.details["problems"]
    }


def test_nothing_set_is_nobody_to_tell() -> None:
    assert parse_notifications(None) == parse_notifications([]) == []


def test_an_entry_is_of_the_end_of_every_operation_unless_it_says_otherwise() -> None:
    plain, chosen = parse_notifications(
        [MAIL, {**MAIL, "name": "oncall", "events": ["threshold"], "operations": ["Install"]}]
    )
    assert plain.wanted(("finish",), "Scan")
    assert plain.wanted(("finish", "failure"), "Report")
    assert not chosen.wanted(("finish", "failure"), "Install")
    assert chosen.wanted(("finish", "threshold"), "Install")
    assert not chosen.wanted(("finish", "threshold"), "Scan")
    assert (plain.name, chosen.name) == ("mail", "oncall")


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"via": "mial"}, "[0].via"),
        ({}, "[0].via"),
        ({"via": "mail"}, "[0].options"),
        ({"via": "mail", "options": ["s3cret"]}, "[0].options"),
        ({**MAIL, "event": ["finish"]}, "[0].event"),
        ({**MAIL, "events": "finish"}, "[0].events"),
        ({**MAIL, "events": []}, "[0].events"),
        ({**MAIL, "operations": ["install"]}, "[0].operations"),
        ({**MAIL, "files": "/report.html"}, "[0].files"),
        ({**MAIL, "attach": "yes"}, "[0].attach"),
        ({"via": "slack", "attach": True, "options": {"token": "s3cret"}}, "[0].attach"),
        ({"via": "webhook", "options": {"url": "https://s3cret", "body": "x"}}, "[0].options.body"),
        ({"via": "put", "options": {"url": "https://s3cret/report.html"}}, "[0].options.url"),
        ({"via": "put", "options": {"url": "https://s3cret/{file}/{host}"}}, "[0].options.url"),
        ("mail", "[0]"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_no_value_of_an_option(entry: Any, place: str) -> None:
    assert list(problems([entry])) == [place]


def test_all_problems_are_told_at_once() -> None:
    assert list(problems([{"via": "pigeon"}, MAIL, {"via": "sns"}])) == ["[0].via", "[2].options"]
    assert problems("mail")


def test_each_way_carries_a_text_or_files() -> None:
    for name, way in WAYS.items():
        assert way.uploads != bool(way.text or (way.template or "").endswith(".json.j2")), name
