"""The public tasks from end to end, on a real host, with every supported Ansible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from transport_play import Controller, Play, inventory_of

pytestmark = pytest.mark.lab
SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "document.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
NOWHERE = {"ansible_host": "10.77.0.254", "ansible_ssh_common_args": "-o ConnectTimeout=2"}
BASELINE = {
    "name": "lab",
    "operating_system": "DEBIAN",
    "approval_rules": [
        {"filters": {"section": ["*"]}, "compliance_level": "HIGH", "enable_non_security": True},
    ],
}


def scan(name: str = "scan", **keywords: Any) -> dict[str, Any]:
    options = {"refresh": "never", "state_directory": "state", **keywords.pop("options", {})}
    return {"name": name, "openfleet.patch.scan_host": options, **keywords}


def outcome(controller: Controller, host: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((controller.folder / "state/latest/outcomes" / f"{host}.json").read_text())
    return found


def executions(play: Play) -> int:
    """How many commands ansible-playbook -vvv says that it ran on the host by ssh."""
    return sum(line.count("SSH: EXEC") for line in play.output.splitlines())


@pytest.fixture(autouse=True)
def state_in_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of these tests lands in the home of whoever runs them."""
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_scan_judges_the_host_in_one_execution(controller: Controller, host: Any) -> None:
    play = controller.play(
        inventory_of({"a": host.inventory("root")}),
        [scan(options={"baselines": [BASELINE], "default_baselines": {"DEBIAN": "lab"}})],
        "-vvv",
    )
    task = play.only()
    assert task.status == "ok", play.output
    document = task.result["document"]
    assert (document["host"], document["operating_system"]) == ("a", "DEBIAN")
    assert document["baseline"]["name"] == "lab"
    assert task.result["changed"] is False
    assert task.result["compliant"] is False
    assert {"MISSING", "INSTALLED"} <= {patch["state"] for patch in document["patches"]}
    assert all(patch["explanation"] for patch in document["patches"])
    assert executions(play) == 1
    kept = json.loads((controller.folder / "state/latest/hosts/a.json").read_text())
    VALIDATOR.validate(kept)
    assert kept["patches"] == document["patches"]
    assert (controller.folder / "state/first_seen.jsonl").stat().st_size > 0
    assert outcome(controller, "a")["status"] == "ok"


def test_a_scan_through_sudo_with_a_password_is_one_execution_too(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("opslab")}), [scan()], "-vvv")
    assert play.only().status == "ok", play.output
    assert play.only().result["document"]["privileged"] is True
    assert executions(play) == 1


def test_what_a_host_says_is_never_templated(controller: Controller, host: Any) -> None:
    release = host.root / "usr" / "lib" / "os-release"
    before = release.read_text()
    changed = [line for line in before.splitlines() if not line.startswith(("NAME=", "PRETTY_NAME="))]
    release.write_text("\n".join([*changed, 'NAME="{{ 7 * 7 }}"', 'PRETTY_NAME="{{ 7 * 7 }}"']) + "\n")
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ scanned.document.os.name }}"}}
    try:
        play = controller.play(inventory_of({"a": host.inventory("root")}), [scan(register="scanned"), show])
    finally:
        release.write_text(before)
    assert play.task("a", "scan").status == "ok", play.output
    assert play.task("a", "show").result["msg"] == "{{ 7 * 7 }}"


def test_unknown_options_are_refused_in_ansible_s_own_words(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("root")}), [scan(options={"patch_grup": "web"})])
    task = play.only()
    assert task.status == "failed"
    assert "Unsupported parameters for" in task.result["msg"]
    assert "patch_grup" in task.result["msg"]


def test_a_bad_baseline_is_refused_before_any_host_is_touched(controller: Controller) -> None:
    wrong = {"name": "x", "operating_system": "DEBIAN", "aproval_rules": [], "rejected_patches": 7}
    play = controller.play(inventory_of({"a": NOWHERE}), [scan(options={"baselines": [wrong]})], "-vvv")
    task = play.only()
    assert (task.status, task.kind) == ("failed", "bad_baseline"), play.output
    assert len(task.result["error"]["problems"]) >= 2
    assert "approval_rules" in task.result["msg"]
    assert executions(play) == 0


def test_an_unreachable_host_is_unreachable_and_recorded(controller: Controller) -> None:
    play = controller.play(inventory_of({"a": NOWHERE}), [scan()])
    assert play.only().status == "unreachable", play.output
    assert outcome(controller, "a")["status"] == "unreachable"


def test_a_host_that_cannot_be_read_keeps_a_document_that_says_unknown(controller: Controller, host: Any) -> None:
    passwordless = {**host.inventory("opslab"), "ansible_become_password": "wrong"}
    play = controller.play(inventory_of({"a": passwordless}), [scan()])
    task = play.only()
    assert (task.status, task.kind) == ("failed", "no_privilege"), play.output
    document = json.loads((controller.folder / "state/latest/hosts/a.json").read_text())
    VALIDATOR.validate(document)
    assert (document["verdict"], document["compliant"]) == ("unknown", None)
    assert document["error"]["kind"] == "no_privilege"
    assert task.result["document"]["verdict"] == "unknown"
    assert outcome(controller, "a")["kind"] == "no_privilege"


def test_async_is_refused(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("root")}), [scan(**{"async": 60, "poll": 1})])
    task = play.only()
    assert task.status == "failed"
    assert "async" in task.result["msg"]


def without_become(variables: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in variables.items() if not key.startswith("ansible_become")}


def test_a_scan_loops_over_hosts_by_delegation_and_becomes_root_by_keyword(controller: Controller, host: Any) -> None:
    hosts = {
        "a": NOWHERE,
        "b": without_become(host.inventory("nopw")),
        "c": without_become(host.inventory("fishop")),
        "d": {**NOWHERE, "ansible_host": "10.77.0.253"},
    }
    each = scan(
        loop=["b", "c", "d"],
        delegate_to="{{ item }}",
        become=True,
        when="inventory_hostname == 'a'",
        ignore_unreachable=True,
    )
    play = controller.play(inventory_of(hosts), [each])
    results = next(task for task in play.tasks if task.host == "a").result["results"]
    read = [result["document"] for result in results if "document" in result]
    assert [(document["host"], document["privileged"]) for document in read] == [("b", True), ("c", True)], play.output
    assert results[2]["unreachable"] is True
    assert {name: outcome(controller, name)["status"] for name in "bcd"} == {
        "b": "ok",
        "c": "ok",
        "d": "unreachable",
    }


def test_no_log_hides_the_document(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("root")}), [scan(no_log=True)], "-vvv")
    assert play.only().status == "ok", play.output
    assert outcome(controller, "a")["status"] == "ok"
    assert "is approved by" not in play.output
    assert "inventory_digest" not in play.output
    loud = controller.play(inventory_of({"a": host.inventory("root")}), [scan()], "-vvv")
    assert "inventory_digest" in loud.output, "or this test could not fail"


def test_module_defaults_of_the_group_count(controller: Controller, host: Any) -> None:
    defaults = {"group/openfleet.patch.patch": {"comment": "CHG-1", "state_directory": "state", "refresh": "never"}}
    task = {"name": "scan", "openfleet.patch.scan_host": {}, "module_defaults": defaults}
    play = controller.play(inventory_of({"a": host.inventory("root")}), [task])
    assert play.only().status == "ok", play.output
    data = play.only().result["document"]["run"]["data"]
    assert data["comment"] == "CHG-1"
    assert data["requested_by_source"] == "login"


def test_in_the_role_variables_count_and_module_defaults_do_not(controller: Controller, host: Any) -> None:
    role = {
        "name": "scan",
        "ansible.builtin.import_role": {"name": "openfleet.patch.scan"},
        "module_defaults": {"group/openfleet.patch.patch": {"comment": "CHG-2"}},
        "vars": {"patch_state_directory": "state", "patch_refresh": "never", "patch_list_installed_other": True},
    }
    play = controller.play(inventory_of({"a": without_become(host.inventory("nopw"))}), [role])
    assert play.code == 0, play.output
    document = json.loads((controller.folder / "state/latest/hosts/a.json").read_text())
    assert (document["installed_other_listed"], document["privileged"]) == (True, True)
    # As roles/scan/README.md says: what a role omits still wins over module_defaults.
    assert "comment" not in document["run"]["data"]


def test_all_hosts_of_a_play_share_one_run(controller: Controller, host: Any) -> None:
    hosts = {name: host.inventory("root") for name in ("a", "b", "c")}
    play = controller.play(inventory_of(hosts), [scan()], "--forks", "3")
    assert len({task.result["run_id"] for task in play.tasks}) == 1
    assert len(play.tasks) == 3


def test_a_saved_inventory_judged_again_gives_the_same_decisions(controller: Controller, host: Any) -> None:
    again = {
        "name": "again",
        "openfleet.patch.evaluate_baseline": {
            "inventory": "{{ scanned.inventory_file }}",
            "as_of": "{{ scanned.document.run.as_of }}",
        },
    }
    unconnected = {
        "name": "document",
        "openfleet.patch.evaluate_baseline": {"inventory": "{{ scanned.document }}"},
        "vars": {"ansible_host": "10.77.0.254"},
    }
    play = controller.play(
        inventory_of({"a": host.inventory("root")}),
        [scan(register="scanned", options={"save_inventory": True}), again, unconnected],
        "-vvv",
    )
    document = play.task("a", "scan").result["document"]
    scanned = sorted(
        (f"{patch['id']} {patch['version']}", patch["decision"], patch["reason"])
        for patch in document["patches"]
        if patch["version"]
    )
    for name in ("again", "document"):
        task = play.task("a", name)
        assert task.status == "ok", play.output
        judged = sorted((each["patch"], each["decision"], each["reason"]) for each in task.result["decisions"])
        assert judged == scanned
    assert executions(play) == 1
