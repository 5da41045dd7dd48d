# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a title of softwareupdate or Homebrew tells: whether it counts as security, and whether it is the next macOS.

Neither source says severity or purpose, so both are inferred by the rules below. A user's rules stand before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.identity import MACOS_NAMES
from ..errors import PatchError

SOURCES = ("softwareupdate", "brew", "brew cask", "installer")
_SYSTEM = re.compile(r"(?:Install )?(?:macOS|OS X|Mac OS X)\b", re.IGNORECASE)
_RELEASE = re.compile(r"(\d+)(?:\.(\d+))?")
# A beta counts its own versions (macOS Catalina Public Beta, 5) and a security update the years (2021-005).
_OLDEST, _NEWEST = 10, 99
_KEYS = {"title", "source", "security", "reason"}


@dataclass(frozen=True)
class TitleRule:
    """``security`` of titles in which ``pattern`` is found; ``source`` None is every source."""

    pattern: re.Pattern[str]
    security: bool
    reason: str
    source: str | None = "softwareupdate"


def _built_in(pattern: str, security: bool, reason: str) -> TitleRule:
    return TitleRule(re.compile(pattern, re.IGNORECASE), security, reason)


BUILT_IN = (
    _built_in(r"\bbeta\b", False, "a beta"),
    _built_in(r"Security Update|Security Response|Background Security Improvement", True, "its title says security"),
    _built_in(r"XProtect|\bMRT|MRTConfigData|Gatekeeper", True, "data of the system's malware protection"),
    _built_in(r"\ASafari\b", True, "releases of Safari close vulnerabilities"),
    _built_in(r"\A(?:macOS|OS X)\b.*\d", True, "releases of macOS close vulnerabilities"),
)


def title_rules(rules: Iterable[Mapping[str, Any]] | None) -> tuple[TitleRule, ...]:
    """A user's rules ``{title: REGEX, security: BOOL, source: SOURCE or absent, reason: TEXT or absent}``, in front of
    the built-in ones. Raises ``bad_title_rules``."""
    found = []
    for index, rule in enumerate(rules or ()):
        where = f"title rule {index + 1}"
        if not isinstance(rule, Mapping) or not set(rule) <= _KEYS or not isinstance(rule.get("title"), str):
            raise _bad(f"{where} must have title, a regular expression, and may have {', '.join(sorted(_KEYS))}")
        if not isinstance(rule.get("security"), bool):
            raise _bad(f"{where}: security must be true or false")
        if rule.get("source") not in (None, *SOURCES):
            raise _bad(f"{where}: source must be one of {', '.join(SOURCES)}")
        try:
            pattern = re.compile(rule["title"])
        except re.error as error:
            raise _bad(f"{where}: title is no regular expression ({error})") from error
        reason = str(rule.get("reason") or f"the user's rule {rule['title']!r}")
        found.append(TitleRule(pattern, rule["security"], reason, rule.get("source")))
    return (*found, *BUILT_IN)


def _bad(why: str) -> PatchError:
    return PatchError("bad_title_rules", f"The rules for titles on macOS are wrong: {why}.")


def security_of(title: str, source: str, rules: Iterable[TitleRule]) -> tuple[bool, str]:
    """Whether a title counts as security, and why."""
    for rule in rules:
        if rule.source in (None, source) and rule.pattern.search(title):
            return rule.security, rule.reason
    return False, "no rule for titles says that it is security"


def is_system(title: str) -> bool:
    return _SYSTEM.match(title) is not None


def release(version: str) -> tuple[int, int] | None:
    """26.5.1 -> (26, 0), 10.15.7 -> (10, 15): what counts as one release of the system; None for other texts."""
    match = _RELEASE.match(version)
    if match is None or len(match.group(1)) > 2 or not _OLDEST <= int(match.group(1)) <= _NEWEST:
        return None
    major = int(match.group(1))
    return (major, int(match.group(2) or 0)) if major == _OLDEST else (major, 0)


def is_next_major(title: str, version: str, running: str) -> bool:
    """Whether an update leads to another release of macOS than ``running``; where neither title nor version tell which
    release it leads to, it is taken for one, for nobody may be led there by accident."""
    if not is_system(title):
        return False
    now = release(running)
    if now is None:
        raise PatchError("bad_answer", f"The reader's answer is wrong: {running!r} is no version of macOS.")
    told = [release(version), *(release(match.group()) for match in re.finditer(r"\d+(?:\.\d+)*", title))]
    squeezed = title.replace(" ", "")
    told += [release(number) for number, name in MACOS_NAMES.items() if name in squeezed]
    known = [each for each in told if each is not None]
    return not known or max(known) > now
