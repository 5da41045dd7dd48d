"""Hosts that cannot be scanned say so in words that help: what was tried, what was seen, what to do."""

from __future__ import annotations

from typing import Any

import pytest
from transport_play import ALL_CORES, Controller, Play, carry, inventory_of

pytestmark = pytest.mark.lab

# Shells that first change, for themselves alone, what the host looks like.
FACES = {
    "ostree": "mount -t tmpfs none /run; : > /run/ostree-booted",
    "bootc": "mount -t tmpfs none /run; : > /run/ostree-booted; mount --bind /bin/true /usr/bin/bootc-test",
    "read_only_root": "mount -o remount,bind,ro /",
    "transactional": "mount -o remount,bind,ro /",
    "unsupported": "mount --bind /opt/faces/arch-release /usr/lib/os-release; mount --bind /dev/null /usr/bin/apt-get",
    "no library": "for each in /usr/lib/python3/dist-packages/apt_pkg*.so; do mount --bind /dev/null $each; done",
    "no python": "for each in /usr/bin/python3*; do mount --bind /dev/null $each; done",
    "no dd": "mount --bind /dev/null /usr/bin/dd",
    "noise": "for each in 1 2 3; do echo '{\"protocol\": 1} hello'; echo oops >&2; done",
}
COMMANDS = {"bootc": "bootc", "transactional": "transactional-update"}
ARCH = 'PRETTY_NAME="Arch Linux"\nNAME="Arch Linux"\nID=arch\n'

WORDS = {
    "ostree": ("immutable_host", "rpm-ostree upgrade"),
    "bootc": ("immutable_host", "bootc upgrade"),
    "read_only_root": ("immutable_host", "mounted read-only"),
    "transactional": ("immutable_host", "transactional-update"),
    "unsupported": ("unsupported_os", "Arch Linux is not supported"),
    "no library": ("no_interpreter", "install python3-apt"),
    "no python": ("no_interpreter", "/usr/bin/python3 cannot be started"),
    "no dd": ("bad_answer", "dd work"),
}


@pytest.fixture(scope="module")
def faces(host: Any) -> dict[str, dict[str, Any]]:
    """Variables of one host per face; the shell that Ansible is told to use puts it on."""
    folder = host.root / "opt" / "faces"
    folder.mkdir()
    (folder / "arch-release").write_text(ARCH)
    found = {}
    for number, (name, script) in enumerate(FACES.items()):
        extra = ""
        if name in COMMANDS:
            (folder / f"bin{number}").mkdir()
            command = folder / f"bin{number}" / COMMANDS[name]
            command.write_text("#!/bin/sh\n")
            command.chmod(0o755)
            extra = f"PATH=/opt/faces/bin{number}:$PATH; export PATH; "
            script = script.replace("; mount --bind /bin/true /usr/bin/bootc-test", "")
        shell = folder / f"shell{number}"
        quoted = script.replace("'", "'\"'\"'")
        shell.write_text(f'#!/bin/sh\n{extra}exec unshare -m /bin/sh -c \'{quoted}; exec /bin/sh "$@"\' sh "$@"\n')
        shell.chmod(0o755)
        found[name] = {**host.inventory("root"), "ansible_shell_executable": f"/opt/faces/shell{number}"}
    return found


@pytest.fixture(scope="module", params=ALL_CORES)
def odd(
    request: pytest.FixtureRequest, faces: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Play:
    controller = Controller(request.param, tmp_path_factory.mktemp("odd"))
    return controller.play(inventory_of(faces), [carry()], "--forks", "4")


@pytest.mark.parametrize("face", WORDS)
def test_an_odd_host_is_named_with_what_to_do(odd: Play, face: str) -> None:
    kind, words = WORDS[face]
    task = odd.task(face)
    assert (task.status, task.kind) == ("failed", kind), task.result
    assert words in task.result["msg"]


def test_the_interpreters_tried_are_told(odd: Play) -> None:
    error = odd.task("no library").result["error"]
    assert error["tried"]
    assert all("/usr/bin/python3" in each for each in error["tried"])
    assert error["system"]["os_release"].startswith("PRETTY_NAME")


def test_noise_around_the_answer_does_no_harm(odd: Play) -> None:
    assert odd.task("noise").status == "ok", odd.output


@pytest.fixture(scope="module")
def old_sshds(host: Any) -> Any:
    """Servers of another time beside the host's own, by the one thing that a client of today refuses."""
    settings = {
        2201: ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"],
        2202: ["-o", "HostKeyAlgorithms=ssh-rsa"],
        2203: ["-o", "Ciphers=aes128-cbc"],
    }
    for port, options in settings.items():
        pid_file = f"/run/old-sshd-{port}.pid"
        host.run(["/usr/sbin/sshd", "-p", str(port), "-o", f"PidFile={pid_file}", *options])
    yield list(settings)
    for port in settings:
        host.run(["/bin/sh", "-c", f"kill $(cat /run/old-sshd-{port}.pid)"])


def reached_at(host: Any, port: int) -> dict[str, Any]:
    """Variables for one of the servers; the lab's own arguments share connections and keep the ssh client silent."""
    quiet = host.inventory("root")["ansible_ssh_common_args"]
    loud = quiet.split("-o ControlPath=")[0].replace("-o LogLevel=ERROR", "") + "-o ControlPath=none"
    return {**host.inventory("root"), "ansible_port": port, "ansible_ssh_common_args": loud}


def test_an_old_server_is_recognised_and_the_option_named(controller: Controller, host: Any, old_sshds: Any) -> None:
    hosts = {str(port): reached_at(host, port) for port in (2201, 2202, 2203)}
    play = controller.play(inventory_of(hosts), [carry()])
    wanted = {"2201": "KexAlgorithms=+", "2202": "HostKeyAlgorithms=+ssh-rsa", "2203": "Ciphers=+aes128-cbc"}
    for name, option in wanted.items():
        task = play.task(name)
        assert task.status == "unreachable", play.output
        assert "This is an old sshd" in task.result["msg"]
        assert option in task.result["msg"]


def test_the_option_named_for_an_old_server_works(newest: Controller, host: Any, old_sshds: Any) -> None:
    variables = reached_at(host, 2201)
    refused = newest.play(inventory_of({"a": variables}), [carry()]).only().result["msg"]
    option = refused.split('ansible_ssh_common_args to "')[1].split('"')[0]
    variables["ansible_ssh_common_args"] += f" {option}"
    task = newest.play(inventory_of({"a": variables}), [carry()]).only()
    assert task.status == "ok", task.result


def test_a_silent_ssh_client_is_told_apart_from_a_silent_host(newest: Controller, host: Any, old_sshds: Any) -> None:
    variables = reached_at(host, 2201)
    variables["ansible_ssh_common_args"] += " -o LogLevel=ERROR"
    task = newest.play(inventory_of({"a": variables}), [carry()]).only()
    assert task.status == "unreachable"
    assert "LogLevel" in task.result["msg"]


def test_a_host_that_is_not_there_is_unreachable(controller: Controller) -> None:
    variables = {"ansible_host": "10.77.0.254", "ansible_ssh_common_args": "-o ConnectTimeout=2"}
    play = controller.play(inventory_of({"a": variables}), [carry()])
    assert play.only().status == "unreachable", play.output
    assert "old sshd" not in play.output
