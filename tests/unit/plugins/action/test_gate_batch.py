"""Which hosts of which plan a batch is judged by."""

from __future__ import annotations

from ansible_collections.openfleet.patch.plugins.action.gate_batch import is_for, of_earlier_batches
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.rate_control import LEFT_ALONE, RatePlan
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.turns import Between, Log

LOG = Log(RatePlan(("a", "b", "c", "d"), 2, 0, batches=True), Between())


def test_a_plan_for_other_hosts_says_nothing_about_a_batch() -> None:
    assert is_for(LOG, ["c", "d"])
    assert not is_for(LOG, ["d", "elsewhere"])


def test_only_hosts_of_earlier_batches_count_and_one_that_was_lost_before_its_turn_is_no_error() -> None:
    left_by_a_scan = {"a": "ok", "c": "unreachable", "d": "failed"}
    assert of_earlier_batches(LOG, ["a", "b"], left_by_a_scan) == {}
    assert of_earlier_batches(LOG, ["c", "d"], left_by_a_scan) == {"a": "ok", "b": LEFT_ALONE}
