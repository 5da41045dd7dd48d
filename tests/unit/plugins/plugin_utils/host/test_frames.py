"""What comes home from a host is found among noise, bounded and checked."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import frames

MARK = "openfleet-0123456789abcdef"
SYSTEM = (
    f"\n{MARK} begin system\nkernel=Linux 6.1.0 x86_64\nuid=0\n"
    'os_release=ID=debian\nos_release=PRETTY_NAME="Debian GNU/Linux 12"\n'
    f"file:/etc/debian_version=12.15\nimage=\nmanagers=apt-get\nreader=apt\n{MARK} end system\n"
)


def answer_text(value: Any, *, size: int | None = None, head: str | None = None) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    packed = base64.b64encode(zlib.compress(data)).decode()
    head = head or f"{len(data) if size is None else size} 3.11.2 /usr/bin/python3"
    return f"{MARK} begin answer\n{head}\n{packed}\n{MARK} end answer\n"


def good(result: Any) -> dict[str, Any]:
    return {"protocol": 1, "ok": True, "result": result}


def kind_of(text: str, limit: int = 10_000) -> str:
    with pytest.raises(PatchError) as caught:
        frames.parse(text, MARK, limit=limit)
    assert caught.value.message.isprintable()
    return caught.value.kind


def test_nothing_of_ours_is_an_empty_reply() -> None:
    assert frames.parse("Welcome!\n", MARK, limit=1000) == frames.Reply()


def test_the_system_is_read_line_by_line() -> None:
    system = frames.parse(SYSTEM, MARK, limit=1000).system
    assert system is not None
    assert (system["kernel_name"], system["kernel"], system["arch"], system["uid"]) == ("Linux", "6.1.0", "x86_64", 0)
    assert system["os_release"] == 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"'
    assert system["files"] == {"/etc/debian_version": "12.15"}
    assert (system["image"], system["managers"], system["reader"]) == (None, ["apt-get"], "apt")


def test_a_terminal_and_noise_around_the_frames_change_nothing() -> None:
    text = SYSTEM + answer_text(good({"a": "é"}))
    noisy = "Last login: today\r\nBECOME\r\n" + text.replace("\n", "\r\n") + "\r\nConnection closed\r\n"
    assert frames.parse(noisy, MARK, limit=1000) == frames.parse(text, MARK, limit=1000)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_every_result_comes_home_as_it_left(value: Any) -> None:
    reply = frames.parse(answer_text(good({"value": value})), MARK, limit=100_000)
    assert reply.answer == good({"value": value})
    assert reply.interpreter == {"version": "3.11.2", "path": "/usr/bin/python3"}


@given(st.text())
def test_any_text_is_an_empty_reply_or_a_patch_error(noise: str) -> None:
    for text in (noise, f"{MARK} begin answer{noise}{MARK} end answer", f"{MARK} begin system{noise}{MARK} end system"):
        # Anything but a PatchError would come out here.
        with contextlib.suppress(PatchError):
            assert frames.parse(text, MARK, limit=1000).answer is None


def test_an_interpreter_path_with_spaces_is_kept() -> None:
    text = answer_text(good({}), head="41 2.7.18 /opt/my python/bin/python")
    assert frames.parse(text, MARK, limit=1000).interpreter == {
        "version": "2.7.18",
        "path": "/opt/my python/bin/python",
    }


def test_the_limit_holds_for_the_stated_and_for_the_real_size() -> None:
    big = good({"a": "x" * 5000})
    assert kind_of(answer_text(big), limit=1000) == "answer_too_large"
    assert kind_of(answer_text(big, size=10), limit=1000) == "answer_too_large"
    assert frames.parse(answer_text(big), MARK, limit=6000).answer == big


@pytest.mark.parametrize("size", [0, 1, 38, 40, 10_000])
def test_a_size_that_does_not_match_is_a_cut_answer(size: int) -> None:
    assert kind_of(answer_text(good({}), size=size)) == "bad_answer"


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b'{"protocol": 1}',
        b'{"protocol": 1, "ok": 1, "result": {}}',
        b'{"protocol": 1, "ok": true, "result": []}',
        b'{"protocol": 1, "ok": false, "result": {}}',
        b'{"protocol": 1, "ok": true, "result": {}, "error": {}}',
        b'{"protocol": 1, "ok": true, "result": {"a": NaN}}',
        b'{"protocol": 1, "ok": true, "result": {"a": -Infinity}}',
        b'{"protocol": 1, "ok": true, "result": {"\\ud800": 1}}',
        b'{"protocol": 1, "ok": true, "result": {"a": 18446744073709551616}}',
        b'{"protocol": 1, "ok": true, "result": {"a": "\xff"}}',
        b'{"protocol": 1, "ok": true, "result": {"a": ' + b"[" * 30 + b"]" * 30 + b"}}",
    ],
)
def test_what_no_reader_sends_is_a_bad_answer(data: bytes) -> None:
    assert kind_of(answer_text(data)) == "bad_answer"


@pytest.mark.parametrize("protocol", [0, 2, "1", None, True, [1], "{{ 7 * 7 }}"])
def test_another_protocol_is_named_as_such(protocol: Any) -> None:
    assert kind_of(answer_text({"protocol": protocol, "ok": True, "result": {}})) == "protocol_mismatch"


@pytest.mark.parametrize("payload", ["", "*", "AAAA", "é", "A" * 5000])
def test_what_cannot_be_unpacked_is_a_bad_answer(payload: str) -> None:
    assert kind_of(f"{MARK} begin answer\n2 3.11.2 python\n{payload}\n{MARK} end answer") == "bad_answer"


def test_one_line_takes_control_characters_out_and_is_bounded() -> None:
    assert frames.one_line("a\x1b[2J\r\n\tb\u202e  c") == "a [2J b c"
    assert len(frames.one_line("x" * 10_000, 50)) == 50
    assert frames.one_line("{{ a }}") == "{{ a }}"


def sectioned(text: str, *, cut: int = 0) -> str:
    packed = base64.encodebytes(gzip.compress(text.encode())).decode()
    return f"noise\n{MARK} begin sections\n{packed[: len(packed) - cut]}\n{MARK} end sections\n"


SECTIONS = (
    f"\n{MARK} section one\nfirst\n\nlast\n{MARK} code 0\n\n{MARK} section two\n\n{MARK} code 127\n\n{MARK} complete\n"
)


def test_sections_of_a_reader_in_sh_come_with_their_text_and_exit_code() -> None:
    reply = frames.parse(sectioned(SECTIONS).replace("\n", "\r\n"), MARK, limit=10**6)
    assert reply.answer == {
        "protocol": 1, "ok": True,
        "result": {"sections": {"one": {"code": 0, "text": "first\n\nlast"}, "two": {"code": 127, "text": ""}}},
    }  # fmt: skip
    assert reply.interpreter is None


@pytest.mark.parametrize(
    "text",
    [
        sectioned(SECTIONS, cut=20),
        sectioned(SECTIONS.replace("complete", "compleat")),
        sectioned(SECTIONS.replace(f"{MARK} code 0", "")),
        sectioned(SECTIONS.replace("section two", "section one")),
        f"{MARK} begin sections\nH4sI\n{MARK} end sections\n",
    ],
    ids=["cut", "not complete", "no code", "twice", "rubbish"],
)
def test_sections_that_are_not_whole_are_refused(text: str) -> None:
    with pytest.raises(PatchError) as caught:
        frames.parse(text, MARK, limit=10**6)
    assert caught.value.kind == "bad_answer"


def test_sections_over_the_limit_are_refused_before_they_are_unpacked_whole() -> None:
    with pytest.raises(PatchError) as caught:
        frames.parse(sectioned("x" * 10**6), MARK, limit=1000)
    assert caught.value.kind == "answer_too_large"
