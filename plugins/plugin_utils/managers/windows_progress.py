# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What win_updates tells while it works, as lines for a person: each step of each update once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._answer import clean
from .windows_hresults import meaning

_BEGUN = {"download": "downloading", "install": "installing"}
_ENDED = {"download_result": ("downloaded", "not downloaded"), "install_result": ("installed", "not installed")}
_SUCCEEDED = 2


class Progress:
    """Fed with the ``output`` of each poll, in order. What is not in the known form is passed over: nothing rests on
    these lines."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self._told: set[str] = set()

    def lines(self, output: Any) -> list[str]:
        """New lines, in order."""
        found = [line for event in output or [] if isinstance(event, dict) for line in self._event(event)]
        fresh = [line for line in dict.fromkeys(found) if line not in self._told]
        self._told.update(fresh)
        return fresh

    def _event(self, event: dict[str, Any]) -> Iterator[str]:
        task, result = event.get("task"), event.get("result")
        if not isinstance(result, dict):
            return
        if task == "search_result":
            self._titles = {
                str(each.get("id")): clean(str(each.get("title")), 150)
                for each in result.get("updates") or []
                if isinstance(each, dict)
            }
        elif task in _BEGUN:
            progress = result.get("progress")
            if isinstance(progress, dict):
                yield f"{_BEGUN[task]} {self._title(progress.get('CurrentUpdateId'))}"
        elif task in _ENDED:
            yield from (self._ended(str(task), each) for each in result.get("info") or [] if isinstance(each, dict))

    def _ended(self, task: str, info: dict[str, Any]) -> str:
        went_well, failed = _ENDED[task]
        title = self._title(info.get("id"))
        if info.get("result_code") == _SUCCEEDED:
            return f"{went_well} {title}{', which waits for a reboot' if info.get('reboot_required') is True else ''}"
        number = info.get("hresult")
        known = isinstance(number, int) and not isinstance(number, bool)
        return f"{failed} {title}: {meaning(number) if known else 'no code'}"  # type: ignore[arg-type]

    def _title(self, update_id: Any) -> str:
        return self._titles.get(str(update_id), f"update {clean(str(update_id), 60)}")
