# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors. Deep code raises it; only an action's ``run()`` turns it into a failed result."""

from __future__ import annotations

from typing import Any


class PatchError(Exception):
    """What was tried, what was seen, what to do next.

    ``kind`` is a stable slug (``bad_baseline``, ``no_interpreter``, ``bad_answer``, ...), part of the
    failed result; ``details`` are JSON-ready extras that go into the result beside it.
    """

    def __init__(self, kind: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details

    def as_result(self) -> dict[str, Any]:
        """The ``error`` member of a failed task result."""
        return {"kind": self.kind, "message": self.message, **self.details}
