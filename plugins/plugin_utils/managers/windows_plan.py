# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing through ansible.windows.win_updates, so that it takes what was approved and nothing else.

That module selects by regular expressions over one text per update: its title, and right behind it its articles, each
with KB before it and a space between them (``Update A (KB1234567)KB1234567 KB7654321``). Update ids are not in it. It
accepts the terms of everything that it selects, in searched state too; so what a filter selects is worked out here,
against everything that the host is offered, before the module sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import PatchRecord
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

from ._answer import clean
from .windows_hresults import meaning

SERVERS = ("default", "managed_server", "windows_update")
MOST_ROUNDS = 5
MOST_TRIES = 2
# What has a meaning in regular expressions of both Python and .NET; a space loses its own only in other modes.
_MEANINGFUL = re.compile(r"([\\.^$|?*+()\[\]{}#])")
_NUMBER = re.compile(r"(?:KB)?(\d{4,8})\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """What one call takes: ``filters`` select exactly the updates ``ids`` of all that is offered."""

    filters: tuple[str, ...]
    ids: frozenset[str]
    left: dict[str, str] = field(default_factory=dict)
    """Approved and not in this call: update id to the reason."""
    later: frozenset[str] = frozenset()
    """Approved, for a later round: an update that has to be installed alone goes first."""


def choose(approved: Iterable[str], offered: Sequence[PatchRecord], *, accept_eula: bool) -> Choice:
    """Filters for the approved update ids among the candidates of the inventory.

    What no filter can tell from an unapproved update is left, and so are hidden updates and, unless ``accept_eula``,
    those whose terms nobody has accepted. ``bad_plan`` for an id that is not offered.
    """
    by_id = {str(record["update_id"]): record for record in offered}
    wanted = sorted(set(approved))
    unknown = [each for each in wanted if each not in by_id]
    if unknown:
        raise PatchError("bad_plan", f"Updates that are not offered cannot be installed: {', '.join(unknown)}.")
    left = {each: reason for each in wanted if (reason := _objection(by_id[each], accept_eula))}
    free = [each for each in wanted if each not in left]
    alone = [each for each in free if by_id[each].get("exclusive")]
    taken = set(alone[:1] or free)
    visible = [record for record in offered if not record.get("held")]
    while True:
        filters = {each: _filter(by_id[each], taken, visible) for each in sorted(taken)}
        lost = {each for each, pattern in filters.items() if pattern is None}
        if not lost:
            break
        left.update((each, _inseparable(by_id[each], taken - lost, visible)) for each in lost)
        taken -= lost
    chosen = tuple(dict.fromkeys(pattern for pattern in filters.values() if pattern is not None))
    return Choice(chosen, frozenset(taken), left, frozenset(free) - taken - set(left))


def win_updates_arguments(choice: Choice, *, state: str, server_selection: str = "default") -> dict[str, Any]:
    """Arguments for one call, state searched or installed.

    ``nothing_approved`` where the choice is empty: an empty accept_list would select everything.
    """
    if not choice.ids or not choice.filters:
        raise PatchError("nothing_approved", "No approved update is left; Windows Update is not called.")
    if state not in ("searched", "installed") or server_selection not in SERVERS:
        raise PatchError("bad_plan", f"win_updates is not called with state {state} and server {server_selection}.")
    return {
        "category_names": ["*"],
        "accept_list": list(choice.filters),
        "server_selection": server_selection,
        "skip_optional": False,
        "state": state,
        "reboot": False,
    }


def check_searched(result: Mapping[str, Any], choice: Choice) -> frozenset[str]:
    """Update ids that are approved and no longer offered: where there are any, read and decide once more.

    ``unapproved_update`` where an installation would take anything else; ``search_failed`` with the module's words.
    """
    if result.get("failed"):
        raise PatchError("search_failed", f"win_updates could not search: {_words(result)}")
    found = frozenset(_updates(result))
    unapproved = sorted(found - choice.ids)
    if unapproved:
        titles = [clean(str(_updates(result)[each].get("title")), 200) for each in unapproved]
        raise PatchError(
            "unapproved_update",
            f"Nothing was installed: win_updates would also take {', '.join(titles)}.",
            update_ids=unapproved,
        )
    return choice.ids - found


@dataclass(frozen=True)
class Outcome:
    """What one installing call says; the state of the host comes from the next reading alone."""

    claimed: frozenset[str]
    failed: dict[str, str]
    """Update id to the reason; every approved one where the call failed without naming any."""
    unapproved: frozenset[str]
    """Taken although not approved: a fault to report, whatever else went well."""
    reboot_required: bool
    error: str | None


def check_installed(result: Mapping[str, Any], choice: Choice) -> Outcome:
    """What came of an installing call, its ids compared with the approved ones again."""
    updates = _updates(result)
    claimed = frozenset(name for name, each in updates.items() if each.get("installed") is True)
    failed = {name: _failure(each) for name, each in updates.items() if "failure_hresult_code" in each}
    error = _words(result) if result.get("failed") else None
    if error is not None:
        failed = {**dict.fromkeys(choice.ids - claimed, error), **failed}
    return Outcome(
        claimed - set(failed),
        {name: reason for name, reason in failed.items() if name in choice.ids},
        frozenset(updates) - choice.ids,
        result.get("reboot_required") is True,
        error,
    )


@dataclass(frozen=True)
class Step:
    """What comes next: ``install`` (the ids), ``reboot`` first, or ``stop``; ``left`` has those given up."""

    action: str
    ids: frozenset[str]
    left: dict[str, str]
    reason: str


def next_step(
    rounds: Sequence[frozenset[str]], approved: Iterable[str], *, reboot_pending: bool,
    most_rounds: int = MOST_ROUNDS, most_tries: int = MOST_TRIES,
) -> Step:  # fmt: skip
    """After a fresh reading and decision: what to do about the approved updates that are still missing.

    ``rounds`` has the ids that each earlier call of this run was to install. An update that comes back again and
    again is given up, one that follows others (a servicing stack, a cumulative update) has its turn.
    """
    missing = frozenset(approved)
    tries = {each: sum(each in before for before in rounds) for each in missing}
    left = {
        each: f"it is still missing after {count} installations" for each, count in tries.items() if count >= most_tries
    }
    ids = missing - set(left)
    if not ids:
        return Step("stop", ids, left, "no approved update is left to try" if left else "nothing approved is missing")
    if len(rounds) >= most_rounds:
        told = f"{most_rounds} rounds are over"
        return Step("stop", frozenset(), {**left, **dict.fromkeys(ids, told)}, told)
    if reboot_pending:
        return Step("reboot", ids, left, "Windows installs nothing more before the pending reboot")
    return Step("install", ids, left, f"round {len(rounds) + 1}")


def selects(pattern: str, record: PatchRecord) -> bool:
    """Whether win_updates with this filter takes the update."""
    articles = " ".join(f"KB{each}" for each in record.get("article_ids") or [])
    return re.search(pattern, f"{record['title']}{articles}", re.IGNORECASE) is not None


def _objection(record: PatchRecord, accept_eula: bool) -> str | None:
    if record.get("held"):
        return "an administrator of the host has hidden it, and win_updates skips hidden updates"
    if record.get("needs_eula") and not accept_eula:
        return "its terms are not accepted yet, and the task does not allow to accept them"
    return None


def _filter(record: PatchRecord, taken: set[str], visible: Sequence[PatchRecord]) -> str | None:
    """The first filter that selects this update and no unapproved one."""
    for pattern in _patterns(record):
        hit = {str(each["update_id"]) for each in visible if selects(pattern, each)}
        if str(record["update_id"]) in hit and hit <= taken:
            return pattern
    return None


def _patterns(record: PatchRecord) -> list[str]:
    numbers = [match.group(1) for each in record.get("article_ids") or [] if (match := _NUMBER.match(each))]
    title = r"\s+".join(_MEANINGFUL.sub(r"\\\1", word) for word in str(record["title"]).split())
    articles = ["KB" + _MEANINGFUL.sub(r"\\\1", each) for each in record.get("article_ids") or []]
    # KB123 would select KB1234567 as well; a title alone may be the beginning of another one.
    return [
        *(rf"KB{number}(?!\d)" for number in numbers),
        rf"^{title}{''.join(articles[:1])}(?!\d)",
        rf"^{title}{' '.join(articles)}$",
    ]


def _inseparable(record: PatchRecord, taken: set[str], visible: Sequence[PatchRecord]) -> str:
    last = _patterns(record)[-1]
    others = [str(each["title"]) for each in visible
              if selects(last, each) and each["update_id"] not in taken and each is not record]  # fmt: skip
    return f"no filter tells it from what is not approved: {', '.join(others[:3]) or 'its title has no fixed text'}"


def _updates(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Update id to what is said of it."""
    updates = result.get("updates", {})
    if not isinstance(updates, dict) or not all(isinstance(each, dict) for each in updates.values()):
        raise PatchError("bad_answer", "The answer of win_updates is wrong: updates must be an object of objects.")
    return {str(name).lower(): each for name, each in updates.items()}


def _failure(update: Mapping[str, Any]) -> str:
    number = update.get("failure_hresult_code")
    told = meaning(number) if isinstance(number, int) and not isinstance(number, bool) else "failed"
    words = clean(str(update.get("failure_msg") or ""), 300)
    return f"{told} ({words})" if words else told


def _words(result: Mapping[str, Any]) -> str:
    return clean(str(result.get("msg") or "it failed without a word"), 500)
