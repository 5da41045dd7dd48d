# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of all hosts of a play, worked out without asking any of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..fleet.input_check import RATES, VARIABLES, Value
from .argument_spec import argument_spec
from .results import plain
from .role_variables import role_variables

# Which option of which task has the type of a variable.
_OPTIONS = {
    "install_patches": {
        "patch_baselines": "baselines",
        "patch_groups": "patch_groups",
        "patch_default_baselines": "default_baselines",
        "patch_group": "patch_group",
        "patch_cloud_tags": "cloud_tags",
        "patch_install_override_list": "install_override_list",
        "patch_snapshot": "snapshot",
        "patch_snapshot_unavailable": "snapshot_unavailable",
    },
    "maintenance_window": {
        "patch_maintenance_windows": "maintenance_windows",
        "patch_blackouts": "blackouts",
        "patch_expected_minutes": "expected_minutes",
        "patch_reboot_reserve_minutes": "reboot_reserve_minutes",
    },
    "plan_window": {"patch_window_tasks": "tasks"},
    "gate_batch": {"patch_max_fail_percentage": "max_fail_percentage"},
    "summarize_run": {"patch_fail_on": "fail_on"},
}
_TEMPLATE_MARKS = ("{{", "{%", "{#")


def collect(
    hosts: Iterable[str],
    hostvars: Any,
    *,
    task_vars: Mapping[str, Any],
    templar: Any,
    names: Sequence[str] | None = None,
) -> dict[str, dict[str, Value]]:
    """``{host: {variable: value}}`` for what is set; values that are equal are the same object.

    ``task_vars`` are those of the task's host: what differs there from ``hostvars`` was set for the play as a whole and
    is worked out by ``templar`` for each host where it is a template.
    """
    names = all_names() if names is None else names
    host = str(task_vars["inventory_hostname"])
    mine = _raw(hostvars, host)
    of_play = {name: task_vars[name] for name in names if name in task_vars and task_vars[name] is not mine.get(name)}
    of_play = {name: value for name, value in of_play.items() if name not in mine or plain(value) != plain(mine[name])}
    around = _of_the_play(task_vars, mine) | of_play
    collector = _Collector()
    found: dict[str, dict[str, Value]] = {}
    for each in hosts:
        variables = hostvars[each]
        raw = _raw(hostvars, each, variables)
        found[each] = {}
        for name in names:
            if name in of_play:
                value = collector.of_play(name, of_play[name], templar, {**raw, **around})
            elif name in raw:
                value = collector.of_host(name, raw[name], variables)
            else:
                continue
            if value.error or value.value is not None:
                found[each][name] = value
    return found


def _of_the_play(task_vars: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """What templates of the play may refer to beside a host's own variables."""
    return {
        name: value
        for name, value in task_vars.items()
        if name not in mine or (isinstance(value, (str, int, float)) and value != mine[name])
    }


def all_names() -> tuple[str, ...]:
    """Every variable that is looked at."""
    return tuple(dict.fromkeys((*VARIABLES, *_specs())))


def _raw(hostvars: Any, host: str, variables: Any = None) -> Mapping[str, Any]:
    """The variables of a host before templating."""
    raw: Mapping[str, Any] = (hostvars[host] if variables is None else variables)._vars
    return raw


class _Collector:
    def __init__(self) -> None:
        self._by_text: dict[tuple[str, str], Value] = {}
        # Group variables of thousands of hosts are one object: the object is kept, so that its id stays its own.
        self._by_id: dict[tuple[str, int], tuple[Any, Value]] = {}

    def of_play(self, name: str, given: Any, templar: Any, variables: Mapping[str, Any]) -> Value:
        if is_template(given):
            return self._shared(name, lambda: templar.copy_with_new_env(available_variables=variables).template(given))
        return self._known(name, given, lambda: given)

    def of_host(self, name: str, raw: Any, variables: Mapping[str, Any]) -> Value:
        if is_template(raw):
            return self._shared(name, lambda: variables[name])
        return self._known(name, raw, lambda: raw)

    def _known(self, name: str, given: Any, work_out: Any) -> Value:
        key = (name, id(given))
        if key not in self._by_id:
            self._by_id[key] = (given, self._shared(name, work_out))
        return self._by_id[key][1]

    def _shared(self, name: str, work_out: Any) -> Value:
        try:
            value = plain(work_out())
            text = json.dumps(value, sort_keys=True, default=str)
        except Exception as error:
            # Whatever a template raises: an undefined variable, a filter that fails, a lookup without its file.
            return Value(None, f"cannot be worked out: {' '.join(str(error).split())[:300]}")
        return self._by_text.setdefault((name, text), typed(name, value))


def is_template(value: Any) -> bool:
    """Whether any text in it may be one."""
    if isinstance(value, str):
        return any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, Mapping):
        return any(is_template(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple)):
        return any(is_template(each) for each in value)
    return False


def typed(name: str, value: Any) -> Value:
    """As the task would take it: ``-e`` gives texts for everything."""
    spec = _specs().get(name)
    if spec is None or value is None:
        return Value(value)
    checked = ArgumentSpecValidator({name: spec}).validate({name: value})
    if checked.error_messages:
        return Value(None, "; ".join(checked.error_messages))
    return Value(plain(checked.validated_parameters[name]))


@cache
def _specs() -> dict[str, dict[str, Any]]:
    specs = {
        variable: argument_spec(module)[option]
        for module, options in _OPTIONS.items()
        for variable, option in options.items()
    }
    rates = {variable: argument_spec("plan_rates")[option] for option, variable in RATES.items()}
    more = {
        f"patch_{name}": argument_spec("plan_rates")[name]
        for name in ("health_check", "health_check_timeout", "wave_pause")
    }
    return {
        name: {key: trait for key, trait in spec.items() if key not in ("default", "required")}
        for name, spec in {**role_variables(), **specs, **rates, **more}.items()
    }
