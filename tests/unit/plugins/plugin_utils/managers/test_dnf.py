"""What the dnf manager makes of recorded answers, and what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.states import patch_entries
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.verdict import doubts_about
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import Target
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import inventory as flow
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory

GOLDEN = Path(__file__).resolve().parents[4] / "golden"
ANSWERS = sorted(GOLDEN.glob("*/dnf_answer.json"))
RHEL = json.loads((GOLDEN / "rhel-9.4" / "dnf_answer.json").read_text())["result"]


def reading(result: dict[str, Any], os_release: str | None = None) -> dict[str, Any]:
    system = {"os_release": os_release} if os_release else {}
    return {"system": system, "reader": "dnf", "interpreter": None, "result": result}


def changed(*changes: tuple[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """The recorded result with some places changed."""
    result = copy.deepcopy(RHEL)
    for path, value in changes:
        place: Any = result
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    return result


def row_of(table: str, name: str, version: str | None = None) -> int:
    return next(index for index, row in enumerate(RHEL[table]["rows"]) if row[0] == name and version in (None, row[2]))


def column(table: str, name: str) -> int:
    return int(RHEL[table]["columns"].index(name))


def candidate(inventory: Inventory, name: str, version: str = "1.1-1.el9", arch: str = "noarch") -> dict[str, Any]:
    return next(
        each for each in inventory.candidates if (each["name"], each["version"], each["arch"]) == (name, version, arch)
    )


def test_answers_of_real_hosts_are_there() -> None:
    assert ANSWERS


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.parent.name)
def test_a_recorded_answer_becomes_the_recorded_inventory(path: Path) -> None:
    expected = json.loads((path.parent / "dnf_inventory.json").read_text())
    assert build_inventory(reading(json.loads(path.read_text())["result"])).to_dict() == expected


def test_a_version_takes_over_what_its_notice_says() -> None:
    record = candidate(build_inventory(reading(RHEL)), "acme-crit")
    assert (record["classification"], record["severity"], record["security"]) == ("Security", "Critical", True)
    assert record["advisories"] == [
        {"id": "RHSA-2026:0001", "classification": "Security", "severity": "Critical",
         "issued": None, "updated": "2026-01-10T00:00:00Z", "reboot_suggested": None,
         "cves": ["CVE-2026-0001", "CVE-2026-0002"], "bugzillas": ["2000001"]},
    ]  # fmt: skip
    assert (record["released"], record["released_source"]) == ("2026-01-10T00:00:00Z", "updated")


def test_a_version_in_several_notices_has_the_worst_of_each_and_the_earliest_date() -> None:
    record = candidate(build_inventory(reading(RHEL)), "acme-several")
    assert (record["classification"], record["severity"]) == ("Security", "Important")
    assert record["released"] == "2026-01-20T00:00:00Z"
    assert [(each["id"], each["classification"], each["severity"]) for each in record["advisories"]] == [
        ("RHBA-2026:0010", "Bugfix", None), ("RHSA-2026:0009", "Security", "Important"),
    ]  # fmt: skip


def test_a_notice_that_was_never_updated_counts_from_its_issue() -> None:
    number = RHEL["notices"]["rows"][row_of("notices", "acme-imp")][3]
    place = ("advisories", "rows", number)
    result = changed(
        ((*place, column("advisories", "updated")), None),
        ((*place, column("advisories", "issued")), "2026-01-02T00:00:00Z"),
    )
    record = candidate(build_inventory(reading(result)), "acme-imp")
    assert (record["released"], record["released_source"]) == ("2026-01-02T00:00:00Z", "issued")


def test_a_bugfix_notice_is_security_too_and_has_no_severity() -> None:
    record = candidate(build_inventory(reading(RHEL)), "acme-bug")
    assert (record["classification"], record["severity"], record["security"]) == ("Bugfix", None, True)


@pytest.mark.parametrize(
    ("name", "version"), [("acme-plain", "1.1-1.el9"), ("acme-vendor", "1.1-1.el9"), ("acme-vanished", "1.2-1.el9")]
)
def test_a_version_that_no_notice_names_has_no_classification_and_is_not_security(name: str, version: str) -> None:
    record = candidate(build_inventory(reading(RHEL)), name, version)
    assert (record["classification"], record["severity"], record["security"]) == (None, None, False)
    assert (record["released"], record["advisories"]) == (None, [])
    assert record["build_time"] == "2026-01-01T00:00:00Z"


def test_the_notices_of_an_installed_version_are_known_and_silence_is_not_insecurity() -> None:
    installed = {(each["name"], each["version"]): each for each in build_inventory(reading(RHEL)).installed}
    assert installed["kernel-core", "5.14.0-2.el9"]["advisories"][0]["id"] == "RHSA-2025:0019"
    assert installed["kernel-core", "5.14.0-2.el9"]["security"] is True
    assert installed["acme-orphan", "1.0-1.el9"]["security"] is None


def test_every_architecture_and_epoch_is_a_candidate_of_its_own() -> None:
    inventory = build_inventory(reading(RHEL))
    assert {each["arch"] for each in inventory.candidates if each["name"] == "acme-multi"} == {"x86_64", "i686"}
    assert candidate(inventory, "acme-epoch", "1:1.0-1.el9")["installed_version"] == "9.0-1.el9"


def test_one_version_in_two_repositories_is_one_candidate_named_by_the_better_priority() -> None:
    result = changed((("repositories", 2, "priority"), 10), (("repositories", 2, "gpgcheck"), False))
    row = list(result["candidates"]["rows"][row_of("candidates", "acme-bug")])
    row[column("candidates", "repository")] = result["repositories"][2]["id"]
    result["candidates"]["rows"].append(row)
    record = candidate(build_inventory(reading(result)), "acme-bug")
    assert (record["repository"], record["repositories"]) == ("acme", ["acme", "baseos"])
    assert record["trusted"] is False
    assert len(build_inventory(reading(result)).candidates) == len(RHEL["candidates"]["rows"])


def test_dnfs_own_choice_is_the_newest_of_the_best_priority() -> None:
    inventory = build_inventory(reading(RHEL))
    assert candidate(inventory, "acme-crit", "1.2-1.el9")["manager_choice"] is True
    assert candidate(inventory, "acme-crit")["manager_choice"] is False
    assert candidate(inventory, "acme-tilde", "2.0~rc2-1.el9")["manager_choice"] is False
    assert candidate(inventory, "acme-locked")["manager_choice"] is False
    index = row_of("candidates", "acme-crit", "1.1-1.el9")
    better = changed((("candidates", "rows", index, column("candidates", "repository")), "acme"),
                     (("repositories", 2, "priority"), 1))  # fmt: skip
    assert candidate(build_inventory(reading(better)), "acme-crit")["manager_choice"] is True


@pytest.mark.parametrize(
    ("os_release", "word", "severity"),
    [
        ('ID="amzn"\nVERSION_ID="2023"\n', "medium", "Medium"),
        ('ID="amzn"\nVERSION_ID="2023"\n', "None", "None"),
        ('ID="rocky"\nVERSION_ID="9.4"\n', "None", None),
        ('ID="ol"\nVERSION_ID="8.10"\n', "IMPORTANT", "Important"),
    ],
)
def test_severities_are_written_as_filters_write_them(os_release: str, word: str, severity: str | None) -> None:
    number = RHEL["notices"]["rows"][row_of("notices", "acme-imp")][3]
    result = changed((("advisories", "rows", number, column("advisories", "severity")), word))
    record = candidate(build_inventory(reading(result, os_release)), "acme-imp")
    assert record["severity"] == severity


@pytest.mark.parametrize(
    ("os_release", "files", "operating_system", "product"),
    [
        ('ID="rhel"\nVERSION_ID="8.10"\n', {}, "REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux8.10"),
        ('ID="rocky"\nVERSION_ID="9.4"\n', {}, "ROCKY_LINUX", "RockyLinux9.4"),
        ('ID="almalinux"\nVERSION_ID="9.4"\n', {}, "ALMA_LINUX", "AlmaLinux9.4"),
        ('ID="ol"\nVERSION_ID="9.4"\n', {}, "ORACLE_LINUX", "OracleLinux9.4"),
        ('ID="amzn"\nVERSION_ID="2023"\n', {}, "AMAZON_LINUX_2023", "AmazonLinux2023"),
        ('ID="centos"\nVERSION_ID="8"\n', {"centos-release": "CentOS Linux release 8.5.2111"}, "CENTOS", "CentOS8.5"),
    ],
)
def test_the_systems_that_dnf_patches_are_told_apart(
    os_release: str, files: dict[str, str], operating_system: str, product: str
) -> None:
    result = changed(*((("identity_files", name), text) for name, text in files.items()))
    inventory = build_inventory(reading(result, os_release))
    assert (inventory.operating_system, inventory.product) == (operating_system, product)
    assert {each["product"] for each in inventory.candidates} == {product}


def test_a_system_that_dnf_does_not_patch_is_refused() -> None:
    with pytest.raises(PatchError, match="which dnf does not patch") as caught:
        build_inventory(reading(RHEL, 'ID="debian"\nVERSION_ID="12"\n'))
    assert caught.value.kind == "unsupported_os"


# -- the host ----------------------------------------------------------------------------------------------------


def without_notices() -> dict[str, Any]:
    changes = [(("repositories", index, "updateinfo"), False) for index in range(3)]
    return changed(*changes, (("notices", "rows"), []), (("advisories", "rows"), []))


def test_a_host_without_any_updateinfo_says_so_and_leaves_a_doubt() -> None:
    inventory = build_inventory(reading(without_notices()))
    assert "no_security_metadata" in {each["kind"] for each in inventory.warnings}
    assert {each["security_metadata"] for each in inventory.repositories if each["enabled"]} == {False}
    baseline = predefined_baseline("REDHAT_ENTERPRISE_LINUX")
    assert [each["kind"] for each in doubts_about(inventory, baseline, stale_after=10**6)] == ["no_security_metadata"]


@pytest.mark.parametrize(
    "filters",
    [{"classification": ["Security"]}, {"severity": ["Critical", "Important"]}, {"cve_id": ["CVE-2026-0001"]}],
)
def test_a_filter_on_what_notices_tell_is_no_way_to_be_compliant_without_any(filters: dict[str, list[str]]) -> None:
    """With the non-security switch on, a rule would match nothing at all on such a host."""
    inventory = build_inventory(reading(without_notices(), 'ID="centos"\nVERSION_ID="8"\n'))
    rule = {"filters": filters, "approve_after_days": 0, "enable_non_security": True}
    baseline, _lint = parse_baseline(
        {"name": "filtered", "operating_system": "CENTOS", "approval_rules": [rule]}, where="here"
    )
    assert [each["kind"] for each in doubts_about(inventory, baseline, stale_after=10**6)] == ["no_security_metadata"]
    everything = predefined_baseline("CENTOS")
    assert doubts_about(inventory, everything, stale_after=10**6) == []


def test_a_repository_without_notices_beside_others_is_told() -> None:
    told = {each["kind"]: each["message"] for each in build_inventory(reading(RHEL)).warnings}
    assert told["repository_without_notices"].startswith("acme: no update notices")


@pytest.mark.parametrize(
    ("os_release", "releasever", "kind"),
    [
        ('ID="amzn"\nVERSION_ID="2023"\n', "2023.5.20240701", "amazon_release"),
        ('ID="amzn"\nVERSION_ID="2023"\n', "latest", None),
        ('ID="rhel"\nVERSION_ID="9.4"\n', "9.4", "minor_release"),
        ('ID="rhel"\nVERSION_ID="9.4"\n', "9", None),
        ('ID="ol"\nVERSION_ID="7.9"\n', "7Server", None),
        ('ID="centos"\nVERSION_ID="8"\n', "8-stream", None),
    ],
)
def test_a_release_that_hides_newer_ones_is_a_finding_and_a_warning(
    os_release: str, releasever: str, kind: str | None
) -> None:
    result = changed((("library", "releasever"), releasever))
    result["installed"]["rows"][0][0] = "system-release"
    inventory = build_inventory(reading(result, os_release))
    lock = inventory.findings.get("release_lock")
    told = [each["message"] for each in inventory.warnings if each["kind"] == "release_locked"]
    assert (lock and lock["kind"], len(told)) == (kind, 1 if kind else 0)
    if kind == "amazon_release":
        assert lock == {"kind": kind, "releasever": releasever, "system_release": result["installed"]["rows"][0][2]}
        assert "dnf check-release-update" in told[0]


@pytest.mark.parametrize(
    ("registered", "enabled", "kinds"),
    [(False, False, {"not_registered"}), (True, False, {"no_subscription"}), (False, True, set())],
    ids=["not registered", "registered for nothing", "repositories of its own"],
)
def test_a_host_without_subscription_has_no_repositories_and_is_never_compliant(
    registered: bool, enabled: bool, kinds: set[str]
) -> None:
    result = changed((("subscription",), {"registered": registered, "entitlements": 0}))
    if not enabled:
        result["repositories"], result["candidates"]["rows"] = [], []
    inventory = build_inventory(reading(result))
    assert kinds == {each["kind"] for each in inventory.warnings} & {"not_registered", "no_subscription"}
    doubts = {each["kind"] for each in doubts_about(inventory, predefined_baseline("CENTOS"), stale_after=10**6)}
    assert doubts == (set() if enabled else {"no_repositories"})


def test_a_package_under_another_name_that_takes_the_place_of_one_is_a_finding() -> None:
    assert build_inventory(reading(RHEL)).findings["replacements"] == [
        {"name": "acme-newname", "arch": "noarch", "version": "2.0-1.el9", "repository": "baseos",
         "replaces": "acme-oldname", "replaced_version": "1.0-1.el9"},
    ]  # fmt: skip


def test_a_repository_without_metadata_is_told_and_has_no_age() -> None:
    result = changed(*((("repositories", 0, key), None) for key in ("age", "updateinfo", "published_at")))
    inventory = build_inventory(reading(result))
    assert inventory.repositories[0]["metadata_age"] is None
    assert ("never_downloaded", "baseos is enabled, but its metadata is not on the host") in {
        (each["kind"], each["message"]) for each in inventory.warnings
    }


def kernels(running: str, *releases: str, container: bool = False) -> dict[str, Any]:
    return {
        "running": running, "build": "#1 SMP", "arch": "x86_64", "container": container,
        "installed": [{"package": "kernel-core", "arch": "x86_64", "version": release[:-7], "release": release}
                      for release in releases],
    }  # fmt: skip


NEW, OLD = "5.14.0-2.el9.x86_64", "5.14.0-1.el9.x86_64"


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (kernels(NEW, NEW, OLD), []),
        (kernels(OLD, NEW, OLD), ["kernel_older_than_installed"]),
        (kernels(f"{OLD}+rt", NEW, OLD), ["kernel_older_than_installed"]),
        (kernels(f"{NEW}+64k", NEW, OLD), []),
        (kernels(OLD, NEW, OLD, container=True), []),
        (kernels("6.6.1-house", NEW, OLD), []),
        (kernels(NEW), []),
    ],
    ids=[
        "newest runs",
        "older runs",
        "older runs in another flavour",
        "newest runs in another",
        "a container has no kernel",
        "a kernel of its own",
        "no kernel package",
    ],
)
def test_a_kernel_that_does_not_run_yet_asks_for_a_reboot(value: dict[str, Any], kinds: list[str]) -> None:
    found = build_inventory(reading(changed((("kernels",), value)))).reboot
    assert [each["kind"] for each in found["reasons"]] == kinds
    assert found["required"] is bool(kinds)


def of_flavours(running: str, *packages: tuple[str, str]) -> dict[str, Any]:
    """Kernels by package and version-release, newest first."""
    return kernels(running) | {
        "installed": [{"package": name, "arch": "x86_64", "version": version, "release": f"{version}.x86_64"}
                      for name, version in packages]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("running", "packages", "waits"),
    [
        ("4.18.0-553.el8.x86_64", [("kernel-uek-core", "5.15.0-200.el8uek"), ("kernel-core", "4.18.0-553.el8")], []),
        ("5.15.0-100.el8uek.x86_64",
         [("kernel-uek", "5.15.0-200.el8uek"), ("kernel-uek", "5.15.0-100.el8uek"), ("kernel", "4.18.0-553.el8")],
         ["kernel-uek"]),
        ("5.14.0-2.el9.x86_64+rt", [("kernel-core", "5.14.0-3.el9"), ("kernel-rt-core", "5.14.0-2.el9"),
                                    ("kernel-core", "5.14.0-2.el9")], []),
        ("5.14.0-2.el9.x86_64", [("kernel-rt-core", "5.14.0-3.el9"), ("kernel-64k-core", "5.14.0-2.el9"),
                                 ("kernel-core", "5.14.0-2.el9")], []),
        ("5.14.0-1.el9.x86_64+64k-debug", [("kernel-64k-debug-core", "5.14.0-2.el9"), ("kernel-core", "5.14.0-1.el9"),
                                           ("kernel-64k-debug-core", "5.14.0-1.el9")], ["kernel-64k-debug-core"]),
        ("3.10.0-1160.el7.x86_64.debug", [("kernel-debug", "3.10.0-1161.el7"), ("kernel-debug", "3.10.0-1160.el7"),
                                          ("kernel", "3.10.0-1160.el7")], ["kernel-debug"]),
        ("3.10.0-1160.el7.centos.plus.x86_64", [("kernel", "3.10.0-1170.el7"),
                                                ("kernel-plus", "3.10.0-1160.el7.centos.plus")], []),
        ("2.6.18-400.el5PAE", [("kernel-PAE", "2.6.18-410.el5"), ("kernel", "2.6.18-410.el5"),
                               ("kernel-PAE", "2.6.18-400.el5")], ["kernel-PAE"]),
        ("2.6.18-400.el5xen", [("kernel", "2.6.18-410.el5"), ("kernel-xen", "2.6.18-400.el5")], []),
        ("6.1.90-99.amzn2023.x86_64", [("kernel6.12", "6.12.1-1.amzn2023"), ("kernel", "6.1.90-99.amzn2023")], []),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_newer_kernel_of_another_flavour_than_the_running_one_waits_for_no_reboot(
    running: str, packages: list[tuple[str, str]], waits: list[str]
) -> None:
    inventory = build_inventory(reading(changed((("kernels",), of_flavours(running, *packages)))))
    assert [each["packages"] for each in inventory.reboot["reasons"]] == ([waits] if waits else [])


def test_an_older_real_time_kernel_that_runs_is_known_among_those_installed() -> None:
    found = build_inventory(reading(changed((("kernels",), kernels(f"{OLD}+rt", NEW, OLD)))))
    assert (found.os["kernel"], found.findings["kernels"]["running"]) == (f"{OLD}+rt", OLD)


@pytest.mark.parametrize(
    ("name", "names", "required"),
    [("glibc", [], True), ("acme-bug", [], False), ("acme-bug", ["acme-bug"], True)],
    ids=["a core library", "any other package", "one that the administrator named"],
)
def test_core_packages_newer_than_the_boot_ask_for_a_reboot(name: str, names: list[str], required: bool) -> None:
    index = row_of("installed", "acme-bug")
    result = changed(
        (("installed", "rows", index, column("installed", "installed_at")), 2**32),
        (("installed", "rows", index, column("installed", "name")), name),
        (("reboot_names",), names),
    )
    found = build_inventory(reading(result)).reboot
    assert found["required"] is required
    assert [each["packages"] for each in found["reasons"]] == ([[name]] if required else [])


def test_a_transaction_without_an_end_is_a_finding_unless_dnf_is_still_at_work() -> None:
    begun = (("unfinished",), {"id": 7, "begun_at": "2026-11-20T12:00:00Z"})
    inventory = build_inventory(reading(changed(begun)))
    assert inventory.findings["unfinished"] == {"transaction": 7, "begun_at": "2026-11-20T12:00:00Z"}
    assert "unfinished_transaction" in {each["kind"] for each in inventory.warnings}
    busy = build_inventory(reading(changed(begun, (("lock",), {"pid": 1, "name": "dnf", "file": "/x"}))))
    assert "unfinished" not in busy.findings
    assert busy.findings["lock"] == {"pid": 1, "name": "dnf", "file": "/x"}


def test_locks_excludes_modules_and_protected_packages_are_findings() -> None:
    result = changed(
        (("excludes",), [[None, "acme-*"], ["baseos", "x"]]), (("modules",), [["nodejs", "18", "enabled"]])
    )
    found = build_inventory(reading(result)).findings
    assert found["kept_back"] == {"versionlock": ["acme-locked-0:1.0-1.el9.*"], "exclude": ["acme-*", "x (baseos)"]}
    assert found["modules"] == [{"name": "nodejs", "stream": "18", "state": "enabled"}]
    assert found["protected"] == ["dnf", "yum"]


def test_installing_is_planned_for_the_interpreter_that_read_the_host() -> None:
    plan = flow.plan_module(build_inventory(reading(RHEL)))
    [command] = plan.simulation_commands([[Target("acme", "noarch", "1.1-1.el9", "1.0-1.el9")]])
    assert command[0] == RHEL["interpreter"]["path"]
    assert command[-4:] == ["simulate", "acme-1.1-1.el9.noarch", "/", "0"]


def test_the_readers_answer_finds_its_manager() -> None:
    assert flow.build_inventory(reading(RHEL), mappings=None).manager["name"] == "dnf"


# -- packages that no rpm of today would build ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column_name", "value", "shown"),
    [
        ("name", "acme; rm -rf /", "acme??rm?-rf??-1.0-1.el9.noarch"),
        ("name", "-y", "?y-1.0-1.el9.noarch"),
        ("name", "{{ 7 * 7 }}", "???7???7???-1.0-1.el9.noarch"),
        ("arch", None, "acme-bug-1.0-1.el9.(none)"),
        ("version", "1.0-1%{dist}", "acme-bug-1.0-1??dist?.noarch"),
        ("version", "1.0", "acme-bug-1.0.noarch"),
        ("version", "1.0-1\n\u202e", "acme-bug-1.0-1??.noarch"),
    ],
)
def test_a_package_with_an_odd_name_is_listed_and_hides_no_other(column_name: str, value: Any, shown: str) -> None:
    place = ("rows", row_of("installed", "acme-bug"), column("installed", column_name))
    inventory = build_inventory(reading(changed((("installed", *place), value))))
    assert f"{shown}" in {f"{each['name']}-{each['version']}.{each['arch']}" for each in inventory.installed}
    assert len(inventory.installed) == len(RHEL["installed"]["rows"])
    [told] = [each["message"] for each in inventory.warnings if each["kind"] == "odd_packages"]
    assert told == f"1 packages have names or versions that rpm does not allow, and are left alone: {shown}"
    baseline = predefined_baseline("REDHAT_ENTERPRISE_LINUX")
    assert len(patch_entries(inventory, baseline, as_of="2026-11-21T00:00:00Z")) > len(inventory.candidates)


def test_an_update_with_an_odd_name_is_held_and_never_in_a_plan() -> None:
    place = ("candidates", "rows", row_of("candidates", "acme-bug"), column("candidates", "version"))
    inventory = build_inventory(reading(changed((place, "1.1-1%{dist}"))))
    [record] = [each for each in inventory.candidates if each["name"] == "acme-bug"]
    assert (record["version"], record["held"]["kind"]) == ("1.1-1??dist?", "hold")


# -- lies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("installed", "rows", 0, 0), 7, "result.installed.rows[0].name"),
        (("installed", "rows", 0, 1), ["x86_64"], "result.installed.rows[0].arch"),
        (("candidates", "rows", 0, 2), None, "result.candidates.rows[0].version"),
        (("candidates", "rows", 0, 2), "1" * 501, "result.candidates.rows[0].version"),
        (("candidates", "rows", 0, 3), None, "result.candidates.rows[0].installed_version"),
        (("candidates", "rows", 0, 4), "nowhere", "result.candidates.rows[0].repository"),
        (("candidates", "rows", 0, 10), "whim", "result.candidates.rows[0].kept_back"),
        (("candidates", "rows", 0, 5), -1, "result.candidates.rows[0].size"),
        (("notices", "rows", 0, 3), 10**6, "result.notices.rows[0].advisory"),
        (("notices", "rows", 0, 3), -1, "result.notices.rows[0].advisory"),
        (("advisories", "rows", 0, 4), "yesterday", "result.advisories.rows[0].updated"),
        (("advisories", "rows", 0, 6), "CVE-1", "result.advisories.rows[0].cves"),
        (("advisories", "columns"), ["id"], "result.advisories.columns"),
        (("repositories", 0, "enabled"), "yes", "result.repositories[0].enabled"),
        (("repositories", 0, "age"), -5, "result.repositories[0].age"),
        (("excludes",), [["baseos"]], "result.excludes[0]"),
        (("modules",), [None], "result.modules[0]"),
        (("replacements",), [["acme"]], "result.replacements[0]"),
        (("repositories", 0, "skip_if_unavailable"), 1, "result.repositories[0].skip_if_unavailable"),
        (("kernels", "installed"), [{"package": "k", "version": 1}], "result.kernels.installed[0].version"),
        (("privileged",), 1, "result.privileged"),
        (("collected_at",), None, "result.collected_at"),
    ],
)
def test_what_no_reader_of_ours_says_is_refused_with_its_place(
    path: tuple[str | int, ...], value: Any, where: str
) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(changed((path, value))))
    assert caught.value.kind == "bad_answer"
    assert caught.value.details["where"] == where


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted(RHEL)), value=_JSON)
def test_any_other_value_is_read_or_refused_and_never_a_crash(key: str, value: Any) -> None:
    kind = "read"
    try:
        build_inventory(reading({**RHEL, key: value}))
    except PatchError as error:
        kind = error.kind
    assert kind in ("read", "bad_answer", "unsupported_os")


def test_an_installed_package_that_is_locked_hidden_or_protected_is_kept() -> None:
    rows = [["acme-locked", "noarch", "1.0-1.el9", "versionlock"], ["acme-excluded", "noarch", "1.0-1.el9", "exclude"]]
    inventory = build_inventory(reading(changed((("kept",), rows), (("protected",), ["acme-crit"]))))
    assert {each["name"]: each["kept"] for each in inventory.installed if "kept" in each} == {
        "acme-locked": "is locked (versionlock)",
        "acme-excluded": "is excluded in the package manager's configuration",
        "acme-crit": "is protected in the package manager's configuration",
    }


def test_a_host_on_which_rpm_knows_no_package_is_an_error_and_never_compliant() -> None:
    with pytest.raises(PatchError, match="rpm --rebuilddb") as caught:
        build_inventory(reading(changed((("installed", "rows"), []))))
    assert caught.value.kind == "rpm_failed"
