# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question put to the history: what the task ``query_compliance`` does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from ..errors import PatchError
from ..questions.changes import compare_runs, host_history
from ..questions.hosts import group_state, host_states
from ..questions.patches import effective_patches, patches_of
from ..questions.spans import where
from ..questions.staleness import last_readings, not_scanned
from ..store.compliance_store import ComplianceStore
from .history import Document, History, no_reboot_installs, run_named

Arguments = Mapping[str, Any]


def answer(history: History, arguments: Arguments, *, hosts: Collection[str] | None, now: datetime) -> Any:
    """The answer, JSON-ready. ``hosts``: those that the question is about, all known ones where it is None.

    ``arguments``: the options of the task. Raises ``bad_argument`` where the question wants one that is not there.
    """
    return _ANSWERS[arguments["question"]](history, arguments, hosts, now)


def _group_state(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    return group_state(_newest(history, hosts), patch_group=arguments["patch_group"])


def _hosts(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    return list(
        host_states(
            _newest(history, hosts),
            patch_group=arguments["patch_group"],
            filters=arguments["filters"],
            last_no_reboot_installs=no_reboot_installs(history, hosts),
        )
    )


def _patches(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    host = _wanted(arguments, "host")
    for document in _newest(history, {host}):
        return patches_of(document, arguments["filters"])
    raise _nothing_known(host)


def _effective_patches(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    wanted, known = _wanted(arguments, "baseline"), set()

    def documents() -> Iterator[Document]:
        for document in _newest(history, hosts):
            known.add(str((document["baseline"] or {}).get("name")))
            yield document

    found = effective_patches(documents(), baseline=wanted)
    if wanted not in known:
        names = ", ".join(sorted(known - {"None"})) or "none"
        raise PatchError("no_document", f"no host is judged by baseline {wanted!r}; baselines of the hosts: {names}")
    return found


def _changes(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    before, after = (run_named(history, arguments[name] or other).run_id
                     for name, other in (("before_run", "previous"), ("after_run", "latest")))  # fmt: skip
    found = compare_runs(
        lambda host: history.run_document(before, host),
        (each for each in history.run_documents(after) if hosts is None or each["host"] in hosts),
        hosts_before={host for host in history.run_hosts(before) if hosts is None or host in hosts},
    )
    return {"before_run": before, "after_run": after, **found}


def _host_history(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    host = _wanted(arguments, "host")
    found = list(host_history(history.host_documents(host)))
    if not found:
        raise _nothing_known(host)
    return found


def _where_open(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    wanted = _wanted(arguments, "patch")
    closed_too = arguments["include_closed"]
    if isinstance(history, ComplianceStore):
        found = history.where(wanted, closed_too=closed_too)
    else:
        found = where(history.each_host(), wanted, closed_too=closed_too)
    return [each for each in found if hosts is None or each["host"] in hosts]


def _not_scanned(history: History, arguments: Arguments, hosts: Collection[str] | None, now: datetime) -> Any:
    if isinstance(history, ComplianceStore):
        read = {host: at for host, at in history.last_readings().items() if hosts is None or host in hosts}
        known = sorted(hosts) if hosts is not None else sorted({document["host"] for document in history.newest()})
        return not_scanned(read, now=now, days=arguments["days"], hosts=known)
    # The newest document of a host may be one that could not be read; an earlier one may be fresh enough.
    reached = last_readings(_newest(history, hosts))
    unread = {document["host"] for document in _newest(history, hosts) if document["host"] not in reached}
    for host in unread:
        reached.update(last_readings(history.host_documents(host)))
    names = sorted(hosts) if hosts is not None else sorted({*reached, *unread})
    return not_scanned(reached, now=now, days=arguments["days"], hosts=names)


_ANSWERS: dict[str, Callable[[History, Arguments, Collection[str] | None, datetime], Any]] = {
    "group_state": _group_state,
    "hosts": _hosts,
    "patches": _patches,
    "effective_patches": _effective_patches,
    "changes": _changes,
    "host_history": _host_history,
    "where_open": _where_open,
    "not_scanned": _not_scanned,
}


def _nothing_known(host: str) -> PatchError:
    return PatchError("no_document", f"nothing is known of host {host!r}; scan it first", host=host)


def _newest(history: History, hosts: Collection[str] | None) -> Iterator[Document]:
    return (document for document in history.newest() if hosts is None or document["host"] in hosts)


def _wanted(arguments: Arguments, name: str) -> str:
    value = arguments[name]
    if not value:
        raise PatchError("bad_argument", f"the question {arguments['question']} needs '{name}'")
    return str(value)
