"""Real ansible-playbook runs against stand-ins for Windows hosts (windows_host.py), on a chosen ansible-core."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_venvs import ensure, venv_path

ROOT = Path(__file__).resolve().parents[2]
# One baseline that approves whatever Windows offers.
EVERYTHING: dict[str, Any] = {
    "baselines": [
        {
            "name": "all",
            "operating_system": "WINDOWS",
            "approval_rules": [{"filters": {"patch_set": ["*"]}, "approve_after_days": 0}],
        },
    ],
    "default_baselines": {"WINDOWS": "all"},
}


@dataclass
class Ended:
    """``results``: host to the result of the last task that ran on it, with its ``status``."""

    code: int
    output: str
    tasks: list[dict[str, Any]]

    def result(self, host: str, task: str | None = None) -> dict[str, Any]:
        found = [each for each in self.tasks if each["host"] == host and task in (None, each["task"])]
        assert found, f"no result of {task or 'any task'} on {host} in:\n{self.output}"
        last = found[-1]
        return {**last["result"], "status": last["status"]}

    def document(self, host: str) -> dict[str, Any]:
        found: dict[str, Any] = self.result(host)["document"]
        return found


class WindowsPlays:
    """Plays with one ansible-core, in a folder of their own; ``collections`` beside this one's own folder."""

    def __init__(self, core: str, folder: Path, collections: Path | None = None) -> None:
        problem = ensure(core)
        if problem:
            raise LookupError(problem)
        self.core = core
        self.folder = folder
        self.state = folder / "state"
        self.variables: dict[str, Any] = {}
        """Of all hosts."""
        self._collections = collections
        self._hosts: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, folder: Path, **variables: Any) -> None:
        self._hosts[name] = {"ansible_connection": "windows_stand_in", "windows_folder": str(folder), **variables}

    def play(self, task: str, arguments: dict[str, Any], *more: str, **keywords: Any) -> Ended:
        """One task of this collection on every host."""
        arguments = {"state_directory": str(self.state), **arguments}
        play = {"hosts": "all", "gather_facts": False, "tasks": [{f"openfleet.patch.{task}": arguments, **keywords}]}
        (self.folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        return self.run("play.json", *more)

    def run(self, playbook: str, *arguments: str) -> Ended:
        self.folder.mkdir(parents=True, exist_ok=True)
        results = self.folder / "results.jsonl"
        results.unlink(missing_ok=True)
        (self.folder / "inventory.json").write_text(
            json.dumps({"all": {"hosts": self._hosts, "vars": self.variables}}), encoding="utf-8"
        )
        ended = subprocess.run(
            [str(venv_path(self.core) / "bin" / "ansible-playbook"), "-i", "inventory.json", playbook, *arguments],
            cwd=self.folder,
            env=self._environment(results),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        return Ended(ended.returncode, ended.stdout + ended.stderr, [json.loads(line) for line in lines])

    def _environment(self, results: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
        collections = [ROOT / ".cache" / "collections", *([self._collections] if self._collections else [])]
        return {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, collections)),
            "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests" / "windows" / "connection_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "transport" / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record_results",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "transport" / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "OPENFLEET_TEST_RESULTS": str(results),
        }
