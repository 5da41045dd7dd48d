"""ansible-playbook runs of install_patches against lab hosts, and what tests need to look at meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("transport", "lab", "tools"):
    if str(ROOT / "tests" / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / "tests" / folder))

from core_venvs import venv_path  # noqa: E402
from openfleet_lab.api import LabHost  # noqa: E402
from transport_play import NEWEST, Controller, Play, Task, inventory_of  # noqa: E402

EVERYTHING = {"approval_rules": [{"filters": {}, "enable_non_security": True}]}
STATE = "/var/lib/openfleet-patch"


def only(*names: str, **more: Any) -> dict[str, Any]:
    """A baseline that approves every version of these packages and nothing else."""
    return {"approval_rules": [], "approved_patches": list(names), "approved_patches_enable_non_security": True, **more}


class Installer(Controller):
    """A controller whose playbooks install; runs, state and results are in its own folder."""

    def __init__(self, folder: Path, *hosts: LabHost, user: str = "root", core: str = NEWEST) -> None:
        super().__init__(core, folder)
        self.hosts = {host.name: dict(host.inventory(user)) for host in hosts}
        self.state = folder / "state"

    def options(self, baseline: dict[str, Any], system: str = "DEBIAN", **options: Any) -> dict[str, Any]:
        """Arguments of the task. Lists are always fetched: a fresh host's are as old as its image."""
        named = {"name": "of-the-test", "operating_system": system, **baseline}
        return {
            "baselines": [named],
            "default_baselines": {system: "of-the-test"},
            "state_directory": str(self.state),
            "refresh": "always",
            **options,
        }

    def begin(
        self, baseline: dict[str, Any], *arguments: str, keywords: dict[str, Any] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """A running ansible-playbook with one task, install_patches."""
        task = {"name": "install", "openfleet.patch.install_patches": self.options(baseline, **options)}
        return self.start(inventory_of(self.hosts), [task | (keywords or {})], *arguments)

    def end(self, process: subprocess.Popen[str], seconds: float = 300) -> Play:
        return self.finish(process, time.monotonic(), seconds)

    def install(
        self, baseline: dict[str, Any], *arguments: str, keywords: dict[str, Any] | None = None, **options: Any
    ) -> Task:
        """What became of the one task, on the one host."""
        play = self.end(self.begin(baseline, *arguments, keywords=keywords, **options))
        task = play.only()
        task.result["output"] = play.output
        return task

    def begin_roll_back(self, baseline: dict[str, Any], *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A running ansible-playbook with one task, rollback_patches."""
        task = {"name": "roll back", "openfleet.patch.rollback_patches": self.options(baseline, **options)}
        return self.start(inventory_of(self.hosts), [task], *arguments)

    def roll_back(self, baseline: dict[str, Any], *arguments: str, **options: Any) -> Task:
        """What became of that task."""
        play = self.end(self.begin_roll_back(baseline, *arguments, **options))
        found = play.only()
        found.result["output"] = play.output
        return found

    def scan(self, baseline: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The document of a scan."""
        task = {"name": "scan", "openfleet.patch.scan_host": self.options(baseline, **options)}
        play = self.play(inventory_of(self.hosts), [task])
        document: dict[str, Any] = play.only().result["document"]
        return document

    def collect(self) -> dict[str, Any]:
        """The result of bringing the host's own copy of its last document home."""
        task = {"name": "collect", "openfleet.patch.collect_documents": {"state_directory": str(self.state)}}
        result: dict[str, Any] = self.play(inventory_of(self.hosts), [task]).only().result
        return result

    def run_playbook(self, name: str, variables: dict[str, Any], *arguments: str, seconds: float = 240) -> Play:
        """A playbook of the collection, such as openfleet.patch.install."""
        (self.folder / "inventory.json").write_text(json.dumps(inventory_of(self.hosts)))
        return self.run_command(["-i", "inventory.json", name, "-e", json.dumps(variables), *arguments], seconds)

    def run_command(self, words: Sequence[str], seconds: float = 240) -> Play:
        """ansible-playbook with these arguments."""
        self.results.unlink(missing_ok=True)
        process = subprocess.Popen(
            [str(venv_path(self.core) / "bin" / "ansible-playbook"), *words],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.end(process, seconds)

    def outcome(self, host: LabHost) -> dict[str, Any]:
        """The newest outcome of a host in the newest run."""
        found = [json.loads(path.read_text()) for path in sorted((self.state / "latest").resolve().glob("outcomes/*"))]
        newest: dict[str, Any] = [each for each in found if each["host"] == host.name][-1]
        return newest


def states(document: dict[str, Any]) -> dict[str, str]:
    """Package to state, of what the baseline approves or the host has from it."""
    return {entry["name"]: entry["state"] for entry in document["patches"] if entry["state"]}


def entry(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The one entry of a package."""
    found = [each for each in document["patches"] if each["name"] == name]
    assert len(found) == 1, found
    one: dict[str, Any] = found[0]
    return one


def version(host: LabHost, package: str) -> str:
    """Status and version by dpkg, such as ``ii 1.1``; empty for a package that it does not know."""
    answer = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", package], check=False)
    return answer.stdout.strip()


def unfinished(host: LabHost) -> str:
    """What dpkg has begun and not ended; empty on a healthy host."""
    return host.run(["dpkg", "--audit"]).stdout


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """The first true answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def processes(host: LabHost, words: str) -> list[str]:
    """Ids of the host's processes whose command line holds these words."""
    return host.run(["pgrep", "-f", words], check=False).stdout.split()


def wait_for_slow(host: LabHost) -> None:
    """acme-slow's postinst has begun: dpkg is in the middle of its transaction."""
    wait_until(lambda: processes(host, "acme-slow.postinst"), "acme-slow's postinst runs")


def wait_for_job(host: LabHost) -> None:
    """The host's newest job has ended."""
    look = f'test -s "{STATE}/jobs/$(cat {STATE}/current)/result"'
    wait_until(lambda: host.run(["sh", "-c", look], check=False).returncode == 0, "the job ends")


def slow_for(host: LabHost, seconds: float) -> None:
    """How long acme-slow's fix takes from now on."""
    host.run(["tee", "/etc/acme-slow"], stdin=f"{seconds}\n")


PATIENT_SLEEP = """\
#!/bin/sh
[ "$1" = 600 ] || exec /usr/bin/real-sleep "$@"
until [ -e /run/go-on ]; do /usr/bin/real-sleep 0.1; done
"""


def slow_until_told(host: LabHost) -> None:
    """acme-slow's fix waits for ``go_on``, however busy the machine is."""
    program = "cp /bin/sleep /usr/bin/real-sleep && cat >/bin/sleep.new && chmod 755 /bin/sleep.new"
    host.run(["sh", "-c", f"{program} && mv /bin/sleep.new /bin/sleep"], stdin=PATIENT_SLEEP)
    slow_for(host, 600)


def go_on(host: LabHost) -> None:
    host.run(["touch", "/run/go-on"])


def follow_until(running: subprocess.Popen[str], words: str) -> None:
    """Reads what a playbook prints as far as a line with these words; what ``end`` returns may lack all of that."""
    assert running.stdout is not None
    told: list[str] = []
    for line in running.stdout:
        told.append(line)
        if words in line:
            return
    raise AssertionError(f"never said: {words}\n{''.join(told)[-3000:]}")


def job_results(document: dict[str, Any]) -> list[str]:
    """How the jobs of an installation ended."""
    jobs: Iterable[dict[str, Any]] = document["installation"]["jobs"]
    return [job["result"] for job in jobs]
