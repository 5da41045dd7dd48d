"""What surrounds an installation, on stand-ins for Windows hosts: hooks and checks, delays by the fleet's own clock,
override lists by KB, and what is refused there. The plays are shared by all tests of this file."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from other_collections import other_collections
from windows_host import create, log, recorded_updates
from windows_plays import EVERYTHING, Ended, WindowsPlays

FLASH, REMOVAL, TOOL, DOTNET, DEFENDER, CUMULATIVE = recorded_updates("full_run")
WEEK = [
    {
        "name": "week",
        "operating_system": "WINDOWS",
        "approval_rules": [{"filters": {"patch_set": ["*"]}, "approve_after_days": 7}],
    }
]
HOSTS: dict[str, dict[str, Any]] = {
    "commanded": {"patch_pre_install": [{"command": ["/usr/local/sbin/drain"]}]},
    "checked": {"patch_after_reboot_checks": [{"port": 443, "on": "controller"}, {"services": True}]},
    "spared": {
        "patch_pre_install": [{"name": "drain", "command": ["true"], "on": "controller"}],
        "patch_on_exit": ["undrain.yml"],
    },
    "listed": {
        "ansible_shell_type": "cmd",
        "patch_install_override_list": {"patches": [{"kb": "KB" + TOOL.line["kb_article_ids"][0]}]},
    },
    "delayed": {"patch_baselines": WEEK, "patch_default_baselines": {"WINDOWS": "week"}},
}


@dataclass
class Flow:
    folder: Path
    scanned: Ended
    installed: Ended
    afterwards: Ended

    def messages(self, host: str) -> str:
        """Of the tasks that failed on a host."""
        return "\n".join(
            str(each["result"].get("msg"))
            for each in self.installed.tasks
            if each["host"] == host and each["status"] == "failed"
        )

    def document(self, host: str) -> dict[str, Any]:
        """The newest one."""
        found: dict[str, Any] = [
            each["result"]["document"]
            for each in self.installed.tasks
            if each["host"] == host and "document" in each["result"]
        ][-1]
        return found


@pytest.fixture(scope="module", params=["2.21", pytest.param("2.16", marks=pytest.mark.endurance)])
def flow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    folder = tmp_path_factory.mktemp("flow")
    plays = WindowsPlays(request.param, folder / "play", other_collections())
    for name, variables in HOSTS.items():
        plays.add(name, create(folder / name, [TOOL, DEFENDER]), **variables)
    plays.variables = {
        "patch_baselines": EVERYTHING["baselines"],
        "patch_default_baselines": EVERYTHING["default_baselines"],
        "patch_state_directory": str(plays.state),
        "patch_reboot_option": "NoReboot",
        "patch_delay_clock": "first_seen",
    }
    (plays.folder / "undrain.yml").write_text(
        "- ansible.builtin.command: {argv: [touch, undrained], chdir: '{{ inventory_dir }}'}\n"
        "  delegate_to: localhost\n",
        encoding="utf-8",
    )
    scanned = plays.run("openfleet.patch.scan", "--limit", "delayed")
    later = (datetime.now(timezone.utc) + timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    installed = plays.run("openfleet.patch.install", "-f", "5", "-e", f"patch_as_of={later}")
    tasks = [
        {f"openfleet.patch.{name}": {"state_directory": str(plays.state)}, "name": name, "ignore_errors": True}
        for name in ("rollback_patches", "collect_documents")
    ]
    (plays.folder / "after.json").write_text(
        json.dumps([{"hosts": "checked", "gather_facts": False, "tasks": tasks}]), encoding="utf-8"
    )
    return Flow(folder, scanned, installed, plays.run("after.json"))


@pytest.mark.parametrize(
    ("host", "place", "told"),
    [
        ("commanded", "patch_pre_install[0]", "command runs on POSIX hosts alone, and this is a Windows host"),
        ("checked", "patch_after_reboot_checks[1]", "services runs on POSIX hosts alone"),
    ],
)
def test_what_a_shell_of_posix_would_have_to_run_is_refused_before_anything_is_done(
    flow: Flow, host: str, place: str, told: str
) -> None:
    assert place in flow.messages(host)
    assert told in flow.messages(host)
    assert log(flow.folder / host) == []


def test_commands_on_the_controller_and_task_files_surround_the_installation(flow: Flow) -> None:
    document = flow.document("spared")
    assert {each["name"]: each["result"] for each in document["hooks"]} == {"drain": "ok", "undrain": "ok"}
    assert document["installation"]["result"] == "SUCCEEDED"
    assert (flow.folder / "play" / "undrained").exists()


def test_an_override_list_takes_its_kb_and_leaves_the_rest(flow: Flow) -> None:
    states = {each["name"]: each["state"] for each in flow.document("listed")["patches"]}
    assert states == {
        "KB" + TOOL.line["kb_article_ids"][0]: "INSTALLED",
        "KB" + DEFENDER.line["kb_article_ids"][0]: "MISSING",
    }
    # Each step of each update is told while it goes on.
    for step in ("downloaded", "installing", "installed"):
        assert f"{step} {TOOL.line['title']}" in flow.installed.output


def test_a_delay_counts_from_the_first_scan_that_saw_an_update(flow: Flow) -> None:
    [before] = [each["result"]["document"] for each in flow.scanned.tasks if "document" in each["result"]]
    assert before["delay_clock"] == "first_seen"
    assert {each["reason"] for each in before["patches"]} == {"waiting_for_approval_delay"}
    assert {each["counted_source"] for each in before["patches"]} == {"first_seen"}
    assert {each["state"] for each in flow.document("delayed")["patches"]} == {"INSTALLED"}


def test_an_installation_is_not_taken_back_on_windows_and_the_task_says_what_helps(flow: Flow) -> None:
    told = flow.afterwards.result("checked", "rollback_patches")
    assert told["error"]["kind"] == "unsupported_os"
    assert "wusa /uninstall /kb:" in told["msg"]


def test_nothing_is_collected_from_windows_hosts_which_keep_no_document(flow: Flow) -> None:
    told = flow.afterwards.result("checked", "collect_documents")
    assert told["status"] == "skipped"
    assert "keep no document" in told["msg"]
    assert log(flow.folder / "checked") == []
