"""What a program that changes an rpm system may do: nothing that its order does not say."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from interpreters import find_interpreters

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import script

PARTS = b"\n".join(script(name) for name in ("reader_protocol.py", "rpm_transaction.py"))
PROGRAM = """
def act(words):
    tell('working on ' + words[0])
    if words[0] == 'bad':
        raise ReaderError('locked', 'somebody holds it')
    return 3

def look(words):
    print('noise')
    return {'words': words}

if __name__ == '__main__':
    run_program({'act': (act, False), 'look': (look, True)})
"""
names: dict[str, Any] = {"__name__": "parts"}
exec(compile(PARTS, "parts", "exec"), names)
ORDER = {
    "targets": {"a-2-1.noarch"},
    "arriving": {"a-2-1.noarch", "lib-1-1.noarch"},
    "leaving": {"old-1-1.noarch", "kernel-1-1.x86_64"},
}
UPGRADE = ["upgrade", "a", "noarch", "2-1", "1-1"]


def against(*rows: list[Any]) -> list[str]:
    found: list[str] = names["beyond_order"](list(rows), ORDER)
    return found


def test_a_transaction_as_ordered_or_less_meets_nothing() -> None:
    assert against(UPGRADE) == []
    assert against(UPGRADE, ["install", "lib", "noarch", "1-1", None], ["obsoleted", "old", "noarch", "1-1", "a"],
                   ["retired", "kernel", "x86_64", "1-1", None]) == []  # fmt: skip


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["install", "other", "noarch", "1-1", None], "would install other-1-1.noarch"),
        (["upgrade", "lib", "noarch", "1:1-1", "0-1"], "would upgrade lib-1:1-1.noarch"),
        (["beside", "kernel", "x86_64", "9-1", "1-1"], "would install kernel-9-1.x86_64"),
        (["downgrade", "lib", "noarch", "1-1", "2-1"], "would downgrade lib-1-1.noarch"),
        (["remove", "other", "noarch", "1-1", None], "would remove other-1-1.noarch"),
        (["retired", "kernel", "x86_64", "2-1", None], "would remove kernel-2-1.x86_64"),
        (["swap", "a", "noarch", "2-1", None], "would do something unknown (swap) with a-2-1.noarch"),
    ],
)
def test_whatever_goes_beyond_the_order_is_named(row: list[Any], words: str) -> None:
    assert against(UPGRADE, row) == [words]


def test_a_target_that_would_be_left_out_is_named() -> None:
    assert against() == ["would not install a-2-1.noarch"]


def test_batches_name_each_package_by_its_place() -> None:
    assert names["batches_of"](["a", "b", "c", "/", "0,2", "1"]) == [["a", "c"], ["b"]]
    words = ["a", "b", "/", "1", "/", "c", "d"]
    assert names["batches_of"](words) == [["b"]]
    assert names["sections_of"](words) == [["a", "b"], ["1"], ["c", "d"]]


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "order"
    path.write_text(json.dumps({"targets": ["b", "a"], "erasing": False, "lock_timeout": 7}))
    assert names["read_order"](str(path)) == {"targets": {"a", "b"}, "erasing": False, "lock_timeout": 7}


@pytest.mark.parametrize(("version", "python"), sorted(find_interpreters().items()))
def test_a_program_answers_or_acts_under_every_interpreter(version: str, python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(PARTS + PROGRAM.encode())

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(python), "-B", "-E", "-s", str(program), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    looked = run("look", "x", "/", "0")
    [line] = [line for line in looked.stdout.splitlines() if line]
    assert line.startswith("openfleet-patch-answer "), version
    assert json.loads(line.partition(" ")[2]) == {"ok": True, "result": {"words": ["x", "/", "0"]}}
    acted = run("act", "good")
    assert (acted.returncode, acted.stderr) == (3, "\nopenfleet-patch: working on good\n")
    failed = run("act", "bad")
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, "openfleet-patch: error: somebody holds it")
    assert run("dance").returncode == 1
