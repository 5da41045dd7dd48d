"""The bootstrap and the loader, run for real on this machine: every shell and every interpreter found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import frames, payload

sys.path.insert(0, str(Path(__file__).parents[5] / "tools"))

from interpreters import find_interpreters

SHELLS = {
    "dash": ["dash", "-c"],
    "bash": ["bash", "-c"],
    "bash --posix": ["bash", "--posix", "-c"],
    "busybox": ["busybox", "sh", "-c"],
    "zsh": ["zsh", "-c"],
    "ksh": ["ksh", "-c"],
}
READER = b"""
import json, os
keep = os.dup(1)
os.dup2(2, 1)
result = {"request": json.loads(REQUEST.decode("utf-8")), "input": len(os.read(0, 10))}
answer = {"protocol": 1, "ok": True, "result": result}
print("noise on standard output")
os.write(keep, json.dumps(answer).encode("utf-8"))
os.close(keep)
"""

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="the bootstrap looks for apt-get on the machine itself, which has none"
)


@pytest.fixture
def interpreters(tmp_path: Path) -> Any:
    """Wrappers around every interpreter found that give it a stand-in for apt's library."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "apt_pkg.py").write_text("")
    found = {}
    for version, path in find_interpreters().items():
        wrapper = tmp_path / f"python{version}"
        # The bootstrap calls with -BESs, of which E would keep the stand-in out.
        program = 'flags=$(echo "$1" | tr -d E)\nshift\n'
        wrapper.write_text(f'#!/bin/sh\n{program}PYTHONPATH={tmp_path}/library exec {path} "$flags" "$@"\n')
        wrapper.chmod(0o755)
        found[version] = str(wrapper)
    return found


def run(
    candidates: list[str],
    *,
    shell: list[str] | None = None,
    reader: bytes = READER,
    request: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[frames.Reply, subprocess.CompletedProcess[bytes]]:
    built = payload.build(
        request or {"protocol": 1, "op": "hello"},
        environment=environment or {},
        interpreters=candidates,
        seconds=30,
        readers={"apt": reader},
    )
    # What stands between the quotes is what the shell on the host evaluates.
    inner = built.command.split("'")[1]
    done = subprocess.run(
        [*(shell or ["sh", "-c"]), inner], input=built.data, capture_output=True, timeout=60, check=False
    )
    text = done.stdout.decode("utf-8", "replace")
    return frames.parse(text, built.mark, limit=10**6), done


@pytest.mark.parametrize("name", SHELLS)
def test_the_bootstrap_runs_under_every_shell(name: str, interpreters: dict[str, str]) -> None:
    if shutil.which(SHELLS[name][0]) is None:
        pytest.skip(f"this machine has no {SHELLS[name][0]}")
    reply, done = run([*interpreters.values()][-1:], shell=SHELLS[name])
    assert done.returncode == 0, done.stderr
    assert reply.answer is not None, done
    assert reply.system is not None
    assert reply.system["reader"] == "apt"
    assert "ID=" in reply.system["os_release"]
    assert reply.system["uid"] is not None


def test_loader_and_reader_run_under_every_interpreter_found(interpreters: dict[str, str]) -> None:
    request = {"protocol": 1, "op": "read", "options": {"word": "é\u2028\"'"}}
    for version, path in interpreters.items():
        reply, done = run([path], request=request)
        assert reply.interpreter is not None, (version, done)
        assert reply.interpreter["version"].startswith(version + ".")
        assert reply.answer == {"protocol": 1, "ok": True, "result": {"request": request, "input": 0}}
        assert reply.used == path
    library = Path([*interpreters.values()][0]).with_name("library")
    assert [found.name for found in library.rglob("*")] == ["apt_pkg.py"], "compiled files were left behind"


def test_parts_are_compiled_one_by_one_and_share_names_and_future(interpreters: dict[str, str]) -> None:
    first = b"from __future__ import division, print_function\nimport json, os\nkeep = os.dup(1)\nos.dup2(2, 1)\n"
    last = b"""
print("half", end="")
answer = {"protocol": 1, "ok": True, "result": {"half": 1 / 2, "name": __name__}}
os.write(keep, json.dumps(answer).encode("utf-8"))
os.close(keep)
"""
    for version, path in interpreters.items():
        reply, done = run([path], reader=payload.PART_END.join([first, b"", last]))
        assert reply.answer["result"] == {"half": 0.5, "name": "__main__"}, (version, done.stderr)
    crashed, _done = run(list(interpreters.values())[-1:], reader=payload.PART_END.join([first, b"\nraise KeyError()"]))
    assert '"apt_reader, part 2", line 2' in crashed.answer["error"]["traceback"]


def test_an_interpreter_without_the_library_leaves_the_input_to_the_next(interpreters: dict[str, str]) -> None:
    without = list(find_interpreters().values())[:2]
    good = [*interpreters.values()][-1]
    reply, done = run([*map(str, without), "/opt/no such/python", good])
    assert reply.used == good, done
    assert reply.answer is not None
    assert len(reply.tried) == 3
    assert all("apt_pkg" in line for line in reply.tried[:2])
    assert reply.tried[2] == "/opt/no such/python not found"


def test_a_program_that_is_no_python_is_told_and_passed_over(tmp_path: Path, interpreters: dict[str, str]) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)
    reply, _done = run([str(broken), [*interpreters.values()][-1]])
    assert reply.answer is not None
    assert "cannot be started" in reply.tried[0] or "not found" in reply.tried[0]


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        (b"this is not Python", "reader_crashed"),
        (b"raise ValueError('x')", "reader_crashed"),
        (b"import os\nkeep = os.dup(1)\nraise KeyboardInterrupt", "reader_crashed"),
        (b"pass", "reader_silent"),
        (b"raise SystemExit(0)", "reader_silent"),
    ],
)
def test_a_reader_that_fails_is_an_answer_too(reader: bytes, kind: str, interpreters: dict[str, str]) -> None:
    for path in interpreters.values():
        reply, done = run([path], reader=reader)
        assert reply.answer is not None, done
        assert reply.answer["ok"] is False
        assert reply.answer["error"]["kind"] == kind


def test_a_reader_killed_under_way_is_reported_as_broken(interpreters: dict[str, str]) -> None:
    reply, _done = run(
        [[*interpreters.values()][-1]], reader=b"import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    assert reply.answer is None
    assert reply.used is None
    assert "exit code 137" in str(reply.broke)


def test_the_environment_reaches_the_reader(interpreters: dict[str, str]) -> None:
    value = 'it\'s "$(id)" `id` \\ !x\nsecond; é'
    reader = (
        b"import json, os\n"
        b"value = os.environ['ODD']\n"
        b"value = value.decode('utf-8') if isinstance(value, bytes) else value\n"
        b"os.write(1, json.dumps({'protocol': 1, 'ok': True, 'result': {'v': value}}).encode('utf-8'))\n"
        b"os.close(1)\n"
    )
    for name in ("2.7", [*interpreters][-1]):
        if name in interpreters:
            reply, done = run([interpreters[name]], reader=reader, environment={"ODD": value})
            assert reply.answer == {"protocol": 1, "ok": True, "result": {"v": value}}, done


def test_nobody_but_the_answer_writes_to_standard_output(interpreters: dict[str, str]) -> None:
    _reply, done = run([[*interpreters.values()][-1]])
    assert b"noise on standard output" not in done.stdout
    assert b"noise on standard output" in done.stderr
