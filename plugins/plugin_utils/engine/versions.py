# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version order of rpm (rpmvercmp with ``~`` and ``^``) and of Debian (policy 5.6.12).

Digits are compared as text without leading zeros, never as ints: a hostile version of thousands of digits
must not raise.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RPM_TOKEN = re.compile(r"~|\^|[0-9]+|[A-Za-z]+")
_DEB_TOKEN = re.compile(r"([^0-9]*)([0-9]*)")
_EPOCH = re.compile(r"([0-9]*):", re.ASCII)


def split(version: str, scheme: str) -> tuple[str, str, str]:
    """``(epoch, version, release)``; epoch ``"0"`` and release ``""`` when not written.

    ``1:3.0.7-25.el9`` is ``("1", "3.0.7", "25.el9")``; under ``plain`` all is version.
    """
    if scheme == "plain":
        return "0", version, ""
    epoch = "0"
    match = _EPOCH.match(version)
    if match:
        epoch, version = match.group(1).lstrip("0") or "0", version[match.end() :]
    upstream, dash, release = version.rpartition("-")
    return (epoch, upstream, release) if dash else (epoch, version, "")


def compare(a: str, b: str, scheme: str) -> int:
    """-1, 0 or 1 as ``a`` is older than, equal to or newer than ``b``; ``scheme`` is rpm, deb or plain."""
    if a == b:
        return 0
    epoch_a, version_a, release_a = split(a, scheme)
    epoch_b, version_b, release_b = split(b, scheme)
    part = compare_deb_part if scheme == "deb" else compare_rpm_part
    return _compare_digits(epoch_a, epoch_b) or part(version_a, version_b) or part(release_a, release_b)


def _compare_digits(a: str, b: str) -> int:
    a, b = a.lstrip("0"), b.lstrip("0")
    if len(a) != len(b):
        return 1 if len(a) > len(b) else -1
    return (a > b) - (a < b)


@lru_cache(maxsize=8192)
def _rpm_tokens(text: str) -> tuple[str, ...]:
    return tuple(_RPM_TOKEN.findall(text))


def compare_rpm_part(a: str, b: str) -> int:
    """rpmvercmp of two versions or two releases (rpm.org manual, dependencies: version comparison)."""
    if a == b:
        return 0
    tokens_a, tokens_b = _rpm_tokens(a), _rpm_tokens(b)
    for index in range(max(len(tokens_a), len(tokens_b))):
        x = tokens_a[index] if index < len(tokens_a) else ""
        y = tokens_b[index] if index < len(tokens_b) else ""
        result = 0 if x == y else _compare_rpm_tokens(x, y)
        if result:
            return result
    return 0


def _compare_rpm_tokens(x: str, y: str) -> int:
    if x == "~" or y == "~":
        return -1 if x == "~" else 1
    if x == "^":
        return 1 if y == "" else -1
    if y == "^":
        return -1 if x == "" else 1
    if not x or not y:
        return 1 if x else -1
    if x[0].isdigit() and y[0].isdigit():
        return _compare_digits(x, y)
    if x[0].isdigit() or y[0].isdigit():
        return 1 if x[0].isdigit() else -1
    return (x > y) - (x < y)


@lru_cache(maxsize=8192)
def _deb_tokens(text: str) -> tuple[tuple[tuple[int, ...], str], ...]:
    """``1.0~rc1`` as ((weights of '', '1'), (weights of '.', '0'), (weights of '~rc', '1'))."""
    return tuple(
        (tuple(_deb_weight(char) for char in letters) + (0,), digits)
        for letters, digits in _DEB_TOKEN.findall(text)
        if letters or digits
    )


def _deb_weight(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 0x200000


def compare_deb_part(a: str, b: str) -> int:
    """Debian order of two upstream versions or two revisions; ``~`` sorts before everything, even the end."""
    if a == b:
        return 0
    tokens_a, tokens_b = _deb_tokens(a), _deb_tokens(b)
    nothing = ((0,), "")
    for index in range(max(len(tokens_a), len(tokens_b))):
        letters_a, digits_a = tokens_a[index] if index < len(tokens_a) else nothing
        letters_b, digits_b = tokens_b[index] if index < len(tokens_b) else nothing
        if letters_a != letters_b:
            return 1 if letters_a > letters_b else -1
        result = _compare_digits(digits_a, digits_b)
        if result:
            return result
    return 0
