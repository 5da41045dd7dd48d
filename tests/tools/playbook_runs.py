"""Real ansible-playbook runs of this collection's playbooks, with a stand-in for the task that works on a host.

The collection of a run is made of links to this checkout; only ``plugins/action/scan_host.py`` is replaced by
``SCAN``, which does what the host variable ``becomes`` says and keeps documents and outcomes with the real code; where
asked, ``install_patches.py``, ``reboot_host.py`` and ``rollback_patches.py`` there by ``INSTALL``, which does so too
and notes when it began and ended.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_venvs import ensure, venv_path

ROOT = Path(__file__).resolve().parents[2]
SCAN = """
import time
from datetime import datetime, timezone
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ..plugin_utils.compliance.document import build_document, build_unknown_document
from ..plugin_utils.errors import PatchError
from ..plugin_utils.engine.records import Inventory
from ..plugin_utils.fleet.baselines import resolve_baseline
from ..plugin_utils.fleet.controller import controller_key
from ..plugin_utils.fleet.run_directory import open_run, utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain

MISSING = {"name": "libssl3", "arch": "amd64", "version": "1.0-2", "installed_version": "1.0-1", "security": True,
           "priority": "Optional", "section": "libs", "product": "Debian12", "repository": "bookworm-security"}


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("scan_host"))
        arguments, host = plain(arguments), task_vars["inventory_hostname"]
        becomes = task_vars["becomes"]
        if becomes == "refused":
            return result | failed(PatchError("bad_baseline", "patch_baselines[0].name: too short"))
        now = datetime.now(timezone.utc)
        run = open_run(arguments["state_directory"], run_id=arguments["run_id"], as_of=arguments["as_of"], now=now,
                       controller_key=controller_key())
        told = {"host": host, "started_at": utc_text(now), "finished_at": utc_text(now)}
        if becomes == "unreachable":
            run.record_outcome(host, {"status": "unreachable", "kind": "unreachable", "message": "no route to host"})
            raise AnsibleConnectionFailure("no route to host")
        if becomes == "crashed":
            raise ZeroDivisionError("a bug")
        if becomes == "slow":
            try:
                time.sleep(60)
            finally:
                run.record_outcome(host, {"status": "failed", "kind": "interrupted", "message": "interrupted"})
        if becomes == "failed":
            error = PatchError("no_interpreter", "no interpreter has apt_pkg; install python3-apt")
            run.write_document(host, build_unknown_document(run, error.as_result(), **told))
            run.record_outcome(host, {"status": "failed", "kind": error.kind, "message": error.message})
            return result | failed(error)
        inventory = Inventory(
            "DEBIAN", "Debian12", {"id": "debian"}, {"name": "apt"}, None, utc_text(now), True,
            candidates=[dict(MISSING)] if becomes == "lacking" else [],
            repositories=[{"id": "s", "enabled": True, "security_metadata": True, "metadata_age": 1}])
        resolved = resolve_baseline([], operating_system="DEBIAN")
        run.record_baseline(resolved)
        document = build_document(inventory, resolved, run, **told)
        run.write_document(host, document)
        run.record_outcome(host, {"status": "ok", "verdict": document["verdict"]})
        return result | {"changed": False, "document": document}
"""

# Beginnings and ends go to one file, in the order in which they happen. However busy the machine is: as many hosts as
# `together` says are waited for, and the end of the turn of the one that `outlasts` names.
INSTALL = """
import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ..plugin_utils.errors import PatchError
from ..plugin_utils.fleet.controller import controller_key
from ..plugin_utils.fleet.run_directory import open_run
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("install_patches"))
        arguments, host, becomes = plain(arguments), task_vars["inventory_hostname"], task_vars["becomes"]
        run = open_run(arguments["state_directory"], run_id=arguments["run_id"], now=datetime.now(timezone.utc),
                       controller_key=controller_key())
        self.told = Path(arguments["state_directory"]).with_name("began_and_ended")
        self.note(f"+{host}")
        try:
            deadline = time.monotonic() + 60
            while self.must_wait(task_vars, run) and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            self.note(f"-{host}")
        if becomes == "ok":
            run.record_outcome(host, {"status": "ok"})
            return result | {"changed": False}
        run.record_outcome(host, {"status": becomes, "kind": becomes, "message": f"it {becomes}"})
        if becomes == "unreachable":
            raise AnsibleConnectionFailure("no route to host")
        return result | failed(PatchError(becomes, f"it {becomes}"))

    def must_wait(self, task_vars, run):
        if self.told.read_text().count("+") < int(task_vars.get("together", 0)):
            return True
        other = task_vars.get("outlasts", task_vars["inventory_hostname"])
        turns = [json.loads(line) for path in (run.path / "turns").glob("*.jsonl") for line in path.open()]
        return "running" in [turn["status"] for turn in turns if turn.get("host") == other][-1:] and (
            other != task_vars["inventory_hostname"]
        )

    def note(self, line):
        descriptor = os.open(self.told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, (line + chr(10)).encode())
        os.close(descriptor)
"""


def make_collection(folder: Path, *, install: bool = False, actions: dict[str, str] | None = None) -> Path:
    """The path for ANSIBLE_COLLECTIONS_PATH; ``install``: with the stand-in for the task that installs; ``actions``:
    further stand-ins, the text of each by the name of its task."""
    replaced = {"plugins/action/scan_host.py": SCAN}
    replaced |= {f"plugins/action/{name}.py": text for name, text in (actions or {}).items()}
    if install:
        for name in ("install_patches", "reboot_host", "rollback_patches"):
            replaced[f"plugins/action/{name}.py"] = INSTALL.replace("install_patches", name)
    here = folder / "ansible_collections" / "openfleet" / "patch"
    for relative in ("", "plugins", "plugins/action"):
        (here / relative).mkdir(parents=True)
    skipped = {".git", ".cache", ".venv", "plugins", "plugins/action", *replaced}
    for relative in ("", "plugins", "plugins/action"):
        for entry in (ROOT / relative).iterdir():
            name = str(entry.relative_to(ROOT))
            if name not in skipped and entry.name != "__pycache__":
                (here / name).symlink_to(entry)
    for name, text in replaced.items():
        (here / name).write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Played:
    """One ansible-playbook that has ended."""

    rc: int
    output: str
    state: Path

    @property
    def run(self) -> Path:
        """The newest run directory."""
        return (self.state / "latest").resolve()

    @property
    def summary(self) -> str:
        return (self.run / "summary.txt").read_text(encoding="utf-8")

    def outcomes(self) -> dict[str, str]:
        """Host to status, the newest of each."""
        found: dict[str, str] = {}
        for path in sorted((self.run / "outcomes").iterdir()):
            entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            found[entry["host"]] = entry["status"]
        return found

    def told(self) -> str:
        """The headline's counts."""
        return self.summary.splitlines()[0].partition(": ")[2]


def play(
    core: str,
    collections: Path,
    folder: Path,
    hosts: dict[str, str],
    *arguments: str,
    playbooks: tuple[str, ...] = ("openfleet.patch.scan",),
    environment: dict[str, str] | None = None,
    seconds: float = 300,
) -> Played:
    """Run with ansible-core ``core``; ``hosts`` maps each name to what becomes of it."""
    problem = ensure(core)
    if problem:
        raise LookupError(problem)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} becomes={fate}" for name, fate in hosts.items()]
    (folder / "hosts.ini").write_text("[fleet]\n" + "\n".join(lines) + "\n[empty]\n", encoding="utf-8")
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    settings = {"patch_state_directory": str(folder / "state"), "patch_become": False}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    ended = subprocess.run(
        [
            str(venv_path(core) / "bin" / "ansible-playbook"),
            *playbooks,
            *("-i", str(folder / "hosts.ini"), "-e", json.dumps(settings)),
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **(environment or {}),
        },
    )
    return Played(ended.returncode, ended.stdout + ended.stderr, folder / "state")
