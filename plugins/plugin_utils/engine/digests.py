# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of JSON values, and chains of them: a record that was edited or removed is noticed by the next one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

CHAIN_START = "sha256:" + "0" * 64
"""What the first record of a chain follows."""


def canonical_digest(value: Any) -> str:
    """``sha256:<hex>`` of a JSON value, whatever the order of its members or the spaces in its text."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"


def chained(previous: str, digest: str) -> str:
    """The chain after a record: ``previous`` is the chain before it (``CHAIN_START`` for the first)."""
    both = f"{previous}\n{digest}"
    return f"sha256:{hashlib.sha256(both.encode('ascii')).hexdigest()}"
