# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reading without what is nobody else's business, so that people can attach it to an issue.

Names, addresses and paths of people and machines go; what updates are called, their ids, dates and codes stay. What one
system tells besides is in a function of its own.
"""

from __future__ import annotations

import copy
import plistlib
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any
from xml.parsers.expat import ExpatError

_LEAST_NAME = 3
_PUBLIC = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*(?:microsoft|windowsupdate|apple|brew)\.(?:com|sh)|aka\.ms)\Z", re.IGNORECASE
)
# Names of hosts that say nothing of anybody, and are in what updates are called.
_COMMON = frozenset(
    "administrator admin com critical important local low mac macos microsoft moderate net org security server system"
    " update updates user windows".split()
)
_URL = re.compile(r"\b(https?|file|ftp)://([^\s/\"'<>:?#]+@)?([^\s/\"'<>:?#]+)([^\s\"'<>]*)", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bS-1-5-21(?:-\d+)+"), "SID"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "MAIL"),
    (re.compile(r"\\\\[^\\\s\"']+\\[^\s\"']*"), r"\\\\SERVER\\SHARE"),
    (re.compile(r"(?i)([a-z]:\\users\\)[^\\\s\"']+"), r"\1USER"),
    # Names of folders and disks may hold blanks: as far as the next slash, where there is one.
    (re.compile(r"(/Users/|/home/|/Volumes/)(?:[^/\n\"'<>:,]{1,64}(?=/)|[^/\s\"'<>]+)"), r"\1USER"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:local|lan|internal|intranet|corp|home\.arpa)\b", re.IGNORECASE), "HOST"),
    (re.compile(r"(?i)\b(serial(?:[ _-]?number)?(?: \(system\))?[\"']?\s*[:=]\s*[\"']?)[A-Z0-9]{6,20}\b"), r"\1SERIAL"),
    (re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE), "MAC"),
    # Four numbers are a version as well (10.0.17763.5458): an address has none above 255.
    (re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"), "ADDRESS"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::|[0-9a-f]{1,4})(?![\w:])", re.IGNORECASE), "ADDRESS"),
)


def redact(
    reading: dict[str, Any], *, names: Iterable[str], categories: Collection[str] = frozenset()
) -> dict[str, Any]:
    """A copy of ``reader`` and ``result`` without private things; ``names`` are those of the host and its users,
    ``categories`` the ids of those of Windows updates that are Microsoft's."""
    reader = str(reading.get("reader"))
    result = copy.deepcopy(reading.get("result"))
    if reader == "windows" and isinstance(result, dict):
        _windows(result, categories)
    elif reader == "macos" and isinstance(result, dict):
        _macos(result)
    told = {name for name in names if len(name) >= _LEAST_NAME and name.lower() not in _COMMON}
    words = [re.escape(word) for word in sorted(told, key=len, reverse=True)]
    # An underscore ends a name as a hyphen does.
    named = re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])", re.IGNORECASE) if words else None
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


def _windows(result: dict[str, Any], categories: Collection[str]) -> None:
    """What a company publishes for itself, words of error messages (codes stay), its servers and groups."""
    policy = result.get("policy")
    for key in ("wu_server", "wu_status_server", "target_group"):
        if isinstance(policy, dict) and policy.get(key):
            policy[key] = "REDACTED" if key == "target_group" else "http://HOST"
    public = set()
    for search in map(result.get, ("offered", "present")):
        if isinstance(search, dict):
            public |= {
                each.get("update_id") for each in _dicts(search.get("updates")) if _is_microsofts(each, categories)
            }
            for each in (search.get("error"), *_dicts(search.get("warnings"))):
                if isinstance(each, dict):
                    each["message"] = "REDACTED"
    for line in _dicts(result.get("refused")):
        line["message"] = "REDACTED"
    for line in _dicts(result.get("history")):
        if line.get("update_id") not in public:
            line["title"] = " ".join(("an update", *_KB.findall(str(line.get("title")))))
    for line in _dicts(result.get("hotfixes")):
        line["id"] = line["id"] if _KB.fullmatch(str(line.get("id"))) else "File 1"
        line["description"] = line["description"] if line.get("description") in _HOTFIXES else "Update"
    for line in _dicts(result.get("sources")):
        line["name"] = line["name"] if str(line.get("id")).lower() in _SOURCES else "a service of its own"


def _is_microsofts(update: dict[str, Any], categories: Collection[str]) -> bool:
    """What else is published on a WSUS server loses its names."""
    articles = [str(each) for each in update.get("kb_article_ids") or []]
    update["kb_article_ids"] = [each if _ARTICLE.fullmatch(each) else "MALFORMED" for each in articles]
    address = _URL.fullmatch(str(update.get("support_url") or "http://microsoft.com"))
    if any(map(_ARTICLE.fullmatch, articles)) and address and _PUBLIC.match(address.group(3)):
        return True
    update.update(title="an update that is not Microsoft's", support_url="", security_bulletin_ids=[], cve_ids=[])
    update["categories"] = [_category(each, categories) for each in _dicts(update.get("categories"))]
    return False


def _category(category: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    found = dict(category)
    if str(found.get("id")).lower() not in known:
        found["name"] = "a category of its own"
    if isinstance(found.get("parent"), dict):
        found["parent"] = _category(found["parent"], known)
    return found


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _macos(result: dict[str, Any]) -> None:
    """Packages and taps that are not Apple's or Homebrew's, and the user to whom Homebrew belongs."""
    found = result.get("sections")
    sections: dict[str, Any] = found if isinstance(found, dict) else {}
    texts = {
        name: section["text"]
        for name, section in sections.items()
        if isinstance(section, dict) and isinstance(section.get("text"), str)
    }
    owner = re.search(r"(?m)^owner=(.{2,})$", texts.get("brew", ""))
    named = re.compile(rf"(?<!\w){re.escape(owner.group(1))}(?!\w)") if owner else None
    private = _private_formulae(texts)
    for name, text in texts.items():
        if name == "history":
            text = _history(text)
        elif name == "receipts":
            documents = re.findall(r"<\?xml .*?</plist>\s*", text, re.DOTALL)
            text = "".join(each for each in documents if _OF_APPLE.search(each))
        elif name == "machine":
            text = re.sub(r"(?m)^(boot_session=)[0-9A-Fa-f-]+$", r"\g<1>00000000-0000-0000-0000-000000000000", text)
        elif name == "brew_taps":
            text = re.sub(r"(?m)^(?!homebrew/).+$", "private/tap", text)
        elif name.startswith("brew_"):
            text = _TAPPED.sub("private/tap/", text)
            text = private.sub("private-formula", text) if private else text
        sections[name]["text"] = named.sub("USER", text) if named else text


def _private_formulae(texts: dict[str, str]) -> re.Pattern[str] | None:
    """Names of formulae and casks that may be of a tap that is not Homebrew's. ``brew list`` tells no taps, so where
    there is such a tap these are all that nothing else says to be Homebrew's own."""
    if not re.search(r"(?m)^(?!homebrew/).", texts.get("brew_taps", "")):
        return None
    outdated = "".join(text for name, text in texts.items() if name.startswith("brew_outdated_"))
    public = set(re.findall(r'"name": ?"(?:homebrew/[a-z]+/)?([^"/]+)"', outdated))
    listed = {
        line.split()[0]
        for name, text in texts.items()
        if name.startswith("brew_list_") and not name.endswith("_errors")
        for line in text.splitlines()
        if line.strip()
    }
    names = sorted(listed - public, key=len, reverse=True)
    return re.compile(rf"(?<![\w@+.-])(?:{'|'.join(map(re.escape, names))})(?![\w@+-])") if names else None


def _history(text: str) -> str:
    try:
        entries = [
            {key: value for key, value in entry.items() if key in _HISTORY_KEYS}
            for entry in plistlib.loads(text.strip().encode())
        ]
        for entry in entries:
            if entry.get("processName") not in _APPLES:
                entry["displayName"] = "a package of somebody else"
                entry.pop("packageIdentifiers", None)
                if entry.get("processName") not in _INSTALLERS:
                    entry["processName"] = "a process of somebody else"
        return plistlib.dumps(entries).decode()
    except (ExpatError, ValueError, TypeError, AttributeError, plistlib.InvalidFileException):
        return "a history that cannot be read"


_HISTORY_KEYS = ("date", "displayName", "displayVersion", "packageIdentifiers", "processName", "contentType")
_INSTALLERS = ("installer", "Installer", "storedownloadd", "appstoreagent", "App Store")
_OF_APPLE = re.compile(r"<key>pkgid</key>\s*<string>com\.apple\.[\w.-]+</string>")
# own/tap/wget; homebrew/core/wget is everybody's, and paths begin with a slash.
_TAPPED = re.compile(r"(?<![\w/.-])(?!homebrew/)[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/(?=[A-Za-z0-9@+._-]+)")
_KB = re.compile(r"KB\d{6,8}(?!\w)")
_ARTICLE = re.compile(r"(?:KB)?\d{4,8}", re.IGNORECASE)
_HOTFIXES = ("Hotfix", "Security Update", "Service Pack", "Software Update", "Update", "")
# Windows Update, Microsoft Update, the managed server, and the store's two.
_SOURCES = frozenset(
    {
        "9482f4b4-e343-43b6-b170-9a65bc822c77",
        "7971f918-a847-4430-9279-4a52d1efe18d",
        "3da21691-e39d-4da6-8a4b-b43877bcb1b7",
        "855e8a7c-ecb4-4ca3-b045-1dfa50104289",
        "117cab2d-82b1-4b5a-a08c-4d62dbee7782",
    }
)
_APPLES = ("softwareupdated", "softwareupdate", "Software Update", "macOS Installer", "OS X Installer")
