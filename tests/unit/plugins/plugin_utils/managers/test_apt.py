"""What the apt manager makes of recorded answers, and what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.verdict import doubts_about
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt import build_inventory

GOLDEN = Path(__file__).resolve().parents[4] / "golden"
ANSWERS = sorted(GOLDEN.glob("*/apt_answer.json"))
DEBIAN = json.loads((GOLDEN / "debian-12" / "apt_answer.json").read_text())["result"]


def reading(result: dict[str, Any]) -> dict[str, Any]:
    return {"system": {}, "reader": "apt", "interpreter": None, "result": result}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The Debian answer with one place changed; a package's column is named."""
    result = copy.deepcopy(DEBIAN)
    place: Any = result
    for step in path[:-1]:
        place = place[step]
    last = path[-1]
    if isinstance(place, list) and isinstance(last, str):
        last = result[path[0]]["columns"].index(last)
    place[last] = value
    return reading(result)


def by_name(inventory: Inventory, name: str) -> dict[str, dict[str, Any]]:
    return {each["version"]: each for each in inventory.candidates if each["name"] == name}


def test_answers_of_real_hosts_are_there() -> None:
    assert len(ANSWERS) >= 8


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.parent.name)
def test_a_recorded_answer_becomes_the_recorded_inventory(path: Path) -> None:
    expected = json.loads((path.parent / "apt_inventory.json").read_text())
    assert build_inventory(reading(json.loads(path.read_text())["result"])).to_dict() == expected


@pytest.mark.parametrize(
    ("folder", "product", "security", "other"),
    [
        ("debian-8", "Debian8", "jessie-security", "jessie-updates"),
        ("debian-12", "Debian12", "bookworm-security", "bookworm-updates"),
        ("debian-13", "Debian13", "trixie-security", "trixie-updates"),
        ("ubuntu-18.04", "Ubuntu18.04", "bionic-security", "bionic-updates"),
        ("ubuntu-22.04", "Ubuntu22.04", "jammy-security", "jammy-updates"),
        ("ubuntu-24.04", "Ubuntu24.04", "noble-security", "noble-updates"),
    ],
)
def test_the_fix_in_the_security_pocket_and_the_newer_version_in_updates_are_both_candidates(
    folder: str, product: str, security: str, other: str
) -> None:
    answer = json.loads((GOLDEN / folder / "apt_answer.json").read_text())["result"]
    versions = by_name(build_inventory(reading(answer)), "acme-web")
    assert {v: (each["repository"], each["security"], each["product"]) for v, each in versions.items()} == {
        "1.1": (security, True, product),
        "1.2": (other, False, product),
    }


def test_records_speak_the_canonical_words() -> None:
    record = by_name(build_inventory(reading(DEBIAN)), "acme-libtls")["1.1"]
    assert (record["priority"], record["section"], record["installed_version"]) == ("Required", "libs", "1.0")
    assert record["released"] is None
    assert record["released_source"] is None


def test_the_component_in_front_of_a_section_is_left_out_and_kept_as_the_vendor_wrote_it() -> None:
    inventory = build_inventory(changed(("candidates", "rows", 0, "section"), "universe/admin"))
    record = inventory.candidates[0]
    assert (record["section"], record["vendor_section"]) == ("admin", "universe/admin")


def test_holds_pins_and_phasing_are_kept_apart() -> None:
    inventory = build_inventory(reading(DEBIAN))
    kinds = {(each["name"], each["kind"], each["version"]) for each in inventory.holds}
    assert kinds == {("acme-held", "hold", None), ("acme-pinned", "pin", "1.1"), ("acme-backport", "pin", "2.0~bpo1+1")}
    phased = by_name(inventory, "acme-phased-out")["1.1"]
    assert (phased["deferred"], phased["phased_percentage"], phased["held"]) == (True, 0, None)
    assert by_name(inventory, "acme-phased-in")["1.1"]["deferred"] is False


def test_the_status_of_a_package_nobody_lists_is_unknown_not_insecure() -> None:
    orphan = next(each for each in build_inventory(reading(DEBIAN)).installed if each["name"] == "acme-orphan")
    assert (orphan["repository"], orphan["security"]) == (None, None)


def test_a_source_that_was_never_downloaded_is_a_repository_without_age_and_a_warning() -> None:
    result = copy.deepcopy(DEBIAN)
    result["sources"].append({"uri": "http://new.example/x", "dist": "stable", "lists": False})
    inventory = build_inventory(reading(result))
    assert inventory.repositories[-1]["id"] == "http://new.example/x stable"
    assert inventory.repositories[-1]["metadata_age"] is None
    assert [each["kind"] for each in inventory.warnings] == ["never_downloaded"]


def test_lists_past_their_date_are_told() -> None:
    found = build_inventory(changed(("files", 0, "valid_until"), "Mon, 02 Jan 2006 15:04:05 UTC"))
    assert [each["kind"] for each in found.warnings] == ["expired_metadata"]


# -- reboot ------------------------------------------------------------------------------------------------------


def kernels(running: str, *releases: tuple[str, str], build: str = "#1 SMP", container: bool = False) -> dict[str, Any]:
    return {
        "running": running, "build": build, "arch": "x86_64", "signature": None, "container": container,
        "installed": [{"package": f"linux-image-{release}", "arch": "amd64", "version": version, "release": release}
                      for release, version in releases],
    }  # fmt: skip


NEW, OLD = ("6.1.0-25-amd64", "6.1.106-3"), ("6.1.0-22-amd64", "6.1.94-1")


@pytest.mark.parametrize(
    ("value", "required", "kinds"),
    [
        (kernels("6.1.0-25-amd64", NEW, OLD), False, []),
        (kernels("6.1.0-22-amd64", NEW, OLD), True, ["kernel_older_than_installed"]),
        (kernels("6.1.0-22-amd64", NEW, OLD, container=True), False, []),
        (kernels("6.6.1-house", NEW, OLD), False, []),
        (kernels("6.1.0-25-amd64", NEW, build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3 (2024-08-26)"), False, []),
        (kernels("6.1.0-25-amd64", NEW, build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.99-1 (2024-07-15)"), True,
         ["kernel_rebuilt"]),
    ],
    ids=["newest runs", "older runs", "a container has no kernel", "a kernel of its own", "same build", "older build"],
)  # fmt: skip
def test_a_kernel_that_does_not_run_yet_asks_for_a_reboot(value: Any, required: bool, kinds: list[str]) -> None:
    found = build_inventory(changed(("kernels",), value)).reboot
    assert (found["required"], [each["kind"] for each in found["reasons"]]) == (required, kinds)


def space(path: str, free: int, size: int = 20 << 30) -> dict[str, Any]:
    return {"path": path, "free_bytes": free, "size_bytes": size, "free_inodes": free >> 14}


def test_a_file_system_is_told_once_under_its_shortest_path() -> None:
    rows = [space("/", 5 << 30), space("/boot", 200 << 20, 1 << 30), space("/var", 5 << 30)]
    found = build_inventory(changed(("disk",), rows))
    assert [each["path"] for each in found.findings["disk"]] == ["/", "/boot"]
    assert found.warnings == []


MANY = (NEW, OLD, ("6.1.0-21-amd64", "6.1.90-1"), ("6.1.0-20-amd64", "6.1.85-1"), ("6.1.0-18-amd64", "6.1.76-1"))


@pytest.mark.parametrize(
    ("boot", "found_kernels", "kinds"),
    [
        (200, (NEW, OLD), []),
        (200, MANY[:4], []),
        (200, MANY, ["old_kernels"]),
        (100, (NEW, OLD), ["low_disk"]),
        (100, MANY[:3], ["low_disk", "old_kernels"]),
    ],
    ids=["enough of both", "two older ones do no harm", "three older ones", "a full /boot", "both"],
)
def test_a_full_boot_and_kernels_that_nothing_needs_are_told(
    boot: int, found_kernels: tuple[tuple[str, str], ...], kinds: list[str]
) -> None:
    answer = changed(("kernels",), kernels("6.1.0-25-amd64", *found_kernels))
    answer["result"]["disk"] = [space("/", 5 << 30), space("/boot", boot << 20, 1 << 30)]
    found = build_inventory(answer)
    assert [each["kind"] for each in found.warnings] == kinds
    told = {each["kind"]: each["message"] for each in found.warnings}
    if "low_disk" in kinds:
        assert told["low_disk"] == "/boot has 100 MiB free; a new kernel needs about 128 MiB"
    if "old_kernels" in kinds:
        assert "6.1.0-21-amd64" in told["old_kernels"]
        assert "6.1.0-22-amd64" not in told["old_kernels"]
        assert "apt-get autoremove" in told["old_kernels"]


def test_the_kernel_that_runs_is_never_called_old() -> None:
    answer = changed(("kernels",), kernels("6.1.0-18-amd64", *MANY))
    answer["result"]["disk"] = [space("/", 5 << 30), space("/boot", 100 << 20, 1 << 30)]
    told = next(each["message"] for each in build_inventory(answer).warnings if each["kind"] == "old_kernels")
    assert "6.1.0-21-amd64, 6.1.0-20-amd64" in told
    assert "6.1.0-18-amd64" not in told


def test_a_container_has_no_old_kernels() -> None:
    found = build_inventory(changed(("kernels",), kernels("6.1.0-25-amd64", *MANY, container=True)))
    assert [each for each in found.warnings if each["kind"] == "old_kernels"] == []


def test_the_file_of_the_distribution_asks_for_a_reboot_and_names_its_packages() -> None:
    flag = {"file": "/run/reboot-required", "packages": ["libc6"]}
    assert build_inventory(changed(("reboot_required",), flag)).reboot == {
        "required": True,
        "reasons": [{"kind": "reboot_required_file", "detail": "/run/reboot-required", "packages": ["libc6"]}],
    }


@pytest.mark.parametrize(("name", "required"), [("sshd", False), ("systemd", True)])
def test_replaced_libraries_ask_for_a_restart_and_in_the_first_process_for_a_reboot(name: str, required: bool) -> None:
    stale = [{"name": name, "service": None, "pids": [1], "libraries": ["/usr/lib/libssl.so.3"]}]
    found = build_inventory(changed(("processes", "stale"), stale))
    assert found.reboot["required"] is required
    assert found.reboot["reasons"][0]["kind"] == "deleted_libraries"
    assert found.findings["deleted_libraries"]["processes"][0]["libraries"] == ["/usr/lib/libssl.so.3"]


def test_processes_that_could_not_be_seen_make_the_reboot_unknown() -> None:
    result = copy.deepcopy(DEBIAN)
    result["privileged"], result["processes"]["unreadable"] = False, 7
    assert build_inventory(reading(result)).reboot["required"] is None


def test_security_updates_behind_a_pin_are_told_and_those_pinned_away_by_name_are_not() -> None:
    def warned(priority: int) -> list[str]:
        result = copy.deepcopy(DEBIAN)
        names = result["candidates"]["columns"]
        for row in result["candidates"]["rows"]:
            given = {"policy_priority": priority, "above_apt_choice": True, "deferred": False, "hold": False}
            row[:] = [given.get(name, value) for name, value in zip(names, row, strict=True)]
        found = build_inventory(reading(result)).warnings
        return [each["message"] for each in found if each["kind"] == "security_held_by_pin"]

    [message] = warned(500)
    assert message.startswith("APT::Default-Release or a pin keeps security updates away: ")
    assert warned(-1) == []


def test_packages_that_were_left_out_are_told_and_leave_a_doubt() -> None:
    inventory = build_inventory({**reading(DEBIAN), "result": {**DEBIAN, "odd_packages": ["beta amd64 v1 (beta)"]}})
    assert "left out" in next(each["message"] for each in inventory.warnings if each["kind"] == "odd_packages")
    doubts = doubts_about(inventory, {"approval_rules": []}, stale_after=2**62)
    assert "odd_packages" in {each["kind"] for each in doubts}


# -- a host that lies --------------------------------------------------------------------------------------------

LIES = [
    (("installed", "rows", 0, "name"), "acme web"),
    (("installed", "rows", 0, "name"), "../../etc"),
    (("installed", "rows", 0, "name"), "-o=x"),
    (("installed", "rows", 0, "name"), "a" * 300),
    (("installed", "rows", 0, "name"), None),
    (("installed", "rows", 0, "arch"), "amd64\n"),
    (("installed", "rows", 0, "version"), "1.0; rm"),
    (("installed", "rows", 0, "version"), "{{ 1 }}"),
    (("installed", "rows", 0, "automatic"), "yes"),
    (("installed", "rows", 0, "installed_at"), "yesterday"),
    (("installed", "rows", 0, "origins"), [9999]),
    (("installed", "rows", 0, "origins"), [True]),
    (("installed", "rows", 0), []),
    (("installed", "rows"), {}),
    (("installed", "columns"), ["name"]),
    (("installed",), None),
    (("candidates", "rows", 0, "size"), -1),
    (("candidates", "rows", 0, "deferred"), 0),
    (("candidates", "rows", 0, "policy_priority"), 10**9),
    (("files", 0), "x"),
    (("files", 0, "fetched_at"), "now"),
    (("holds",), [["a", "b"]]),
    (("collected_at",), "2026-11-20"),
    (("privileged",), "true"),
    (("refresh", "errors"), [1]),
    (("lists", "age"), 1.5),
    (("boot", "booted_at"), 5),
    (("processes", "stale"), [{"name": "x", "service": None, "pids": ["1"], "libraries": []}]),
    (("disk",), [{"path": "/", "free_bytes": "1", "size_bytes": 1, "free_inodes": 1}]),
    (("kernels",), {}),
    (("identity_files", "rpi-issue"), 3),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), LIES, ids=lambda value: str(value)[:50])
def test_a_wrong_type_is_refused_with_its_place(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(changed(path, value))
    assert caught.value.kind == "bad_answer"
    assert str(path[0]).replace("installed_at", "installed") in caught.value.message


@pytest.mark.parametrize("member", sorted(set(DEBIAN) - {"private", "pro", "lock", "reboot_required"}))
def test_no_member_may_be_missing(member: str) -> None:
    result = {key: value for key, value in DEBIAN.items() if key != member}
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(result))
    assert caught.value.kind in ("bad_answer", "unsupported_os")


def test_control_characters_never_reach_a_record() -> None:
    inventory = build_inventory(changed(("files", 0, "label"), "Evil\x1b[31m\nlabel\u202e"))
    assert "Evil [31m label" in {each["label"] for each in inventory.repositories}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(member=st.sampled_from(sorted(DEBIAN)), value=JSON)
def test_whatever_a_host_sends_the_outcome_is_an_inventory_or_one_of_our_errors(member: str, value: Any) -> None:
    result = {key: item for key, item in DEBIAN.items() if key not in ("installed", "candidates")}
    result.update(installed={**DEBIAN["installed"], "rows": []}, candidates={**DEBIAN["candidates"], "rows": []})
    result[member] = value
    try:
        assert isinstance(build_inventory(reading(result)), Inventory)
    except PatchError:
        pass


def test_an_os_that_apt_does_not_patch_is_unsupported() -> None:
    with pytest.raises(PatchError) as caught:
        build_inventory(reading(DEBIAN), mappings={"debian": "SUSE"})
    assert caught.value.kind == "unsupported_os"
