"""A host may say anything: there is a clear failure and nothing else, or text that stays text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from transport_play import ALL_CORES, Controller, Play, carry, inventory_of

pytestmark = pytest.mark.lab
HERE = Path(__file__).parent

TRUE = ("jinja", "html", "control")
KINDS = {
    "huge": "answer_too_large",
    "huge-number": "bad_answer",
    "bomb": "answer_too_large",
    "endless": "answer_too_large",
    "endless-noise": "answer_too_large",
    "hangs": "timed_out",
    "not-json": "bad_answer",
    "nan": "bad_answer",
    "list": "bad_answer",
    "text": "bad_answer",
    "null": "bad_answer",
    "wrong-result": "bad_answer",
    "wrong-ok": "bad_answer",
    "no-result": "bad_answer",
    "extra": "bad_answer",
    "protocol": "protocol_mismatch",
    "deep": "bad_answer",
    "abyss": "bad_answer",
    "big-number": "bad_answer",
    "surrogate": "bad_answer",
    "latin": "bad_answer",
    "cut": "bad_answer",
    "unfinished": "bad_answer",
    "not-base64": "bad_answer",
    "no-head": "bad_answer",
    "error": "{{ 1 }} [2J",
    "wrong-error": "['a']",
    "silent": "bad_answer",
    "dies": "bad_answer",
}
LIMIT = 4 * 1024 * 1024


def patience(lie: str) -> int:
    """Seconds to wait for a lie: only where waiting is the point is it short, other limits must come first."""
    return 3 if lie == "hangs" else 100


@pytest.fixture(scope="module")
def liars(host: Any) -> Any:
    folder = host.root / "opt" / "liars"
    folder.mkdir()
    source = "#!/usr/bin/python3\n" + (HERE / "guest" / "liar.py").read_text()
    for name in (*TRUE, *KINDS):
        (folder / name).write_text(source)
        (folder / name).chmod(0o755)
    yield host
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=ALL_CORES)
def lies(request: pytest.FixtureRequest, liars: Any, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """One play in which every liar answers once, and its result is shown by a template."""
    controller = Controller(request.param, tmp_path_factory.mktemp("lies"))
    hosts = {
        name: {**liars.inventory("root"), "lie": f"/opt/liars/{name}", "patience": patience(name)}
        for name in (*TRUE, *KINDS)
    }
    options = {"interpreters": ["{{ lie }}"], "seconds": "{{ patience }}", "answer_limit": LIMIT}
    told = "{{ carried.reading.result if carried is success else carried.msg }}"
    show = {"name": "show", "ansible.builtin.debug": {"msg": told}}
    return controller.play(
        inventory_of(hosts),
        [carry(options=options, register="carried", ignore_errors=True), show],
        "--forks",
        "4",
    )


@pytest.mark.parametrize("lie", KINDS)
def test_a_lie_is_a_clear_failure(lies: Play, lie: str) -> None:
    task = lies.task(lie, "carry")
    assert task.status == "failed", task.result
    assert task.kind == KINDS[lie]
    message = task.result["msg"]
    assert 20 < len(message) < 1500
    assert message.isprintable()
    assert "ansible_facts" not in task.result


@pytest.mark.parametrize("lie", KINDS)
def test_a_failure_shows_no_traceback_of_ours(lies: Play, lie: str) -> None:
    assert "Traceback" not in lies.output
    assert "Unexpected" not in lies.task(lie, "carry").result["msg"]


def test_templates_in_an_answer_stay_text(lies: Play) -> None:
    shown = lies.task("jinja", "show").result["msg"]
    assert shown["name"] == "{{ 7 * 7 }}"
    assert shown["list"] == ["{% raw %}", "{{ lookup('pipe', 'id') }}"]
    assert shown["{{ 7 * 7 }}"] == 1
    assert "uid=0(root)" not in lies.output


def test_templates_in_an_error_stay_text(lies: Play) -> None:
    assert "{{ 2 }}" in lies.task("error", "show").result["msg"]


def test_markup_stays_as_it_is(lies: Play) -> None:
    assert lies.task("html", "show").result["msg"]["name"] == "<script>alert(1)</script>"


def test_what_never_ends_is_given_up_in_time(lies: Play) -> None:
    """Three of the hosts would go on for ever; nothing but the limits ends them."""
    assert lies.seconds < 90
