"""Commands of operators and the questions of checks, run by the shells that this machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.after_reboot import fetch, listening_ports
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.hook_command import Ended, run_command

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
LISTENERS = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1678 1 0000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1679 1 0000 100 0 0 10 0
  10: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 1
"""


class LocalShell:
    """A channel to a shell of this machine."""

    def __init__(self, shell: list[str]) -> None:
        self.shell = shell

    def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
        done = subprocess.run(self.shell, input=program.encode(), stdout=subprocess.PIPE, check=False)
        return "Welcome!\n" + done.stdout.decode()


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def channel(request: pytest.FixtureRequest) -> LocalShell:
    return LocalShell(list(request.param))


def run(channel: LocalShell, *argv: str, chdir: str | None = None, seconds: int = 60, **environment: str) -> Ended:
    return run_command(channel, argv, environment=environment, chdir=chdir, seconds=seconds)


def test_words_reach_the_command_as_they_are_and_its_code_comes_home(channel: LocalShell, tmp_path: Path) -> None:
    words = ["a b", "$(touch never)", "'", "*", "", "-n"]
    show = "for word; do printf '<%s>' \"$word\"; done; pwd; echo $NAME >&2; exit 7"
    ended = run(channel, "sh", "-c", show, "sh", *words, chdir=str(tmp_path), NAME="it's me")
    told = "".join(f"<{word}>" for word in words)
    assert ended == Ended(7, f"{told}{tmp_path}\nit's me\n", False)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_run_says_so_and_standard_input_is_closed(channel: LocalShell) -> None:
    missing = run(channel, "/nowhere/drain")
    assert missing.code in (126, 127)
    assert "drain" in missing.output
    assert run(channel, "cat") == Ended(0, "", False)
    assert run(channel, "true", chdir="/nowhere").code == 126


def test_a_command_that_takes_too_long_is_ended(channel: LocalShell) -> None:
    ended = run(channel, "sh", "-c", "echo begun; sleep 600", seconds=2)
    assert (ended.timed_out, ended.output) == (True, "begun\n")
    assert not run(channel, "sh", "-c", "exit 124").timed_out


def test_the_end_of_much_output_is_kept_and_no_file_stays(channel: LocalShell, tmp_path: Path) -> None:
    program = "i=0; while [ $i -lt 9000 ]; do echo 123456789; i=$((i+1)); done; echo last"
    ended = run(channel, "sh", "-c", program, TMPDIR=str(tmp_path))
    assert ended.output.endswith("last\n")
    assert len(ended.output) <= 65536
    assert list(tmp_path.iterdir()) == []


def test_an_answer_cut_short_is_an_error() -> None:
    class Damaged(LocalShell):
        def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
            return super().run_program(program, mark).replace(" end", "")

    with pytest.raises(PatchError, match="did not tell how the command ended"):
        run(Damaged(SHELLS[0]), "true")


def test_only_listeners_count_over_both_protocols() -> None:
    assert listening_ports(LISTENERS) == {22, 443}


def test_an_address_that_nobody_serves_has_no_status(channel: LocalShell) -> None:
    status, said, body = fetch(channel, "http://127.0.0.1:1/health", verify=True)
    assert (status, body) == (None, "")
    assert said
