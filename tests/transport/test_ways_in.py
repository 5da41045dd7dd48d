"""Every way to a host and to root that the transport promises, on a real host, with every supported Ansible."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transport_play import ALL_CORES, LOCAL, Controller, Play, carry, inventory_of

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
# Files on this machine go where no other Ansible of this machine puts its own.
REMOTE_TMP = Path("/tmp") / f".openfleet-transport-{os.getpid()}"
ASKING_SUDO = {
    **LOCAL,
    "ansible_become": True,
    "ansible_become_user": "nobody",
    "ansible_become_exe": str(HERE / "guest" / "asking_sudo"),
}
SU = {"ansible_become": True, "ansible_become_method": "su"}


def ways(host: Any) -> dict[str, dict[str, Any]]:
    """Name of the way to the variables of a host of that name; all lead to the one lab host."""

    def by(user: str, **variables: Any) -> dict[str, Any]:
        plain = {key: value for key, value in host.inventory(user).items() if not key.startswith("ansible_become")}
        return {**plain, **variables}

    passwords = host.inventory("opslab")["lab_passwords"]
    root_password = host.inventory("opslab")["lab_root_password"]
    sudo = {"ansible_become": True}
    return {
        "as root": by("root"),
        "pipelining on": by("root", ansible_pipelining=True),
        "pipelining off": by("root", ansible_pipelining=False),
        "no terminal for ssh": by("root", ansible_ssh_use_tty=False),
        "sudo without password": by("nopw", **sudo),
        "sudo without password, pipelining on": by("nopw", ansible_pipelining=True, **sudo),
        "sudo with password": by("opslab", ansible_become_password=passwords["opslab"], **sudo),
        "sudo with password, pipelining on": by(
            "opslab", ansible_become_password=passwords["opslab"], ansible_pipelining=True, **sudo
        ),
        "sudo with requiretty": by("needtty", **sudo),
        "sudo with requiretty, pipelining on": by("needtty", ansible_pipelining=True, **sudo),
        "su with password": by("nosudo", ansible_become_password=root_password, **SU),
        "fish": by("fishop", **sudo),
        "fish without become": by("fishop"),
        "csh": by("cshop", **sudo),
        "csh without become": by("cshop"),
        "sudo to another user": by("nopw", ansible_become_user="opslab", **sudo),
        "sudo with the wrong password": by("opslab", ansible_become_password="wrong", **sudo),
        "sudo with a missing password": by("opslab", **sudo),
        "su with the wrong password": by("nosudo", ansible_become_password="wrong", **SU),
        "not in sudoers": by("nosudo", ansible_become_password=passwords["nosudo"], **sudo),
        "su to another user": by(
            "nosudo", ansible_become_password=passwords["opslab"], ansible_become_user="opslab", **SU
        ),
        "local": {**LOCAL},
        "local, pipelining on": {**LOCAL, "ansible_pipelining": True},
        "local sudo with password": {**ASKING_SUDO, "ansible_become_password": "right"},
        "local sudo with password, pipelining on": {
            **ASKING_SUDO,
            "ansible_become_password": "right",
            "ansible_pipelining": True,
        },
        "local sudo with the wrong password": {**ASKING_SUDO, "ansible_become_password": "wrong"},
        "cannot pipeline": {"ansible_connection": "only_commands", "ansible_remote_tmp": str(REMOTE_TMP)},
        "cannot pipeline, not readable": {
            "ansible_connection": "only_commands",
            "only_commands_unreadable": True,
            "only_commands_run_as": "nobody",
            "ansible_remote_tmp": f"{REMOTE_TMP}-nobody",
        },
    }


ROOT = [
    "as root",
    "pipelining on",
    "pipelining off",
    "no terminal for ssh",
    "sudo without password",
    "sudo without password, pipelining on",
    "sudo with password",
    "sudo with password, pipelining on",
    "sudo with requiretty",
    "sudo with requiretty, pipelining on",
    "su with password",
    "fish",
    "csh",
    "local",
    "local, pipelining on",
    "local sudo with password",
    "local sudo with password, pipelining on",
    "cannot pipeline",
]
OTHERS = {"fish without become": 1003, "csh without become": 1004, "sudo to another user": 1000}
REFUSED = {
    "sudo with the wrong password": ("no_privilege", "not the right one"),
    "sudo with a missing password": ("no_privilege", "Give the become password"),
    "local sudo with the wrong password": ("no_privilege", "become password"),
    "su with the wrong password": ("no_privilege", "not the right one"),
    "not in sudoers": ("no_privilege", "may become another"),
    "su to another user": ("no_temporary_file", "Failed to set permissions"),
    "cannot pipeline, not readable": ("refused_by_policy", "fapolicyd"),
}


@pytest.fixture(scope="module", params=ALL_CORES)
def every_way(request: pytest.FixtureRequest, host: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """One play over all ways at once."""
    controller = Controller(request.param, tmp_path_factory.mktemp("ways"))
    options = {"request": {"protocol": 1, "op": "hello"}}
    yield controller.play(inventory_of(ways(host)), [carry(options=options)], "--forks", "4")
    for folder in (REMOTE_TMP, Path(f"{REMOTE_TMP}-nobody")):
        if folder.exists():
            folder.rmdir()


def test_the_lists_below_cover_every_way(host: Any) -> None:
    assert sorted([*ROOT, *OTHERS, *REFUSED]) == sorted(ways(host))


@pytest.mark.parametrize("way", ROOT)
def test_a_reading_comes_home_from_root(every_way: Play, way: str) -> None:
    task = every_way.task(way)
    assert task.status == "ok", task.result
    reading = task.result["reading"]
    assert (reading["system"]["uid"], reading["reader"]) == (0, "apt")
    assert reading["result"]["api"] == "apt_pkg"


@pytest.mark.parametrize("way", OTHERS)
def test_a_reading_comes_home_from_another_user(every_way: Play, way: str) -> None:
    task = every_way.task(way)
    assert task.status == "ok", task.result
    assert task.result["reading"]["system"]["uid"] == OTHERS[way]


@pytest.mark.parametrize("way", REFUSED)
def test_a_refusal_says_what_was_seen_and_what_to_do(every_way: Play, way: str) -> None:
    kind, words = REFUSED[way]
    task = every_way.task(way)
    assert (task.status, task.kind) == ("failed", kind), task.result
    assert words in task.result["msg"]


def test_nothing_is_left_in_the_temporary_folders(every_way: Play, host: Any) -> None:
    assert every_way.tasks
    folders = [path for home in ("root", "home/*") for path in host.root.glob(f"{home}/.ansible/tmp/*")]
    assert folders == []
    assert list(REMOTE_TMP.glob("*")) == []
