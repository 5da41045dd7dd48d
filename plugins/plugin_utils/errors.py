# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors. Deep code raises it; only an action's ``run()`` turns it into a failed result."""

from __future__ import annotations

import re
from typing import Any

_USER_OF_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_QUERY_OF_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^?\s]*)\?[^\s\])]*")
_SETTING = re.compile(r"(password\s*=\s*)\S+", re.IGNORECASE)


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


def without_passwords(text: str) -> str:
    """``https://user:word@host/x?token=y`` becomes ``https://host/x``, and ``proxy_password=word`` loses its word:
    package managers repeat lines and addresses as they are configured. The host's own part is in run_workspace.py."""
    return _SETTING.sub(r"\1...", _QUERY_OF_URL.sub(r"\1", _USER_OF_URL.sub(r"\1", text)))
