"""Refusals in other programs' words become errors with what was seen and what to do."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import failures
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.frames import Reply

SYSTEM = {"os_release": 'PRETTY_NAME="Debian GNU/Linux 12"\n', "reader": "apt", "managers": ["apt-get"], "image": None}


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Incorrect sudo password", "not the right one"),
        ("Missing sudo password", "Give the become password"),
        ("sudo: a password is required", "Give the become password"),
        ("Sorry, try again.", "not the right one"),
        ("su: Authentication failure", "not the right one"),
        (
            "bob is not in the sudoers file.  This incident has been reported to the administrator.",
            "may become another",
        ),
        ("Sorry, user bob is not allowed to execute '/bin/sh -c x' as root on host.", "may become another"),
        ("Timeout (12s) waiting for privilege escalation prompt: ", "may become another"),
        ("Premature end of stream waiting for become success.", "may become another"),
    ],
)
def test_a_failed_escalation_is_no_privilege(text: str, advice: str) -> None:
    error = failures.become_failure(text, "sudo")
    assert error is not None
    assert error.kind == "no_privilege"
    assert advice in error.message


@pytest.mark.parametrize("text", ["", "Connection refused", "No space left on device", "password expired soon"])
def test_other_trouble_is_no_escalation_failure(text: str) -> None:
    assert failures.become_failure(text, "sudo") is None


@pytest.mark.parametrize(
    "text",
    [
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: no tty present and no askpass program specified",
        "su: must be run from a terminal",
        "doas: a tty is required",
    ],
)
def test_a_wanted_terminal_is_recognised(text: str) -> None:
    assert failures.needs_tty(text)
    assert not failures.needs_tty("sudo: a password is required")


@pytest.mark.parametrize(
    ("text", "option"),
    [
        (
            "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss",
            "HostKeyAlgorithms=+ssh-rsa",
        ),
        (
            "no matching key exchange method found. Their offer: diffie-hellman-group1-sha1",
            "KexAlgorithms=+",
        ),
        ("no matching cipher found. Their offer: aes128-cbc", "Ciphers=+aes128-cbc"),
        ("no matching MAC found. Their offer: hmac-sha1", "MACs=+hmac-sha1"),
        ("ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: error in libcrypto", "ssh-rsa"),
        ("Bad server host key: Invalid key length", "RequiredRSASize"),
    ],
)
def test_an_old_server_gets_the_option_that_lets_it_in(text: str, option: str) -> None:
    hint = failures.ssh_hint(text)
    assert hint is not None
    assert "old sshd" in hint
    assert option in hint


@pytest.mark.parametrize("text", ["Connection refused", "Permission denied (publickey).", "No route to host"])
def test_other_ssh_trouble_gets_no_hint(text: str) -> None:
    assert failures.ssh_hint(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "/bin/sh: 1: cannot open /root/.ansible/tmp/x/payload: Permission denied",
        "/bin/sh: line 1: /root/.ansible/tmp/x/payload: Operation not permitted",
    ],
)
def test_a_file_that_a_shell_may_not_read_is_a_policy(text: str) -> None:
    error = failures.unreadable_payload(text)
    assert error is not None
    assert error.kind == "refused_by_policy"
    assert failures.unreadable_payload("payload: No such file or directory") is None


@pytest.mark.parametrize("image", ["ostree", "bootc", "transactional", "read_only_root"])
def test_an_image_is_refused_with_its_own_way(image: str) -> None:
    with pytest.raises(PatchError) as caught:
        failures.check_image({**SYSTEM, "image": image})
    assert caught.value.kind == "immutable_host"
    assert caught.value.details["image"] == image


def test_a_host_without_an_image_passes() -> None:
    failures.check_image(SYSTEM)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(), "bad_answer", "exit code 127"),
        (Reply(system={**SYSTEM, "reader": None, "managers": []}), "unsupported_os", "managers found: none"),
        (Reply(system={**SYSTEM, "reader": "zypper", "managers": ["zypper"]}), "unsupported_os", "zypper"),
        (Reply(system={**SYSTEM, "reader": None, "managers": ["microdnf"]}), "unsupported_os", "Install dnf beside"),
        (Reply(system=SYSTEM, broke="/usr/bin/python3 exit code 139"), "bad_answer", "exit code 139"),
        (Reply(system=SYSTEM, tried=["/usr/bin/python3 ImportError()"]), "no_interpreter", "python3-apt"),
        (Reply(system=SYSTEM), "no_interpreter", "no Python was found"),
        (Reply(system=SYSTEM, used="/usr/bin/python3"), "bad_answer", "did not arrive whole"),
    ],
)
def test_a_missing_answer_is_explained_by_what_did_arrive(reply: Reply, kind: str, words: str) -> None:
    error = failures.missing_answer(reply, ("apt",), "sh: not found", 127)
    assert error.kind == kind
    assert words in error.message
