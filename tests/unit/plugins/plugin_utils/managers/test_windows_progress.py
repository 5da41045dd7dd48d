"""Lines of progress: each step of each update once, and nothing breaks on what is not known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[5] / "tools"))

from windows_readings import streams

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_progress import Progress


def test_a_recorded_run_tells_each_step_of_each_update_once() -> None:
    progress = Progress()
    lines = [line for event in streams("full_run") for line in progress.lines([event])]
    assert len(lines) == len(set(lines)) == 8 * 4
    assert [line.split()[0] for line in lines].count("installed") == 8
    assert any(line.endswith("(KB5003171), which waits for a reboot") for line in lines)


def test_a_failure_is_told_with_its_code() -> None:
    progress = Progress()
    lines = progress.lines(streams("failed_install"))
    assert "0x80070643" in next(line for line in lines if line.startswith("not installed"))


@pytest.mark.parametrize(
    "output",
    [None, ["x"], [{"task": "install", "result": None}], [{"task": "install", "result": {}}],
     [{"task": "install_result", "result": {"info": [7]}}], [{"task": "search_result", "result": {"updates": ["x"]}}]],
)  # fmt: skip
def test_what_is_not_known_is_passed_over(output: object) -> None:
    assert Progress().lines(output) == []


def test_titles_of_a_host_cannot_write_into_a_terminal() -> None:
    progress = Progress()
    update = {"id": "a", "title": "x\n\x1b[31mfake: [host] ok"}
    progress.lines([{"task": "search_result", "result": {"updates": [update]}}])
    [line] = progress.lines([{"task": "install_result", "result": {"info": [{"id": "a", "result_code": 4}]}}])
    assert line.isprintable()
    assert line.endswith("no code")
