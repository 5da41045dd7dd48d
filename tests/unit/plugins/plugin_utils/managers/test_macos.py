"""What the macos manager makes of the sections of a Mac, and what it refuses."""

from __future__ import annotations

import copy
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.predefined import predefined_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos_homebrew import read_versions

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "macos-outputs"
BREW = "brew-recorded-4.4.32"
NO_BREW = "state=absent\npath=\nowner=\n"
NO_CASKS = '{"formulae": [], "casks": []}'


def recorded(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode()


def reading(**changed: str | tuple[int, str]) -> dict[str, Any]:
    """A Mac made of recorded outputs: 26.5.1 with three updates on offer and Homebrew, some sections replaced."""
    texts: dict[str, str | tuple[int, str]] = {
        "machine": "now=1795262400\nuid=0\nrunning=25.5.0\narch=arm64\n"
        "boottime={ sec = 1795000000, usec = 512345 } Sat Nov 18 00:00:00 2026\nboot_session=0A1B-2C\n",
        "sw_vers": recorded("sw_vers.26.5.1.txt"),
        "updates_command": "softwareupdate --list ",
        "updates": recorded("softwareupdate-list.26.5.2-tahoe-three.txt"),
        "updates_errors": "",
        "history": recorded("InstallHistory.chef-10.15-clt.plist"),
        "receipts": recorded("pkgutil-pkg-info.com.apple.pkg.MobileAssets.plist"),
        "disk": "/\t971350180\t500000000\n/System/Volumes/Data\t971350180\t500000000\n",
        "brew": "state=ready\npath=/opt/homebrew/bin/brew\nowner=brewowner\n",
        "brew_update": "Already up-to-date.\n",
        "brew_outdated_formula": recorded(f"{BREW}.outdated.v2.json"),
        "brew_list_formula": recorded(f"{BREW}.list-formula-versions.txt"),
        "brew_outdated_cask": recorded(f"{BREW}.outdated-cask.v2.json"),
        "brew_list_cask": recorded(f"{BREW}.list-cask-versions.txt"),
        "brew_taps": "homebrew/core\nopenfleet/demo\n",
        "brew_version": "Homebrew 4.4.32\n",
    }
    for name in [name for name in texts if name.startswith("brew_")]:
        texts[f"{name}_errors"] = ""
    texts.update(changed)
    sections = {}
    for name, value in texts.items():
        code, text = value if isinstance(value, tuple) else (0, value)
        sections[name] = {"code": code, "text": text}
    return {"reader": "macos", "system": {}, "interpreter": None, "result": {"sections": sections}}


def candidates(inventory: Inventory) -> dict[str, dict[str, Any]]:
    return {f"{each['classification']} {each['name']} {each['version']}": each for each in inventory.candidates}


def versions(inventory: Inventory, source: str) -> dict[str, str]:
    return {each["name"]: each["version"] for each in inventory.installed if each["classification"] == source}


def test_a_mac_is_described_by_its_own_words() -> None:
    inventory = build_inventory(reading())
    assert (inventory.operating_system, inventory.product) == ("MACOS", "Tahoe26.5.1")
    assert inventory.os == {"id": "macos", "id_like": None, "version": "26.5.1", "codename": None, "build": "25F80",
                            "name": "macOS 26.5.1", "kernel": "25.5.0", "arch": "arm64"}  # fmt: skip
    assert (inventory.collected_at, inventory.booted_at) == ("2026-11-21T12:00:00Z", "2026-11-18T11:06:40Z")
    assert (inventory.privileged, inventory.boot_id) == (True, "0a1b-2c")
    assert inventory.refresh == {"attempted": True, "ok": True, "errors": [], "skipped_because": None}
    assert inventory.reboot == {"required": None, "reasons": []}
    assert [each["path"] for each in inventory.findings["disk"]] == ["/", "/System/Volumes/Data"]
    assert Inventory.from_dict(json.loads(json.dumps(inventory.to_dict()))) == inventory


def test_what_is_offered_becomes_candidates_of_its_source() -> None:
    found = candidates(build_inventory(reading()))
    assert {key: (each["installed_version"], each["security"]) for key, each in found.items()} == {
        "softwareupdate Safari 27.0": (None, True),
        "softwareupdate macOS Tahoe 26.7.1 26.7.1": ("26.5.1", True),
        "brew ofhello 2.0": ("1.0", False),
        "brew ofpin 1.1": ("1.0", False),
        "brew cask ofcask 2.1.0": ("1.4.2", False),
    }
    safari = found["softwareupdate Safari 27.0"]
    assert (safari["label"], safari["action"]) == ("Safari27.0TahoeAuto-27.0", None)
    assert safari["security_reason"] == "releases of Safari close vulnerabilities"
    assert found["softwareupdate macOS Tahoe 26.7.1 26.7.1"]["action"] == "restart"


def test_the_next_release_of_macos_is_told_and_no_candidate_unless_allowed() -> None:
    inventory = build_inventory(reading())
    assert inventory.findings["major_upgrades"] == [
        {"name": "macOS 27.0.1", "version": "27.0.1", "label": "macOS 27.0.1-26A434"}
    ]
    assert "major_upgrade" in {each["kind"] for each in inventory.warnings}
    allowed = build_inventory(reading(), major_upgrades=True)
    assert candidates(allowed)["softwareupdate macOS 27.0.1 27.0.1"]["next_major"] is True
    assert "major_upgrades" not in allowed.findings


def test_the_label_keeps_the_blank_at_its_end_and_an_update_without_version_stays_missing() -> None:
    texts = {
        "sw_vers": "ProductName:\tMac OS X\nProductVersion:\t10.14.6\nBuildVersion:\t18G84\n",
        "updates": recorded("softwareupdate-list.10.14-mojave.trailing-space-empty-version.txt"),
    }
    inventory = build_inventory(reading(**texts))
    found = candidates(inventory)["softwareupdate macOS Mojave 10.14.6 Supplemental Update unversioned"]
    assert found["label"] == "macOS Mojave 10.14.6 Supplemental Update- "
    baseline = predefined_baseline("MACOS")
    [result] = evaluate(baseline, [found], operating_system="MACOS", as_of="2026-11-20T00:00:00Z", operation="Scan")
    assert (result["decision"], result["state"]) == ("approved", "MISSING")


def test_of_two_versions_of_one_title_the_newest_approved_is_taken() -> None:
    texts = {
        "sw_vers": "ProductName:\tMac OS X\nProductVersion:\t10.15.1\nBuildVersion:\t19B88\n",
        "updates": recorded("softwareupdate-list.10.15-clt-two-versions.txt"),
        "brew": "state=absent\npath=\nowner=\n",
    }
    rules = [{"title": "Command Line Tools", "security": True}]
    found = build_inventory(reading(**texts), rules=rules).candidates
    results = evaluate(
        predefined_baseline("MACOS"), found, operating_system="MACOS", as_of="2026-11-20T00:00:00Z", operation="Scan"
    )
    assert [each["reason"] for each in results] == ["superseded_by_newer", "approved_by_rule"]


def test_what_the_history_says_is_installed_does_not_count_while_it_is_offered() -> None:
    history = recorded("InstallHistory.chef-10.15-clt.plist")
    offered = "* Label: X-2106\n\tTitle: XProtectPlistConfigData, Version: 2106, Size: 1K, Recommended: YES,\n"
    inventory = build_inventory(reading(history=history, updates=offered))
    assert "XProtectPlistConfigData" not in versions(inventory, "softwareupdate")
    found = candidates(inventory)["softwareupdate XProtectPlistConfigData 2106"]
    assert found["installed_version"] is None


def test_the_history_becomes_installed_records_of_their_source() -> None:
    inventory = build_inventory(reading(history=recorded("InstallHistory.chef-10.15-clt.plist")))
    found = versions(inventory, "softwareupdate")
    assert found["XProtectPlistConfigData"] == "2106"
    assert found["Gatekeeper Configuration Data"] == "181"
    assert found["macOS 26.5.1"] == "26.5.1"
    assert versions(inventory, "installer")["Chef Infra Client"] == "unversioned"


def test_of_several_entries_the_last_by_date_counts_in_whatever_order_they_stand() -> None:
    inventory = build_inventory(reading(history=recorded("InstallHistory.grr-2017-2018.plist")))
    grr = next(each for each in inventory.installed if each["name"] == "grr")
    assert grr["installed_at"] == "2018-08-07T16:07:10Z"
    turned = build_inventory(reading(history=_backwards(recorded("InstallHistory.grr-2017-2018.plist"))))
    assert {each["name"]: each for each in turned.installed}["grr"] == grr


def _backwards(text: str) -> str:
    head, body = text.split("<array>", 1)
    dicts = [f"{part}</dict>" for part in body.rpartition("</array>")[0].split("</dict>")[:-1]]
    return f"{head}<array>{''.join(reversed(dicts))}</array></plist>"


def test_releases_of_the_past_and_apps_of_the_store_are_not_installed_patches() -> None:
    for name in ("13.4.1-ventura", "14.4-sonoma"):
        names = {
            each["name"]
            for each in build_inventory(reading(history=recorded(f"InstallHistory.{name}.plist"))).installed
        }
        assert not names & {"macOS 13.4.1", "macOS 14.4", "WhatsApp"}
        assert "macOS 26.5.1" in names


def entry(name: str, process: str, version: str = "1.0", more: str = "") -> str:
    return (
        f"<dict><key>date</key><date>2026-11-01T00:00:00Z</date><key>displayName</key><string>{name}</string>"
        f"<key>displayVersion</key><string>{version}</string><key>processName</key><string>{process}</string>{more}</dict>"
    )


def history(*entries: str) -> str:
    return f'<plist version="1.0"><array>{"".join(entries)}</array></plist>'


@pytest.mark.parametrize(("process", "source"), [
    ("softwareupdated", "softwareupdate"), ("softwareupdate", "softwareupdate"), ("Software Update", "softwareupdate"),
    ("installer", "installer"), ("Installer", "installer"), ("AcmeAgent", "installer"),
    ("storedownloadd", None), ("appstoreagent", None), ("App Store", None),
])  # fmt: skip
def test_who_wrote_an_entry_tells_where_it_came_from(process: str, source: str | None) -> None:
    inventory = build_inventory(reading(history=history(entry("Something", process)), brew=NO_BREW))
    assert {each["classification"] for each in inventory.installed if each["name"] == "Something"} == {source} - {None}


@pytest.mark.parametrize("process", ["macOS Installer", "OS X Installer"])
def test_a_whole_system_of_the_past_is_gone_and_the_one_that_runs_is_of_softwareupdate(process: str) -> None:
    whole = history(entry("macOS 26.0", process, "26.0"), entry("macOS 26.5.1", process, "26.5.1"))
    inventory = build_inventory(reading(history=whole, brew=NO_BREW))
    found = {(each["name"], each["classification"]) for each in inventory.installed if "macOS" in each["name"]}
    assert found == {("macOS 26.5.1", "softwareupdate")}


def test_an_entry_without_name_is_known_by_its_package() -> None:
    more = "<key>packageIdentifiers</key><array><string>org.example.x</string></array>"
    inventory = build_inventory(reading(history=history(entry("", "installer", more=more)), brew=NO_BREW))
    assert versions(inventory, "installer") == {"org.example.x": "1.0"}


def test_packages_without_version_take_that_of_their_receipt_and_are_never_missing() -> None:
    receipt = recorded("pkgutil-pkg-info.com.apple.pkg.MobileAssets.plist").replace(
        "com.apple.pkg.MobileAssets", "com.getchef.pkg.chef"
    )
    assert "com.getchef.pkg.chef" in receipt
    inventory = build_inventory(reading(receipts=receipt + receipt.replace("com.getchef.pkg.chef", "org.example.b")))
    chef = next(each for each in inventory.installed if each["name"] == "Chef Infra Client")
    assert (chef["version"], chef["classification"]) == ("1.0.0.0.1645860813", "installer")
    assert "installer" not in {each["classification"] for each in inventory.candidates}


def test_a_missing_history_is_told() -> None:
    inventory = build_inventory(reading(history=(66, "")))
    assert "history_missing" in {each["kind"] for each in inventory.warnings}
    assert versions(inventory, "softwareupdate") == {"macOS 26.5.1": "26.5.1"}


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("history", ""),
        ("history", "<plist><dict></dict></plist>"),
        ("history", "<plist><array><string>x</string></array></plist>"),
        ("history", '<!DOCTYPE a [<!ENTITY b "c">]><plist><array></array></plist>'),
        ("history", "<plist><array><dict><key>date</key><string>x</string></dict></array></plist>"),
        ("receipts", recorded("pkgutil-pkg-info.no-receipt.stderr.txt")),
        ("receipts", recorded("pkgutil-pkg-info.CLTools_Executables.26.txt")),
        ("receipts", recorded("pkgutil-pkg-info.com.apple.pkg.MobileAssets.plist").replace("integer>", "string>")),
        ("sw_vers", ""),
        ("sw_vers", "ProductVersion: x\nBuildVersion: 1\n"),
        ("sw_vers", "sw_vers: command not found\n"),
        ("machine", "uid=0\n"),
        ("disk", "/\tmany\tfew\n"),
        ("brew", "state=perhaps\n"),
        ("brew_list_formula", "only-a-name\n"),
        ("brew_taps", "no such; tap\n"),
    ],
)
def test_unknown_text_is_refused(section: str, text: str) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(**{section: text}))
    assert caught.value.kind == "bad_answer"


def test_a_section_that_is_not_there_is_refused() -> None:
    for name in ("updates", "history", "sw_vers", "brew", "brew_outdated_cask"):
        whole = copy.deepcopy(reading())
        del whole["result"]["sections"][name]
        with pytest.raises(PatchError) as caught:
            build_inventory(whole)
        assert caught.value.kind == "bad_answer"


def test_a_formula_of_a_tap_is_one_package_under_both_of_its_names() -> None:
    inventory = build_inventory(reading())
    found = candidates(inventory)["brew ofhello 2.0"]
    assert (found["full_name"], found["repository"]) == ("openfleet/demo/ofhello", "openfleet/demo")
    assert versions(inventory, "brew") == {"ofhello": "1.0", "ofpin": "1.0"}
    assert [each["id"] for each in inventory.repositories] == ["homebrew/core", "openfleet/demo"]


def test_a_pinned_formula_is_held_and_not_a_cask_of_its_name() -> None:
    casks = '{"formulae": [], "casks": [{"name": "ofpin", "installed_versions": ["1"], "current_version": "2"}]}'
    inventory = build_inventory(reading(brew_outdated_cask=casks, brew_list_cask="ofpin 1\n"))
    assert inventory.holds == [
        {"name": "ofpin", "arch": None, "version": None, "kind": "pin", "detail": "pinned in Homebrew at 1.0"}
    ]
    held = {key: bool(each.get("held")) for key, each in candidates(inventory).items() if "ofpin" in key}
    assert held == {"brew ofpin 1.1": True, "brew cask ofpin 2": False}


def test_old_kegs_do_not_hide_the_newest() -> None:
    text = recorded(f"{BREW}.list-formula-versions.txt").replace("ofhello 1.0", "ofhello 2.0 1.0")
    inventory = build_inventory(reading(brew_list_formula=text, brew_outdated_formula=NO_CASKS))
    assert versions(inventory, "brew")["ofhello"] == "2.0"


def test_all_recorded_lists_of_homebrew_are_read() -> None:
    inventory = build_inventory(
        reading(
            brew_list_formula=recorded("brew-list-versions.formula.txt"), brew_outdated_formula=NO_CASKS,
            brew_list_cask=recorded("brew-list-versions.cask.txt"), brew_outdated_cask=NO_CASKS,
        )
    )  # fmt: skip
    formulae, casks = versions(inventory, "brew"), versions(inventory, "brew cask")
    assert (formulae["graphviz"], formulae["audacity"], len(formulae)) == ("2.40.20161221.0239", "2.1.2", 11)
    assert (casks["virtualbox"], casks["android-file-transfer"], len(casks)) == ("5.1.10-112026", "latest", 9)


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("brew-outdated.v2.2020-formulae.json", "formula", {"pygobject3": "3.36.1", "rav1e": "0.3.3"}),
        ("brew-outdated.v2.2020-string-casks.json", "cask",
         {"amethyst": "0.14.3", "balenaetcher": "1.5.106", "electrum": "4.0.2",
          "lg-onscreen-control": "5.47,yi5XuIZw6hg"}),
        ("brew-outdated.v2.2021-mixed.json", "formula",
         {"curl": "7.80.0", "jpeg": "9d", "php": "8.0.12", "picat": "3.1.1", "srmio": "0.1.0"}),
        ("brew-outdated.v2.2021-mixed.json", "cask",
         {"atok": "2021,32.1.0:try2", "duplicati": "2.0.6.1,beta:2021-05-03", "powershell": "7.1.0",
          "sequel-ace": "3.4.1,3041"}),
        ("brew-outdated.v2.2024-array-casks.json", "cask", {"1password": "8.10.24", "bbedit": "15.0.1"}),
        (f"{BREW}.outdated-after-upgrade.v2.json", "formula", {"ofpin": "1.0"}),
        (f"{BREW}.outdated-cask-greedy.v2.json", "cask", {"ofauto": "4.0", "ofcask": "1.4.2"}),
        (f"{BREW}.outdated-cask.v2.json", "cask", {"ofcask": "1.4.2"}),
        (f"{BREW}.outdated.v2.json", "formula", {"ofhello": "1.0", "ofpin": "1.0"}),
    ],
)  # fmt: skip
def test_recorded_answers_of_homebrew_tell_what_is_newer_than_what(
    name: str, word: str, expected: dict[str, str]
) -> None:
    sections = dict.fromkeys(("brew_outdated_formula", "brew_outdated_cask"), NO_CASKS)
    sections |= dict.fromkeys(("brew_list_formula", "brew_list_cask"), "")
    inventory = build_inventory(reading(**{**sections, f"brew_outdated_{word}": recorded(name)}))
    found = {
        each["name"]: each["installed_version"] for each in inventory.candidates if "brew" in each["classification"]
    }
    assert found == expected


@pytest.mark.parametrize(
    "value", [(1, ""), (1, NO_CASKS), "", "Error: no", "[]", "{}", '{"formulae": []}', '{"formulae": 1, "casks": 2}']
)
def test_homebrew_that_fails_is_an_error_and_not_an_empty_list(value: str | tuple[int, str]) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(brew_outdated_formula=value))
    assert caught.value.kind == "brew_failed"


def test_a_list_of_homebrew_that_failed_is_no_empty_list() -> None:
    with pytest.raises(PatchError, match="brew list failed on the host .exit code 1.: no such folder"):
        build_inventory(reading(brew_list_formula=(1, ""), brew_list_formula_errors="no such folder\n"))


def test_a_cask_that_updates_itself_is_never_outdated() -> None:
    row = {"name": "ofcask", "installed_versions": ["1.4.2"], "current_version": "latest"}
    inventory = build_inventory(reading(brew_outdated_cask=json.dumps({"formulae": [], "casks": [row]})))
    assert "brew cask" not in {each["classification"] for each in inventory.candidates}


def test_a_mark_of_a_broken_cask_is_no_version() -> None:
    assert read_versions("ofcask (!) 1.0\nother 2.0 (!)\n", "brew cask", code=0) == {
        "ofcask": ("1.0",),
        "other": ("2.0",),
    }


def test_the_refusal_of_root_is_told_with_its_words() -> None:
    refused = recorded("brew-root-refused.stderr.txt")
    with pytest.raises(PatchError, match="Running Homebrew as root is extremely dangerous"):
        build_inventory(reading(brew_outdated_formula=(1, ""), brew_outdated_formula_errors=refused))


@pytest.mark.parametrize(
    "row",
    [
        {"name": "a; b", "installed_versions": ["1"], "current_version": "2"},
        {"name": "a", "installed_versions": [], "current_version": "2"},
        {"name": "a", "installed_versions": 1, "current_version": "2"},
        {"name": "a", "installed_versions": ["1"], "current_version": None},
        {"name": "a", "installed_versions": ["1"], "current_version": "2", "pinned": "yes"},
        "a",
    ],
)
def test_a_row_of_homebrew_in_no_known_form_is_refused(row: object) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(brew_outdated_formula=json.dumps({"formulae": [row], "casks": []})))
    assert caught.value.kind == "bad_answer"


@pytest.mark.parametrize("state", ["owner_is_root", "no_such_user", "not_owner", "no_sudo"])
def test_homebrew_that_cannot_be_asked_leaves_a_doubt(state: str) -> None:
    inventory = build_inventory(reading(brew=f"state={state}\npath=/opt/homebrew/bin/brew\nowner=root\n"))
    assert inventory.refresh["ok"] is False
    assert "homebrew_unavailable" in {each["kind"] for each in inventory.warnings}
    assert {each["classification"] for each in inventory.candidates} == {"softwareupdate"}


@pytest.mark.parametrize(("text", "release"), [
    ("Homebrew 4.3.0-12-gabcdef0\nHomebrew/homebrew-core (git revision 1)\n", "4.3.0"),
    ("Homebrew >=4.3.0 (shallow or no git repository)\n", None),
])  # fmt: skip
def test_the_release_of_homebrew_is_found_where_it_is_told(text: str, release: str | None) -> None:
    assert build_inventory(reading(brew_version=text)).findings["homebrew"]["release"] == release


def test_a_failed_brew_update_leaves_a_doubt() -> None:
    inventory = build_inventory(reading(brew_update=(1, ""), brew_update_errors="fatal: unable to access"))
    assert inventory.refresh["errors"] == ["brew update failed: fatal: unable to access"]
    assert inventory.refresh["ok"] is False


def test_a_list_without_a_search_is_told() -> None:
    inventory = build_inventory(reading(updates_command="softwareupdate --list --no-scan"))
    assert (inventory.refresh["attempted"], inventory.refresh["ok"]) == (False, None)
    assert "never" in inventory.refresh["skipped_because"]


def test_a_mac_that_is_too_old_is_told_which_is_the_oldest() -> None:
    texts = {"sw_vers": "ProductName:\tMac OS X\nProductVersion:\t10.13.6\nBuildVersion:\t17G65\n"}
    with pytest.raises(PatchError, match="macOS 10.13.6 is too old: 10.14 is the oldest") as raised:
        build_inventory(reading(**texts))
    assert raised.value.kind == "unsupported_os"


def test_of_two_offered_versions_the_older_is_no_candidate_once_the_newer_is_there() -> None:
    history = recorded("InstallHistory.chef-10.15-clt.plist")
    texts = {
        "sw_vers": "ProductName:\tMac OS X\nProductVersion:\t10.15.1\nBuildVersion:\t19B88\n",
        "updates": recorded("softwareupdate-list.10.15-clt-two-versions.txt"),
    }
    offered = [each for each in build_inventory(reading(**texts)).candidates if each["kind"] == "update"]
    [older, newer] = sorted(offered, key=lambda each: str(each["version"]))
    entry = (
        "<dict><key>date</key><date>2026-11-01T00:00:00Z</date><key>displayName</key>"
        f"<string>{newer['name']}</string><key>displayVersion</key><string>{newer['version']}</string>"
        "<key>processName</key><string>softwareupdated</string></dict></array>"
    )
    listed = texts["updates"].split("* Label: ")
    kept = [block for block in listed if f"Version: {newer['version']}" not in block]
    texts |= {"updates": "* Label: ".join(kept), "history": history.replace("</array>\n</plist>", f"{entry}\n</plist>")}
    assert older["version"] in texts["updates"]
    assert [each for each in build_inventory(reading(**texts)).candidates if each["kind"] == "update"] == []


@pytest.mark.parametrize(("name", "section"), [
    # Forms that no reader of ours asks for, which must never pass for those that it does.
    ("softwareupdate-history.10.14.txt", "updates"),
    ("softwareupdate-history.14-sonoma.test-author.txt", "updates"),
    ("system_profiler-SPInstallHistoryDataType.json", "history"),
    ("pkgutil-pkg-info.CLTools_Executables.11-groups.txt", "receipts"),
    ("pkgutil-pkg-info.XProtect.15.txt", "receipts"),
    ("pkgutil-pkgs.10.13-clt-grep.txt", "receipts"),
    (f"{BREW}.info-installed.v2.json", "brew_outdated_formula"),
    (f"{BREW}.upgrade-formula.txt", "brew_outdated_formula"),
])  # fmt: skip
def test_a_recorded_answer_to_another_question_is_refused(name: str, section: str) -> None:
    with pytest.raises(PatchError):
        build_inventory(reading(**{section: recorded(name)}))


def test_every_recorded_output_says_where_it_comes_from() -> None:
    rows = [line.split("|")[1] for line in recorded("SOURCES.md").splitlines() if line.startswith("| ")]
    patterns = [word for row in rows for word in re.split(r"[,\s]+", row) if word]
    names = {path.name for path in GOLDEN.iterdir()} - {"SOURCES.md"}
    assert len(names) > 60
    assert [name for name in sorted(names) if not any(fnmatch(name, pattern) for pattern in patterns)] == []
