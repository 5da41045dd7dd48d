# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for all hosts of a play, checked before the first one is touched; all findings of all hosts at once.

Thousands of hosts mostly share a few values: each combination is judged once, and its findings name every host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..engine.problems import show
from ..errors import PatchError
from .baseline_entries import read_registry
from .baselines import patch_group_of, patch_group_problems
from .hooks_input import VARIABLES as HOOK_VARIABLES
from .hooks_input import Hook, find_file, parse_hooks, refuse_on_windows
from .input_values import CHECKS, LEAST, value_problem
from .selection_check import SELECTION, Read, selection_errors

BASELINES = ("patch_baselines", "patch_groups", "patch_default_baselines")
GROUP = ("patch_group", "patch_cloud_tags", "tags")
WINDOWS = ("patch_maintenance_windows", "patch_blackouts")
WINDOW_TASKS = ("patch_window_tasks",)
MINUTES = ("patch_expected_minutes", "patch_reboot_reserve_minutes")
HOOKS = (*HOOK_VARIABLES.values(), "inventory_dir")
CONNECTION = ("ansible_connection", "ansible_shell_type")
RATES = {
    "concurrency": "patch_concurrency",
    "error_threshold": "patch_error_threshold",
    "waves": "patch_waves",
    "ramp_up": "patch_ramp_up",
    "profile": "patch_rate_profile",
    "max_per_domain": "patch_max_per_failure_domain",
}
WHOLE_RUN = (
    *RATES.values(),
    "patch_serial",
    "patch_max_fail_percentage",
    "patch_health_check",
    "patch_health_check_timeout",
    "patch_wave_pause",
)
NOTIFICATIONS = ("patch_notifications",)
ONE_RUN = ("patch_state_directory", "patch_run_id", "patch_window_tasks")
VARIABLES = (
    *BASELINES,
    *GROUP,
    *WINDOWS,
    *MINUTES,
    *HOOKS,
    *CONNECTION,
    *WINDOW_TASKS,
    *WHOLE_RUN,
    *NOTIFICATIONS,
    *SELECTION,
)
_MOST_MINUTES = 1440
_SHOWN_HOSTS = 3
# Checks speak of options; people set variables.
_PREFIXED = ("default_baselines", "maintenance_windows", "blackouts", "install_override_list", "window_tasks")


@dataclass(frozen=True, eq=False)
class Value:
    """What a variable is set to; hosts with equal values share one."""

    value: Any
    error: str = ""
    """Why there is no value, as when a template cannot be worked out."""


Inputs = Mapping[str, Value]
Check = Callable[[Mapping[str, Any]], list[PatchError]]
FileCheck = Callable[[Any], PatchError | None]


@dataclass(frozen=True)
class Finding:
    """``where`` like ``patch_baselines[0].name``; ``hosts`` in the order of the play."""

    where: str
    message: str
    hosts: tuple[str, ...]

    def line(self, total: int) -> str:
        return f"{named(self.hosts, total)}: {self.where}: {self.message}"


@dataclass
class _Findings:
    order: Sequence[str]
    found: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def add(self, where: str, message: str, hosts: Iterable[str]) -> None:
        self.found.setdefault((where, message), set()).update(hosts)

    def add_error(self, error: PatchError, hosts: Iterable[str], where: str) -> None:
        hosts = list(hosts)
        for each in error.details.get("problems") or [{"where": where, "message": error.message}]:
            place = each["where"]
            self.add(f"patch_{place}" if place.startswith(_PREFIXED) else place, each["message"], hosts)

    def all(self) -> list[Finding]:
        rank = {host: number for number, host in enumerate(self.order)}
        return [
            Finding(where, message, tuple(sorted(hosts, key=lambda host: rank[host])))
            for (where, message), hosts in self.found.items()
        ]


def check_fleet(
    inputs: Mapping[str, Inputs],
    *,
    folder: Path,
    together: bool,
    files: Mapping[str, FileCheck] | None = None,
    read: Read | None = None,
) -> list[Finding]:
    """``inputs``: per host of the play what is set of ``VARIABLES`` and of what roles declare; ``folder``: where paths
    of baselines begin; ``together``: whether one rate control counts for all hosts, which is so when they are changed;
    ``files``: what is wrong with the file that a variable names; ``read``: how override lists and snapshots are read,
    where hosts are to follow any."""
    findings = _Findings(list(inputs))
    for host, values in inputs.items():
        for name, value in values.items():
            # Ansible itself says what is wrong with a connection, if it is wrong when it is used.
            if value.error and name not in CONNECTION:
                findings.add(name, value.error, [host])
    checks: list[tuple[Check, Sequence[str]]] = [
        (lambda values: _baselines(values, folder), BASELINES),
        (_group, GROUP),
        (_windows, WINDOWS),
        (_minutes, MINUTES),
        (_window_tasks, WINDOW_TASKS),
        (_notifications, NOTIFICATIONS),
        (lambda values: _hooks(values, folder), HOOKS),
        (lambda values: _hooks_on_windows(values, folder), (*HOOKS, *CONNECTION)),
        *((partial(_value, name), (name,)) for name in (*LEAST, *CHECKS)),
        *((partial(_file, name, check_file), (name,)) for name, check_file in (files or {}).items()),
    ]
    for check, names in checks:
        _judge(check, names, inputs, findings)
    if read is not None:
        reading = read
        _judge(lambda values: selection_errors(values, reading), SELECTION, inputs, findings)
    for name in ONE_RUN:
        _same_everywhere(name, inputs, findings)
    for name in WHOLE_RUN if together else ():
        _same_everywhere(name, inputs, findings)
    _judge(_rates, WHOLE_RUN, inputs, findings)
    return findings.all()


def named(hosts: Sequence[str], total: int) -> str:
    """``web1, web2, web3 and 38 more``; all of several are ``all 41 hosts``."""
    if len(hosts) == total > 1:
        return f"all {total} hosts"
    more = len(hosts) - _SHOWN_HOSTS
    return ", ".join(hosts[:_SHOWN_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _judge(
    check: Check,
    names: Sequence[str],
    inputs: Mapping[str, Inputs],
    findings: _Findings,
) -> None:
    """``check`` once for each combination of values; combinations with a value that is none are told already."""
    hosts_of: dict[tuple[int, ...], list[str]] = {}
    for host, values in inputs.items():
        hosts_of.setdefault(tuple(id(values.get(name)) for name in names), []).append(host)
    for hosts in hosts_of.values():
        values = {name: inputs[hosts[0]][name] for name in names if name in inputs[hosts[0]]}
        if any(value.error for value in values.values()):
            continue
        for error in check({name: value.value for name, value in values.items()}):
            findings.add_error(error, hosts, names[0])


def _baselines(values: Mapping[str, Any], folder: Path) -> list[PatchError]:
    try:
        registry = read_registry(values.get("patch_baselines") or [], folder=folder)
    except PatchError as error:
        return [error]
    try:
        groups = registry.groups_with(values.get("patch_groups"))
        defaults = registry.defaults_with(values.get("patch_default_baselines"))
    except PatchError as error:
        return [error]
    problems = patch_group_problems(registry.baselines, patch_groups=groups, default_baselines=defaults)
    return [PatchError("bad_patch_groups", "patch groups", problems=problems)] if problems else []


def _group(values: Mapping[str, Any]) -> list[PatchError]:
    given = values.get("patch_cloud_tags")
    try:
        patch_group_of(values.get("patch_group"), cloud_tags=values.get("tags") if given is None else given)
    except PatchError as error:
        return [error]
    return []


# What few set is imported where it is checked: Ansible compiles what a task imports at each of its starts.
def _windows(values: Mapping[str, Any]) -> list[PatchError]:
    if not values:
        return []
    from .windows_input import parse_windows

    try:
        parse_windows(values.get("patch_maintenance_windows"), values.get("patch_blackouts"))
    except PatchError as error:
        return [error]
    return []


def _hooks(values: Mapping[str, Any], folder: Path) -> list[PatchError]:
    try:
        _parsed_hooks(values, folder)
    except PatchError as error:
        return [error]
    return []


def _parsed_hooks(values: Mapping[str, Any], folder: Path) -> dict[str, list[Hook]]:
    inventory = values.get("inventory_dir")
    folders = [folder, *([Path(str(inventory))] if inventory else []), Path.cwd()]
    given = {kind: values.get(name) for kind, name in HOOK_VARIABLES.items()}
    return parse_hooks(given, find=find_file(folders))


def _hooks_on_windows(values: Mapping[str, Any], folder: Path) -> list[PatchError]:
    """For what these variables say; a connection that only the play names is looked at when the host's turn comes."""
    name = str(values.get("ansible_connection")).rpartition(".")[2]
    shell = values.get("ansible_shell_type") or ("powershell" if name in ("winrm", "psrp") else None)
    if shell not in ("powershell", "cmd"):
        return []
    try:
        hooks = _parsed_hooks(values, folder)
    except PatchError:
        return []
    try:
        refuse_on_windows(hooks)
    except PatchError as error:
        return [error]
    return []


def _minutes(values: Mapping[str, Any]) -> list[PatchError]:
    return [
        _problem(name, f"{show(value)}; it must be from 0 to {_MOST_MINUTES}")
        for name, value in values.items()
        if value is not None and not 0 <= value <= _MOST_MINUTES
    ]


def _notifications(values: Mapping[str, Any]) -> list[PatchError]:
    if not values:
        return []
    from .notifications import parse_notifications

    try:
        parse_notifications(values.get("patch_notifications"))
    except PatchError as error:
        return [error]
    return []


def _window_tasks(values: Mapping[str, Any]) -> list[PatchError]:
    if not values:
        return []
    from .window_tasks import parse_window_tasks

    try:
        tasks = parse_window_tasks(values.get("patch_window_tasks"))
    except PatchError as error:
        return [error]
    files = [task.file for task in tasks if task.file is not None]
    missing = [file for file in files if not Path(file).expanduser().is_file()]
    return [_problem(WINDOW_TASKS[0], f"there is no file {Path.cwd() / Path(file).expanduser()}") for file in missing]


def _value(name: str, values: Mapping[str, Any]) -> list[PatchError]:
    problem = None if values.get(name) is None else value_problem(name, values[name])
    return [] if problem is None else [_problem(name, problem)]


def _file(name: str, check: FileCheck, values: Mapping[str, Any]) -> list[PatchError]:
    error = None if values.get(name) is None else check(values[name])
    return [] if error is None else [error]


def _same_everywhere(name: str, inputs: Mapping[str, Inputs], findings: _Findings) -> None:
    groups: dict[int, list[str]] = {}
    for host, values in inputs.items():
        groups.setdefault(id(values.get(name)), []).append(host)
    if len(groups) > 1:
        told = "; ".join(
            f"{named(hosts, len(inputs))}: {_shown(inputs[hosts[0]].get(name))}" for hosts in list(groups.values())[:3]
        )
        findings.add(name, f"is for the whole run and must be the same for all hosts, but {told}", inputs)


def _shown(value: Value | None) -> str:
    if value is None:
        return "not set"
    return str(value.value) if isinstance(value.value, list) else show(value.value)


def rates_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``parse_rates`` takes, from variables."""
    return {key: values[name] for key, name in RATES.items() if values.get(name) is not None}


def _rates(values: Mapping[str, Any]) -> list[PatchError]:
    if not values:
        return []
    from .rate_input import parse_rates

    found: list[PatchError] = []
    try:
        parse_rates(rates_of(values))
    except PatchError as error:
        problems = [_as_variable(each) for each in error.details["problems"]]
        found.append(PatchError(error.kind, error.message, problems=problems))
    given = {name for name, value in values.items() if value is not None}
    apart = given & {each for key, each in RATES.items() if key != "error_threshold"}
    if "patch_serial" in given and apart:
        found.append(_problem("patch_serial", f"sets the batches, and so does {', '.join(sorted(apart))}; use one way"))
    if {"patch_max_fail_percentage", "patch_error_threshold"} <= given:
        found.append(_problem("patch_max_fail_percentage", "says the same as patch_error_threshold; use one of them"))
    percentage = values.get("patch_max_fail_percentage")
    if percentage is not None and not 0 <= percentage <= 100:
        found.append(_problem("patch_max_fail_percentage", f"{show(percentage)}; it must be from 0 to 100"))
    for name in ("patch_wave_pause", "patch_health_check_timeout"):
        if name in given and values[name] < 0:
            found.append(_problem(name, f"{values[name]}: seconds cannot be less than none"))
    path = values.get("patch_health_check")
    if path is not None and not Path(path).expanduser().is_file():
        found.append(_problem("patch_health_check", f"there is no file {Path.cwd() / Path(path).expanduser()}"))
    for name in sorted(given & {"patch_health_check", "patch_wave_pause"} if "patch_waves" not in given else ()):
        found.append(_problem(name, "comes between waves, and patch_waves is not set"))
    return found


def _as_variable(problem: Mapping[str, str]) -> dict[str, str]:
    key, bracket, rest = problem["where"].partition("[")
    return {"where": RATES.get(key, key) + bracket + rest, "message": problem["message"]}


def _problem(where: str, message: str) -> PatchError:
    return PatchError("bad_input", message, problems=[{"where": where, "message": message}])
