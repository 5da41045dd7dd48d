# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise what connections, become plugins and shells say when they refuse, and say what to do about it."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.frames import Reply, one_line

_NEEDS_TTY = re.compile(
    r"must have a tty|a tty is required|no tty present|must be run from a terminal|a terminal is required", re.I
)
_NO_PRIVILEGE = re.compile(
    r"incorrect \w+ password|missing \w+ password|sorry, try again|a password is required|incorrect password attempt"
    r"|authentication failure|is not in the sudoers file|is not allowed to (?:execute|run sudo)|may not run sudo"
    r"|operation not permitted.*(?:doas|su)\b|su: permission denied|waiting for become success"
    r"|privilege escalation|privilege output closed|effective uid is not 0",
    re.I,
)
# "sh: 1: cannot open /home/x/.ansible/tmp/.../payload: Permission denied" (dash), "...: Operation not permitted"
_UNREADABLE = re.compile(r"payload: (?:permission denied|operation not permitted)", re.I)

# What an ssh client of today says to a server of another time, and the setting that lets them talk.
_OLD_SERVER = (
    (
        re.compile(r"no matching host key type found. Their offer: *([^\r\n]*)", re.I),
        "the server only has host keys of types that this ssh client no longer accepts",
        "-o HostKeyAlgorithms=+ssh-rsa -o PubkeyAcceptedAlgorithms=+ssh-rsa",
    ),
    (
        re.compile(r"no matching key exchange method found. Their offer: *([^\r\n]*)", re.I),
        "the server only knows key exchanges that this ssh client no longer accepts",
        "-o KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1",
    ),
    (
        re.compile(r"no matching (?:cipher|MAC) found. Their offer: *([^\r\n]*)", re.I),
        "the server only knows ciphers or MACs that this ssh client no longer accepts",
        "-o Ciphers=+aes128-cbc,aes256-cbc -o MACs=+hmac-sha1",
    ),
    (
        re.compile(r"no mutual signature (?:algorithm|supported)|error in libcrypto|unsupported agent key", re.I),
        "the server or this ssh client does not accept the other's signature algorithm (RSA with SHA-1)",
        "-o PubkeyAcceptedAlgorithms=+ssh-rsa -o HostKeyAlgorithms=+ssh-rsa",
    ),
    (
        re.compile(r"Invalid key length|key too small", re.I),
        "the server's host key is too short for this ssh client",
        "-o RequiredRSASize=1024",
    ),
)

PACKAGES = {
    "apt": "install python3-apt (apt-get install python3-apt)",
    "dnf": "install python3-dnf (dnf install python3-dnf)",
    "dnf5": "install python3-libdnf5 (dnf install python3-libdnf5)",
    "yum": "install the yum package with its Python 2 (yum, python)",
}

_IMAGES = {
    "ostree": "Its system is an ostree image: rpm-ostree upgrade brings updates as a whole",
    "bootc": "Its system is a bootable container image: bootc upgrade brings updates as a whole",
    "transactional": "Its root is read-only and updated by transactional-update",
    "read_only_root": "Its root file system is mounted read-only",
}


def needs_tty(text: str) -> bool:
    """Whether sudo, su or doas refused because standard input is no terminal."""
    return bool(_NEEDS_TTY.search(text))


def ssh_hint(text: str) -> str | None:
    """For an ssh client's refusal of an old server: what it is, and the option that helps."""
    for pattern, meaning, option in _OLD_SERVER:
        found = pattern.search(text)
        if found:
            offer = f" (it offers {one_line(found.group(1), 120)})" if found.groups() else ""
            return (
                f"This is an old sshd: {meaning}{offer}. If you accept that for this host, set the variable "
                f'ansible_ssh_common_args to "{option}" for it.'
            )
    if re.search(r"(over|via) ssh:\s*\Z", text, re.I):
        return "The ssh client did not say why; without -q or LogLevel=ERROR in its arguments it would."
    return None


def become_failure(text: str, become: str) -> PatchError | None:
    """``no_privilege`` if ``text`` is what a failed escalation looks like."""
    if not _NO_PRIVILEGE.search(text):
        return None
    seen = one_line(text).rstrip(".")
    if re.search(r"missing|password is required", text, re.I):
        advice = "Give the become password (--ask-become-pass or ansible_become_password), or allow this user NOPASSWD."
    elif re.search(r"incorrect|sorry, try again|authentication failure", text, re.I):
        advice = "The become password is not the right one for this user on this host."
    else:
        advice = "See that this user may become another one on this host (sudo -l there shows it)."
    return PatchError("no_privilege", f"Becoming another user by {become} did not work. Seen: {seen}. {advice}")


def unreadable_payload(text: str) -> PatchError | None:
    """``refused_by_policy`` if the host would not let the shell read our temporary file."""
    if not _UNREADABLE.search(text):
        return None
    return PatchError(
        "refused_by_policy",
        "The host does not let a shell read the file that was put into Ansible's temporary folder. Seen: "
        f"{one_line(text)}. An application allow-list (fapolicyd) or a mount option does that. Use a connection and a "
        "become method that take standard input (ssh, sudo without requiretty), which needs no file, or allow that "
        "folder (remote_tmp).",
    )


def check_image(system: dict[str, Any]) -> None:
    """Raises ``immutable_host`` for ostree, bootc, transactional and read-only hosts."""
    image = system.get("image")
    if image:
        raise PatchError(
            "immutable_host",
            f"This host cannot be patched package by package. {_IMAGES.get(image, 'Its root is an image')}. "
            "Update it with its own tool and leave it out of this play.",
            image=image,
            system=system,
        )


def _os_name(system: dict[str, Any]) -> str:
    found = re.search(r"^PRETTY_NAME=[\"']?([^\"'\n]*)", system.get("os_release", ""), re.M)
    return one_line(found.group(1), 80) if found else one_line(str(system.get("kernel_name")), 80) or "unknown"


def missing_answer(reply: Reply, shipped: tuple[str, ...], seen: str, code: int) -> PatchError:
    """Why there is no answer, from most to least telling."""
    system = reply.system
    if system is None:
        return PatchError(
            "bad_answer",
            f"The host sent nothing that this collection understands (exit code {code}). Seen: "
            f"{one_line(seen) or 'nothing'}. See that /bin/sh and dd work there, and what the start files of the login "
            "shell print or do.",
            exit_code=code,
        )
    reader = system.get("reader")
    if reader is None or reader not in shipped:
        managers = ", ".join(system.get("managers", [])) or "none"
        # It can neither tell notices nor versions for a program, nor be stopped before it acts.
        more = " Install dnf beside microdnf on the host." if "microdnf" in system.get("managers", []) else ""
        return PatchError(
            "unsupported_os",
            f"{_os_name(system)} is not supported: package managers found: {managers}; this version reads "
            f"{', '.join(shipped)}.{more}",
            system=system,
        )
    if reply.broke:
        return PatchError(
            "bad_answer",
            f"The {reader} reader ended without an answer: {reply.broke}. Seen: {one_line(seen) or 'nothing'}.",
            exit_code=code,
            system=system,
        )
    if reply.used is None:
        tried = "; ".join(reply.tried) or "no Python was found"
        return PatchError(
            "no_interpreter",
            f"No Python on {_os_name(system)} can load the library of its package manager. Tried: {tried}. "
            f"To do: {PACKAGES.get(reader, 'install a Python with its bindings')}, or name the right one in the option "
            "interpreters. This collection installs nothing for a scan.",
            tried=reply.tried,
            system=system,
        )
    return PatchError(
        "bad_answer",
        f"The {reader} reader under {reply.used} finished, but its answer did not arrive whole. Seen: "
        f"{one_line(seen[-400:]) or 'nothing'}.",
        system=system,
    )
