# The dialect of Python 2.6.
# ruff: noqa
"""A stand-in for rpmUtils.miscutils."""

import re


def _words(text):
    return re.findall(r"\d+|[A-Za-z]+|~", text)


def _compare(one, other):
    left, right = _words(one), _words(other)
    for index in range(max(len(left), len(right))):
        a, b = (words[index] if index < len(words) else None for words in (left, right))
        if a == b:
            continue
        if "~" in (a, b):
            return -1 if a == "~" else 1
        if a is None or b is None:
            return -1 if a is None else 1
        if a.isdigit() != b.isdigit():
            return 1 if a.isdigit() else -1
        if a.isdigit() and int(a) != int(b):
            return 1 if int(a) > int(b) else -1
        if not a.isdigit():
            return 1 if a > b else -1
    return 0


def compareEVR(one, other):
    if not isinstance(one[0], str) or not isinstance(other[0], str):
        raise AssertionError("epochs are strings in yum")
    if int(one[0]) != int(other[0]):
        return 1 if int(one[0]) > int(other[0]) else -1
    return _compare(one[1], other[1]) or _compare(one[2], other[2])


def splitFilename(filename):
    """1:acme-1.0-1.el7.noarch -> acme, 1.0, 1.el7, 1, noarch; a missing epoch is an empty text."""
    epoch, colon, rest = filename.rpartition(":")
    rest, _dot, arch = rest.rpartition(".")
    name, version, release = rest.rsplit("-", 2)
    return name, version, release, epoch, arch
