"""Templates and arguments of notifications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.notice import events_of, facts, headline
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.overview import Overview
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.notifications import WAYS, parse_notifications
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.notifying import calls, without_secrets

HOSTILE = '<!channel> {{ 7 * 7 }} {% raw %} "quoted" \x1b[31m\r\nBcc: x@example.com'
NEEDED: dict[str, Any] = {name: dict.fromkeys(way.needs, "x") for name, way in WAYS.items()}
NEEDED["put"] = {"url": "https://store/{file}"}


def known(count: int = 1) -> dict[str, Any]:
    overview = Overview(statuses={HOSTILE: "failed", **{f"host{number}": "failed" for number in range(count)}})
    overview.failures = {("failed", HOSTILE): [HOSTILE]}
    overview.failures |= {("failed", f"{number} {'x' * 500}"): [f"host{number}"] for number in range(count)}
    overview.run_data["comments"].append(HOSTILE)
    run = {"id": "3d3c", "as_of": "2026-11-20T12:00:00Z", "path": "/state"}
    made = facts(
        overview,
        overview.counts(),
        operation="Install",
        run=run,
        stopped=HOSTILE,
        summary="all",
    )
    return made | {"files": []}


def sent(
    entry: dict[str, Any], given: dict[str, Any] | None = None, files: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    [notification] = parse_notifications([entry])
    made = calls(notification, given or known(), folder=Path(), files=files)
    return [call.arguments for call in made]


@pytest.mark.parametrize("via", [name for name, way in WAYS.items() if not way.uploads])
@pytest.mark.parametrize("count", [1, 3000])
def test_text_of_hosts_stays_text_whatever_is_in_it_and_however_much(via: str, count: int) -> None:
    [arguments] = sent({"via": via, "options": NEEDED[via]}, known(count))
    way = WAYS[via]
    text = arguments[way.text] if way.text else json.dumps(arguments["body"])
    assert "{{ 7 * 7 }}" in text
    assert "\x1b" not in text
    assert "\nBcc" not in text
    if via == "slack":
        assert "<!" not in text
        assert "&lt;!channel&gt;" in text
    if way.text:
        assert len(text) <= way.longest
    if way.subject:
        assert "\n" not in arguments[way.subject]
        assert len(arguments[way.subject]) <= way.longest_subject
    if via == "teams":
        assert len(text) < 25_000


def test_a_report_is_told_by_every_way(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("page", encoding="utf-8")
    made = facts(None, {"compliant": 2, "stale": 1}, operation="Report", run=None, stopped="", summary="")
    made |= {"files": [str(page)]}
    for via in WAYS:
        [arguments] = sent({"via": via, "options": NEEDED[via]}, made, files=(str(page),))
        if WAYS[via].uploads:
            assert arguments["src"] == str(page)
        else:
            assert "stale" in str(arguments)
    [arguments] = sent({"via": "s3", "options": {"bucket": "b"}}, made, files=(str(page),))
    assert (arguments["mode"], arguments["object"]) == ("put", "openfleet-patch/fleet/report.html")
    [arguments] = sent({"via": "mail", "attach": True, "options": {"to": ["x"]}}, made, files=(str(page),))
    assert arguments["attach"] == [str(page)]


def test_own_templates_may_include_those_of_the_role_and_know_their_own_variables(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    own.write_text("{{ vars.team }} {% include 'subject.txt.j2' %}", encoding="utf-8")
    entry = {"via": "sns", "template": str(own), "vars": {"team": "web"}, "options": {"topic": "t"}}
    [arguments] = sent(entry)
    assert arguments["msg"] == "web [openfleet.patch] Install stopped: 2 hosts, 2 failed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{% if %}", "line 1"),
        ("no json", "made no JSON"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "division"),
    ],
)
def test_a_template_that_does_not_work_is_named(tmp_path: Path, text: str, told: str) -> None:
    own = tmp_path / "own.j2"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(PatchError) as caught:
        sent({"via": "webhook", "template": str(own), "options": {"url": "https://x"}})
    assert caught.value.kind == "bad_template"
    assert told in caught.value.message
    assert "own.j2" in caught.value.message


def test_secrets_are_struck_out_of_messages_and_nothing_else() -> None:
    options = {
        "host": "smtp.example.com",
        "password": "hunter22",
        "url": "https://user:pw99@hooks.example.com/T1/secretpath?x=1",
        "headers": {"Authorization": "Bearer abcdef"},
        "port": 2525,
    }
    message = (
        "smtp.example.com:2525 said hunter22; https://user:pw99@hooks.example.com/T1/secretpath?x=1;"
        " GET /T1/secretpath?x=1; user:pw99; Bearer abcdef"
    )
    told = without_secrets(message, options)
    assert told == "smtp.example.com:2525 said ********; ********; GET /********; ********; ********"


def test_events_and_headline() -> None:
    assert events_of({"compliant": 3}, stopped=False) == ("finish",)
    assert events_of({"ready": 3}, stopped=False) == ("finish",)
    assert events_of({"compliant": 1, "unknown": 1}, stopped=False) == ("finish", "non_compliant")
    assert events_of({"unreachable": 1}, stopped=False) == ("finish", "failure", "non_compliant")
    stopped = ("finish", "failure", "threshold", "non_compliant")
    assert events_of({"failed": 1, "not_started": 2}, stopped=True) == stopped
    assert headline({"compliant": 1}, stopped=False) == "compliant"
    assert headline({"compliant": 1, "stale": 1}, stopped=False) == "unknown"
    assert headline({"ready": 1}, stopped=False) == "ready"
    assert headline({"non_compliant": 1, "unknown": 1}, stopped=False) == "non-compliant"
