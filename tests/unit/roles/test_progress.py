"""Lines on the terminal count the hosts of a play, whatever the forks and batches, in a real ansible-playbook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from core_venvs import CORES
from playbook_runs import make_collection, play

pytestmark = pytest.mark.slow
# The task that notes an outcome connects to no host. Its second turn in the play is none of its own.
PLAY = """
- name: Look at every host
  hosts: fleet
  gather_facts: false
  serial: 3
  tasks:
    - name: Note what became of it
      openfleet.patch.record_outcome: &noted
        result: {failed: "{{ becomes == 'failed' }}", msg: it failed}
        state_directory: "{{ patch_state_directory }}"
        progress: "{{ loud | default(true) }}"
    - name: Note it once more
      openfleet.patch.record_outcome: *noted
    - name: Note something that gives no host its one turn
      openfleet.patch.record_outcome:
        result: {failed: false}
        operation: Reboot
        state_directory: "{{ patch_state_directory }}"
"""
FLEET = {f"web{number}": "failed" if number == 3 else "ok" for number in range(1, 8)}
LINE = re.compile(r"^(\d+) of 7 hosts: (\w+) (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"))


SOME = [pytest.param(core, marks=() if core in ("2.16", "2.21") else pytest.mark.endurance) for core in sorted(CORES)]


@pytest.mark.parametrize("core", SOME)
def test_every_host_is_counted_once_across_forks_and_batches(core: str, collections: Path, tmp_path: Path) -> None:
    book = tmp_path / "look.yml"
    book.write_text(PLAY)
    try:
        loud = play(core, collections, tmp_path, FLEET, "-f", "3", playbooks=(str(book),))
        quiet = play(core, collections, tmp_path, FLEET, "-f", "3", "-e", "loud=false", playbooks=(str(book),))
    except LookupError as missing:
        pytest.skip(str(missing))
    assert (loud.rc, quiet.rc) == (0, 0), loud.output
    told = LINE.findall(loud.output)
    assert sorted(int(place) for place, _host, _words in told) == list(range(1, 8)), loud.output
    assert {host for _place, host, _words in told} == set(FLEET)
    assert {words for _place, host, words in told if host == "web3"} == {"failed"}
    # The first batch is told before the second.
    assert {host for place, host, _words in told if int(place) <= 3} == {"web1", "web2", "web3"}
    assert LINE.findall(quiet.output) == []
