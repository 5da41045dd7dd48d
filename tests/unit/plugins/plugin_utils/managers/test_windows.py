"""What the Windows manager makes of recorded updates, and what it refuses."""

from __future__ import annotations

import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from windows_readings import GUIDS, RECORDED, UPDATES, reading, search, streamed_line, streams, update_line  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.states import patch_entries  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import parse_baseline  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows import build_inventory  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_answer import hotfix_day  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_categories import (  # noqa: E402
    CLASSIFICATIONS,
    FAMILIES,
    PRODUCTS,
)

AS_OF = "2026-11-20T00:00:00Z"
BY_KB = {each["kb_article_ids"][0]: each for each in UPDATES}


def baseline(rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    parsed, _warnings = parse_baseline(
        {"name": "servers", "operating_system": "WINDOWS", "approval_rules": rules, **more}, where="t"
    )
    return parsed


def rule(days: int = 0, **filters: list[str]) -> dict[str, Any]:
    return {"filters": filters, "approve_after_days": days}


def one(kb: str, **more: Any) -> dict[str, Any]:
    inventory = build_inventory(reading([update_line(BY_KB[kb], **more)]))
    return inventory.candidates[0]


def approved(inventory: Inventory, base: dict[str, Any]) -> set[str]:
    decisions = evaluate(base, inventory.candidates, operating_system="WINDOWS", as_of=AS_OF)
    return {
        record["update_id"]
        for record, decision in zip(inventory.candidates, decisions, strict=True)
        if decision["decision"] == "approved"
    }


def states(inventory: Inventory, base: dict[str, Any]) -> dict[str, str | None]:
    return {entry["title"]: entry["state"] for entry in patch_entries(inventory, base, as_of=AS_OF)}


def test_the_recorded_answer_becomes_the_recorded_inventory() -> None:
    golden = RECORDED.parent / "windows-2019"
    answer = json.loads((golden / "windows_answer.json").read_text(encoding="utf-8"))
    expected = json.loads((golden / "windows_inventory.json").read_text(encoding="utf-8"))
    assert build_inventory(answer).to_dict() == expected


@pytest.mark.parametrize("recorded", UPDATES, ids=[each["update_id"][:8] for each in UPDATES])
def test_every_recorded_update_gets_the_filter_values_that_its_source_states(recorded: dict[str, Any]) -> None:
    record = build_inventory(reading([update_line(recorded)])).candidates[0]
    assert record["classification"] == recorded["classification"].replace(" ", "")
    assert record["product_family"] == recorded["product_family"]
    assert record["patch_set"] == "OS"
    assert record["msrc_severity"] == (recorded["msrc_severity"] or "Unspecified")
    assert record["kb"] == "KB" + recorded["kb_article_ids"][0]
    assert record["released"] == recorded["last_deployment_change_time"]
    if recorded["aws_product"]:
        assert recorded["aws_product"] in record["products"]
    if not recorded["products"]:
        assert record["products"] == ["WindowsServer2019"]


def test_a_listing_of_a_2016_server_becomes_what_it_says() -> None:
    """A listing made with names of categories alone, as people publish it; ids are those of the table."""
    ids = {name: value["category_id"] for group in ("update_classifications", "products")
           for name, value in GUIDS[group].items()}  # fmt: skip
    kinds = GUIDS["update_classifications"]
    told = json.loads((RECORDED / "iupdate-baseline.2019-10-server2016.json").read_text(encoding="utf-8"))
    lines = [
        update_line({
            "update_id": each["ID"], "revision_number": 200, "title": each["Title"],
            "kb_article_ids": [each["KB"].removeprefix("KB")], "msrc_severity": each["MsrcSeverity"],
            "security_bulletin_ids": [], "last_deployment_change_time": None, "reboot_behavior": None,
            "categories": [
                {"category_id": ids[name], "name": name,
                 "type": "UpdateClassification" if name in kinds else "Product"}
                for name in each["Categories"].split(",")
            ],
        })
        for each in told
    ]  # fmt: skip
    candidates = build_inventory(reading(lines, version="10.0.14393")).candidates
    assert [(each["kb"], each["classification"], each["product"], each["msrc_severity"]) for each in candidates] == [
        (each["KB"], "SecurityUpdates", "WindowsServer2016", "Critical") for each in told
    ]


def test_every_recorded_file_has_its_provenance() -> None:
    table = (RECORDED / "SOURCES.md").read_text(encoding="utf-8")
    patterns = [name.strip() for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in row.split(",")]
    files = [path.name for path in RECORDED.iterdir() if path.name != "SOURCES.md"]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_the_table_of_category_ids_is_that_of_the_sources() -> None:
    kinds = {value["category_id"]: name.replace(" ", "") for name, value in GUIDS["update_classifications"].items()}
    assert kinds == CLASSIFICATIONS
    products = {value["category_id"] for name, value in GUIDS["products"].items() if "SQL Server" not in name}
    assert products == set(PRODUCTS)
    assert {value["category_id"]: name for name, value in GUIDS["product_families"].items()} == FAMILIES
    for product, category in GUIDS["aws_product_names"].items():
        ids = {name.lower(): value["category_id"] for name, value in GUIDS["products"].items()}
        assert PRODUCTS[ids[category.lower()]] == product


@pytest.mark.parametrize(
    "name",
    ["custom_kb", "failed_install", "full_run", "install_reboot_req_failure", "install_reboot_req_no_reboot",
     "repeated_update"],
)  # fmt: skip
def test_every_recorded_search_can_be_judged(name: str) -> None:
    searches = [line["result"] for line in streams(name) if line["task"] == "search_result"]
    assert searches
    for found in searches:
        inventory = build_inventory(reading([streamed_line(each) for each in found["updates"]]))
        decisions = evaluate(baseline([rule(classification=["*"])]), inventory.candidates,
                             operating_system="WINDOWS", as_of=AS_OF)  # fmt: skip
        assert len(decisions) == len(found["updates"])
        assert {each["reason"] for each in decisions} <= {"approved_by_rule", "no_kb_id"}


def test_a_category_counts_by_its_id_in_every_language() -> None:
    line = update_line(BY_KB["4487038"])
    for each, name in zip(line["categories"], ("Sicherheitsupdates", "Server von 2019"), strict=True):
        each["name"] = name
    record = build_inventory(reading([line])).candidates[0]
    assert (record["classification"], record["product"]) == ("SecurityUpdates", "WindowsServer2019")


def test_an_update_without_a_product_counts_for_the_hosts_own() -> None:
    inventory = build_inventory(reading([update_line(BY_KB["5028168"])]))
    assert approved(inventory, baseline([rule(product=["WindowsServer2019"])])) == {BY_KB["5028168"]["update_id"]}
    assert approved(inventory, baseline([rule(product=["WindowsServer2016"])])) == set()


@pytest.mark.parametrize("product", ["WindowsServer2016", "WindowsServer2019"])
def test_an_update_for_two_products_is_taken_by_a_rule_for_either(product: str) -> None:
    inventory = build_inventory(reading([update_line(UPDATES[2])]))
    assert inventory.candidates[0]["product"] == "WindowsServer2019"
    assert approved(inventory, baseline([rule(product=[product])])) == {UPDATES[2]["update_id"]}


def test_an_office_update_is_an_application_of_its_family() -> None:
    line = update_line(BY_KB["4487038"])
    office = {"id": "477b856e-65c4-4473-b621-a8b230bb70d9", "name": "Office", "type": "ProductFamily"}
    line["categories"][1] = {"id": "25aed893-7c2d-4a31-ae22-28ff8ac150ed", "name": "Office 2016", "type": "Product",
                             "parent": office}  # fmt: skip
    record = build_inventory(reading([line])).candidates[0]
    assert (record["patch_set"], record["product"], record["product_family"]) == (
        "APPLICATION",
        "Office 2016",
        "Office",
    )


def test_a_known_product_is_part_of_the_system_where_no_family_is_named() -> None:
    line = update_line(BY_KB["4487038"])
    line["categories"][1]["parent"] = None
    record = build_inventory(reading([line])).candidates[0]
    assert (record["patch_set"], record["product_family"]) == ("OS", "Windows")


def test_a_classification_of_no_known_id_counts_by_its_name_without_spaces() -> None:
    line = update_line(BY_KB["4487038"])
    line["categories"][0] |= {"id": "00000000-1111-2222-3333-444444444444", "name": "Driver Set Extras"}
    record = build_inventory(reading([line])).candidates[0]
    assert record["classification"] == "DriverSetExtras"


def test_a_classification_is_known_by_its_id_whatever_its_type_is_called() -> None:
    line = update_line(BY_KB["4487038"])
    line["categories"][0]["type"] = "Aktualisierungsklassifizierung"
    assert build_inventory(reading([line])).candidates[0]["classification"] == "SecurityUpdates"


def test_a_bulletin_in_the_list_takes_its_updates() -> None:
    inventory = build_inventory(reading([update_line(BY_KB["4487038"], security_bulletin_ids=["MS10-048"])]))
    assert approved(inventory, baseline([], approved_patches=["MS10-048"])) == {BY_KB["4487038"]["update_id"]}


@pytest.mark.parametrize("text", ["KB4487038", "4487038", "kb4487038"])
def test_the_patch_id_of_a_rule_may_do_without_kb(text: str) -> None:
    inventory = build_inventory(reading([update_line(BY_KB["4487038"])]))
    assert approved(inventory, baseline([rule(patch_id=[text])])) == {BY_KB["4487038"]["update_id"]}


def test_a_rule_without_patch_set_leaves_applications_alone() -> None:
    line = update_line(BY_KB["4487038"])
    office = {"id": "477b856e-65c4-4473-b621-a8b230bb70d9", "name": "Office", "type": "ProductFamily"}
    line["categories"][1] = {"id": "25aed893-7c2d-4a31-ae22-28ff8ac150ed", "name": "Office 2016", "type": "Product",
                             "parent": office}  # fmt: skip
    inventory = build_inventory(reading([line]))
    assert approved(inventory, baseline([rule(classification=["*"])])) == set()
    assert approved(inventory, baseline([rule(patch_set=["APPLICATION"])])) == {line["update_id"]}


def test_an_update_with_just_the_office_family_is_no_part_of_the_system() -> None:
    line = update_line(BY_KB["5028168"])
    line["categories"].append({"id": "477b856e-65c4-4473-b621-a8b230bb70d9", "name": "Office",
                               "type": "ProductFamily", "parent": None})  # fmt: skip
    assert build_inventory(reading([line])).candidates[0]["patch_set"] == "APPLICATION"


def test_a_severity_without_meaning_is_refused_not_passed_over() -> None:
    with pytest.raises(PatchError, match="msrc_severity"):
        one("4487038", msrc_severity="Kritisch")


def test_an_update_without_kb_stays_outside_every_operation() -> None:
    record = one("4487038", kb_article_ids=[])
    decision = evaluate(baseline([rule()]), [record], operating_system="WINDOWS", as_of=AS_OF)[0]
    assert decision["reason"] == "no_kb_id"
    assert "state" not in decision


def test_a_malformed_kb_is_no_kb_and_is_told() -> None:
    inventory = build_inventory(reading([update_line(BY_KB["4487038"], kb_article_ids=["NET4800"])]))
    assert inventory.candidates[0]["kb"] is None
    assert [each["kind"] for each in inventory.warnings] == ["malformed_kb"]


def test_the_kb_in_the_title_names_the_update_and_the_others_are_its_parts() -> None:
    record = one("4487038", kb_article_ids=["4000001", "4487038"])
    assert (record["kb"], record["child_kbs"]) == ("KB4487038", ["KB4000001"])
    rejecting = baseline([rule()], rejected_patches=["KB4000001"])
    assert evaluate(rejecting, [record], operating_system="WINDOWS", as_of=AS_OF)[0]["decision"] == "approved"


def test_a_kb_of_several_updates_is_rejected_with_all_of_them() -> None:
    lines = [update_line(each) for each in UPDATES if each["kb_article_ids"] == ["2267602"]]
    inventory = build_inventory(reading(lines))
    assert len(inventory.candidates) > 1
    assert approved(inventory, baseline([rule()], rejected_patches=["KB2267602"])) == set()
    assert len(approved(inventory, baseline([], approved_patches=["kb2267602"]))) == len(lines)


def test_an_update_id_in_the_list_takes_one_of_the_updates_of_a_kb() -> None:
    lines = [update_line(each) for each in UPDATES if each["kb_article_ids"] == ["2267602"]]
    chosen = lines[1]["update_id"]
    inventory = build_inventory(reading(lines))
    assert approved(inventory, baseline([], approved_patches=[chosen])) == {chosen}


def test_a_replaced_update_is_gone_even_where_its_successor_has_the_same_kb() -> None:
    old, new = [each for each in UPDATES if each["kb_article_ids"] == ["2267602"]][:2]
    lines = [update_line(old), update_line(new, superseded_update_ids=[old["update_id"]])]
    inventory = build_inventory(reading(lines))
    assert approved(inventory, baseline([rule()])) == {new["update_id"]}


def test_a_replaced_update_names_the_kb_that_replaces_it() -> None:
    old, new = BY_KB["4601345"], BY_KB["5028168"]
    inventory = build_inventory(reading([update_line(old), update_line(new, superseded_update_ids=[old["update_id"]])]))
    assert inventory.candidates[0]["superseded_by"] == ["KB5028168"]
    assert states(inventory, baseline([rule()]))[old["title"]] == "NOT_APPLICABLE"


def test_an_update_without_date_is_past_every_delay() -> None:
    inventory = build_inventory(reading([update_line(BY_KB["4535680"])]))
    assert inventory.candidates[0]["released"] is None
    assert approved(inventory, baseline([rule(days=30)])) == {BY_KB["4535680"]["update_id"]}


def test_the_zero_of_ole_dates_is_no_date() -> None:
    assert one("4487038", last_deployment_change_time="1899-12-30T00:00:00Z")["released"] is None


def test_a_security_update_that_waits_is_available_and_no_violation_unless_wanted() -> None:
    line = update_line(BY_KB["4487038"], last_deployment_change_time="2026-11-18T18:00:00Z")
    inventory = build_inventory(reading([line]))
    for status, violation in (("COMPLIANT", False), ("NON_COMPLIANT", True)):
        base = baseline([rule(days=7)], available_security_updates_compliance_status=status)
        entry = patch_entries(inventory, base, as_of=AS_OF)[0]
        assert (entry["state"], entry["violation"]) == ("AVAILABLE_SECURITY_UPDATE", violation)


def test_a_hidden_update_is_held_by_the_hosts_administrator() -> None:
    inventory = build_inventory(reading([update_line(BY_KB["4487038"], hidden=True)]))
    entry = patch_entries(inventory, baseline([rule()]), as_of=AS_OF)[0]
    assert (entry["state"], entry["detail"]) == (None, "HELD")
    assert (inventory.holds[0]["kind"], inventory.holds[0]["name"]) == ("hidden", "KB4487038")


def test_an_installed_update_before_its_reboot_is_neither_missing_nor_in_force() -> None:
    # As in the recorded listing: IsInstalled False and RebootRequired True.
    text = (RECORDED / "iupdate-format-list.2023-11.txt").read_text(encoding="utf-8-sig")
    said = {name.strip(): value.strip() for name, _colon, value in (line.partition(":") for line in text.splitlines())}
    assert (said["IsInstalled"], said["RebootRequired"]) == ("False", "True")
    inventory = build_inventory(reading([update_line(BY_KB["4487038"], reboot_required=True)]))
    assert inventory.candidates == []
    assert list(states(inventory, baseline([rule()])).values()) == ["INSTALLED_PENDING_REBOOT"]
    assert inventory.reboot["required"] is True
    assert [each["packages"] for each in inventory.reboot["reasons"]] == [["KB4487038"]]


@pytest.mark.parametrize("signal", ["agent", "component_servicing", "auto_update"])
def test_each_signal_of_a_pending_reboot_counts(signal: str) -> None:
    signals = {"agent": None, "component_servicing": False, "auto_update": False, "file_renames": False, signal: True}
    assert build_inventory(reading([], reboot=signals)).reboot["required"] is True


def test_renames_at_the_next_boot_alone_are_told_and_ask_for_none() -> None:
    signals = {"agent": None, "component_servicing": False, "auto_update": False, "file_renames": True}
    reboot = build_inventory(reading([], reboot=signals)).reboot
    assert (reboot["required"], [each["kind"] for each in reboot["reasons"]]) == (False, ["file_renames"])


def test_installed_packages_that_the_agent_does_not_list_come_from_the_hotfixes() -> None:
    hotfixes = [
        {"id": each["HotFixID"], "installed_on": each["InstalledOn"], "description": each["Description"]}
        for each in json.loads((RECORDED / "win32_quickfixengineering.json").read_text(encoding="utf-8"))
    ]
    present = [update_line(BY_KB["4577586"], installed=True)]
    inventory = build_inventory(reading([], present, hotfixes=hotfixes))
    dates = {record["kb"]: record["installed_at"] for record in inventory.installed}
    assert len(inventory.installed) == len(hotfixes)
    assert dates["KB4577586"] == "2023-02-22T00:00:00Z"
    assert dates["KB5033909"] == "2024-01-10T00:00:00Z"
    kinds = {each["HotFixID"]: each["Description"] for each in json.loads(
        (RECORDED / "win32_quickfixengineering.json").read_text(encoding="utf-8"))}  # fmt: skip
    titles = {each["kb"]: each["title"] for each in inventory.installed if each["kb"] != "KB4577586"}
    assert titles == {kb: f"{kind} ({kb})" for kb, kind in kinds.items() if kb != "KB4577586"}


@pytest.mark.parametrize(("told", "drive"), [("D:", "D:"), ("", "C:")])
def test_room_is_asked_for_on_the_drive_of_the_system(told: str, drive: str) -> None:
    disks = [{"path": each, "free_bytes": 500 << 20, "size_bytes": 40 << 30} for each in ("C:", "D:")]
    inventory = build_inventory(reading([], system_drive=told, disk=disks))
    assert inventory.findings["system_drive"] == drive
    [warned] = inventory.warnings
    assert (warned["kind"], drive in warned["message"]) == ("low_disk", True)


@pytest.mark.parametrize("text", ["13/13/2024", "10.01.2024", "", None, "01d95e2c3b2a0000"])
def test_a_date_in_another_form_is_unknown(text: str | None) -> None:
    assert hotfix_day(text) is None


def test_the_history_tells_when_an_update_was_last_installed() -> None:
    update = BY_KB["4487038"]

    def line(date: str, operation: int, ended: int) -> dict[str, Any]:
        return {"update_id": update["update_id"], "title": update["title"], "date": date, "operation": operation,
                "result_code": ended, "code": "0x00000000"}  # fmt: skip

    history = [line("2026-03-01T00:00:00Z", 1, 2), line("2026-01-01T00:00:00Z", 1, 2),
               line("2026-05-01T00:00:00Z", 1, 4), line("2026-06-01T00:00:00Z", 2, 2)]  # fmt: skip
    inventory = build_inventory(reading([], [update_line(update, installed=True)], history=history))
    assert inventory.installed[0]["installed_at"] == "2026-03-01T00:00:00Z"


def test_a_search_that_failed_judges_no_host_and_names_the_code() -> None:
    failed = {**search([]), "result_code": None, "error": {"code": "0x8024402C", "message": "HRESULT"}}
    with pytest.raises(PatchError, match="0x8024402C: the update server cannot be reached") as caught:
        build_inventory(reading([], offered=failed))
    assert caught.value.kind == "update_search_failed"


@pytest.mark.parametrize(
    ("search_by", "uses_wsus", "server"),
    [
        ({}, 1, "the WSUS server http://wsus:8530"),
        ({}, 0, "Windows Update"),
        ({}, None, "Windows Update"),
        ({"server_selection": "windows_update"}, 1, "Windows Update"),
        ({"server_selection": "managed_server"}, None, "the WSUS server http://wsus:8530"),
        ({"offline_file": r"C:\wsusscn2.cab"}, 1, r"the scan file C:\wsusscn2.cab"),
    ],
)
def test_a_failed_search_names_whom_it_asked(search_by: dict[str, str], uses_wsus: int | None, server: str) -> None:
    failed = {**search([]), "result_code": None, "error": {"code": "0x8024402C", "message": "HRESULT"}}
    policy = {**reading([])["result"]["policy"], "wu_server": "http://wsus:8530", "use_wu_server": uses_wsus}
    answer = reading([], offered=failed, policy=policy)
    answer["system"] = {"search": search_by}
    with pytest.raises(PatchError) as caught:
        build_inventory(answer)
    assert caught.value.message.startswith(f"The search for updates at {server} failed: 0x8024402C")


@pytest.mark.parametrize(("message", "told"), [("Zeitüberschreitung", "(Zeitüberschreitung)."), ("", "(no message).")])
def test_a_failed_search_is_told_in_the_words_of_windows_too(message: str, told: str) -> None:
    failed = {**search([]), "result_code": None, "error": {"code": "0x8024402C", "message": message}}
    with pytest.raises(PatchError) as caught:
        build_inventory(reading([], offered=failed))
    assert caught.value.message.endswith(told)


def test_what_a_search_left_out_is_told_with_code_and_words() -> None:
    warned = {**search([]), "result_code": 3, "warnings": [{"code": "0x80240032", "message": "one service"}]}
    inventory = build_inventory(reading([], offered=warned))
    assert inventory.refresh["errors"] == ["0x80240032: the search criteria are not understood one service"]


@pytest.mark.parametrize(
    ("bulletins", "cves", "advisories"),
    [
        ([], [], []),
        ([], ["CVE-2026-1"], [{"id": None, "cves": ["CVE-2026-1"]}]),
        (["MS10-048"], [], [{"id": "MS10-048", "cves": []}]),
        (["MS10-048", "MS10-049"], ["CVE-2026-1"],
         [{"id": "MS10-048", "cves": ["CVE-2026-1"]}, {"id": "MS10-049", "cves": []}]),
    ],
)  # fmt: skip
def test_cves_without_a_bulletin_and_bulletins_without_cves_are_kept(
    bulletins: list[str], cves: list[str], advisories: list[dict[str, Any]]
) -> None:
    assert one("4487038", security_bulletin_ids=bulletins, cve_ids=cves)["advisories"] == advisories


def test_an_update_is_replaced_by_another_one_on_offer_alone() -> None:
    own, absent = BY_KB["4487038"]["update_id"], "00000000-0000-0000-0000-000000000009"
    inventory = build_inventory(reading([update_line(BY_KB["4487038"], superseded_update_ids=[own, absent])]))
    assert inventory.candidates[0]["superseded_by"] == []


@pytest.mark.parametrize(("powershell", "fits"), [("2.0", False), ("3.0", True), ("5.1.17763.1", True)])
def test_the_reader_needs_powershell_3(powershell: str, fits: bool) -> None:
    if fits:
        assert build_inventory(reading([], powershell=powershell)).findings["powershell"] == powershell
        return
    with pytest.raises(PatchError, match="3.0 is needed") as caught:
        build_inventory(reading([], powershell=powershell))
    assert caught.value.kind == "unsupported_os"


def test_a_workstation_is_called_what_it_calls_itself() -> None:
    answer = reading([], version="10.0.22631")
    answer["result"]["os"].update(product_type=1, caption="Microsoft Windows 11 Pro")
    with pytest.raises(PatchError, match="^Microsoft Windows 11 Pro is a workstation"):
        build_inventory(answer)


def test_a_host_without_a_caption_goes_by_its_product() -> None:
    answer = reading([])
    answer["result"]["os"]["caption"] = ""
    assert build_inventory(answer).os["name"] == "WindowsServer2019"


@pytest.mark.parametrize("code", [0, 1, 4, 5])
def test_a_search_that_did_not_end_well_judges_no_host(code: int) -> None:
    with pytest.raises(PatchError, match=f"result code {code}"):
        build_inventory(reading([], offered={**search([]), "result_code": code}))


def test_a_search_with_errors_leaves_a_doubt() -> None:
    inventory = build_inventory(reading([], offered={**search([]), "result_code": 3}))
    assert inventory.refresh["ok"] is False
    assert [each["kind"] for each in inventory.warnings] == ["search_incomplete"]


def test_the_address_of_a_wsus_server_loses_its_password() -> None:
    policy = {**reading([])["result"]["policy"], "wu_server": "https://u:secret@wsus.example:8531", "use_wu_server": 1}
    inventory = build_inventory(reading([], policy=policy))
    assert inventory.findings["update_policy"]["wu_server"] == "https://wsus.example:8531"
    assert "secret" not in json.dumps(inventory.to_dict())


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"services": [{"name": "wuauserv", "state": "Stopped", "start_mode": "Disabled"}]}, "update_service_disabled"),
        ({"disk": [{"path": "C:", "free_bytes": 500 << 20, "size_bytes": 40 << 30}]}, "low_disk"),
        ({"policy": {**reading([])["result"]["policy"], "use_wu_server": 1}}, "wsus_without_address"),
        ({"policy": {**reading([])["result"]["policy"], "disable_access": 1}}, "update_access_disabled"),
    ],
)
def test_what_would_keep_an_install_from_working_is_told(parts: dict[str, Any], kind: str) -> None:
    assert kind in [each["kind"] for each in build_inventory(reading([], **parts)).warnings]


def test_one_update_listed_twice_is_refused() -> None:
    line = update_line(BY_KB["4487038"])
    with pytest.raises(PatchError, match="different updates"):
        build_inventory(reading([line, line]))


# For people who look at a reading: which search lists an update says whether it is installed.
UNUSED = {"type", "support_url", "installed"}


@pytest.mark.parametrize("key", sorted(update_line(UPDATES[0]).keys() - UNUSED))
def test_a_member_of_the_wrong_type_is_refused_by_name(key: str) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading([update_line(UPDATES[0], **{key: {"x": 1}})]))
    assert caught.value.kind == "bad_answer"
    assert key in caught.value.message
