"""What the dnf5 manager makes of the recorded answer, where it tells more than dnf 4, and what a plan for it reads."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import inventory as flow
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf5 import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf5_plan import Dnf5Plan

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "fedora-42"
FEDORA = json.loads((GOLDEN / "dnf5_answer.json").read_text())["result"]
MAPPINGS = {"fedora": {"operating_system": "REDHAT_ENTERPRISE_LINUX", "product": "Fedora42"}}


def read(**changes: Any) -> Inventory:
    return build_inventory({"system": {}, "result": {**copy.deepcopy(FEDORA), **changes}}, mappings=MAPPINGS)


def test_the_recorded_answer_becomes_the_recorded_inventory() -> None:
    assert read().to_dict() == json.loads((GOLDEN / "dnf5_inventory.json").read_text())


def test_without_a_mapping_fedora_is_refused_and_the_mapping_is_shown() -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory({"system": {}, "result": FEDORA})
    assert caught.value.kind == "unsupported_os"
    assert "patch_os_mappings: {fedora: {operating_system: REDHAT_ENTERPRISE_LINUX}}" in caught.value.message


def test_notices_say_whether_they_call_for_a_reboot() -> None:
    told = {record["name"]: {each["reboot_suggested"] for each in record["advisories"]} for record in read().candidates}
    assert {name for name, said in told.items() if True in said} == {"kernel-core", "microcode_ctl"}
    assert told["acme-crit"] == {False}


def test_a_transaction_that_waits_for_the_next_boot_is_found_and_said() -> None:
    inventory = read(offline={"status": "ready", "command": "dnf5 upgrade --offline"})
    assert inventory.findings["offline"] == {"status": "ready", "command": "dnf5 upgrade --offline"}
    [told] = [each["message"] for each in inventory.warnings if each["kind"] == "offline_transaction"]
    assert "(ready: dnf5 upgrade --offline)" in told
    assert "offline" not in read().findings


def test_the_reader_is_found_by_its_name_and_so_is_the_plan() -> None:
    inventory = flow.build_inventory({"system": {}, "reader": "dnf5", "result": FEDORA}, mappings=MAPPINGS)
    assert inventory.manager == {"name": "dnf5", "version": "5.4.6.0", "api": "libdnf5"}
    assert isinstance(flow.plan_module(inventory), Dnf5Plan)


LOG = """\
openfleet-patch: installing acme-bug-1.1-1.fc42.noarch

openfleet-patch: script: package acme-badpost-1.1-1.fc42.noarch: its %post scriptlet failed: cannot configure

openfleet-patch: error: package acme-badpre-1:1.1-1.fc42.noarch: its %pre scriptlet failed: cannot prepare

openfleet-patch: rpm: %prein(acme-badpre-1.1-1.fc42.noarch) scriptlet failed, exit status 3

openfleet-patch: error: file /x from install of acme-thief-1.1-1.fc42.noarch conflicts with y-1

openfleet-patch: error: OpenPGP check for package "acme-unsigned-1.1-1.fc42.noarch" (/var/x.rpm) from repo "fedora" \
has failed: The package is not signed.

openfleet-patch: error: Rpm transaction failed.

openfleet-patch: transaction 12
"""


def test_a_log_tells_why_packages_failed_which_scripts_did_and_the_id_of_the_history() -> None:
    plan = Dnf5Plan("/usr/bin/python3", "program")
    reasons, general = plan.failure_reasons(LOG)
    assert reasons == {
        "acme-badpre": "its %pre scriptlet failed: cannot prepare",
        "acme-thief": "file /x from install of acme-thief-1.1-1.fc42.noarch conflicts with y-1",
        "acme-unsigned": "The package is not signed.",
    }
    assert general.endswith("error: Rpm transaction failed.")
    assert plan.script_failures(LOG) == ["acme-badpost: its %post scriptlet failed: cannot configure"]
    assert plan.transactions_in(LOG) == [12]
