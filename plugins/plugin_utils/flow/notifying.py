# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a run's facts to calls of the modules that tell people about it: what the task ``notify_run`` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from ..errors import PatchError
from ..fleet.notifications import SUBJECT_TEMPLATE, Notification

TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "notify" / "templates"
_STRUCK_OUT = "********"
_SECRET = re.compile(r"pass|token|secret|key|url|webhook|auth|header|credential|sas", re.IGNORECASE)
_CUT = "\n... (cut; the summary of the run has all of it)\n"
_CHAT = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True)
class Call:
    """One module with its arguments."""

    module: str
    arguments: dict[str, Any]


def calls(
    notification: Notification, facts: Mapping[str, Any], *, folder: Path, files: Sequence[str]
) -> Iterator[Call]:
    """What is to be called for one notification. ``folder``: where paths of templates begin; ``files``: what a run
    has to hand over, unless the notification names its own.

    Raises ``bad_template``, ``bad_file``.
    """
    way = notification.way
    carried = list(notification.files if notification.files is not None else files)
    for path in carried if way.uploads or notification.attach else ():
        if not Path(path).expanduser().is_file():
            raise PatchError("bad_file", f"{path} is not there, or is no file")
    given = {**way.defaults, **notification.options}
    if way.uploads:
        for path in carried:
            yield Call(way.module, _upload(given, Path(path).expanduser(), facts))
        return
    text = _text(notification, facts, folder)
    arguments = dict(given)
    if way.text:
        arguments[way.text] = text if len(text) <= way.longest else text[: way.longest - len(_CUT)] + _CUT
    else:
        arguments["body"] = _json(text, notification.template or way.template or "")
    if way.subject:
        subject = render(notification.subject_template, SUBJECT_TEMPLATE, facts, notification, folder)
        arguments.setdefault(way.subject, " ".join(subject.split())[: way.longest_subject])
    if notification.attach:
        arguments["attach"] = [str(Path(path).expanduser()) for path in carried]
    yield Call(way.module, arguments)


def _text(notification: Notification, facts: Mapping[str, Any], folder: Path) -> str:
    return render(notification.template, notification.way.template or "", facts, notification, folder)


def _upload(given: Mapping[str, Any], path: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    places = {
        "{file}": path.name,
        "{run_id}": facts["run"].get("id") or "fleet",
        "{operation}": facts["operation"].lower(),
    }
    arguments = {**given, "src": str(path)}
    for name in ("object", "url"):
        for place, value in places.items():
            if isinstance(arguments.get(name), str):
                arguments[name] = arguments[name].replace(place, value)
    return arguments


def render(own: str | None, default: str, facts: Mapping[str, Any], notification: Notification, folder: Path) -> str:
    """The text of a template: the user's ``own`` one, or the ``default`` of the role. Facts are data and never
    templated themselves; a name that a template gets wrong is an error. Templates may include those of the role."""
    path = None if own is None else (folder / Path(own).expanduser())
    searched = [TEMPLATES] if path is None else [path.parent, TEMPLATES]
    environment = SandboxedEnvironment(
        loader=FileSystemLoader([str(each) for each in searched]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        finalize=_for_chat if notification.via == "slack" else None,
    )
    try:
        text = environment.get_template(default if path is None else path.name)
        return text.render({**facts, "vars": dict(notification.variables)})
    except (TemplateError, OSError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        line = getattr(error, "lineno", None)
        told = "it is not there" if isinstance(error, TemplateNotFound) else str(error)
        place = f"{path or default}{f', line {line}' if line else ''}"
        raise PatchError("bad_template", f"template {place}: {told}") from error


def _for_chat(value: Any) -> Any:
    """Slack takes ``<!channel>`` and the like for what they mean: a package may be called so, and is text."""
    return re.sub("[&<>]", lambda match: _CHAT[match[0]], value) if isinstance(value, str) else value


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise PatchError("bad_template", f"template {name} made no JSON: {error}") from error


def without_secrets(message: str, options: Mapping[str, Any]) -> str:
    """A module's message with the values of options struck out that are or may be secrets."""
    for secret in sorted(_secrets(options), key=len, reverse=True):
        message = message.replace(secret, _STRUCK_OUT)
    return message


def _secrets(value: Any, *, secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _secrets(each, secret=secret or bool(_SECRET.search(str(name))))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _secrets(each, secret=secret)
    elif secret and isinstance(value, (str, int)) and len(str(value)) > 3:
        text = str(value)
        yield text
        # A message may have a part of an address: the path of a webhook is its secret.
        if "://" in text:
            host, _slash, path = text.partition("://")[2].partition("/")
            yield from (part for part in (path, host.rpartition("@")[0]) if len(part) > 3)
