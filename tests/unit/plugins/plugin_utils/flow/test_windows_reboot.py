"""A reboot of Windows counts when the boot time says so."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.reboots import count_reboots
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.windows_reboot import reboot_and_prove, same_boot

BEFORE = "2026-11-01T03:00:00Z"


def ask(run: Any, after: str | None, *, most: int = 5) -> float:
    windows: Any = SimpleNamespace(reboot=lambda **_more: 12.0)
    entry = {"reason": "x", "comment": None, "at": datetime(2026, 11, 1, 4, tzinfo=timezone.utc)}
    return reboot_and_prove(
        windows,
        run,
        "win",
        before=BEFORE,
        look=lambda: after,
        entry=entry,
        option="RebootIfNeeded",
        seconds=9,
        most=most,
    )


@pytest.fixture
def run(tmp_path: Any) -> Any:
    return SimpleNamespace(path=tmp_path, run_id="r")


def test_another_boot_time_proves_a_reboot_and_each_is_noted_before(run: Any) -> None:
    assert ask(run, "2026-11-01T03:20:00Z") == 12.0
    assert count_reboots(run, "win") == 1


@pytest.mark.parametrize("after", ["2026-11-01T03:00:02Z", None])
def test_the_boot_of_before_is_no_reboot_whatever_win_reboot_says(run: Any, after: str | None) -> None:
    with pytest.raises(PatchError) as error:
        ask(run, after)
    assert error.value.kind == "did_not_go_down"


def test_a_run_reboots_a_host_so_often_and_no_more(run: Any) -> None:
    ask(run, "2026-11-01T03:20:00Z", most=1)
    with pytest.raises(PatchError) as error:
        ask(run, "2026-11-01T03:40:00Z", most=1)
    assert error.value.kind == "too_many_reboots"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (BEFORE, "2026-11-01T03:00:30Z", True),
        (BEFORE, "2026-11-01T03:02:00Z", False),
        (BEFORE, None, False),
        (None, None, False),
        (BEFORE, datetime(2026, 11, 1, 3, tzinfo=timezone.utc), True),
    ],
)
def test_a_clock_that_was_set_is_no_reboot_and_an_unknown_time_no_proof(one: Any, other: Any, same: bool) -> None:
    assert same_boot(one, other) is same
