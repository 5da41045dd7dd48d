"""What is shown to others keeps what updates are, and loses who and where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from windows_readings import UPDATES, reading, update_line

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.redaction import redact, scrub
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows import build_inventory

PRIVATE = ("wsus.corp.example", "8530", "Finance-Servers", "acme payroll", "srv-pay-01", "j.doe", "10.20.30.40", "CORP")


def private_reading() -> dict[str, Any]:
    own = update_line(
        UPDATES[0], title="ACME payroll agent 7.1", kb_article_ids=[], update_id="00000000-0000-0000-0000-000000000001"
    )
    policy = {"wu_server": "http://wsus.corp.example:8530", "wu_status_server": "http://wsus.corp.example:8530",
              "target_group": "Finance-Servers"}  # fmt: skip
    whole = reading([update_line(UPDATES[0]), own])
    whole["result"]["policy"].update(policy)
    whole["result"]["refused"].append(
        {"part": "disk", "code": "0x80070005", "message": r"CORP\j.doe on SRV-PAY-01 (10.20.30.40): denied"}
    )
    whole["result"]["history"] = [
        {"update_id": own["update_id"], "title": "ACME payroll agent 7.1", "date": "2026-01-01T00:00:00Z",
         "operation": 1, "result_code": 2, "code": "0x00000000"}
    ]  # fmt: skip
    return whole


def test_nothing_private_is_left_and_the_rest_is_as_it_was() -> None:
    whole = private_reading()
    shown = redact(whole, names=["srv-pay-01.corp.example", "srv-pay-01", r"CORP\j.doe", "j.doe", "CORP"])
    text = json.dumps(shown).lower()
    assert [word for word in PRIVATE if word.lower() in text] == []
    assert shown["result"]["offered"]["updates"][0] == whole["result"]["offered"]["updates"][0]
    assert shown["result"]["os"] == whole["result"]["os"]
    assert shown["result"]["powershell"] == "5.1.17763.5458"


def test_what_is_shown_can_be_judged_like_what_was_read() -> None:
    inventory = build_inventory({**redact(private_reading(), names=[]), "system": {}})
    assert (inventory.product, len(inventory.candidates)) == ("WindowsServer2019", 2)


def test_the_reading_itself_stays_as_it_is() -> None:
    whole = private_reading()
    before = json.dumps(whole)
    redact(whole, names=["srv-pay-01"])
    assert json.dumps(whole) == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"C:\Users\jdoe\x and /Users/jdoe/y and /home/jdoe", r"C:\Users\USER\x and /Users/USER/y and /home/USER"),
        ("https://user:word@repo.corp.example/a?b=c", "https://HOST"),
        ("https://support.microsoft.com/help/1?x=secret", "https://support.microsoft.com/help/1"),
        ("https://microsoft.com.evil.example/x", "https://HOST"),
        ("mail a.b@corp.example now", "mail MAIL now"),
        (r"on \\files\public\x.msu", r"on \\SERVER\SHARE"),
        ("S-1-5-21-1-2-3-1001", "SID"),
        ("at 192.168.1.20 and fe80:0:0:0:1:2:3:4 and 00:11:22:33:44:55", "at ADDRESS and ADDRESS and MAC"),
        ("10.0.17763.5458 of 2026-11-20T12:00:00Z", "10.0.17763.5458 of 2026-11-20T12:00:00Z"),
    ],
)
def test_each_kind_of_private_text_has_its_stand_in(text: str, shown: str) -> None:
    assert scrub(text) == shown


def test_short_names_do_not_tear_words_apart() -> None:
    shown = redact({"reader": "macos", "result": {"text": "no update for a pc named pc01"}}, names=["no", "pc01", "a"])
    assert shown["result"]["text"] == "no update for a pc named NAME"
