# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``softwareupdate --list`` offers, in the form of macOS 10.14 and before and in that of 10.15 and later.

The text decides which form it is, not the system's version. What is not known is refused: a list that cannot be read
must never look like one without updates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import PatchError
from . import _answer

NOTHING = "No new software available."
_PREAMBLE = re.compile(
    r"(?:Software Update Tool|Copyright \d{4}.*|Finding available software"
    r"|Software Update found the following new or updated software:)\s*\Z"
)
# 2026-11-20 12:00:00.123 softwareupdate[412:9a3f] ...: what the system's log also puts on a terminal
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* softwareupdate\[")
# "* Label: Safari-27.0" or "   * Safari-6.1.4": the label is the argument for installing, blanks at its end included.
_NEW_LABEL = re.compile(r"\s*([*-]) Label: (.+)\Z")
_OLD_LABEL = re.compile(r"\s*([*-]) (?!Label:)(.+)\Z")
# "<tab>Command Line Tools (macOS 10.13) for Xcode (9.3), 187312K [recommended] [restart]"; "iCal, (1.0.2), 6520K"
_OLD_DETAIL = re.compile(
    r"\s+(?P<title>\S.*?),? \((?P<version>[^()]*(?:\([^()]*\))?)\), (?P<size>\d+)(?:K|KiB),?"
    r"(?P<words>(?: \[[^\]]*\])*)\s*\Z"
)
# Titles hold commas: only a capitalized word with a colon starts another field.
_KEY = re.compile(r"(?:\A\s+|,\s+)([A-Z][A-Za-z]*):(?= |\Z)")
_SIZE = re.compile(r"(\d+)(?:K|KiB)\Z")
_WORDS = {"recommended", "restart", "shut down"}
_KILLED = (124, 137, 142, 143)


@dataclass(frozen=True)
class Update:
    """One offered update; ``version`` is empty where the list has none, ``action`` None, restart or shut down."""

    label: str
    title: str
    version: str
    size_kib: int | None
    recommended: bool
    action: str | None


def read_updates(output: str, errors: str = "", *, code: int = 0) -> list[Update]:
    """Every update in standard output and standard error of ``softwareupdate --list``.

    The exit code proves nothing, except where the program was ended from outside and its list may be cut. Raises
    ``softwareupdate_failed`` for text with neither an update nor the sentence that there is none.
    """
    if code in _KILLED:
        raise _unreadable(f"it did not end in time (exit code {code})")
    updates, nothing = _updates(output.split("\n"))
    late, said = _updates([line for line in errors.split("\n") if not _LOG_LINE.match(line)])
    updates += [each for each in late if each not in updates]
    if not updates and not (nothing or said):
        seen = _answer.clean(f"{output} {errors}", 300) or "nothing"
        raise _unreadable(f"neither an update nor {NOTHING!r} is in what it said: {seen}")
    if updates and (nothing or said):
        raise _unreadable(f"it lists updates and says {NOTHING!r}")
    return updates


def _updates(lines: list[str]) -> tuple[list[Update], bool]:
    """Updates, and whether the sentence that there are none was there."""
    found: list[Update] = []
    nothing, label, new = False, None, False
    for raw in lines:
        line = raw.removesuffix("\r")
        if label is not None:
            update = _new_detail(line, label) if new else _old_detail(line, label)
            if update not in found:
                found.append(update)
            label = None
            continue
        match = _NEW_LABEL.match(line)
        new = match is not None
        match = match or _OLD_LABEL.match(line)
        if match is not None:
            label = match.group(2)
            if label.startswith("-"):
                raise _unreadable(f"the label {_answer.clean(label, 200)!r} would be read as an option")
        elif line.strip() == NOTHING:
            nothing = True
        elif line.strip() and not _PREAMBLE.match(line):
            raise _unreadable(f"unknown line {_answer.clean(line, 200)!r}")
    if label is not None:
        raise _unreadable(f"nothing follows the label {_answer.clean(label, 200)!r}")
    return found, nothing


def _old_detail(line: str, label: str) -> Update:
    match = _OLD_DETAIL.match(line)
    words = set(re.findall(r"\[([^\]]*)\]", match["words"])) if match else set()
    if match is None or not words <= _WORDS:
        raise _unreadable(f"unknown detail {_answer.clean(line, 200)!r} of {_answer.clean(label, 200)!r}")
    action = next((word for word in ("shut down", "restart") if word in words), None)
    title = _answer.clean(match["title"], 500)
    return Update(label, title, match["version"].strip(), int(match["size"]), "recommended" in words, action)


def _new_detail(line: str, label: str) -> Update:
    pieces = _KEY.split(line)
    fields = dict(zip(pieces[1::2], (each.strip().removesuffix(",").strip() for each in pieces[2::2]), strict=True))
    size = _SIZE.match(fields["Size"]) if "Size" in fields else None
    sound = (
        not pieces[0].strip()
        and len(fields) == len(pieces) // 2
        and fields.get("Title")
        and ("Size" not in fields or size)
        and fields.get("Recommended", "NO") in ("YES", "NO")
        and fields.get("Action", "restart") in ("restart", "shut down")
    )
    if not sound:
        raise _unreadable(f"unknown detail {_answer.clean(line, 200)!r} of {_answer.clean(label, 200)!r}")
    return Update(
        label,
        _answer.clean(fields["Title"], 500),
        _answer.clean(fields.get("Version", ""), 100),
        int(size.group(1)) if size else None,
        fields.get("Recommended") == "YES",
        fields.get("Action"),
    )


def _unreadable(why: str) -> PatchError:
    return PatchError("softwareupdate_failed", f"The list of softwareupdate on the host cannot be used: {why}.")
