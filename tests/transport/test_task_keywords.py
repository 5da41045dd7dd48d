"""What Ansible lets one say about any task works for ours as well."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from transport_play import Controller, Play, carry, inventory_of

pytestmark = pytest.mark.lab
UNREACHABLE = {
    "ansible_host": "10.77.0.254",
    "ansible_ssh_common_args": "-o ConnectTimeout=2 -o StrictHostKeyChecking=no",
}


def sleeping_interpreter(host: Any, name: str, seconds: int = 600) -> str:
    """A program in the place of an interpreter that answers nothing for a long time."""
    path = host.root / "opt" / name
    path.write_text(f"#!/bin/sh\nexec sleep {seconds}\n")
    path.chmod(0o755)
    return f"/opt/{name}"


def sleeps(host: Any, seconds: int) -> bool:
    """Whether the program in an interpreter's place has started."""
    return host.run(["pgrep", "-xf", f"sleep {seconds}"], check=False).returncode == 0


def ssh_clients(folder: Path) -> list[str]:
    """Command lines of ssh clients whose control path is in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if words.startswith("ssh ") and str(folder) in words and "iflag=fullblock" in words:
            found.append(words)
    return found


def own_control_path(host: Any, folder: Path) -> dict[str, Any]:
    variables = host.inventory("root")
    common = variables["ansible_ssh_common_args"].split("-o ControlPath=")[0]
    return {**variables, "ansible_ssh_common_args": f"{common}-o ControlPath={folder}/cp-%h"}


def assert_refused(play: Play) -> None:
    """In the words of 2.16 or of later releases; the address leads nowhere, so nothing tried to connect."""
    task = play.only()
    assert task.status == "failed", play.output
    assert re.search("does not support async|async is not supported", task.result["msg"])


def test_async_is_refused_and_the_host_is_not_touched(controller: Controller, host: Any) -> None:
    task = carry(**{"async": 60, "poll": 0})
    play = controller.play(inventory_of({"a": UNREACHABLE}), [task])
    assert_refused(play)


def test_async_with_polling_is_refused_too(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": UNREACHABLE}), [carry(**{"async": 60, "poll": 1})])
    assert_refused(play)


def test_a_loop_gives_one_reading_per_item(controller: Controller, host: Any) -> None:
    play = controller.play(
        inventory_of({"a": host.inventory("root")}),
        [carry(options={"request": {"protocol": 1, "op": "{{ item }}"}}, loop=["hello", "nonsense", "hello"])],
    )
    results = play.only().result["results"]
    assert ["reading" in each for each in results] == [True, False, True]
    assert "unknown operation 'nonsense'" in results[1]["error"]["message"]


def test_a_delegated_task_reads_the_other_host_with_its_variables(controller: Controller, host: Any) -> None:
    other = {**host.inventory("root"), "ansible_python_interpreter": "/opt/nowhere/python"}
    play = controller.play(
        inventory_of({"a": UNREACHABLE, "b": other}),
        [carry(delegate_to="b", when="inventory_hostname == 'a'")],
    )
    task = next(task for task in play.tasks if task.host == "a")
    assert task.status == "ok", play.output
    assert task.result["reading"]["system"]["interpreters_tried"] == ["/opt/nowhere/python not found"]


def test_check_mode_and_diff_read_as_always(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("root")}), [carry()], "--check", "--diff")
    task = play.only()
    assert task.status == "ok", play.output
    assert task.result["changed"] is False


def test_no_log_hides_the_reading(controller: Controller, host: Any) -> None:
    play = controller.play(inventory_of({"a": host.inventory("root")}), [carry(no_log=True)], "-vvv")
    assert play.only().status == "ok"
    assert "VERSION_CODENAME" not in play.output


def test_a_task_timeout_ends_the_wait_and_the_ssh_client(controller: Controller, host: Any) -> None:
    options = {"interpreters": [sleeping_interpreter(host, "sleeps")], "seconds": 100}
    play = controller.play(
        inventory_of({"a": own_control_path(host, controller.folder)}), [carry(options=options, timeout=2)]
    )
    task = play.only()
    assert task.status == "failed", play.output
    assert re.search("timed out|timeout|did not complete|expected time frame", str(task.result)), task.result
    assert play.seconds < 80
    assert ssh_clients(controller.folder) == []


def test_our_own_timeout_says_so_and_ends_the_ssh_client(controller: Controller, host: Any) -> None:
    options = {"interpreters": [sleeping_interpreter(host, "sleeps")], "seconds": 2}
    play = controller.play(inventory_of({"a": own_control_path(host, controller.folder)}), [carry(options=options)])
    task = play.only()
    assert task.kind == "timed_out", play.output
    assert "2 seconds" in task.result["msg"]
    assert play.seconds < 80
    assert ssh_clients(controller.folder) == []


def test_an_interrupt_ends_the_play_and_the_ssh_client(controller: Controller, host: Any) -> None:
    host.run(["pkill", "-xf", "sleep 654"], check=False)
    options = {"interpreters": [sleeping_interpreter(host, "interrupted", 654)], "seconds": 100}
    started = time.monotonic()
    process = controller.start(inventory_of({"a": own_control_path(host, controller.folder)}), [carry(options=options)])
    # An ssh that is still busy connecting would end as unreachable, which is no interrupt yet.
    until = time.monotonic() + 90
    while not sleeps(host, 654) and time.monotonic() < until:
        time.sleep(0.1)
    assert sleeps(host, 654), "the task never got as far as the host"
    os.killpg(process.pid, signal.SIGINT)
    play = controller.finish(process, started, seconds=80)
    assert play.code != 0
    assert "interrupted" in play.output.lower()
    until = time.monotonic() + 60
    while ssh_clients(controller.folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert ssh_clients(controller.folder) == []


def test_a_hung_host_is_given_up(newest: Controller, host: Any, lab: Any) -> None:
    from openfleet_lab.api import start_host

    frozen = start_host(lab, "bookworm")
    try:
        inventory = inventory_of({"a": own_control_path(frozen, newest.folder)})
        assert newest.play(inventory, [carry()]).only().status == "ok"
        frozen.freeze()
        play = newest.play(inventory, [carry(options={"seconds": 3})])
        assert play.only().kind == "timed_out", play.output
        assert play.seconds < 80
    finally:
        frozen.thaw()
        frozen.destroy()
