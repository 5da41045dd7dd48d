"""The private folder of a reader: gone after the run, and with the next one where a run was killed."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from host_scripts import FOLDER

DAY = 24 * 3600


@pytest.fixture
def part() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile((FOLDER / "run_workspace.py").read_bytes(), "run_workspace", "exec"), names)
    return names


def folder(path: Path, age: float) -> Path:
    path.mkdir()
    (path / "cache").mkdir()
    (path / "cache" / "base.solv").symlink_to(path.parent / "the host's own")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_what_killed_runs_left_is_removed_and_nothing_else(part: dict[str, Any], tmp_path: Path) -> None:
    own = tmp_path / "the host's own"
    own.write_text("x")
    left = folder(tmp_path / "openfleet-patch-abc", 2 * DAY)
    kept = [folder(tmp_path / "openfleet-patch-def", 60), folder(tmp_path / "somebody-else", 2 * DAY), own]
    (tmp_path / "openfleet-patch-link").symlink_to(tmp_path / "somebody-else")
    part["remove_left_behind"](str(tmp_path))
    assert not left.exists()
    assert [path.exists() for path in kept] == [True, True, True]
    assert (tmp_path / "somebody-else" / "cache" / "base.solv").is_symlink()


def test_each_run_looks_once_where_its_own_folder_is_and_removes_that(part: dict[str, Any]) -> None:
    looked: list[str] = []
    part["remove_left_behind"] = looked.append
    workspace = part["Workspace"]()
    first, second = workspace.path("cache"), workspace.path("log")
    assert [os.path.dirname(os.path.dirname(each)) for each in (first, second)] == looked * 2
    workspace.close()
    assert not os.path.exists(os.path.dirname(first))


def test_the_folder_of_a_killed_process_goes_at_once_and_that_of_a_living_one_stays(
    part: dict[str, Any], tmp_path: Path
) -> None:
    mine = f"{os.getpid()} {part['process_began']('self')}\n"
    killed, other, living = (folder(tmp_path / f"openfleet-patch-{name}", 1) for name in ("killed", "other", "living"))
    (killed / "owner").write_text("99999999 1234\n")
    # Another process has got its number.
    (other / "owner").write_text(f"{os.getpid()} 1\n")
    (living / "owner").write_text(mine)
    part["remove_left_behind"](str(tmp_path))
    assert [path.exists() for path in (killed, other, living)] == [False, False, True]


def workspace_in_sh(tmp_path: Path, text: str, *, other: str, living: str, more: str = "") -> list[str]:
    """What a run in sh prints that begins beside the folders of three others: only the one that lives keeps its own."""
    names = ("killed", "other", "living")
    folders = [folder(tmp_path / f"openfleet-patch-{name}", 1) for name in names]
    for path, owner in zip(
        folders, (f"99999999 {other}", f"{os.getpid()} {other}", f"{os.getpid()} {living}"), strict=True
    ):
        (path / "owner").write_text(f"{owner}\n")
    program = f'{text}\nof_workspace\ncat "$of_work/owner"\n{more}'
    done = subprocess.run(["/bin/sh", "-eu", "-c", program], capture_output=True, text=True, check=True)
    assert [path.exists() for path in folders] == [False, False, True]
    return done.stdout.splitlines()


def test_the_same_in_sh(part: dict[str, Any], tmp_path: Path) -> None:
    text = (FOLDER / "sections.sh").read_text().replace("/dev/shm", str(tmp_path))
    more = 'echo "$$ $(of_process_began "$$")"\n'
    first, second = workspace_in_sh(tmp_path, text, other="1", living=part["process_began"]("self"), more=more)
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openfleet-patch-living"]


def test_the_same_in_sh_where_there_is_no_proc(tmp_path: Path) -> None:
    text = (FOLDER / "sections.sh").read_text().replace("/dev/shm", str(tmp_path)).replace("/proc/", "/no-proc/")
    started = subprocess.run(["ps", "-o", "lstart=", "-p", str(os.getpid())], env={**os.environ, "LC_ALL": "C"},
                             capture_output=True, text=True, check=True).stdout  # fmt: skip
    living = "_".join(started.split())
    told = workspace_in_sh(tmp_path, text, other="Fri_Nov_20_14:00:00_2026", living=living)
    assert len(" ".join(told).split()) == 2
