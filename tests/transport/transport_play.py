"""Run a playbook with one of the supported ansible-core releases and read what became of each task."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from core_venvs import CORES, ensure, venv_path  # noqa: E402

ALL_CORES = tuple(CORES)
NEWEST = ALL_CORES[-1]


@dataclass
class Task:
    host: str
    task: str
    status: str
    """``ok``, ``failed``, ``unreachable`` or ``skipped``."""
    result: dict[str, Any]

    @property
    def kind(self) -> str | None:
        """The kind of error of a failed task."""
        return (self.result.get("error") or {}).get("kind")


@dataclass
class Play:
    code: int
    output: str
    tasks: list[Task]
    seconds: float

    def task(self, host: str, task: str | None = None) -> Task:
        found = [each for each in self.tasks if each.host == host and task in (None, each.task)]
        assert len(found) == 1, f"{len(found)} results of {task or 'any task'} on {host} in:\n{self.output}"
        return found[0]

    def only(self) -> Task:
        assert len(self.tasks) == 1, f"{len(self.tasks)} results in:\n{self.output}"
        return self.tasks[0]


def carry(name: str = "carry", **keywords: Any) -> dict[str, Any]:
    """A task that calls HostChannel once; ``options`` are its arguments, other keywords are task keywords."""
    return {"name": name, "carry_request": keywords.pop("options", {}), **keywords}


class Controller:
    """Ansible of one release with a folder of its own."""

    def __init__(self, core: str, folder: Path) -> None:
        problem = ensure(core)
        assert problem is None, problem
        self.core = core
        self.folder = folder
        self.results = folder / "results.jsonl"

    def _command(self, inventory: dict[str, Any], tasks: list[dict[str, Any]], arguments: list[str]) -> list[str]:
        (self.folder / "inventory.json").write_text(json.dumps(inventory))
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        (self.folder / "play.json").write_text(json.dumps([play]))
        program = venv_path(self.core) / "bin" / "ansible-playbook"
        return [str(program), "-i", "inventory.json", "play.json", *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_ACTION_PLUGINS": str(HERE / "action_plugins"),
            "ANSIBLE_LIBRARY": str(HERE / "library"),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record_results",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "OPENFLEET_TEST_RESULTS": str(self.results),
        }

    def start(
        self, inventory: dict[str, Any], tasks: list[dict[str, Any]], *arguments: str, **environment: str
    ) -> subprocess.Popen[str]:
        """The running ansible-playbook, leader of a process group of its own."""
        self.results.unlink(missing_ok=True)
        return subprocess.Popen(
            self._command(inventory, tasks, list(arguments)),
            cwd=self.folder,
            env=self._environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Whoever starts the tests in the background may have them ignore it, and Python inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self, process: subprocess.Popen[str], started: float, seconds: float = 300) -> Play:
        try:
            output, _nothing = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        lines = self.results.read_text().splitlines() if self.results.exists() else []
        return Play(
            process.returncode, output, [Task(**json.loads(line)) for line in lines], time.monotonic() - started
        )

    def play(self, inventory: dict[str, Any], tasks: list[dict[str, Any]], *arguments: str, **environment: str) -> Play:
        started = time.monotonic()
        return self.finish(self.start(inventory, tasks, *arguments, **environment), started)


def inventory_of(hosts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"all": {"hosts": hosts}}


LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
