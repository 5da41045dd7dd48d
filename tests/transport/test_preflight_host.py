"""What the preflight task finds on real hosts, all at once and with the package lists fetched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transport_play import Controller, Task, inventory_of

pytestmark = pytest.mark.lab
HOLD_LOCK = (
    "import fcntl, sys; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX);"
    "print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def own_host(lab: Any) -> Iterator[Any]:
    """A host whose repositories and clock a test may alter."""
    from openfleet_lab.api import start_host

    started = start_host(lab, "bookworm")
    yield started
    started.destroy()


def preflight(controller: Controller, hosts: dict[str, dict[str, Any]], **options: Any) -> dict[str, Task]:
    task = {"name": "check", "openfleet.patch.preflight_host": {"state_directory": "state", **options}}
    play = controller.play(inventory_of(hosts), [task])
    found = {task.host: task for task in play.tasks}
    assert set(found) == set(hosts), play.output
    return found


def found(task: Task, severity: str) -> dict[str, str]:
    return {each["kind"]: each["message"] for each in task.result["findings"] if each["severity"] == severity}


@pytest.fixture(autouse=True)
def state_in_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_host_in_order_is_ready_and_its_lists_were_fetched(controller: Controller, own_host: Any) -> None:
    task = preflight(controller, {"a": own_host.inventory("opslab")})["a"]
    assert (task.status, task.result["ready"]) == ("ok", True), task.result
    assert found(task, "error") == {}
    assert task.result["operating_system"] == "DEBIAN"
    answer = own_host.run(["stat", "-c", "%Y", "/var/lib/apt/lists/partial"]).stdout
    assert int(own_host.run(["date", "+%s"]).stdout) - int(answer) < 60


def test_the_role_checks_and_fetches_the_lists_as_well(newest: Controller, own_host: Any) -> None:
    role = {
        "name": "preflight",
        "ansible.builtin.import_role": {"name": "openfleet.patch.preflight"},
        "vars": {"patch_state_directory": "state"},
    }
    without_become = {
        key: value for key, value in own_host.inventory("nopw").items() if not key.startswith("ansible_become")
    }
    own_host.run(["touch", "-d", "2 days ago", "/var/lib/apt/lists/partial", "/var/lib/apt/lists"])
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ preflight_result.findings }}"}}
    play = newest.play(inventory_of({"a": without_become}), [role, show])
    assert play.code == 0, play.output
    findings = play.task("a", "show").result["msg"]
    assert [each for each in findings if each["severity"] == "error"] == []
    fetched = own_host.run(["stat", "-c", "%Y", "/var/lib/apt/lists/partial"]).stdout
    assert int(own_host.run(["date", "+%s"]).stdout) - int(fetched) < 60


def test_all_that_is_wrong_with_a_host_is_told_at_once(newest: Controller, own_host: Any) -> None:
    own_host.own_repositories().sign("updates", "broken")
    enter = ["nsenter", "-t", str(own_host.init_pid()), "-a", "--", "/usr/bin/python3", "-c", HOLD_LOCK]
    with subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        task = preflight(newest, {"a": own_host.inventory("root")})["a"]
        holder.stdin.close()
    assert (task.status, task.result["ready"]) == ("failed", False)
    errors, warnings = found(task, "error"), found(task, "warning")
    assert "bookworm-updates" in errors["repository_unreachable"]
    assert "refresh_failed" in errors
    assert "python3" in warnings["locked"]
    assert all(message in task.result["msg"] for message in errors.values())


def test_a_host_without_a_way_to_its_repositories_names_each(newest: Controller, own_host: Any) -> None:
    own_host.own_repositories().fault("503")
    task = preflight(newest, {"a": own_host.inventory("root")})["a"]
    told = [each["message"] for each in task.result["findings"] if each["kind"] == "repository_unreachable"]
    for suite in ("bookworm-security", "bookworm-updates", "bookworm-backports"):
        assert any(suite in message for message in told), told


def test_no_privilege_an_odd_interpreter_and_another_baseline_are_findings_too(
    controller: Controller, own_host: Any
) -> None:
    hosts = {
        "no sudo": {**own_host.inventory("nosudo"), "ansible_become": True},
        "no become": {
            key: value for key, value in own_host.inventory("opslab").items() if not key.startswith("ansible_become")
        },
    }
    tasks = preflight(controller, hosts, refresh="never")
    assert "no_privilege" in found(tasks["no sudo"], "error")
    assert "not_privileged" in found(tasks["no become"], "error")
    assert {task.status for task in tasks.values()} == {"failed"}
