# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find our answer in what a connection brought home, and believe none of it.

Login banners, terminals (``\r\n``), merged standard error and other people's output stand around the frames.
The host may lie: sizes are bounded before anything is unpacked, and types are checked before anything is used.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

PROTOCOL = 1
_MAX_DEPTH = 24
_MAX_STRING = 1024 * 1024
_MAX_LINE = 4096
_MAX_PENDING = 20000
_MAX_SECTIONS = 200
_HEAD = re.compile(r"(\d{1,12}) (\d{1,3}\.\d{1,3}\.\d{1,3}) (.{0,500})\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Reply:
    """What one exec said; every part may be missing."""

    system: dict[str, Any] | None = None
    """``kernel_name``, ``kernel``, ``arch``, ``uid``, ``os_release`` (text), ``files``, ``image``, ``managers``,
    ``reader``, ``job`` (id and ``finished`` or ``unfinished`` of the latest job of ours), ``pending`` (lines "name
    arch version" that installs of ours put there since the last boot)."""
    tried: list[str] = field(default_factory=list)
    used: str | None = None
    broke: str | None = None
    interpreter: dict[str, str] | None = None
    answer: dict[str, Any] | None = None


def one_line(text: str, limit: int = 300) -> str:
    """Text of a host for a message of ours: control characters out, whitespace folded, bounded."""
    clean = " ".join(_CONTROL.sub(" ", text[: limit * 8]).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _frame(text: str, mark: str, name: str) -> str | None:
    begin, end = f"{mark} begin {name}", f"{mark} end {name}"
    start = text.find(begin)
    if start < 0:
        return None
    stop = text.find(end, start)
    if stop < 0:
        return None
    return text[start + len(begin) : stop]


def _pairs(frame: str) -> list[tuple[str, str]]:
    pairs = []
    for line in frame.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            pairs.append((name, value[:_MAX_LINE].strip()))
    return pairs


def _system(frame: str) -> dict[str, Any]:
    system: dict[str, Any] = {"files": {}, "job": None, "pending": []}
    release: list[str] = []
    for name, value in _pairs(frame):
        if name == "os_release":
            release.append(one_line(value, 1000))
        elif name.startswith("file:"):
            system["files"][name[len("file:") :]] = one_line(value)
        elif name == "kernel":
            words = one_line(value).split(" ")
            system["kernel_name"], system["kernel"], system["arch"] = (words + ["", "", ""])[:3]
        elif name == "uid":
            system["uid"] = int(value) if re.match(r"\d{1,10}\Z", value) else None
        elif name == "managers":
            system["managers"] = one_line(value).split(" ") if value else []
        elif name == "job":
            system["job"] = one_line(value, 100).split(" ")
        elif name == "pending" and len(system["pending"]) < _MAX_PENDING:
            system["pending"].append(one_line(value, 600))
        elif name in ("image", "reader"):
            system[name] = one_line(value) or None
    system["os_release"] = "\n".join(release)
    return system


def _unpack(frame: str, limit: int) -> tuple[dict[str, str], bytes]:
    first, _newline, rest = frame.strip().partition("\n")
    head = _HEAD.match(first.strip())
    if not head:
        raise PatchError(
            "bad_answer",
            f"The answer of the host starts with {one_line(frame, 80)!r} instead of its length and interpreter.",
        )
    size = int(head.group(1))
    if size > limit:
        raise too_large(size, limit)
    try:
        packed = base64.b64decode("".join(rest.split()).encode("ascii"), validate=True)
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, limit + 1)
    except (binascii.Error, UnicodeEncodeError, ValueError, zlib.error) as error:
        raise PatchError("bad_answer", f"The answer of the host was damaged on its way: {error}.") from error
    if len(data) > limit:
        raise too_large(len(data), limit)
    if len(data) != size or not unpacker.eof:
        raise PatchError("bad_answer", f"The answer of the host was cut: {len(data)} of {size} bytes came.")
    return {"version": head.group(2), "path": one_line(head.group(3))}, data


def too_large(size: int, limit: int) -> PatchError:
    """The error for an answer over the limit, both in bytes."""
    return PatchError(
        "answer_too_large",
        f"The host sent more than {limit} bytes ({size} seen), far more than a list of packages needs. "
        "Nothing of it was used. Log in and see what writes to the output of non-interactive shells there.",
        limit=limit,
    )


def _sections(frame: str, mark: str, limit: int) -> dict[str, Any]:
    """What a reader in sh printed: ``{"NAME": {"code": 0, "text": "..."}}``, from gzip in base64 as it travels.

    A section is what stands between a line "MARK section NAME" and a line "MARK code NUMBER".
    """
    try:
        packed = base64.b64decode("".join(frame.split()).encode("ascii"), validate=True)
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, limit + 1)
    except (binascii.Error, UnicodeEncodeError, ValueError, zlib.error) as error:
        raise PatchError("bad_answer", f"The answer of the host was damaged on its way: {error}.") from error
    if len(data) > limit:
        raise too_large(len(data), limit)
    text = data.decode("utf-8", "replace")
    if not unpacker.eof or not text.endswith(f"\n{mark} complete\n"):
        raise PatchError("bad_answer", "The answer of the host was cut: the reader there did not get to its end.")
    sections: dict[str, Any] = {}
    for block in text.split(f"\n{mark} section ")[1:]:
        name, _newline, rest = block.partition("\n")
        body, ended, code = rest.partition(f"\n{mark} code ")
        number = re.match(r"(\d{1,3})\n", code)
        if not ended or number is None or name in sections or len(sections) >= _MAX_SECTIONS:
            raise PatchError("bad_answer", f"The answer of the host has a section that is not whole: {one_line(name)}.")
        sections[name] = {"code": int(number.group(1)), "text": body}
    return sections


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def check_json(value: Any, *, depth: int = 0) -> None:
    """Refuse nesting and strings that no reader of ours produces, and surrogates that no file can hold."""
    if depth > _MAX_DEPTH:
        raise PatchError("bad_answer", f"The answer of the host is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, str):
        if len(value) > _MAX_STRING:
            raise PatchError("bad_answer", f"The answer of the host has a text of {len(value)} characters.")
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise PatchError("bad_answer", "The answer of the host has text that is not Unicode.")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_json(key, depth=depth + 1)
            check_json(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_json(item, depth=depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise PatchError("bad_answer", "The answer of the host has a number beyond 64 bits.")


def read_answer(data: bytes) -> dict[str, Any]:
    """The answer of a reader, JSON in UTF-8, its members checked; ``bad_answer`` or ``protocol_mismatch`` else."""
    try:
        answer = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PatchError(
            "bad_answer", f"The reader on the host answered with something that is not JSON: {one_line(str(error))}."
        ) from error
    check_json(answer)
    if not isinstance(answer, dict):
        raise PatchError("bad_answer", f"The host answered with a {type(answer).__name__} instead of an object.")
    if answer.get("protocol") != PROTOCOL or isinstance(answer.get("protocol"), bool):
        raise PatchError(
            "protocol_mismatch",
            f"The reader on the host speaks protocol {one_line(str(answer.get('protocol')), 20)}, this collection "
            f"speaks {PROTOCOL}.",
        )
    expected = {"protocol", "ok", "result"} if answer.get("ok") is True else {"protocol", "ok", "error"}
    if answer.get("ok") not in (True, False) or set(answer) != expected:
        raise PatchError(
            "bad_answer",
            "The answer of the host is neither a result nor an error: it has the members "
            + one_line(", ".join(sorted(answer)), 120)
            + ".",
        )
    member = answer.get("result", answer.get("error"))
    if not isinstance(member, dict):
        raise PatchError(
            "bad_answer", f"The answer of the host carries a {type(member).__name__} where an object belongs."
        )
    return answer


def parse(text: str, mark: str, *, limit: int) -> Reply:
    """Everything of ours in ``text``.

    Raises ``PatchError`` ``bad_answer``, ``answer_too_large`` or ``protocol_mismatch``.
    """
    reply = Reply()
    system = _frame(text, mark, "system")
    if system is not None:
        reply.system = _system(system)
    for name, value in _pairs(_frame(text, mark, "interpreters") or ""):
        if name == "tried":
            reply.tried.append(one_line(value))
        elif name in ("used", "broke"):
            setattr(reply, name, one_line(value))
    answer = _frame(text, mark, "answer")
    if answer is not None:
        reply.interpreter, data = _unpack(answer, limit)
        reply.answer = read_answer(data)
    sections = _frame(text, mark, "sections")
    if sections is not None and reply.answer is None:
        reply.answer = {"protocol": PROTOCOL, "ok": True, "result": {"sections": _sections(sections, mark, limit)}}
    return reply
