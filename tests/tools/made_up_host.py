"""A made-up host for what ``flow.install`` and ``flow.rollback`` do in which order: its readings, jobs and turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import channels
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import install as installs
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.commands import CommandResult
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_client import JobState, UnitState
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan

RUN = "00000000-0000-4000-8000-000000000001"


def package(name: str, version: str, installed: str | None = None, **more: Any) -> dict[str, Any]:
    """A candidate that would replace ``installed``; without it an installed package."""
    return {
        "name": name, "arch": "all", "version": version, "installed_version": installed or version,
        "repository": "security", "product": "Debian12", "priority": "Optional", "section": "utils", "security": True,
        "released": None, "released_source": None, "source_package": name, "manager_choice": True, "held": None, **more,
    }  # fmt: skip


def inventory(
    installed: Sequence[Mapping[str, Any]], candidates: Iterable[Mapping[str, Any]], findings: Mapping[str, Any]
) -> Inventory:
    """Of a Debian 12 with young lists and one repository."""
    return Inventory(
        "DEBIAN", "Debian12", {"id": "debian", "version": "12", "kernel": "6.1", "arch": "x86_64"},
        {"name": "apt", "version": "2.6", "api": "apt_pkg"}, None, "2026-11-20T00:00:00Z", True,
        boot_id="b00t", installed=[dict(each) for each in installed], candidates=[dict(each) for each in candidates],
        repositories=[{"id": "security", "enabled": True, "security_metadata": True, "metadata_age": 1}],
        refresh={"attempted": False, "ok": None, "errors": [], "skipped_because": "young"}, findings=dict(findings),
    )  # fmt: skip


class MadeUpHost:
    """Gives readings one after the other and ends each job as ``ends`` says: its result, and what ended its steps."""

    def __init__(self, readings: Iterable[Inventory], ends: Iterable[tuple[str, str | None]]) -> None:
        self.readings, self.ends = list(readings), list(ends)
        self.refreshes: list[str | None] = []
        self.plans: list[Plan] = []
        self.told: list[str] = []
        self.now = 0.0

    def read(self, refresh: str | None) -> Inventory:
        self.refreshes.append(refresh)
        return replace(self.readings.pop(0) if len(self.readings) > 1 else self.readings[0])

    def settle(self) -> Any:
        return None

    def run(self, plan: Plan) -> JobState:
        self.plans.append(plan)
        result, ended_by = self.ends.pop(0)
        self.now += 100
        code = 0 if result == "SUCCEEDED" else 100
        steps = tuple(
            UnitState(number, step.name, "ended", code, 1000, 1001, 1, ended_by, "7 1 S wait acme.postinst\n")
            for number, step in enumerate(plan.steps, 1)
        )
        return JobState(
            "poll", "finished", plan.job_id, plan.title, result, None, "none", 1000, 1100, 1100, steps=steps
        )

    def log_end(self, _job: str, _step: UnitState) -> str:
        return "E: Sub-process /usr/bin/dpkg returned an error code (1)\n"

    def commands(self, _channel: Any, commands: list[list[str]], *, environment: Any) -> list[CommandResult]:
        return [self.command(words) for words in commands]

    def command(self, words: list[str]) -> CommandResult:
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Channel:
    last_system: dict[str, Any] | None = None

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def task_environment(self) -> dict[str, str]:
        return {}


def turn_on(
    host: MadeUpHost,
    kind: Any,
    task: str,
    state_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    running_commands: Iterable[Any],
    check_mode: bool = False,
    **options: Any,
) -> Any:
    """``kind`` (``HostInstall`` or made of it) for the arguments of ``task``, with ``host`` behind it.

    ``running_commands``: the modules that run commands on hosts.
    """
    monkeypatch.setattr(channels, "HostChannel", Channel)
    monkeypatch.setattr(installs, "JobDriver", lambda *_args, **_options: host)
    for module in running_commands:
        monkeypatch.setattr(module, "run_commands", host.commands)
    monkeypatch.setattr(installs, "keep_on_host", lambda *_arguments: None)
    monkeypatch.setattr(installs.HostInstall, "_read_or_bring_library", lambda _self, refresh: host.read(refresh))
    arguments = {name: option.get("default") for name, option in argument_spec(task).items()}
    arguments |= {"state_directory": str(state_directory), "run_id": RUN, **options}
    action: Any = SimpleNamespace(
        _task=SimpleNamespace(delegate_to=None),
        _connection=SimpleNamespace(),
        _loader=SimpleNamespace(path_dwim=lambda name: name, get_basedir=str),
    )
    return kind(
        action,
        {"inventory_hostname": "web1"},
        arguments,
        check_mode=check_mode,
        tell=host.told.append,
        sleep=host.sleep,
        clock=lambda: host.now,
    )
