"""The flow of hooks in real runs of install and rolling_install: who runs when, and what each failure leads to."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hook_stand_ins import ACTIONS
from playbook_runs import ROOT, Played, make_collection, play

from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.files import numbered_paths, safe_name

pytestmark = pytest.mark.slow
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text(encoding="utf-8"))
HOOKS_SCHEMA = SCHEMA["properties"]["hooks"] | {"$defs": SCHEMA["$defs"]}
NOTE = "echo $OPENFLEET_PATCH_HOST {0} >>{1}/events; exit {2}"
CORES = ("2.16", "2.21")
WHOLE_WAY = ["looks", "pre", "installs", "post", "reboots", "scans", "check", "exit"]


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"), actions=ACTIONS)


@dataclass(frozen=True)
class Run:
    """``events``: what each host did, in order."""

    played: Played
    events: dict[str, list[str]]

    def entry(self, host: str) -> dict[str, Any]:
        """The newest outcome of a host."""
        found: dict[str, Any] = json.loads(
            numbered_paths(self.played.run / "outcomes", safe_name(host))[-1].read_text(encoding="utf-8")
        )
        return found

    def document(self, host: str) -> dict[str, Any]:
        """The newest document of a host, whose hooks fit the schema."""
        found: dict[str, Any] = json.loads((self.played.state / "hosts" / f"{host}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(HOOKS_SCHEMA).validate(found["hooks"])
        return found

    def hooks(self, host: str) -> dict[str, str]:
        return {each["name"]: each["result"] for each in self.document(host)["hooks"]}


def command(folder: Path, name: str, code: int = 0, **more: Any) -> dict[str, Any]:
    """A hook that notes itself beside what the stand-ins do."""
    return {"name": name, "command": ["sh", "-c", NOTE.format(name, folder, code)], **more}


def way(folder: Path, **codes: int) -> dict[str, Any]:
    """One hook of each kind and one check; ``codes``: exit codes other than 0."""
    return {
        "patch_pre_install": [command(folder, "pre", codes.get("pre", 0))],
        "patch_post_install": [command(folder, "post", codes.get("post", 0))],
        "patch_on_exit": [command(folder, "exit", codes.get("exit", 0)), command(folder, "last")],
        "patch_after_reboot_checks": [command(folder, "check", codes.get("check", 0))],
    }


def run(
    core: str,
    collections: Path,
    folder: Path,
    hosts: dict[str, tuple[str, dict[str, Any]]],
    *arguments: str,
    playbook: str = "openfleet.patch.install",
    environment: dict[str, str] | None = None,
) -> Run:
    """``hosts``: name to what becomes of it and its variables."""
    (folder / "host_vars").mkdir()
    for name, (_becomes, variables) in hosts.items():
        (folder / "host_vars" / f"{name}.json").write_text(
            json.dumps({"ansible_connection": "local", "ansible_python_interpreter": sys.executable} | variables),
            encoding="utf-8",
        )
    try:
        played = play(
            core,
            collections,
            folder,
            {name: becomes for name, (becomes, _variables) in hosts.items()},
            *("-e", '{"patch_error_threshold": "100%"}'),
            *arguments,
            playbooks=(playbook,),
            environment=environment,
            seconds=600,
        )
    except LookupError as missing:
        pytest.skip(str(missing))
    noted = folder / "events"
    events: dict[str, list[str]] = {name: [] for name in hosts}
    for line in noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []:
        host, _space, what = line.partition(" ")
        events[host].append(what)
    return Run(played, events)


@dataclass(frozen=True)
class Case:
    """A host, what it is like, which hook fails with what; then what must come of it."""

    becomes: str
    events: list[str]
    kind: str | None = None
    codes: tuple[tuple[str, int], ...] = ()
    option: str = "RebootIfNeeded"
    status: str = "failed"
    hooks: str = ""
    """The first letters of what became of pre, post, check, exit and last."""


STOPPED = ["looks", "pre", "installs", "exit", "last"]
CASES = {
    "good": Case("lacking", [*WHOLE_WAY, "last"], hooks="ooooo"),
    "nothing": Case("nothing", ["looks", "exit", "last"], hooks="sssoo"),
    "pre": Case("lacking", ["looks", "pre", "exit", "last"], "hook_failed", (("pre", 3),), hooks="fssoo"),
    "post": Case("lacking", ["looks", "pre", "installs", "post", "exit", "last"], "hook_failed", (("post", 4),),
                 hooks="ofsoo"),
    "both": Case("install_fails", STOPPED, "install_incomplete", (("exit", 7),), hooks="ossfo"),
    "lost": Case("install_lost", STOPPED, "unreachable", status="unreachable", hooks="ossoo"),
    "check": Case("lacking", [*WHOLE_WAY, "last"], "check_failed", (("check", 6),), hooks="oofoo"),
}  # fmt: skip
MORE = CASES | {
    "waiting": Case("waiting", [*WHOLE_WAY, "last"], hooks="ooooo"),
    "kept": Case("waiting", ["looks", "exit", "last"], option="NoReboot", hooks="sssoo"),
    "noreboot": Case("lacking", ["looks", "pre", "installs", "post", "scans", "exit", "last"], option="NoReboot",
                     hooks="oosoo"),
    "exit": Case("lacking", [*WHOLE_WAY, "last"], "hook_failed", (("exit", 5),), hooks="ooofo"),
    "look": Case("look_fails", ["looks", "exit", "last"], "no_interpreter"),
    "install": Case("install_fails", STOPPED, "install_incomplete", hooks="ossoo"),
    "reboot": Case("reboot_fails", ["looks", "pre", "installs", "post", "reboots", "exit", "last"], "timed_out",
                   status="timed_out", hooks="oosoo"),
}  # fmt: skip


def check_cases(core: str, playbook: str, cases: dict[str, Case], collections: Path, folder: Path) -> Run:
    hosts = {
        name: (case.becomes, way(folder, **dict(case.codes)) | {"patch_reboot_option": case.option})
        for name, case in cases.items()
    }
    more = ("-f", str(len(cases) + 2))
    checked = {"patch_after_reboot_checks": command(folder, "check")}
    hosts |= {"plain": ("lacking", {}), "plainly_checked": ("install_fails", checked)}
    found = run(core, collections, folder, hosts, *more, playbook=playbook)
    output = found.played.output
    assert found.played.rc == 2, output
    expected = {name: case.events for name, case in cases.items()}
    without_hooks = ["installs", "reboots", "scans"]
    assert found.events == expected | {"plain": without_hooks, "plainly_checked": [*without_hooks, "check"]}, output
    statuses = {name: case.status if case.kind else "ok" for name, case in cases.items()}
    assert found.played.outcomes() == statuses | {"plain": "ok", "plainly_checked": "failed"}
    assert found.entry("plainly_checked")["message"] == "1 approved patch failed"
    for name, case in cases.items():
        assert found.entry(name).get("kind") == case.kind, name
        if case.hooks:
            results = found.hooks(name)
            assert list(results) == ["pre", "post", "check", "exit", "last"]
            assert "".join(word[0] for word in results.values()) == case.hooks, name
    assert found.document("plain")["hooks"] == []
    return found


def test_every_failure_leads_to_the_hooks_at_the_end_and_hides_nothing(collections: Path, tmp_path: Path) -> None:
    found = check_cases("2.21", "openfleet.patch.install", CASES, collections, tmp_path)
    assert found.entry("both")["message"] == (
        "1 approved patch failed; and the on-exit hook 'exit' failed (exit code 7): it said nothing"
    )
    assert found.entry("post")["message"].startswith(
        "The post-install hook 'post' failed (exit code 4): it said nothing. The installation itself went well: 1"
    )
    assert found.document("post")["installation"]["result"] == "SUCCEEDED"
    summary = " ".join(found.played.summary.split())
    assert "failed: The pre-install hook 'pre' failed (exit code 3): it said nothing. Nothing was installed." in summary


@pytest.mark.endurance
@pytest.mark.parametrize(("core", "playbook"), [("2.16", "rolling_install"), ("2.16", "install")])
def test_the_whole_table_of_failures_with_the_oldest_core(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    found = check_cases(core, f"openfleet.patch.{playbook}", MORE, collections, tmp_path)
    reason = {each["message"] for each in found.document("kept")["hooks"] if each["result"] == "skipped"}
    assert reason == {"nothing is missing and nothing waits for a reboot"}


GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


def tasks_file(path: Path, *tasks: dict[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([{"name": f"Step {number}", **task} for number, task in enumerate(tasks)]))
    return path.name


def note(folder: Path, what: str) -> dict[str, Any]:
    """A task that notes itself with what the hook knows."""
    words = f"{{{{ inventory_hostname }}}} {what} {{{{ patch_hook_state.result }}}}"
    return {"ansible.builtin.shell": f"echo {words} >>{folder}/events"}


@pytest.mark.parametrize(
    ("core", "playbook"), [("2.21", "rolling_install"), pytest.param("2.16", "install", marks=pytest.mark.endurance)]
)
def test_task_files_and_roles_run_beside_playbook_and_inventory(
    core: str, playbook: str, collections: Path, tmp_path: Path
) -> None:
    role = tmp_path / "roles" / "undrain" / "tasks"
    tasks_file(role / "main.yml", note(tmp_path, "role"))
    refuse = {"ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == 'bad'"}
    steps = (note(tmp_path, "drain"), refuse, note(tmp_path, "drained"))
    drain = tasks_file(tmp_path / "hooks" / "drain.yml", *steps)
    asked = {
        "ansible.builtin.ping": {},
        "delegate_to": "balancer",
        "vars": GONE,
        "when": "inventory_hostname == 'lost'",
    }
    ask = tasks_file(tmp_path / "hooks" / "ask.yml", asked, note(tmp_path, "asked"))
    hidden = {"ansible.builtin.command": "sh -c 'echo hunter2 >&2; exit 9'", "no_log": True}
    hide = tasks_file(tmp_path / "hide.yml", hidden | {"when": "inventory_hostname == 'bad'"})
    hooks: dict[str, Any] = {
        "patch_pre_install": [f"hooks/{drain}", {"tasks": f"hooks/{ask}", "name": "ask the balancer"}],
        "patch_on_exit": [{"role": "undrain"}, {"tasks": hide}],
    }
    secret = {"name": "secret", "command": ["sh", "-c", "echo $WORD https://u:p@h/ token=abc; exit 1"],
              "environment": {"WORD": "hunter2"}, "secrets": ["hunter2"]}  # fmt: skip
    found = run(
        core,
        collections,
        tmp_path,
        {
            "good": ("lacking", hooks),
            "bad": ("lacking", hooks),
            "lost": ("lacking", hooks),
            "late": ("lacking", {"patch_pre_install": {"command": ["sleep", "60"], "timeout": 1}}),
            "told": ("nothing", {"patch_on_exit": secret}),
        },
        *("-f", "5", "-e", json.dumps({"patch_comment": "CHG-7"})),
        playbook=f"openfleet.patch.{playbook}",
        environment={"ANSIBLE_ROLES_PATH": str(tmp_path / "roles")},
    )
    output = found.played.output
    assert found.events == {
        "good": ["looks", "drain ok", "drained ok", "asked ok", "installs", "reboots", "scans", "role ok"],
        "bad": ["looks", "drain ok", "role failed"],
        "lost": ["looks", "drain ok", "drained ok", "asked ok", "role failed"],
        "late": ["looks"],
        "told": ["installs", "reboots", "scans"],
    }, output
    assert found.played.outcomes() == dict.fromkeys(["bad", "lost", "late", "told"], "failed") | {"good": "ok"}
    assert found.hooks("lost")["ask the balancer"] == "unreachable"
    assert found.hooks("late") == {"sleep": "timed_out"}
    [entry] = found.document("told")["hooks"]
    assert entry["output"] == "*** https://h/ token=***"
    hidden_hook = found.document("bad")["hooks"][-1]
    assert (hidden_hook["result"], hidden_hook["message"]) == ("failed", "its task hides what it returns (no_log)")
    assert "hunter2" not in json.dumps([found.document(host) for host in found.events] + [found.played.summary])


def test_check_mode_runs_only_the_hooks_that_ask_for_it(collections: Path, tmp_path: Path) -> None:
    quiet = way(tmp_path)
    asked = quiet | {"patch_on_exit": command(tmp_path, "exit", check_mode=True)}
    found = run("2.16", collections, tmp_path, {"quiet": ("lacking", quiet), "asked": ("lacking", asked)}, "--check")
    assert found.played.rc == 0, found.played.output
    assert found.events == {"quiet": ["looks", "scans"], "asked": ["looks", "scans", "exit"]}
    assert found.hooks("asked") == {"pre": "skipped", "post": "skipped", "check": "skipped", "exit": "ok"}
