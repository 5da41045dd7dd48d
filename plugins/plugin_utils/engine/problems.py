# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collecting everything that is wrong with what an operator wrote, so that it is seen all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from ..errors import PatchError

HUGE = 10**18
"""No id, epoch or number of days is as large."""


class Problems:
    """Problems of one or several baselines, maintenance windows or the like; each names its place and the fix."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, where: str, message: str) -> None:
        """``where`` like ``patch_baselines[2].approval_rules[0].approve_after_days``."""
        self.found.append({"where": where, "message": message})

    def unknown_keys(self, where: str, given: Iterable[Any], known: Iterable[str]) -> None:
        """A problem for each key that is not known, with the nearest one that is."""
        known = list(known)
        for key in given:
            if key not in known:
                name = show_key(key)
                self.add(f"{where}.{name}" if where else name, f"unknown key; {nearest(key, known)}")

    def raise_if_any(self, kind: str = "bad_baseline", subject: str = "patch baselines") -> None:
        """``PatchError(kind)`` with all of them."""
        if self.found:
            count = len(self.found)
            lines = "\n".join(f"  {problem['where']}: {problem['message']}" for problem in self.found)
            heading = "1 problem" if count == 1 else f"{count} problems"
            raise PatchError(kind, f"{heading} in {subject}:\n{lines}", problems=self.found)


def nearest(word: Any, known: Iterable[str]) -> str:
    """``did you mean 'severity'?``, or all that is possible when nothing is near."""
    known = list(known)
    by_folded = {name.casefold().replace("_", ""): name for name in known}
    folded = show_key(word).casefold().replace("_", "").replace("-", "")
    close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return f"did you mean {by_folded[close[0]]!r}?" if close else f"use one of {', '.join(known)}"


def show(value: Any) -> str:
    """A value for a message, short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    # Python refuses to print ints of thousands of digits, in a set or another container too.
    try:
        text = "a huge number" if isinstance(value, int) and abs(value) >= HUGE else repr(value)
    except ValueError:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def show_key(key: Any) -> str:
    """A key of a mapping for a place or a message, short; keys of YAML need not be strings."""
    text = key if isinstance(key, str) else show(key)
    return text if len(text) <= 60 else text[:57] + "..."
