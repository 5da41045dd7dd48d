# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when the delay of a patch counts, and by which clock.

``vendor`` is Patch Manager's way (user guide, release dates): the date of the notice, and the build time of the
package where a rule takes patches that are no security updates. The other clocks are ours, for vendors and
repositories that publish no dates.
"""

from __future__ import annotations

from dataclasses import dataclass

from .candidates import Candidate, Notice

VENDOR = "vendor"
VENDOR_ELSE_FIRST_SEEN = "vendor_else_first_seen"
REPOSITORY = "repository"
FIRST_SEEN = "first_seen"
DELAY_CLOCKS = (VENDOR, VENDOR_ELSE_FIRST_SEEN, REPOSITORY, FIRST_SEEN)
LEDGER_CLOCKS = frozenset(DELAY_CLOCKS) - {VENDOR}
"""Those that need what earlier scans saw: the repository's date is the earliest one that a version was seen under."""
BUILD_TIME = "build_time"
SOURCES = (VENDOR, BUILD_TIME, REPOSITORY, FIRST_SEEN)


@dataclass(frozen=True)
class Counted:
    """The instant (microseconds) that a delay counts from, and which of ``SOURCES`` tells it."""

    instant: int
    source: str


def counted_from(
    candidate: Candidate, notice: Notice, *, clock: str, windows: bool, non_security: bool
) -> Counted | None:
    """None where the clock knows no date; ``non_security``: whether the rule takes more than security updates."""
    released = _counted(notice.released, VENDOR)
    if clock == FIRST_SEEN:
        return _counted(candidate.first_seen, FIRST_SEEN)
    if clock == VENDOR_ELSE_FIRST_SEEN:
        return released or _counted(candidate.first_seen, FIRST_SEEN)
    built = _counted(candidate.build_time, BUILD_TIME)
    if clock == REPOSITORY:
        return released or built or _counted(candidate.repository_date, REPOSITORY)
    if windows:
        # A missing update date is 1970-01-01: any delay is over.
        return released or Counted(0, VENDOR)
    return released or (built if non_security else None)


def _counted(instant: int | None, source: str) -> Counted | None:
    return None if instant is None else Counted(instant, source)
