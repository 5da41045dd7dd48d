# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wants to be told what of a run, and by which way: the variable ``patch_notifications`` and its checks.

Every way is a module of an existing collection; an entry's ``options`` are that module's own, and reach it as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.problems import Problems, nearest, show

FINISH = "finish"
FAILURE = "failure"
THRESHOLD = "threshold"
NON_COMPLIANT = "non_compliant"
EVENTS = (FINISH, FAILURE, THRESHOLD, NON_COMPLIANT)
OPERATIONS = ("Scan", "Install", "Reboot", "Rollback", "Preflight", "Window", "Report")
MESSAGE_TEMPLATE = "message.txt.j2"
SUBJECT_TEMPLATE = "subject.txt.j2"


@dataclass(frozen=True)
class Way:
    """A way to tell: the module, its options that are filled in, and those it cannot do without."""

    module: str
    template: str | None = MESSAGE_TEMPLATE
    """None: it carries files and no text."""
    text: str = ""
    """The option that takes the text; empty with a template of JSON, which becomes ``body``."""
    subject: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    longest: int = 1_000_000
    """Characters of text that the service takes, with room to spare."""
    longest_subject: int = 200

    @property
    def collection(self) -> str:
        """Where the module is from."""
        return self.module.rpartition(".")[0]

    @property
    def uploads(self) -> bool:
        return self.template is None


_POST = {"method": "POST", "body_format": "json", "status_code": [200, 201, 202, 204]}
WAYS = {
    "mail": Way("community.general.mail", text="body", subject="subject", needs=("to",)),
    "slack": Way("community.general.slack", text="msg", needs=("token",), longest=35_000),
    # What a workflow of Teams takes; the connectors that it replaces take another shape.
    "teams": Way("ansible.builtin.uri", "teams.json.j2", defaults=_POST, needs=("url",)),
    "teams_connector": Way(
        "community.general.office_365_connector_card",
        text="text",
        subject="summary",
        needs=("webhook",),
        longest=20_000,
    ),
    "webhook": Way("ansible.builtin.uri", "webhook.json.j2", defaults=_POST, needs=("url",)),
    "sns": Way(
        "community.aws.sns", text="msg", subject="subject", needs=("topic",), longest=60_000, longest_subject=99
    ),
    "s3": Way(
        "amazon.aws.s3_object",
        None,
        defaults={"mode": "put", "object": "openfleet-patch/{run_id}/{file}"},
        needs=("bucket",),
    ),
    "put": Way("ansible.builtin.uri", None, defaults={"method": "PUT", "status_code": [200, 201, 204]}, needs=("url",)),
}
_KEYS = ("name", "via", "events", "operations", "options", "template", "subject_template", "vars", "files", "attach")
_TEXTS = ("name", "template", "subject_template")
_FILLED_IN = ("src", "body")


@dataclass(frozen=True)
class Notification:
    """One entry, checked."""

    via: str
    name: str
    events: tuple[str, ...] = (FINISH,)
    operations: tuple[str, ...] = OPERATIONS
    options: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    subject_template: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] | None = None
    attach: bool = False

    @property
    def way(self) -> Way:
        return WAYS[self.via]

    def wanted(self, events: tuple[str, ...], operation: str) -> bool:
        """Whether a run of this operation, of which ``events`` are true, is to be told this way."""
        return operation in self.operations and any(event in self.events for event in events)


def parse_notifications(raw: Any) -> list[Notification]:
    """Raises ``bad_notifications`` with all problems. No message tells the value of an option: it may be a secret."""
    problems = Problems()
    found: list[Notification] = []
    if raw is not None and not isinstance(raw, (list, tuple)):
        problems.add("patch_notifications", f"{show(raw)}; it must be a list of mappings, each with 'via'")
        raw = []
    for number, entry in enumerate(raw or []):
        where = f"patch_notifications[{number}]"
        if not isinstance(entry, Mapping):
            problems.add(where, f"{show(entry)}; it must be a mapping with 'via' and 'options'")
            continue
        before = len(problems.found)
        _check(entry, where, problems)
        if len(problems.found) == before:
            found.append(_made(entry))
    problems.raise_if_any("bad_notifications", "notifications")
    return found


def _check(entry: Mapping[str, Any], where: str, problems: Problems) -> None:
    problems.unknown_keys(where, entry, _KEYS)
    via = entry.get("via")
    if via not in WAYS:
        problems.add(f"{where}.via", f"{show(via)}; {nearest(via, WAYS)}")
    for name, known in (("events", EVENTS), ("operations", OPERATIONS)):
        _check_words(entry.get(name), known, f"{where}.{name}", problems)
    for name in _TEXTS:
        if entry.get(name) is not None and not isinstance(entry[name], str):
            problems.add(f"{where}.{name}", f"{show(entry[name])}; it must be text")
    for name in ("options", "vars"):
        if not isinstance(entry.get(name) or {}, Mapping):
            problems.add(f"{where}.{name}", "it must be a mapping")
    if not isinstance(entry.get("attach") or False, bool):
        problems.add(f"{where}.attach", f"{show(entry['attach'])}; it must be true or false")
    if entry.get("attach") and via != "mail":
        problems.add(f"{where}.attach", "only a mail takes files with it; upload them by 's3' or 'put'")
    files = entry.get("files")
    if files is not None and not (isinstance(files, (list, tuple)) and all(isinstance(each, str) for each in files)):
        problems.add(f"{where}.files", "it must be a list of paths on the controller")
    if via in WAYS and isinstance(entry.get("options") or {}, Mapping):
        _check_options(WAYS[via], entry, where, problems)


def _check_words(given: Any, known: tuple[str, ...], where: str, problems: Problems) -> None:
    if given is None:
        return
    if not isinstance(given, (list, tuple)) or not given:
        problems.add(where, f"{show(given)}; it must be a list of {', '.join(known)}")
        return
    for word in given:
        if word not in known:
            problems.add(where, f"{show(word)}; {nearest(word, known)}")


def _check_options(way: Way, entry: Mapping[str, Any], where: str, problems: Problems) -> None:
    options = entry.get("options") or {}
    for name in way.needs:
        if not options.get(name):
            problems.add(f"{where}.options", f"{way.module} cannot do without '{name}'")
    for name in _FILLED_IN:
        if name in options and not (name == "body" and way.module != "ansible.builtin.uri"):
            problems.add(f"{where}.options.{name}", "it is filled in; use 'template' or 'files'")
    for name in ("object", "url") if way.uploads else ():
        if isinstance(options.get(name), str):
            unknown = set(re.findall(r"\{([^{}]*)\}", options[name])) - {"file", "run_id", "operation"}
            if unknown:
                problems.add(f"{where}.options.{name}", "it may have {file}, {run_id} and {operation} and no other")
            elif "{file}" not in options[name]:
                problems.add(f"{where}.options.{name}", "it lacks {file}, so that files would overwrite each other")


def _made(entry: Mapping[str, Any]) -> Notification:
    files = entry.get("files")
    return Notification(
        via=str(entry["via"]),
        name=str(entry.get("name") or entry["via"]),
        events=tuple(entry.get("events") or (FINISH,)),
        operations=tuple(entry.get("operations") or OPERATIONS),
        options=dict(entry.get("options") or {}),
        template=entry.get("template"),
        subject_template=entry.get("subject_template"),
        variables=dict(entry.get("vars") or {}),
        files=None if files is None else tuple(files),
        attach=bool(entry.get("attach")),
    )
