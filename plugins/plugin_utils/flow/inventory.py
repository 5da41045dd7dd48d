# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reading to an inventory: each reader has its manager, which checks and translates what it said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from ..engine.changes import PrivateRepositories
from ..engine.records import Inventory, package_key
from ..errors import PatchError
from ..host.payload import program_source

# Reader to module in plugin_utils/managers; loaded when a host needs it.
_MANAGERS = {
    "apt": "apt",
    "dnf": "dnf",
    "dnf5": "dnf5",
    "yum": "yum",
    "zypper": "zypper",
    "windows": "windows",
    "macos": "macos",
}
# Those whose plans depend on the task's arguments.
_ASKING = ("zypper", "macos")
# Members of their build_inventory that are arguments of the task.
_READ_WITH = {"macos": {"rules": "macos_title_rules", "major_upgrades": "macos_major_upgrades"}}
# Those with a module NAME_plan beside theirs, and the program on the host that its plans start, if any.
_PLANNED = {"apt": None, "macos": None, **{name: f"{name}_transaction" for name in ("dnf", "dnf5", "yum", "zypper")}}


_TAKING_BACK = ("apt", "dnf", "dnf5", "yum", "zypper")


def read_request(options: Mapping[str, Any]) -> dict[str, Any]:
    """The request that every reader understands; each takes the options that concern it."""
    return {"protocol": 1, "op": "read", "options": dict(options)}


def build_inventory(
    reading: Mapping[str, Any], *, mappings: Mapping[str, Any] | None, arguments: Mapping[str, Any] | None = None
) -> Inventory:
    """The inventory; raises ``unsupported_os`` for a reader without a manager, else what the manager raises.

    ``arguments`` are the task's, of which macOS takes what its titles mean and whether it may jump to its next release.
    """
    name = _MANAGERS.get(str(reading.get("reader")))
    if name is None:
        raise PatchError("unsupported_os", f"The answer of the {reading.get('reader')} reader cannot be used yet.")
    manager = import_module(f"..managers.{name}", __package__)
    own = {key: (arguments or {}).get(option) for key, option in _READ_WITH.get(name, {}).items()}
    inventory: Inventory = manager.build_inventory(reading, mappings=mappings, **own)
    system = reading["system"]
    inventory.pending = pending_packages(system.get("pending") or [])
    if hasattr(manager, "reboot_need"):
        inventory.reboot = manager.reboot_need(inventory)
    job = system.get("job")
    if job and job[-1] == "unfinished" and inventory.interrupted_run is None:
        inventory.interrupted_run = {"job": job[0], "state": "unfinished"}
    return inventory


def plan_module(
    inventory: Inventory,
    arguments: Mapping[str, Any] | None = None,
    private: PrivateRepositories | None = None,
) -> Any:
    """What plans for the host's package manager: ``simulation_commands``, ``parse_simulations``,
    ``install_steps``, ``repair_steps``, ``configure_steps``, ``failure_reasons``, ``is_stale``,
    ``conffiles_command``, ``QUIET_ENVIRONMENT``, ``KILL_GRACE``, ``AVOIDS`` (with ``avoiding_commands``),
    ``COMPANIONS`` and ``LIBRARY``, what the host is read by and brought up to date first (None: nothing). For apt the
    module itself, for rpm systems and Macs an object made for the host. ``arguments`` are the task's, of which zypper
    takes what it may agree to, and a Mac whether it may restart and its volume owner.
    ``private``: repositories that replace the host's.
    """
    name = inventory.manager.get("name")
    if name not in _PLANNED:
        raise PatchError("unsupported_os", f"Installing with {name} is not supported yet.")
    module = import_module(f"..managers.{name}_plan", __package__)
    program = _PLANNED[str(name)]
    more = {"arguments": arguments or {}} if name in _ASKING else {}
    if program is not None:
        plan = module.plan_for(inventory, program_source(program).decode(), **more)
        if private:
            plan.private = private
        return plan
    if private and name == "apt":
        from ..managers.apt_private import PrivateAptPlan

        return PrivateAptPlan(private)
    return module.plan_for(inventory, **more) if more else module


def rollback_planner(inventory: Inventory, arguments: Mapping[str, Any]) -> Any:
    """What plans how an installation is taken back: ``look_commands``, ``note_looks``, ``back_commands``,
    ``parse_backs``, ``back_steps``, and what a job's log says. For rpm systems what plans installations, too."""
    name = inventory.manager.get("name")
    if name not in _TAKING_BACK:
        raise PatchError("unsupported_os", f"What {name} installed cannot be taken back.")
    if name == "apt":
        from ..managers.apt_rollback import AptRollback

        return AptRollback(inventory)
    return plan_module(inventory, arguments)


def pending_packages(lines: Iterable[str]) -> list[dict[str, str]]:
    """Packages from lines "name arch version"; others are not ours and left out."""
    split = [[unquote(word) for word in line.split(" ")] for line in lines]
    names = ("name", "arch", "version", "restart")
    return [dict(zip(names, words, strict=False)) for words in split if len(words) in (3, 4)]


def pending_line(name: str, arch: str, version: str, restart: bool = False) -> str:
    """The line that ``pending_packages`` reads; names on a Mac hold blanks, and some of them ask for a restart."""
    words = " ".join(word.replace("%", "%25").replace(" ", "%20") for word in (name, arch, version))
    return f"{words}{' restart' if restart else ''}\n"


def only_known(inventory: Inventory, known: Set[tuple[str, ...]] | None) -> Inventory:
    """The inventory without installed packages that are not in ``known`` (name, architecture, version); None: all."""
    if known is None:
        return inventory
    kept = [each for each in inventory.installed if (*package_key(each), each["version"]) in known]
    return replace(inventory, installed=kept)
