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


# Where a text of a Windows host is shown as it came: numbers, codes, ids, names that Windows and Microsoft give.
SHOWN = {
    "agent_version", "collected_at", "disk.path", "history.code", "history.date", "history.update_id",
    "hotfixes.installed_on", "last_detection", "os.architecture", "os.booted_at", "os.caption", "os.edition",
    "os.installation_type", "os.version", "powershell", "refused.code", "refused.part", "services.name",
    "services.start_mode", "services.state", "sources.id", "sources.name", "system_drive", *(
        f"{search}.{name}" for search in ("offered", "present") for name in (
            "criteria", "error.code", "warnings.code", "updates.categories.id", "updates.categories.name",
            "updates.categories.parent.id", "updates.categories.parent.name", "updates.categories.parent.type",
            "updates.categories.type", "updates.cve_ids", "updates.last_deployment_change_time",
            "updates.msrc_severity", "updates.security_bulletin_ids", "updates.superseded_update_ids", "updates.title",
            "updates.update_id",
        )
    ),
}  # fmt: skip
WORD = "zorbax"


def texts(value: Any, path: str = "") -> dict[str, list[str]]:
    """Path, without the numbers of lists, to the texts there."""
    if isinstance(value, str):
        return {path: [value]}
    found: dict[str, list[str]] = {}
    for key, item in (
        value.items()
        if isinstance(value, dict)
        else [("", each) for each in value or []]
        if isinstance(value, list)
        else []
    ):
        for place, some in texts(item, f"{path}.{key}".strip(".")).items():
            found.setdefault(place, []).extend(some)
    return found


def planted(value: Any, target: str, path: str = "") -> Any:
    """With the word in every text at one path."""
    if isinstance(value, str):
        return f"{WORD} {value}" if path == target else value
    if isinstance(value, dict):
        return {key: planted(item, target, f"{path}.{key}".strip(".")) for key, item in value.items()}
    return [planted(item, target, path) for item in value] if isinstance(value, list) else value


def full_reading() -> dict[str, Any]:
    """Every text that the reader's schema knows, in updates of Microsoft."""
    line = update_line(
        UPDATES[2], security_bulletin_ids=["MS10-048"], cve_ids=["CVE-2026-1"], msrc_severity="Critical",
        superseded_update_ids=[UPDATES[1]["update_id"]], support_url="https://support.microsoft.com/help/1",
    )  # fmt: skip
    bad = {"code": "0x80240032", "message": "told"}
    whole = reading([line], [{**line, "installed": True}])
    whole["result"]["policy"].update(wu_server="http://wsus", wu_status_server="http://wsus", target_group="g")
    for name in ("offered", "present"):
        whole["result"][name].update(error=dict(bad), warnings=[dict(bad)])
    whole["result"]["hotfixes"] = [{"id": "KB5012345", "installed_on": "1/10/2024", "description": "Update"}]
    whole["result"]["history"] = [
        {"update_id": "00000000-0000-0000-0000-000000000009", "title": "x (KB5012345)", "date": "2026-01-01T00:00:00Z",
         "operation": 1, "result_code": 2, "code": "0x00000000"}
    ]  # fmt: skip
    return whole


@pytest.mark.parametrize("path", sorted(texts(full_reading()["result"])))
def test_of_every_text_of_a_windows_host_it_is_decided_whether_it_is_shown(path: str) -> None:
    whole = {"reader": "windows", "result": planted(full_reading()["result"], path)}
    shown = redact(whole, names=[])
    assert (WORD in json.dumps(shown)) is (path in SHOWN)


@pytest.mark.parametrize(
    "more",
    [
        {"kb_article_ids": []},
        {"kb_article_ids": ["ACME-77"]},
        {"support_url": "https://intranet.acme.example/payroll"},
        {"support_url": "https://microsoft.com.acme.example/"},
        {"support_url": "see the acme wiki"},
    ],
)
def test_what_a_company_publishes_for_itself_loses_every_name(more: dict[str, Any]) -> None:
    own = {"id": "00000000-0000-0000-0000-0000000000aa", "name": "ACME Payroll", "type": "Product",
           "parent": {"id": "00000000-0000-0000-0000-0000000000ab", "name": "ACME", "type": "Company"}}  # fmt: skip
    line = update_line(UPDATES[0], title="ACME agent (KB4487038)", security_bulletin_ids=["ACME-1"], cve_ids=["ACME-2"])
    line = {**line, "categories": [*line["categories"], own], **more}
    shown = redact(reading([line]), names=[], categories={each["id"] for each in update_line(UPDATES[0])["categories"]})
    assert "acme" not in json.dumps(shown).lower()
    # What it is for this collection stays.
    assert shown["result"]["offered"]["updates"][0]["categories"][0] == line["categories"][0]


@pytest.mark.parametrize("host", ["windows", "critical", "server.local", "SERVER"])
def test_a_host_with_a_common_name_does_not_make_updates_unreadable(host: str) -> None:
    whole = reading([update_line(each) for each in UPDATES[:3]])
    assert redact(whole, names=[host, *host.split(".")])["result"]["offered"] == whole["result"]["offered"]


def test_an_underscore_ends_a_name() -> None:
    shown = redact({"reader": "macos", "result": {"text": "of pay01_backup, xpay01"}}, names=["pay01"])
    assert shown["result"]["text"] == "of NAME_backup, xpay01"


def test_short_names_do_not_tear_words_apart() -> None:
    shown = redact({"reader": "macos", "result": {"text": "no update for a pc named pc01"}}, names=["no", "pc01", "a"])
    assert shown["result"]["text"] == "no update for a pc named NAME"
