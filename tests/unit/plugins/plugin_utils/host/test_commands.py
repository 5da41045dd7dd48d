# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of ours, run by the shells that this machine has."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import commands

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


class LocalShell:
    """A channel to a shell of this machine; ``damage`` alters what comes back."""

    def __init__(self, shell: list[str], damage=lambda text: text) -> None:
        self.shell, self.damage = shell, damage

    def run_program(self, program: str, mark: str) -> str:
        done = subprocess.run(self.shell, input=program.encode(), stdout=subprocess.PIPE, check=False)
        return self.damage("Welcome!\n" + done.stdout.decode())


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request: pytest.FixtureRequest) -> list[str]:
    return list(request.param)


def test_arguments_arrive_exactly_and_both_streams_come_home(shell: list[str]) -> None:
    torture = ["a b", "$(touch /tmp/never)", "'", '"', "*", "new\nline", "ä", "", "-n", "\\0041"]
    show = "for word; do printf '<%s>' \"$word\"; done; echo gone wrong >&2; exit 7"
    quiet, loud = commands.run_commands(
        LocalShell(shell), [["true"], ["sh", "-c", show, "sh", *torture]], environment={}
    )
    assert (quiet.code, quiet.output) == (0, "")
    assert (loud.code, loud.output) == (7, "".join(f"<{word}>" for word in torture) + "gone wrong")


def test_the_environment_reaches_the_commands(shell: list[str]) -> None:
    [result] = commands.run_commands(
        LocalShell(shell), [["sh", "-c", "echo $https_proxy"]], environment={"https_proxy": "http://u:p'w@proxy"}
    )
    assert result.output == "http://u:p'w@proxy"


def test_commands_cannot_eat_the_program(shell: list[str]) -> None:
    results = commands.run_commands(LocalShell(shell), [["cat"], ["echo", "still here"]], environment={})
    assert [result.output for result in results] == ["", "still here"]


def test_a_missing_answer_is_an_error() -> None:
    half = LocalShell(SHELLS[0], damage=lambda text: text[: len(text) // 2])
    with pytest.raises(PatchError, match="answered 0 of 1 commands"):
        commands.run_commands(half, [["echo", "x" * 100]], environment={})


def test_a_file_is_written_whole_and_private(shell: list[str], tmp_path: Path) -> None:
    path, content = tmp_path / "new folder" / "document.json", bytes(range(256)) * 40
    commands.store_file(LocalShell(shell), str(path), content)
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["document.json"]


def test_a_file_that_cannot_be_written_is_an_error(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PatchError, match="could not be written"):
        commands.store_file(LocalShell(shell), str(tmp_path / "file" / "document.json"), b"x")
