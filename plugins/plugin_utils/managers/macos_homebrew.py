# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Homebrew says of formulae and casks: ``outdated --json=v2``, ``list --versions``, ``list --pinned``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..engine import versions
from ..errors import PatchError
from . import _answer

KINDS = {"brew": ("formulae", "homebrew/core"), "brew cask": ("casks", "homebrew/cask")}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@+._-]*(?:/[A-Za-z0-9@+._-]+){0,2}\Z")
_VERSION = re.compile(r"\S{1,200}\Z")
# Such a cask updates itself; brew never knows which version is there.
LATEST = "latest"
_BROKEN = "(!)"
# brew runs as the owner of its folder, with an environment of its own; $0 is the owner. A proxy's address may hold a
# password, so it goes through standard input.
_AS_OWNER = (
    'proxies() { printf \'%s\\n\' "${http_proxy-}" "${https_proxy-}" "${all_proxy-}" "${no_proxy-}"; }; '
    "inner='IFS= read -r http_proxy; IFS= read -r https_proxy; IFS= read -r all_proxy; IFS= read -r no_proxy; "
    "for each in http_proxy https_proxy all_proxy no_proxy; do "
    'eval "[ -z \\"\\$$each\\" ] || export $each"; done; exec "$@" </dev/null\'; '
    'outer=\'exec env -i "HOME=$HOME" "USER=$(id -un)" "LOGNAME=$(id -un)" PATH=/usr/bin:/bin:/usr/sbin:/sbin '
    "LC_ALL=en_US.UTF-8 HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ANALYTICS=1 HOMEBREW_NO_ENV_HINTS=1 "
    'HOMEBREW_NO_INSTALL_CLEANUP=1 HOMEBREW_NO_ASK=1 HOMEBREW_NO_COLOR=1 /bin/sh -c "$@"\'; '
    'set -- /bin/sh -c "$outer" sh "$inner" sh "$@"; '
    '[ "$(id -u)" != 0 ] || set -- sudo -n -H -u "$0" -- "$@"; '
    'proxies | "$@"'
)


@dataclass(frozen=True)
class Outdated:
    """``full_name`` is what ``brew upgrade`` takes, ``name`` what ``brew list`` says, ``tap`` where it comes from."""

    full_name: str
    installed: tuple[str, ...]
    current: str
    pinned: bool
    pinned_version: str | None

    @property
    def name(self) -> str:
        return self.full_name.rpartition("/")[2]

    @property
    def tap(self) -> str | None:
        return self.full_name.rpartition("/")[0] or None


def is_name(text: str) -> bool:
    return _NAME.match(text) is not None


def as_owner(brew: Mapping[str, str], *words: str) -> list[str]:
    """The command that runs brew; ``brew`` is its ``path`` and the ``owner`` of its folder."""
    return ["/bin/sh", "-c", _AS_OWNER, brew["owner"], brew["path"], *words]


def newest(found: tuple[str, ...]) -> str:
    """Old kegs stay in the list (``ofhello 2.0 1.0``), in no order that means anything."""
    best = found[0]
    for version in found[1:]:
        if versions.compare(version, best, "plain") > 0:
            best = version
    return best


def read_outdated(text: str, kind: str, *, code: int, errors: str = "") -> list[Outdated]:
    """What ``brew outdated --json=v2 --formula`` or ``--cask`` lists; raises ``brew_failed`` for anything else."""
    if code != 0:
        raise failed("outdated", code, errors or text)
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise failed("outdated", code, f"no JSON: {errors or text or 'nothing'}") from None
    if not isinstance(answer, dict) or not all(isinstance(answer.get(key), list) for key, _tap in KINDS.values()):
        raise failed("outdated", code, "neither formulae nor casks in its JSON")
    key = KINDS[kind][0]
    return [_outdated(row, f"brew.{key}[{index}]") for index, row in enumerate(answer[key])]


def _outdated(row: Any, where: str) -> Outdated:
    if not isinstance(row, dict):
        raise _answer.refuse(where, "an object", row)
    name = _answer.check(row.get("name"), _NAME, f"{where}.name", "the name of a formula or cask")
    installed = row.get("installed_versions")
    # Casks had text until 2023: "3.4.0,3038, 3.4.1,3041", where versions themselves hold commas.
    if isinstance(installed, str):
        installed = installed.split(", ")
    if not isinstance(installed, list) or not installed:
        raise _answer.refuse(f"{where}.installed_versions", "versions", installed)
    here = tuple(_answer.check(each, _VERSION, f"{where}.installed_versions", "a version") for each in installed)
    current = _answer.check(row.get("current_version"), _VERSION, f"{where}.current_version", "a version")
    pinned, version = row.get("pinned", False), row.get("pinned_version")
    if not isinstance(pinned, bool):
        raise _answer.refuse(f"{where}.pinned", "true or false", pinned)
    if version is not None:
        version = _answer.check(version, _VERSION, f"{where}.pinned_version", "a version")
    return Outdated(name, here, current, pinned, version)


def read_versions(text: str, kind: str, *, code: int, errors: str = "") -> dict[str, tuple[str, ...]]:
    """``brew list --versions``: the short name and every version that is there; ``(!)`` marks a cask whose formula is
    broken."""
    if code != 0:
        raise failed("list", code, errors or text)
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, *words = line.split()
        words = [word for word in words if word != _BROKEN]
        if not _NAME.match(name) or not words:
            raise _answer.refuse(f"the list of {kind}", "lines of a name and its versions", line)
        found[name.rpartition("/")[2]] = tuple(words)
    return found


def read_names(text: str) -> list[str]:
    """One name a line, of ``brew list --pinned`` and ``brew tap``."""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    return [_answer.check(name, _NAME, "a list of brew", "one name a line") for name in names]


def read_release(text: str) -> tuple[int, ...]:
    """``Homebrew 4.4.32`` or ``Homebrew 4.3.0-12-gabcdef0`` -> (4, 4, 32); () where brew does not know its own."""
    found = re.search(r"^Homebrew (\d+)\.(\d+)\.(\d+)", text, re.MULTILINE)
    return tuple(int(number) for number in found.groups()) if found else ()


def failed(what: str, code: int, said: str) -> PatchError:
    return PatchError(
        "brew_failed", f"brew {what} failed on the host (exit code {code}): {_answer.clean(said, 400) or 'no message'}."
    )
