"""Options of maintenance_window that do not go together, or go too far."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.action.maintenance_window import check
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

GOOD = {"openings": 5, "expected_minutes": 0, "reboot_reserve_minutes": 0, "record": False, "at": None}


@pytest.mark.parametrize(
    "more", [{}, {"record": True}, {"at": "2026-11-22"}, {"openings": 0}, {"expected_minutes": 1440}]
)
def test_what_makes_sense_passes(more: dict[str, Any]) -> None:
    check(GOOD | more)


def test_everything_that_makes_none_is_told_at_once() -> None:
    with pytest.raises(PatchError) as caught:
        check({**GOOD, "openings": -1, "expected_minutes": 1441, "record": True, "at": "2026-11-22"})
    assert caught.value.message == (
        "openings is -1; it must be from 0 to 1000; expected_minutes is 1441; it must be from 0 to 1440; record notes"
        " what is, and at asks what would be: use one of them"
    )
