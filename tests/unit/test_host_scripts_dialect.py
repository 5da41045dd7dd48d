"""Host scripts parse on every Python they may meet; no current ansible-test looks at Python 2.6 to 3.7 any more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from host_scripts import compile_error, compile_errors, dialect_error, python_scripts
from interpreters import WANTED, find_interpreters, report

INTERPRETERS = find_interpreters()
VERMIN = Path(sys.executable).with_name("vermin")


@pytest.mark.parametrize("version", INTERPRETERS)
def test_every_host_script_compiles_on_an_interpreter_found(version: str) -> None:
    errors = compile_errors(python_scripts(), INTERPRETERS[version])
    assert errors
    assert {script.name: error for script, error in errors.items() if error} == {}


def test_every_host_script_keeps_to_python_2_6_and_3_4() -> None:
    assert dialect_error(VERMIN, *python_scripts()) is None


def test_newer_syntax_is_noticed_by_an_old_interpreter(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("x = 1\nprint(f'{x}')\n")
    old = [version for version in ("2.7", "3.4", "3.5") if version in INTERPRETERS]
    if not old:
        pytest.skip("no interpreter older than f-strings: " + report(INTERPRETERS))
    for version in old:
        assert "SyntaxError" in (compile_error(sample, INTERPRETERS[version]) or "")


@pytest.mark.parametrize(
    "code", ["x = f'{1}'", "x = {a for a in b}", "import argparse", "with a as b, c as d: pass", "x = '{}'.format(1)"]
)
def test_newer_constructs_are_noticed_without_an_old_interpreter(tmp_path: Path, code: str) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(code + "\n")
    assert dialect_error(VERMIN, sample) is not None


def test_plain_code_passes_both_gates(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("from __future__ import print_function\nimport os\nprint('{0}'.format(os.name))\n")
    assert dialect_error(VERMIN, sample) is None
    assert {version: compile_error(sample, python) for version, python in INTERPRETERS.items()} == dict.fromkeys(
        INTERPRETERS
    )


def test_the_report_names_found_and_missing_versions() -> None:
    line = report({"3.11": Path("/usr/bin/python3.11")})
    assert "found: 3.11;" in line
    assert all(version in line.split("not found:")[1] for version in WANTED if version != "3.11")
