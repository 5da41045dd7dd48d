# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a job are called, whatever the package manager; its log and its documents are read by these."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.changes import Target

INSTALL, BACK = "install ", "take back "


def install_title(targets: Sequence[Target]) -> str:
    """``install acme 1.0-2``, ``install 3 packages, acme to zebra``"""
    return f"{INSTALL}{_what(targets, targets[0].version)}"


def back_title(targets: Sequence[Target]) -> str:
    """As ``install_title``, with the versions that go."""
    return f"{BACK}{_what(targets, targets[0].installed_version)}"


def _what(targets: Sequence[Target], version: str | None) -> str:
    if len(targets) == 1:
        return f"{targets[0].name} {version or ''}".rstrip()
    return f"{len(targets)} packages, {targets[0].name} to {targets[-1].name}"
