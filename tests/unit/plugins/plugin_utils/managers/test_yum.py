"""What the yum manager makes of recorded answers, and every system with yum 3 by its own files: identity and plan."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import (
    Change,
    Choice,
    FileArgument,
    Simulation,
    Target,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import inventory as flow
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.yum import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.yum_plan import YumPlan, plan_for

GOLDEN = Path(__file__).resolve().parents[4] / "golden"
ANSWERS = sorted(GOLDEN.glob("*/yum_answer.json"))
AMAZON = json.loads((GOLDEN / "amazonlinux-2" / "yum_answer.json").read_text())["result"]

# os-release and release files of the hosts with yum 3 that have no scenario of their own.
SYSTEMS = {
    "Amazon Linux 1": (
        'NAME="Amazon Linux AMI"\nVERSION="2018.03"\nID="amzn"\nID_LIKE="rhel fedora"\nVERSION_ID="2018.03"\n',
        {"system-release": "Amazon Linux AMI release 2018.03\n"},
        ("AMAZON_LINUX", "AmazonLinux2018.03", ["Critical", "Important"]),
    ),
    "RHEL 7": (
        'NAME="Red Hat Enterprise Linux Server"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="7.9"\n',
        {"redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n"},
        ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux7.9", ["Critical", "Important"]),
    ),
    "RHEL 6": (
        "", {"redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"},
        ("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux6.10", ["Critical", "Important"]),
    ),
    "Oracle 7": (
        'NAME="Oracle Linux Server"\nID="ol"\nID_LIKE="fedora"\nVERSION_ID="7.9"\n',
        {"redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n",
         "oracle-release": "Oracle Linux Server release 7.9\n"},
        ("ORACLE_LINUX", "OracleLinux7.9", ["Important", "Moderate"]),
    ),
    "Oracle 6": (
        "", {"redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n",
             "oracle-release": "Oracle Linux Server release 6.10\n"},
        ("ORACLE_LINUX", "OracleLinux6.10", ["Important", "Moderate"]),
    ),
    "CentOS 6": (
        "", {"redhat-release": "CentOS release 6.10 (Final)\n", "centos-release": "CentOS release 6.10 (Final)\n"},
        ("CENTOS", "CentOS6.10", None),
    ),
}  # fmt: skip
every_system = pytest.mark.parametrize("name", SYSTEMS)


def reading(result: dict[str, Any], os_release: str | None = None) -> dict[str, Any]:
    return {"system": {"os_release": os_release} if os_release else {}, "reader": "yum", "result": result}


def dressed(name: str) -> dict[str, Any]:
    """The recorded answer as a host of that system would give it."""
    os_release, files, _expected = SYSTEMS[name]
    result = copy.deepcopy(AMAZON)
    none = dict.fromkeys(("system-release", "redhat-release", "centos-release", "oracle-release"))
    result["identity_files"] = {**none, **files, "os-release": os_release or None}
    return reading(result, os_release or None)


def test_answers_are_there() -> None:
    assert {path.parent.name for path in ANSWERS} >= {"centos-7.9", "amazonlinux-2"}


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.parent.name)
def test_a_recorded_answer_becomes_the_recorded_inventory(path: Path) -> None:
    expected = json.loads((path.parent / "yum_inventory.json").read_text())
    assert build_inventory(reading(json.loads(path.read_text())["result"])).to_dict() == expected


@every_system
def test_every_system_with_yum_3_is_known_by_its_own_files(name: str) -> None:
    inventory = build_inventory(dressed(name))
    operating_system, product, _severities = SYSTEMS[name][2]
    assert (inventory.operating_system, inventory.product) == (operating_system, product)
    assert {each["product"] for each in inventory.candidates} == {product}
    assert (inventory.manager["name"], inventory.manager["api"]) == ("yum", "yum")


@every_system
def test_the_predefined_baseline_of_every_system_takes_its_severities_and_every_bugfix(name: str) -> None:
    inventory = build_inventory(dressed(name))
    operating_system, _product, severities = SYSTEMS[name][2]
    decisions = evaluate(
        predefined_baseline(operating_system), inventory.candidates, operating_system=operating_system,
        as_of="2026-11-21T00:00:00Z", operation="Install",
    )  # fmt: skip
    taken = {
        (record["name"], record["version"])
        for record, decision in zip(inventory.candidates, decisions, strict=True)
        if decision["decision"] == "approved"
    }
    assert ("acme-imp", "1.1-1.amzn2") in taken
    assert (("acme-plain", "1.1-1.amzn2") in taken) == (severities is None)
    critical = severities is None or "Critical" in severities
    # Its newer version is in a bugfix notice.
    assert ("acme-crit", "1.2-1.amzn2") in taken
    assert (("acme-super", "1.2-1.amzn2") in taken) == critical


@every_system
def test_a_plan_has_exact_versions_as_arguments_under_the_python_that_read_the_host(name: str) -> None:
    inventory = build_inventory(dressed(name))
    targets = [
        Target(each["name"], each["arch"], each["version"], each["installed_version"])
        for each in inventory.candidates
        if each["name"] in ("acme-epoch", "kernel")
    ]
    plan = flow.plan_module(inventory)
    assert isinstance(plan, YumPlan)
    [command] = plan.simulation_commands([targets])
    assert command[:5] == ["/usr/bin/python2.7", "-B", "-E", "-s", "-c"]
    assert command[6:] == [
        "simulate", "acme-epoch-1:1.0-1.amzn2.noarch", "kernel-5.14.0-3.amzn2.x86_64", "/", "0,1"]  # fmt: skip
    changes = [Change(each.name, each.arch, each.installed_version, each.version) for each in targets]
    [step] = plan.install_steps(
        Choice(targets, Simulation(changes=changes), {}), allow_removals=False, lock_timeout=60, step_timeout=900
    )
    words = [word for word in step.argv if isinstance(word, str)]
    order = next(word for word in step.argv if isinstance(word, FileArgument) and word.name.startswith("order"))
    assert words == ["/usr/bin/python2.7", "-B", "-E", "-s", "install"]
    assert json.loads(order.content)["targets"] == [
        "acme-epoch-1:1.0-1.amzn2.noarch", "kernel-5.14.0-3.amzn2.x86_64"]  # fmt: skip
    assert step.environment["LC_ALL"] == "C"
    assert not {"--nogpgcheck", "gpgcheck"} & set(words)


def test_a_notice_of_yum_tells_its_issue_and_whether_it_asks_for_a_reboot() -> None:
    inventory = build_inventory(reading(AMAZON))
    records = {(each["name"], each["version"]): each for each in inventory.candidates}
    kernel = records["kernel", "5.14.0-3.amzn2"]
    assert [(each["id"], each["reboot_suggested"]) for each in kernel["advisories"]] == [("ALAS2-2026-0018", True)]
    updated = records["acme-imp", "1.1-1.amzn2"]
    assert (updated["released"], updated["released_source"]) == ("2026-03-01T12:30:00Z", "updated")
    assert updated["advisories"][0]["issued"] == "2026-01-10T00:00:00Z"
    assert (updated["classification"], updated["severity"]) == ("Security", "Important")


def test_locks_and_excludes_are_holds_and_replacements_are_findings() -> None:
    inventory = build_inventory(reading(AMAZON))
    assert sorted((each["name"], each["kind"]) for each in inventory.holds) == [
        ("acme-excluded", "exclude"), ("acme-locked", "lock")]  # fmt: skip
    [replacement] = inventory.findings["replacements"]
    assert (replacement["name"], replacement["replaces"]) == ("acme-newname", "acme-oldname")
    assert "acme-newname" not in {each["name"] for each in inventory.candidates}


def test_a_host_without_notices_says_so() -> None:
    centos = json.loads((GOLDEN / "centos-7.9" / "yum_answer.json").read_text())["result"]
    assert "no_security_metadata" in {each["kind"] for each in build_inventory(reading(centos)).warnings}


def test_topics_of_amazon_linux_extras_are_a_finding() -> None:
    assert "extras" not in build_inventory(reading(AMAZON)).findings
    result = copy.deepcopy(AMAZON)
    for name, enabled in (("amzn2extra-docker", True), ("amzn2extra-nginx1", False)):
        result["repositories"].append({**result["repositories"][0], "id": name, "enabled": enabled})
    assert build_inventory(reading(result)).findings["extras"] == ["docker"]


def test_damaged_metadata_is_a_finding_and_a_warning() -> None:
    result = copy.deepcopy(AMAZON)
    result["metadata_problems"] = ["the notices of acme cannot be read: ParseError: no\nXML"]
    inventory = build_inventory(reading(result))
    message = "the notices of acme cannot be read: ParseError: no XML"
    assert inventory.findings["metadata_problems"] == [message]
    assert {"kind": "damaged_metadata", "message": message} in inventory.warnings


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata_problems",), ["a", 1]), (("candidates", "rows", 0, 2), 1), (("notices", "rows", 0, 3), 99),
        (("candidates", "rows", 0, 4), "nowhere"), (("advisories", "rows", 0, 5), "yes"), (("modules",), None),
    ],
)  # fmt: skip
def test_what_no_reader_of_ours_says_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    result = copy.deepcopy(AMAZON)
    place: Any = result
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(result))
    assert caught.value.kind == "bad_answer"


# From yum 3.4.3 and 3.2.29 with rpm 4.14, cut.
LOG = """\
Running Transaction Check
acme-failpre.noarch 0:1.1-1.el7 - u: error: %prein(acme-failpre-1.1-1.el7.noarch) scriptlet failed, exit status 1

RPM: error: Error in PREIN scriptlet in rpm package acme-failpre-1.1-1.el7.noarch
Updating: acme-failpost-1.1-1.el7.noarch [1/2]
RPM: error: Non-fatal POSTIN scriptlet failure in rpm package acme-failpost-1.1-1.el7.noarch
Cleanup: acme-failpost [2/2]

openfleet-patch: transaction 7

openfleet-patch: failed acme-failpre-1.1-1.el7.noarch: yum went on without it
"""


def test_reasons_and_transactions_are_read_from_a_log() -> None:
    plan = plan_for(build_inventory(reading(AMAZON)), "program")
    reasons, general = plan.failure_reasons(LOG)
    assert reasons["acme-failpre"]
    assert "PREIN" in general + reasons["acme-failpre"]
    assert plan.transactions_in(LOG) == [7]


@pytest.mark.parametrize(
    ("reason", "stale"),
    [
        ("acme-1.1-1.el7.noarch is in no repository any more", True),
        ("acme-1.1-1.el7.noarch: [Errno 256] No more mirrors to try.", True),
        ("http://x/acme.rpm: [Errno 14] HTTP Error 404 - Not Found", True),
        ("acme-1.1-1.el7.noarch requires nowhere", False),
    ],
)
def test_what_a_fresh_reading_may_help_is_told_from_what_it_does_not(reason: str, stale: bool) -> None:
    assert plan_for(build_inventory(reading(AMAZON)), "program").is_stale(reason) is stale
