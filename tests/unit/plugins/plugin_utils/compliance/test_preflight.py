"""What patching needs, and every finding at once."""

from __future__ import annotations

import configparser
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import AS_OF, baseline, candidate, inventory
from windows_readings import UPDATES, reading, update_line

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.preflight import (
    Finding,
    controller_findings,
    host_findings,
    told,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.states import patch_entries
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import canonical
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows import build_inventory

READ_AT = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
MIB = 1 << 20


def findings(**changed: Any) -> list[Finding]:
    base = changed.pop("base", baseline())
    at = changed.pop("read_between", (READ_AT, READ_AT + timedelta(seconds=3)))
    found = inventory(**changed)
    entries = patch_entries(found, base.baseline, as_of=AS_OF)
    return host_findings(found, base.baseline, entries, stale_after=86400, read_between=at)


def kinds(**changed: Any) -> list[tuple[str, str]]:
    return [(each["severity"], each["kind"]) for each in findings(**changed)]


def disk(**free: int) -> dict[str, Any]:
    paths = {"root": "/", "var": "/var", "boot": "/boot"}
    return {"disk": [{"path": paths[name], "free_bytes": size * MIB} for name, size in free.items()]}


def test_a_host_in_order_has_no_finding() -> None:
    assert kinds(findings=disk(root=4096, var=4096, boot=2048)) == []


def test_all_findings_come_at_once_and_errors_first() -> None:
    found = kinds(
        privileged=False,
        refresh={"attempted": True, "ok": False, "errors": ["a: no route", "b: 404"], "skipped_because": None},
        repositories=[],
        findings={**disk(root=500), "lock": {"pid": 7, "name": "apt-get"}},
        warnings=[{"kind": "unsigned_repository", "message": "x is not signed"}],
        read_between=(READ_AT + timedelta(hours=2), READ_AT + timedelta(hours=2, seconds=1)),
    )
    assert found == [
        ("error", "not_privileged"),
        ("error", "refresh_failed"),
        ("error", "no_repositories"),
        ("error", "repository_unreachable"),
        ("error", "repository_unreachable"),
        ("error", "clock_skew"),
        ("warning", "low_disk"),
        ("warning", "locked"),
        ("warning", "unsigned_repository"),
    ]


def test_each_repository_that_cannot_be_reached_is_a_finding_of_its_own() -> None:
    refresh = {"attempted": True, "ok": False, "errors": ["a: no route", "b: 404"], "skipped_because": None}
    messages = [each["message"] for each in findings(refresh=refresh) if each["kind"] == "repository_unreachable"]
    assert messages == ["a: no route", "b: 404"]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ({"root": 4096, "var": 4096}, []),
        ({"root": 4096, "var": 900}, [("warning", "low_disk")]),
        ({"root": 4096, "var": 199}, [("error", "no_space")]),
        ({"root": 499, "var": 4096}, [("error", "no_space")]),
        ({"root": 501, "var": 4096}, [("warning", "low_disk")]),
        ({"root": 199}, [("error", "no_space")]),
    ],
)
def test_space_below_what_is_missing_is_an_error_and_below_a_gibibyte_a_warning(
    free: dict[str, int], expected: list[tuple[str, str]]
) -> None:
    big = [
        candidate("a", size=120 * MIB, installed_size=300 * MIB),
        candidate("b", size=80 * MIB, installed_size=100 * MIB),
        candidate("not-approved", security=False, size=9000 * MIB, installed_size=9000 * MIB),
    ]
    assert kinds(candidates=big, findings=disk(**free)) == expected


@pytest.mark.parametrize(
    ("name", "free", "expected"),
    [
        ("linux-image-6.1.0-41-amd64", 100, [("error", "no_space")]),
        ("linux-image-6.1.0-41-amd64", 200, []),
        ("kernel-core", 100, [("error", "no_space")]),
        ("kernelshark", 100, [("warning", "low_disk")]),
        ("bash", 100, [("warning", "low_disk")]),
    ],
)
def test_a_new_kernel_needs_room_in_boot(name: str, free: int, expected: list[tuple[str, str]]) -> None:
    assert kinds(candidates=[candidate(name)], findings=disk(root=4096, boot=free)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, []),
        (60, []),
        (63, [("warning", "clock_skew")]),
        (-60, []),
        (-65, [("warning", "clock_skew")]),
        (3700, [("error", "clock_skew")]),
        (-3700, [("error", "clock_skew")]),
    ],
)
def test_the_host_s_clock_has_to_lie_where_it_was_read(seconds: int, expected: list[tuple[str, str]]) -> None:
    moved = READ_AT + timedelta(seconds=seconds)
    assert kinds(read_between=(moved, moved + timedelta(seconds=2))) == expected


def test_the_direction_of_the_clock_is_told() -> None:
    late = (READ_AT + timedelta(seconds=200), READ_AT + timedelta(seconds=202))
    assert "199 s behind" in findings(read_between=late)[0]["message"]
    early = (READ_AT - timedelta(seconds=202), READ_AT - timedelta(seconds=200))
    assert "200 s ahead" in findings(read_between=early)[0]["message"]


def test_an_updater_that_installs_by_itself_is_named() -> None:
    running = {"periodic": {"Unattended-Upgrade": "1"}, "timers": ["apt-daily-upgrade.timer"]}
    assert kinds(findings={"updaters": running}) == [("warning", "competing_updater")]
    off = {"periodic": {"Unattended-Upgrade": "0"}, "timers": ["apt-daily-upgrade.timer"]}
    assert kinds(findings={"updaters": off}) == []
    [told_of] = findings(findings={"updaters": {**off, "packagekit": True}})
    assert (told_of["severity"], told_of["kind"]) == ("warning", "competing_updater")
    assert "PackageKit" in told_of["message"]


@pytest.mark.parametrize(
    ("timer", "apply_updates", "named"),
    [
        ("dnf-automatic-install.timer", "no", True), ("dnf-automatic.timer", "yes", True), ("yum-cron", "yes", True),
        ("dnf-automatic.timer", "no", False), ("dnf-automatic.timer", None, False), ("yum-cron", "no", False),
        ("dnf-automatic-notifyonly.timer", "yes", False), ("dnf-automatic-download.timer", "yes", False),
    ],
)  # fmt: skip
def test_an_updater_of_an_rpm_system_is_named_where_it_installs(
    timer: str, apply_updates: str | None, named: bool
) -> None:
    found = findings(findings={"updaters": {"timers": [timer], "apply_updates": apply_updates, "packagekit": False}})
    assert [each["kind"] for each in found] == (["competing_updater"] if named else [])
    assert all(timer in each["message"] for each in found)


def test_centos_without_the_switch_is_told_that_nothing_will_be_approved() -> None:
    rule = {"filters": {"product": ["*"]}, "approve_after_days": 0}
    silent = baseline(operating_system="CENTOS", approval_rules=[rule])
    without = [{"id": "baseos", "enabled": True, "security_metadata": False, "metadata_age": 60}]
    found = kinds(operating_system="CENTOS", base=silent, repositories=without)
    assert found == [("error", "no_security_metadata"), ("warning", "nothing_will_be_approved")]
    noticed = [{"id": "baseos", "enabled": True, "security_metadata": True, "metadata_age": 60}]
    assert kinds(operating_system="CENTOS", base=silent, repositories=noticed) == []
    open_one = baseline(operating_system="CENTOS", approval_rules=[{**rule, "enable_non_security": True}])
    assert kinds(operating_system="CENTOS", base=open_one) == []


def controller(**changed: Any) -> list[tuple[str, str]]:
    settings: dict[str, Any] = {
        "hosts": 20,
        "forks": 20,
        "connection": "ssh",
        "ssh_arguments": ["-C -o ControlMaster=auto", "-o ServerAliveInterval=15"],
        "open_files": 1024,
    }
    return [(each["severity"], each["kind"]) for each in controller_findings(**{**settings, **changed})]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"hosts": 3, "forks": 5}, []),
        ({"hosts": 3, "forks": 1}, [("warning", "few_forks")]),
        ({"hosts": 20, "forks": 5}, [("warning", "few_forks")]),
        ({"hosts": 500, "forks": 20}, [("warning", "few_forks")]),
        ({"hosts": 500, "forks": 50}, []),
        ({"hosts": 5000, "forks": 50}, [("warning", "few_forks")]),
        ({"hosts": 5000, "forks": 100, "open_files": 4096}, []),
        ({"ssh_arguments": ["-C", ""]}, [("warning", "no_keep_alive")]),
        ({"ssh_arguments": ["-oserveraliveinterval=30"]}, []),
        ({"ssh_arguments": [], "connection": "local"}, []),
        ({"hosts": 5000, "forks": 100}, [("error", "few_descriptors")]),
        ({"hosts": 5000, "forks": 100, "open_files": None}, []),
    ],
)
def test_the_controller_is_held_against_the_size_of_the_run(
    changed: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert controller(**changed) == expected


def test_the_message_of_a_failed_check_tells_every_error_and_no_warning() -> None:
    found = findings(privileged=False, repositories=[], findings={"lock": {"pid": 7, "name": "apt-get"}})
    assert told(found).startswith("not_privileged: ")
    assert "no_repositories: " in told(found)
    assert "apt-get" not in told(found)


@pytest.mark.parametrize(("column", "hosts", "open_files"), [(0, 20, 1024), (1, 500, 1024), (2, 5000, 4096)])
def test_the_sample_settings_leave_nothing_to_find(column: int, hosts: int, open_files: int) -> None:
    text = (Path(__file__).resolve().parents[5] / "docs" / "ansible.cfg.sample").read_text(encoding="utf-8")
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(text)
    forks = re.findall(r"^; forks +(\d+) +(\d+) +(\d+)$", text, flags=re.MULTILINE)[0]
    assert settings["defaults"]["forks"] == forks[0]
    found = controller(
        hosts=hosts,
        forks=int(forks[column]),
        open_files=open_files,
        ssh_arguments=[settings["ssh_connection"]["ssh_args"]],
    )
    assert found == []


def windows_findings(offered: list[dict[str, Any]], **parts: Any) -> list[tuple[str, str]]:
    """Kinds and severities for a Windows host, by a baseline that approves everything."""
    found = build_inventory(reading(offered, **parts))
    base = canonical(
        {
            "name": "all",
            "operating_system": "WINDOWS",
            "approval_rules": [{"filters": {"patch_set": ["*"]}, "approve_after_days": 0}],
        }
    )
    entries = patch_entries(found, base, as_of=AS_OF)
    judged = host_findings(found, base, entries, stale_after=86400, read_between=(READ_AT, READ_AT))
    return [(each["severity"], each["kind"]) for each in judged]


def test_a_windows_host_in_order_has_no_finding() -> None:
    assert windows_findings([update_line(UPDATES[0])]) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"disk": [{"path": "C:", "free_bytes": 100 * MIB, "size_bytes": 1}]}, ("error", "no_space")),
        ({"disk": [{"path": "C:", "free_bytes": 3000 * MIB, "size_bytes": 1}]}, ("warning", "low_disk")),
        (
            {"services": [{"name": "wuauserv", "state": "Stopped", "start_mode": "Disabled"}]},
            ("error", "update_service_disabled"),
        ),
        ({"policy": {"use_wu_server": 1}}, ("error", "wsus_without_address")),
        ({"policy": {"au_options": 4}}, ("warning", "competing_updater")),
        ({"reboot": {"auto_update": True}}, ("warning", "reboot_pending")),
    ],
)
def test_what_keeps_windows_from_installing_is_found(parts: dict[str, Any], expected: tuple[str, str]) -> None:
    whole = reading([])["result"]
    given = {name: {**whole[name], **value} if isinstance(value, dict) else value for name, value in parts.items()}
    assert windows_findings([update_line(UPDATES[0], max_download_size=60 * MIB)], **given) == [expected]


def test_room_that_no_missing_update_needs_is_not_asked_for() -> None:
    small = [
        {"path": "C:", "free_bytes": 6000 * MIB, "size_bytes": 1},
        {"path": "D:", "free_bytes": 1, "size_bytes": 1},
    ]
    hidden = update_line(UPDATES[0], max_download_size=9000 * MIB, hidden=True)
    assert windows_findings([hidden], disk=small) == []
