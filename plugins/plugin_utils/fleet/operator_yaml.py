# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that an operator wrote: plain values alone, no part of it twice, dates as text."""

from __future__ import annotations

from typing import Any

import yaml

from ..errors import PatchError


class _Loader(yaml.SafeLoader):
    """Aliases would let a few bytes stand for gigabytes, and of a key that comes twice YAML keeps one in silence."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} comes twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(content: bytes, *, named: str, kind: str, most: int) -> Any:
    """The value; ``PatchError(kind)`` begins with ``named`` ("The override list /x.yml") and tells line and column."""
    if len(content) > most:
        raise PatchError(kind, f"{named} has more than {most} bytes.")
    try:
        return yaml.load(content.decode("utf-8"), Loader=_Loader)
    except (UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or type(error).__name__
        raise PatchError(
            kind, f"{named}{place}: cannot be read as YAML: {' '.join(str(why).split())[:300]}."
        ) from error
