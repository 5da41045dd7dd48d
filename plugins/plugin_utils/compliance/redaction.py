# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reading without what is nobody else's business, so that people can attach it to an issue.

Names, addresses and paths of people and machines go; what updates are called, their ids, dates and codes stay. What one
system tells besides is in a function of its own in ``_OWN``.
"""

from __future__ import annotations

import copy
import plistlib
import re
from collections.abc import Callable, Iterable
from typing import Any
from xml.parsers.expat import ExpatError

_LEAST_NAME = 3
_PUBLIC = re.compile(r"(?:[a-z0-9-]+\.)*(?:microsoft|windowsupdate|apple|brew)\.(?:com|sh)\Z", re.IGNORECASE)
_URL = re.compile(r"\b(https?|file|ftp)://([^\s/\"'<>:?#]+@)?([^\s/\"'<>:?#]+)([^\s\"'<>]*)", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bS-1-5-21(?:-\d+)+"), "SID"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "MAIL"),
    (re.compile(r"\\\\[^\\\s\"']+\\[^\s\"']*"), r"\\\\SERVER\\SHARE"),
    (re.compile(r"(?i)([a-z]:\\users\\)[^\\\s\"']+"), r"\1USER"),
    (re.compile(r"(/Users/|/home/)[^/\s\"']+"), r"\1USER"),
    (re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE), "MAC"),
    # Four numbers are a version as well (10.0.17763.5458): an address has none above 255.
    (re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"), "ADDRESS"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::|[0-9a-f]{1,4})(?![\w:])", re.IGNORECASE), "ADDRESS"),
)


def redact(reading: dict[str, Any], *, names: Iterable[str]) -> dict[str, Any]:
    """A copy of ``reader`` and ``result`` without private things; ``names`` are those of the host and its users."""
    reader = str(reading.get("reader"))
    result = copy.deepcopy(reading.get("result"))
    own = _OWN.get(reader)
    if own is not None and isinstance(result, dict):
        own(result)
    words = sorted({name for name in names if len(name) >= _LEAST_NAME}, key=len, reverse=True)
    named = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.IGNORECASE) if words else None
    return {"reader": reader, "result": _walk(result, lambda text: scrub(text, named))}


def scrub(text: str, named: re.Pattern[str] | None = None) -> str:
    """One text without addresses, people and the names that ``named`` finds."""
    text = _URL.sub(_address, text)
    for pattern, stand_in in _PATTERNS:
        text = pattern.sub(stand_in, text)
    return named.sub("NAME", text) if named else text


def _address(found: re.Match[str]) -> str:
    scheme, _user, host, rest = found.groups()
    return f"{scheme}://{host}{rest.split('?')[0]}" if _PUBLIC.match(host) else f"{scheme}://HOST"


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _walk(item, change) for key, item in value.items()}
    return [_walk(item, change) for item in value] if isinstance(value, list) else value


def _windows(result: dict[str, Any]) -> None:
    policy = result.get("policy")
    for key in ("wu_server", "wu_status_server", "target_group"):
        if isinstance(policy, dict) and policy.get(key):
            policy[key] = "REDACTED" if key == "target_group" else "http://HOST"
    searches = [result.get("offered"), result.get("present")]
    updates = [each for search in searches if isinstance(search, dict) for each in search.get("updates") or []]
    for update in updates:
        # What a company publishes for itself has no article of Microsoft's.
        if isinstance(update, dict) and not update.get("kb_article_ids"):
            update.update(title="an update without an article", support_url="")
    known = {each.get("update_id") for each in updates if isinstance(each, dict) and each.get("kb_article_ids")}
    for line in result.get("history") or []:
        if isinstance(line, dict) and line.get("update_id") not in known and "KB" not in str(line.get("title")):
            line["title"] = "an update without an article"


def _macos(result: dict[str, Any]) -> None:
    """Packages and taps that are not Apple's or Homebrew's, and the user to whom Homebrew belongs."""
    sections = result.get("sections")
    for name, section in sections.items() if isinstance(sections, dict) else ():
        if not isinstance(section, dict) or not isinstance(section.get("text"), str):
            continue
        text: str = section["text"]
        if name == "history":
            text = _history(text)
        elif name == "receipts":
            documents = re.findall(r"<\?xml .*?</plist>\s*", text, re.DOTALL)
            text = "".join(each for each in documents if "<string>com.apple." in each)
        elif name == "brew":
            text = re.sub(r"(?m)^owner=.+$", "owner=USER", text)
        elif name == "brew_taps":
            text = re.sub(r"(?m)^(?!homebrew/).+$", "private/tap", text)
        elif name.startswith("brew_"):
            text = _TAPPED.sub("private/tap/", text)
        section["text"] = text


def _history(text: str) -> str:
    try:
        entries = plistlib.loads(text.strip().encode())
        for entry in entries:
            if entry.get("processName") not in _APPLES:
                entry["displayName"] = "a package of somebody else"
                entry.pop("packageIdentifiers", None)
        return plistlib.dumps(entries).decode()
    except (ExpatError, ValueError, TypeError, AttributeError, plistlib.InvalidFileException):
        return "a history that cannot be read"


# own/tap/wget; homebrew/core/wget is everybody's, and paths begin with a slash.
_TAPPED = re.compile(r"(?<![\w/.-])(?!homebrew/)[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/(?=[A-Za-z0-9@+._-]+)")
_APPLES = ("softwareupdated", "softwareupdate", "Software Update", "macOS Installer", "OS X Installer")
_OWN: dict[str, Callable[[dict[str, Any]], None]] = {"windows": _windows, "macos": _macos}
