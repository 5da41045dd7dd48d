# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that an operator names by a path on the controller or by an https address."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UrlsError
from ansible.module_utils.urls import open_url

from ..errors import PatchError

_SECONDS = 60
_ADDRESS = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]+")
_OWN_PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"


def base_folder(loader: Any) -> Path:
    """Where relative paths begin: the folder of the playbook, or, with a playbook of this collection, beside which no
    operator keeps files, the folder that the command is run in. ``loader`` is Ansible's."""
    folder = Path(loader.get_basedir()).resolve()
    return Path.cwd() if folder == _OWN_PLAYBOOKS else folder


def path_of(loader: Any) -> Callable[[str], str]:
    """From a path as it was given to the absolute one."""
    folder = base_folder(loader)
    return lambda text: str(folder / Path(text).expanduser())


def shown(source: str, *, what: str, kind: str) -> str:
    """The source as documents show it: an address without its query, which may hold a signature.

    Raises ``PatchError(kind)`` for any other address, and for one with credentials; ``what`` is "errata file" or so.
    """
    if "://" not in source:
        try:
            return str(Path(source).expanduser())
        except RuntimeError as error:
            raise PatchError(kind, f"The path of the {what} cannot be understood: {error}") from None
    try:
        address = urlsplit(source)
        address.port  # noqa: B018  # raises where it is no number
    except ValueError as error:
        raise PatchError(kind, f"The address of the {what} cannot be understood: {error}.") from None
    if not _ADDRESS.fullmatch(source):
        raise PatchError(
            kind, f"The address of the {what} has characters that no address has; write them as %20 or so."
        )
    if address.scheme != "https" or not address.hostname:
        raise PatchError(kind, f"The {what} must be a path or an https address, not {address.scheme}://.")
    if "@" in address.netloc:
        raise PatchError(
            kind, f"The address of the {what} has credentials in it; put them into the netrc file of the"
            " user who runs Ansible.",
        )  # fmt: skip
    return f"https://{address.netloc}{address.path}"


def content(source: str, *, what: str, kind: str, most: int) -> bytes:
    """At most one byte more than ``most``, so that whoever parses it can refuse what is too large."""
    told = shown(source, what=what, kind=kind)
    try:
        if "://" in source:
            with open_url(source, timeout=_SECONDS, follow_redirects="safe", http_agent="openfleet.patch") as response:
                if urlsplit(response.geturl()).scheme != "https":
                    raise PatchError(kind, f"{told} leads to an address that is not https.")
                answer: bytes = response.read(most + 1)
                return answer
        with open(told, "rb") as handle:
            return handle.read(most + 1)
    except (OSError, ValueError, URLError, UrlsError, HTTPException) as error:
        why = str(error).replace(source, told) if source else "it has no name"
        raise PatchError(kind, f"The {what} {told} cannot be read: {why}.") from error
