"""What people gave a run, from the task to what is told of all hosts."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.overview import survey
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.run_data import gather, run_data, spoken
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.text import render_run

AWX = {"awx_user_name": "bea", "tower_user_name": "carl"}


@pytest.mark.parametrize(
    ("arguments", "variables", "login", "who"),
    [
        ({"requested_by": "alice"}, AWX, "root", ("alice", "requested_by")),
        ({}, AWX, "root", ("bea", "awx_user_name")),
        ({}, {"tower_user_name": "carl"}, "root", ("carl", "tower_user_name")),
        ({}, {}, "dora", ("dora", "login")),
    ],
)
def test_the_nearest_name_says_who_asked_for_a_run(
    arguments: dict[str, str], variables: dict[str, str], login: str, who: tuple[str, str]
) -> None:
    data = run_data(arguments, variables, login=login)
    assert (data["requested_by"], data["requested_by_source"]) == who


def test_the_job_of_awx_is_told_by_its_number() -> None:
    assert run_data({}, {"awx_job_id": 42, "tower_job_id": 42}, login=None) == {"job_id": "42"}
    assert run_data({}, {"tower_job_id": "7"}, login=None) == {"job_id": "7"}


def test_what_is_not_set_is_absent() -> None:
    assert run_data({"comment": "", "run_timeout": None}, {}, login=None) == {}
    assert run_data({"comment": "CHG-7", "run_timeout": 0, "host_timeout": 60}, {}, login=None) == {
        "comment": "CHG-7",
        "run_timeout": 0,
        "host_timeout": 60,
    }


def test_what_hosts_say_alike_is_told_once() -> None:
    found = gather([{"comment": "CHG-7", "requested_by": "bea"}, {"comment": "CHG-7", "run_timeout": 60}, {}])
    assert spoken(found) == ["comment: CHG-7", "requested by bea", "the run may take 60 s"]
    assert spoken(gather([])) == []


def test_a_fleet_of_comments_does_not_fill_the_summary() -> None:
    assert len(gather({"comment": f"CHG-{number}"} for number in range(1000))["comments"]) == 20


def test_the_summary_tells_it_of_hosts_without_a_document_too() -> None:
    data = {"comment": "CHG-7 \x1b[31m", "requested_by": "bea"}
    outcome = {"status": "unreachable", "message": "no route", "run_data": data}
    text = render_run(survey([], {"web1": outcome}), run={"id": "x", "as_of": "y"})
    assert "comment: CHG-7 \\x1b[31m; requested by bea" in text
