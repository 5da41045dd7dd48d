"""A reader or a program that acts is one text joined from parts: it parses everywhere, and all say what they borrow."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host_scripts import (
    FOLDER,
    borrowed_names,
    compile_errors,
    defined_names,
    dialect_error,
    python_scripts,
    shell_scripts,
)
from interpreters import find_interpreters

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import (
    PROGRAM_PARTS,
    READER_PARTS,
    program_source,
    reader_files,
    reader_source,
    shipped_readers,
)

FUTURE = "from __future__ import absolute_import, division, print_function\n"
IN_SH = tuple(name for name in shipped_readers() if reader_files(name)[-1].endswith(".sh"))
PROGRAMS_IN_SH = tuple(name for name in sorted(PROGRAM_PARTS) if (FOLDER / f"{name}.sh").exists())
IN_PYTHON = (
    *(name for name in shipped_readers() if name not in IN_SH),
    *(name for name in sorted(PROGRAM_PARTS) if name not in PROGRAMS_IN_SH),
)
SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["zsh", "--emulate", "sh"]]
every_reader = pytest.mark.parametrize("name", IN_PYTHON)


def text(script: str) -> str:
    return (FOLDER / script).read_text(encoding="utf-8")


def files_of(name: str) -> list[str]:
    if name in PROGRAM_PARTS:
        return [*PROGRAM_PARTS[name], f"{name}.py"]
    return list(reader_files(name))


def source_of(name: str) -> bytes:
    return program_source(name) if name in PROGRAM_PARTS else reader_source(name)


def test_parts_are_named_for_readers_that_are_there() -> None:
    assert set(READER_PARTS) <= set(shipped_readers())


def test_every_script_is_the_loader_its_stage_or_in_a_reader_or_a_program() -> None:
    used = {file for name in IN_PYTHON for file in files_of(name)}
    assert {path.name for path in python_scripts()} == used | {"loader.py", "stage.py"}


def test_every_shell_script_is_in_a_reader_or_runs_on_its_own() -> None:
    used = {file for name in IN_SH for file in files_of(name)}
    used |= {f"{name}.sh" for name in PROGRAMS_IN_SH}
    alone = {
        "bootstrap.sh",
        "job_journal.sh",
        "job_processes.sh",
        "mac_processes.sh",
        "job_steps.sh",
        "job_course.sh",
        "job_runner.sh",
        "reboot_host.sh",
    }
    assert {path.name for path in shell_scripts()} == used | alone


@pytest.mark.parametrize("name", [*IN_SH, *PROGRAMS_IN_SH])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_a_joined_reader_in_sh_parses_in_every_shell(name: str, shell: list[str]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"this machine has no {shell[0]}")
    done = subprocess.run([*shell, "-n"], input=source_of(name), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", IN_SH)
def test_no_part_in_sh_defines_a_function_of_another(name: str) -> None:
    defined = [word for file in files_of(name) for word in re.findall(r"^(\w+)\(\)", text(file), re.M)]
    assert sorted(set(defined)) == sorted(defined)
    assert all(word.startswith("of_") for word in defined)


def test_every_joined_reader_compiles_on_every_interpreter_and_keeps_its_dialect(tmp_path: Path) -> None:
    joined = [tmp_path / f"{name}_reader.py" for name in IN_PYTHON]
    for name, path in zip(IN_PYTHON, joined, strict=True):
        path.write_bytes(source_of(name))
    errors = {version: compile_errors(joined, python) for version, python in find_interpreters().items()}
    told = [(version, path.name, error) for version, each in errors.items() for path, error in each.items() if error]
    assert told == []
    assert dialect_error(Path(sys.executable).with_name("vermin"), *joined) is None


@every_reader
def test_the_first_part_speaks_of_the_future_for_all(name: str) -> None:
    assert [file for file in files_of(name) if "__future__" in text(file)] == files_of(name)[:1]
    assert text(files_of(name)[0]).count(FUTURE) == 1


@every_reader
def test_no_part_redefines_a_name_of_another(name: str) -> None:
    owners: dict[str, list[str]] = {}
    for file in files_of(name):
        for defined in defined_names(text(file)):
            owners.setdefault(defined, []).append(file)
    assert {defined: found for defined, found in owners.items() if len(found) > 1} == {}


@every_reader
def test_whatever_a_part_borrows_is_defined_before_it(name: str) -> None:
    before: set[str] = set()
    for file in files_of(name):
        assert borrowed_names(text(file)) - before == set(), file
        before |= defined_names(text(file))


@pytest.mark.parametrize(
    "script",
    sorted(
        {part for parts in (*READER_PARTS.values(), *PROGRAM_PARTS.values()) for part in parts if part.endswith(".py")}
    ),
)
def test_a_part_says_in_its_head_what_it_borrows(script: str) -> None:
    head = ast.get_docstring(ast.parse(text(script))) or ""
    assert borrowed_names(text(script)) - set(re.findall(r"\w+", head)) == set()


@pytest.mark.parametrize("script", python_scripts(), ids=lambda path: path.name)
def test_a_script_loads_on_its_own(script: Path) -> None:
    # ansible-test imports each file; what is borrowed may be missing only when it is called.
    exec(compile(script.read_bytes(), script.name, "exec"), {"__name__": script.stem})


def test_a_borrowed_name_is_noticed_wherever_it_stands() -> None:
    source = (
        "import os\nMOST = LIMIT\n"
        "def f(x, y=first):\n    import re\n"
        "    def g():\n        return [inner(x, z) for z in os.listdir(y)]\n    return g\n"
        "class C(Base):\n    row = column\n    def h(self):\n        return self.row, C, f, re, print\n"
    )
    assert borrowed_names(source) == {"LIMIT", "first", "inner", "Base", "column", "re"}
    assert defined_names(source) == {"MOST", "f", "C"}
