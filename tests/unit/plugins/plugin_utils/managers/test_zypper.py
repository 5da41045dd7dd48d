"""What the zypper manager makes of recorded sections, and what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_locks import read_locks
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper_metadata import (
    instant,
    read_metadata,
    source_name,
)

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "sles-15.6"
READING = json.loads((GOLDEN / "zypper_sections.json").read_text())
NEW = "1.1-150600.3.1"


def changed(**texts: str | tuple[int, str]) -> dict[str, Any]:
    """The recorded reading with some sections replaced, by text or by exit code and text."""
    reading: dict[str, Any] = copy.deepcopy(READING)
    for name, value in texts.items():
        code, text = value if isinstance(value, tuple) else (0, value)
        reading["result"]["sections"][name] = {"code": code, "text": text}
    return reading


def text_of(name: str) -> str:
    return str(READING["result"]["sections"][name]["text"])


def edited(name: str, *pairs: tuple[str, str]) -> dict[str, Any]:
    text = text_of(name)
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return changed(**{name: text})


def candidate(inventory: Inventory, name: str, version: str = NEW) -> dict[str, Any]:
    return next(each for each in inventory.candidates if (each["name"], each["version"]) == (name, version))


def test_recorded_sections_become_the_recorded_inventory() -> None:
    expected = json.loads((GOLDEN / "zypper_inventory.json").read_text())
    assert build_inventory(READING).to_dict() == expected


def test_a_version_takes_over_what_its_patch_says() -> None:
    record = candidate(build_inventory(READING), "acme-crit")
    assert (record["classification"], record["severity"], record["security"]) == ("Security", "Critical", True)
    [advisory] = record["advisories"]
    assert advisory["id"] == "SUSE-SLE-Module-Basesystem-15-SP6-2026-1"
    assert (advisory["cves"], advisory["bugzillas"]) == (["CVE-2026-0001"], ["1200001"])


def test_the_date_is_that_of_the_last_update_else_that_of_the_issue() -> None:
    inventory = build_inventory(READING)
    imp, mod = candidate(inventory, "acme-imp"), candidate(inventory, "acme-mod")
    assert (imp["released"], imp["released_source"]) == ("2026-03-01T12:30:00Z", "updated")
    assert (mod["released"], mod["released_source"]) == ("2026-01-10T00:00:00Z", "issued")


@pytest.mark.parametrize(
    ("name", "category"),
    [("acme-rec", "Recommended"), ("acme-opt", "Optional"), ("acme-feat", "Feature"), ("acme-doc", "Document"),
     ("acme-yast", "Yast")],
)  # fmt: skip
def test_every_category_of_suse_is_a_classification_and_security_by_being_in_a_patch(name: str, category: str) -> None:
    record = candidate(build_inventory(READING), name)
    assert (record["classification"], record["security"]) == (category, True)


@pytest.mark.parametrize(("name", "version"), [("acme-plain", NEW), ("acme-vanished", "1.2-150600.5.1")])
def test_a_package_outside_any_patch_is_not_security_and_has_its_build_time(name: str, version: str) -> None:
    record = candidate(build_inventory(READING), name, version)
    assert (record["classification"], record["severity"], record["security"]) == (None, None, False)
    assert (record["released"], record["build_time"]) == (None, "2026-01-01T00:00:00Z")


def test_the_predefined_baseline_approves_the_exact_version_of_a_patch_below_a_newer_one() -> None:
    inventory = build_inventory(READING)
    decisions = evaluate(
        predefined_baseline("SUSE"), inventory.candidates, operating_system="SUSE", as_of="2026-11-20T00:00:00Z"
    )
    approved = {each["patch"] for each in decisions if each["decision"] == "approved"}
    assert f"acme-crit.noarch {NEW}" in approved
    assert "acme-crit.noarch 1.2-150600.5.1" not in approved
    assert "acme-plain.noarch 1.1-150600.3.1" not in approved


def test_what_a_patch_asks_for_is_told_and_keeps_nothing_away() -> None:
    asked = {each["name"]: each["interactive"] for each in build_inventory(READING).candidates if each["interactive"]}
    assert asked == {
        "acme-reboot": ["reboot"], "kernel-default": ["reboot"], "acme-message": ["message"],
        "acme-licence": ["licence"], "libzypp": ["restart"], "zypper": ["restart"],
    }  # fmt: skip


def test_a_withdrawn_patch_says_nothing_and_what_it_brought_is_held() -> None:
    line = "U\tSUSE-SLE-Module-Basesystem-15-SP6-2026-4\t1\tsecurity\tfinal"
    record = candidate(build_inventory(edited("metadata", (line, line.replace("final", "retracted")))), "acme-mod")
    assert record["held"]["kind"] == "retracted"
    assert record["advisories"] == []


def test_a_lock_and_another_vendor_hold_a_version() -> None:
    inventory = build_inventory(READING)
    assert {each["name"]: each["kind"] for each in inventory.holds} == {"acme-locked": "lock", "acme-vendor": "vendor"}
    assert inventory.findings["kept_back"] == {"lock": ["acme-locked"]}


def test_another_vendor_holds_nothing_where_the_host_allows_the_change_or_zypper_makes_it() -> None:
    allowed = build_inventory(changed(settings="solver.allowVendorChange=true\n"))
    assert candidate(allowed, "acme-vendor", "2.0-1")["held"] is None
    offered = '<update kind="package" name="acme-vendor" edition="2.0-1" arch="noarch"><source alias="acme"/></update>'
    chosen = build_inventory(edited("updates", ("<update-list>", f"<update-list>{offered}")))
    assert candidate(chosen, "acme-vendor", "2.0-1")["held"] is None
    assert candidate(chosen, "acme-vendor", "2.0-1")["manager_choice"] is True


def test_vendors_of_suse_are_one() -> None:
    other = edited("rpm", ("acme-mod\tnoarch\t0\t1.0\t150600.1.1", "acme-mod\tnoarch\t0\t1.0\t150600.1.1"))
    text = other["result"]["sections"]["rpm"]["text"]
    lines = [
        line.replace("SUSE LLC <https://www.suse.com/>", "openSUSE") if line.startswith("acme-mod\t") else line
        for line in text.split("\n")
    ]
    inventory = build_inventory(changed(rpm="\n".join(lines), updates="<stream></stream>"))
    assert candidate(inventory, "acme-mod")["held"] is None


def test_without_list_updates_answer_for_a_repository_of_another_form_its_choice_is_still_a_candidate() -> None:
    text = text_of("metadata")
    start = text.index("D\tSLE-Module-Basesystem15-SP6-Updates")
    inventory = build_inventory(changed(metadata=text[:start] + text[text.index("D\tacme") :]))
    record = candidate(inventory, "acme-crit", "1.2-150600.5.1")
    assert (record["build_time"], record["repository"]) == (None, "SLE-Module-Basesystem15-SP6-Updates")
    ages = {each["id"]: each["metadata_age"] for each in inventory.repositories}
    assert ages["SLE-Module-Basesystem15-SP6-Updates"] is None


def test_metadata_that_could_not_be_unpacked_is_told_and_security_unknown() -> None:
    text = text_of("metadata").replace("\nu\n", "\nX\tupdateinfo.xml.zst\n")
    inventory = build_inventory(changed(metadata=text))
    said = {each["id"]: each["security_metadata"] for each in inventory.repositories}
    assert said["SLE-Module-Basesystem15-SP6-Updates"] is None
    assert [each["kind"] for each in inventory.warnings] == ["no_security_metadata", "metadata_unreadable"]


def test_a_pool_without_patches_is_no_news_but_a_repository_with_updates_and_none_is() -> None:
    [told] = build_inventory(READING).warnings
    assert told["kind"] == "repository_without_notices"
    assert told["message"].startswith("acme: ")


def test_automatic_marks_are_zyppers_and_unknown_where_it_has_none() -> None:
    marks = {each["name"]: each["automatic"] for each in build_inventory(READING).installed}
    assert [name for name, mark in marks.items() if mark] == ["acme-libauto"]
    assert {each["automatic"] for each in build_inventory(changed(automatic=(1, ""))).installed} == {None}


def test_kernels_are_compared_with_the_running_one_by_the_part_that_uname_shows() -> None:
    lines = (
        "kernel-default\tx86_64\t0\t6.4.0\t150600.23.25.1\t2\t1\tSUSE\tkernel-default-6.4.0-150600.23.25.1.src.rpm\n"
    )
    older = lines.replace("23.25.1", "21.1.1")
    machine = text_of("machine").replace("container=yes\n", "")
    base = machine[: machine.index("running=")] + "running={}\n" + machine[machine.index("arch=") :]
    for running, waits in (("6.4.0-150600.23.25-default", False), ("6.4.0-150600.21.1-default", True)):
        found = build_inventory(changed(machine=base.format(running), rpm=lines + older, multiversion=(1, "")))
        reasons = [each["kind"] for each in found.reboot["reasons"]]
        assert reasons == (["kernel_older_than_installed"] if waits else []), running


def test_two_versions_of_a_package_beside_each_other_are_a_transaction_that_was_cut_off() -> None:
    line = next(line for line in text_of("rpm").split("\n") if line.startswith("acme-mod\t"))
    newer = line.replace("1.0\t150600.1.1", "1.1\t150600.3.1")
    found = build_inventory(changed(rpm=text_of("rpm") + newer + "\n"))
    assert found.findings["unfinished"] == {"packages": [f"acme-mod.noarch {NEW} beside 1.0-150600.1.1"]}
    assert "unfinished_transaction" in {each["kind"] for each in found.warnings}
    busy = changed(rpm=text_of("rpm") + newer + "\n", lock="77\trpm\t/var/lib/rpm/.rpm.lock\n")
    assert "unfinished" not in build_inventory(busy).findings


def test_processes_that_run_replaced_files_are_grouped_by_service() -> None:
    lines = (
        "running\t12\tpackagekitd\nseen\t90\nhidden\t3\nstale\t5\tsshd\tsshd.service\t/usr/sbin/sshd\n"
        "stale\t6\tsshd\tsshd.service\t/usr/lib64/libcrypto.so.3\nstale\t1\tsystemd\t\t/usr/lib/systemd/systemd\n"
    )
    found = build_inventory(changed(processes=lines))
    stale = found.findings["deleted_libraries"]["processes"]
    assert [(each["name"], each["service"], each["pids"]) for each in stale] == [
        ("systemd", None, [1]), ("sshd", "sshd.service", [5, 6]),
    ]  # fmt: skip
    assert found.findings["updaters"]["running"] == [{"pid": 12, "name": "packagekitd"}]
    assert found.reboot["required"] is True


def test_a_refresh_is_told_with_the_words_of_zypper_and_what_follows_is_left_out() -> None:
    text = (
        "attempted=1\nended=4\n<?xml version='1.0'?>\n<stream>\n"
        '<message type="error">Signature verification failed for file '
        '&apos;repomd.xml&apos; from repository &apos;u&apos;.</message>\n<message type="error">Skipping repository '
        "&apos;u&apos; because of the above error.</message>\n</stream>\n"
    )
    found = build_inventory(changed(refresh=text)).refresh
    assert found["ok"] is False
    assert found["errors"] == ["Signature verification failed for file 'repomd.xml' from repository 'u'."]
    assert build_inventory(changed(refresh="attempted=1\nended=0\n<stream></stream>\n")).refresh["ok"] is True
    late = build_inventory(changed(refresh="attempted=1\nended=124\n<stream>\n")).refresh
    assert late["errors"] == ["zypper refresh took too long and was stopped"]
    busy = build_inventory(changed(refresh="attempted=1\nlocked=7\tzypper\t/run/zypp.pid\nwaited=60\n")).refresh
    assert busy["errors"] == ["zypper is locked by zypper (pid 7); waited 60 s"]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("zypper_failed", {"updates": (6, "<stream><message type='error'>No repositories.</message></stream>")}),
        ("rpm_failed", {"rpm": (1, "")}),
        ("bad_answer", {"rpm": "acme\tnoarch\n"}),
        ("bad_answer", {"metadata": "Q\tx\n"}),
        ("bad_answer", {"metadata": "P\ta\tnoarch\t0\t1\t1\t1\t1\t1\tv\ts\n"}),
        ("bad_answer", {"metadata": "D\ta\nK\ta\tnoarch\t0\t1\t1\n"}),
        ("bad_answer", {"repositories": "<stream><repo"}),
        ("bad_answer", {"repositories": '<stream><!DOCTYPE x [<!ENTITY a "b">]></stream>'}),
        ("bad_answer", {"machine": "now=yesterday\n"}),
        ("bad_answer", {"lock": "1\n"}),
    ],
)
def test_what_no_reader_of_ours_sends_is_refused(kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(changed(**changes))
    assert caught.value.kind == kind


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(READING["result"]["sections"])), st.text(max_size=60), st.integers(0, 255))
def test_any_section_may_lie_and_only_our_own_error_comes_of_it(name: str, text: str, code: int) -> None:
    kind = None
    try:
        build_inventory(changed(**{name: (code, text)}))
    except PatchError as error:
        kind = error.kind
    assert kind in (None, "bad_answer", "zypper_failed", "rpm_failed")


@pytest.mark.parametrize(
    ("text", "name", "version", "repositories", "kept"),
    [
        ("solvable_name: acme-*\nmatch_type: glob\ntype: package", "acme-a", "1-1", ["u"], True),
        ("solvable_name: acme-*\nmatch_type: glob\ntype: package", "other", "1-1", ["u"], False),
        ("solvable_name: ACME\ncase_sensitive: off", "acme", "1-1", ["u"], True),
        ("solvable_name: ACME", "acme", "1-1", ["u"], False),
        ("solvable_name: acme\ntype: patch", "acme", "1-1", ["u"], False),
        ("solvable_name: acme\nversion: == 1.0", "acme", "1.0-7", ["u"], True),
        ("solvable_name: acme\nversion: < 2.0-1", "acme", "2.0-1", ["u"], False),
        ("solvable_name: acme\nrepo: u", "acme", "1-1", ["u"], True),
        ("solvable_name: acme\nrepo: u", "acme", "1-1", ["u", "v"], False),
        ("solvable_name: cm\nmatch_type: substring", "acme", "1-1", ["u"], True),
    ],
)
def test_a_lock_keeps_away_what_it_names(
    text: str, name: str, version: str, repositories: list[str], kept: bool
) -> None:
    [lock] = read_locks(f"\n{text}\n")
    assert lock.keeps_away(name, version, repositories) is kept


def test_several_locks_are_separated_by_empty_lines() -> None:
    assert [str(each) for each in read_locks("\nsolvable_name: a\n\nsolvable_name: b\nversion: < 2\n")] == [
        "a",
        "b < 2",
    ]
    assert read_locks("") == []


def test_forms_of_dates_and_sources() -> None:
    assert instant("1768003200") == instant("2026-01-10 00:00:00") == instant("2026-01-10") == "2026-01-10T00:00:00Z"
    assert instant("2026-01-10 01:02:03 UTC") == "2026-01-10T01:02:03Z"
    assert instant("soon") is None
    assert source_name("acme-lib-1.0-1.src.rpm") == "acme-lib"
    assert source_name("(none)") is None


def test_a_patch_keeps_its_references_once_and_without_what_stands_behind_them() -> None:
    lines = ["D\tu", "U\tP-1\t1\tsecurity\tstable\tunspecified\t\t\t reboot", "R\tcve\tCVE-1 at SUSE", "R\tcve\tCVE-1",
             "R\tbugzilla\t12", "K\tacme\tnoarch\t2\t1.0\t1", "u"]  # fmt: skip
    [metadata] = read_metadata(lines)
    [patch] = metadata.patches
    assert (patch.cves, patch.bugzillas, patch.severity, patch.flags) == (["CVE-1"], ["12"], None, ("reboot",))
    assert patch.packages == [("acme", "noarch", "2:1.0-1")]


def test_a_package_with_an_odd_name_or_a_vendor_in_two_lines_hides_no_other() -> None:
    odd = (
        "acme-odd\tnoarch\t0\t1.0\t1%{dist}\t5\t(none)\tacme\tacme-odd-1.0-1.src.rpm\n"
        "acme-split\t(none)\t(none)\t1.0\t1\t5\t6\ttwo\nlines\tacme-split-1.0-1.src.rpm\n"
    )
    before = build_inventory(READING)
    inventory = build_inventory(changed(rpm=text_of("rpm") + odd))
    assert len(inventory.installed) == len(before.installed) + 2
    [told] = [each["message"] for each in inventory.warnings if each["kind"] == "odd_packages"]
    assert told.endswith("left alone: acme-odd-1.0-1??dist?.noarch, acme-split-1.0-1.(none)")


def test_an_installed_package_that_is_locked_is_kept_whatever_repository_has_something_newer() -> None:
    locks = "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: acme-cr*\nversion: < 1.1\n"
    more = "\ntype: pattern\nsolvable_name: acme-bug\n"
    kept = {each["name"] for each in build_inventory(changed(locks=locks + more)).installed if "kept" in each}
    assert kept == {"acme-crit"}
