# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates as the Windows reader names them, checked: what is not in the agent's own words is refused, not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from ._answer import Part, check, refuse
from .windows_categories import Category

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_CODE = re.compile(r"0x[0-9A-F]{8}\Z")
_ARTICLE = re.compile(r"(?:KB)?(\d{4,8})\Z", re.IGNORECASE)
_IN_TITLE = re.compile(r"KB(\d{4,8})(?!\d)", re.IGNORECASE)
_SEVERITIES = ("Critical", "Important", "Moderate", "Low", "Unspecified")
_HOTFIX_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\Z")
# Before Windows Update there was none: dates of OLE's own zero (1899-12-30) stand for unknown.
_FIRST_YEAR = "1995"


@dataclass(frozen=True)
class Update:
    """One update, offered or on the host."""

    update_id: str
    revision: int
    title: str
    article_ids: tuple[str, ...]
    """As the agent has them, malformed ones too: filters of ansible.windows.win_updates see these."""
    kb: str | None
    """``KB5012345``; the one that the title names, where it names one."""
    other_kbs: tuple[str, ...]
    severity: str
    bulletins: tuple[str, ...]
    cves: tuple[str, ...]
    supersedes: tuple[str, ...]
    categories: tuple[Category, ...]
    released: str | None
    hidden: bool
    downloaded: bool
    mandatory: bool
    browse_only: bool
    eula_accepted: bool
    reboot_required: bool
    size: int
    reboot_behavior: int | None
    exclusive: bool
    asks_user: bool | None


def read_update(part: Part) -> Update:
    """One update of a search; raises ``bad_answer`` with the place."""
    update_id = part.matching("update_id", _GUID, "an update id").lower()
    title = part.text("title", 1000) or update_id
    articles = tuple(part.texts("kb_article_ids", 100, 100))
    kbs = [f"KB{match.group(1)}" for match in map(_ARTICLE.match, articles) if match]
    named = {f"KB{digits}" for digits in _IN_TITLE.findall(title)}
    kb = next((each for each in kbs if each in named), kbs[0] if kbs else None)
    return Update(
        update_id=update_id,
        revision=part.integer("revision", 0, 2**31),
        title=title,
        article_ids=articles,
        kb=kb,
        other_kbs=tuple(each for each in dict.fromkeys(kbs) if each != kb),
        severity=_severity(part),
        bulletins=tuple(part.texts("security_bulletin_ids", 60)),
        cves=tuple(part.texts("cve_ids", 60)),
        supersedes=_guids(part, "superseded_update_ids"),
        categories=tuple(_category(each) for each in part.parts("categories")),
        released=moment(part, "last_deployment_change_time"),
        hidden=part.flag("hidden"),
        downloaded=part.flag("downloaded"),
        mandatory=part.flag("mandatory"),
        browse_only=part.flag("browse_only"),
        eula_accepted=part.flag("eula_accepted"),
        reboot_required=part.flag("reboot_required"),
        size=part.integer("max_download_size", 0, 2**63),
        reboot_behavior=part.maybe_integer("reboot_behavior", 0, 2),
        exclusive=part.maybe_integer("impact", 0, 2) == 2,
        asks_user=part.maybe_flag("can_request_user_input"),
    )


def has_malformed_article(update: Update) -> bool:
    return any(not _ARTICLE.match(each) for each in update.article_ids)


def guid(part: Part, key: str) -> str:
    return part.matching(key, _GUID, "an update id").lower()


def code(part: Part, key: str = "code") -> str:
    """``0x80240032``"""
    return part.matching(key, _CODE, "an error code of Windows")


def moment(part: Part, key: str) -> str | None:
    value = part.instant(key)
    return None if value is None or value < _FIRST_YEAR else value


def hotfix_day(text: str | None) -> str | None:
    """``1/10/2024`` (month, day, year; whatever the host's locale) is 2024-01-10T00:00:00Z, anything else unknown."""
    match = _HOTFIX_DAY.match(text or "")
    if match is None:
        return None
    month, day, year = (int(each) for each in match.groups())
    try:
        return f"{date(year, month, day).isoformat()}T00:00:00Z"
    except ValueError:
        return None


def hotfix_kb(text: str | None) -> str | None:
    """``KB5033909``; None for what has no number (``File 1`` on old systems)."""
    match = _ARTICLE.match(text or "")
    return f"KB{match.group(1)}" if match else None


def _severity(part: Part) -> str:
    value = part.text("msrc_severity", 40) or "Unspecified"
    # A severity that no rule could name would make a host compliant by silence.
    if value not in _SEVERITIES:
        raise refuse(f"{part.where}.msrc_severity", f"one of {', '.join(_SEVERITIES)} or empty", value)
    return value


def _guids(part: Part, key: str) -> tuple[str, ...]:
    return tuple(
        check(text, _GUID, f"{part.where}.{key}[{index}]", "an update id").lower()
        for index, text in enumerate(part.texts(key, 60, 20000))
    )


def _category(part: Part) -> Category:
    leaf, parent = _leaf(part), part.maybe_part("parent")
    return leaf if parent is None else replace(leaf, parent=_leaf(parent))


def _leaf(part: Part) -> Category:
    return Category(guid(part, "id"), part.text("name") or "", part.text("type", 60) or "")
