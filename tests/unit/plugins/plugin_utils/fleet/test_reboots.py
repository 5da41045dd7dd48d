"""The cap on reboots in a row."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.reboots import (
    count_reboots,
    note_reboot,
    refuse_too_many,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def run(tmp_path):
    return open_run(tmp_path, now=NOW, controller_key="test")


def test_the_sixth_reboot_of_a_host_in_one_run_is_refused_and_others_are_not(run):
    for number in range(1, 6):
        assert refuse_too_many(run, "web1", most=5) == number
        note_reboot(run, "web1", {"reason": f"reason {number}"})
    with pytest.raises(PatchError, match="rebooted web1 5 times already") as refused:
        refuse_too_many(run, "web1", most=5)
    assert refused.value.kind == "too_many_reboots"
    assert refused.value.details == {"reboots": 5, "max_reboots": 5}
    assert refuse_too_many(run, "web2", most=5) == 1


def test_another_run_starts_from_nothing(run, tmp_path):
    note_reboot(run, "web1", {})
    other = open_run(tmp_path, now=NOW, controller_key="another process")
    assert (count_reboots(run, "web1"), count_reboots(other, "web1")) == (1, 0)


def test_each_reboot_is_on_record_with_its_reason_under_a_safe_name(run):
    note_reboot(run, "../web 1", {"reason": "This run installed 1 patch."})
    paths = list((run.path / "reboots").iterdir())
    assert len(paths) == 1
    entry = json.loads(paths[0].read_text())
    assert entry == {"reason": "This run installed 1 patch.", "host": "../web 1", "run_id": run.run_id}
    assert count_reboots(run, "../web 1") == 1


def test_none_allowed_is_none(run):
    with pytest.raises(PatchError, match="max_reboots is 0"):
        refuse_too_many(run, "web1", most=0)
