"""When metadata of rpm systems is refreshed, and how long that waits for others, whatever is done to the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import script

PARTS = ("reader_protocol.py", "run_workspace.py", "rpm_system.py")


@pytest.fixture
def begin_refresh() -> Callable[..., tuple[dict[str, Any], bool]]:
    names: dict[str, Any] = {}
    for part in PARTS:
        exec(compile(script(part), part, "exec"), names)
    found: Callable[..., tuple[dict[str, Any], bool]] = names["begin_refresh"]
    return found


@pytest.mark.parametrize(
    ("ages", "due"), [([5, 3000], False), ([5, 4000], True), ([5, -30], False), ([5, -86400], True), ([5, None], True)]
)
def test_metadata_is_young_only_when_it_is_from_within_the_limit(
    begin_refresh: Callable[..., tuple[dict[str, Any], bool]], ages: list[int | None], due: bool
) -> None:
    times = [None if age is None else time.time() - age for age in ages]
    result, wanted = begin_refresh({"metadata_max_age": 3600}, times, lambda: None, "dnf")
    assert (wanted, result["attempted"]) == (due, due)


def test_a_clock_that_is_set_back_makes_no_wait_longer(
    begin_refresh: Callable[..., tuple[dict[str, Any], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, looks = time.time(), []
    monkeypatch.setattr(time, "time", lambda: wall - 3600 * len(looks))
    monkeypatch.setattr(time, "sleep", looks.append)
    seconds = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    holder = {"pid": 7, "name": "dnf", "file": "/x"}
    result, wanted = begin_refresh({"lock_timeout": 5}, [None], lambda: holder, "dnf")
    assert (wanted, result["ok"], len(looks)) == (False, False, 4)
    assert result["errors"] == ["dnf is locked by dnf (pid 7); waited 6 s"]
