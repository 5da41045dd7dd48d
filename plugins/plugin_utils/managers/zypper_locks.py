# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zypper's locks (/etc/zypp/locks): which versions they keep away from the host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..engine.versions import compare
from . import _answer

_MOST_LOCKS = 5000


@dataclass(frozen=True)
class Lock:
    """``names`` as ``how`` says (glob, exact, substring, regex, word); ``version`` is like ``== 1.0-1``, ``repository``
    an alias; None for any. ``kind`` is what is locked: package, patch, pattern, product."""

    names: tuple[str, ...]
    how: str
    case_sensitive: bool
    kind: str
    version: str | None
    repository: str | None

    def keeps_away(self, name: str, version: str, repositories: list[str]) -> bool:
        """Whether it keeps this version of a package, that these repositories have, from being installed."""
        elsewhere = self.repository is not None and repositories != [self.repository]
        return not elsewhere and self.holds(name, version)

    def holds(self, name: str, version: str) -> bool:
        """Whether it keeps this version of a package, which is installed, from being taken away."""
        if self.kind != "package" or not any(self._fits(each, name) for each in self.names):
            return False
        return self.version is None or _in_range(version, self.version)

    def _fits(self, pattern: str, name: str) -> bool:
        if not self.case_sensitive:
            pattern, name = pattern.lower(), name.lower()
        if self.how == "glob":
            return fnmatchcase(name, pattern)
        if self.how == "substring":
            return pattern in name
        if self.how in ("regex", "word"):
            # A pattern of the host's is not run here: what may fit is taken to fit.
            return re.sub(r"\W.*", "", pattern.lstrip("^")) in name
        return name == pattern

    def __str__(self) -> str:
        more = [each for each in (self.version, self.repository and f"in {self.repository}") if each]
        return " ".join([", ".join(self.names), *more])


def read_locks(text: str) -> list[Lock]:
    """Entries are blocks of ``key: value`` lines between empty lines."""
    locks = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        pairs = [line.partition(":") for line in block.splitlines() if ":" in line and not line.startswith("#")]
        values = [(key.strip(), _answer.clean(value, 300)) for key, _colon, value in pairs]
        names = tuple(value for key, value in values if key in ("solvable_name", "query_string", "name") and value)
        single = dict(values)
        if names:
            locks.append(
                Lock(
                    names,
                    single.get("match_type", "glob"),
                    single.get("case_sensitive", "on") in ("on", "true", "1"),
                    single.get("type", "package"),
                    single.get("version") or None,
                    single.get("repo") or None,
                )
            )
    return locks[:_MOST_LOCKS]


def _in_range(version: str, wanted: str) -> bool:
    """``== 1.0``, ``< 2.0-1``, or a bare version; one without a release fits all of its releases."""
    found = re.match(r"(==|=|<=|>=|<|>|!=)?\s*(\S+)\Z", wanted)
    if not found:
        return True
    operator, edition = found[1] or "==", found[2]
    if "-" not in edition:
        version = version.rpartition("-")[0]
    order = compare(version, edition, "rpm")
    return {
        "==": order == 0, "=": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0,
        ">=": order >= 0,
    }[operator]  # fmt: skip
