# Stands where a Python interpreter is expected and answers what its own name says.
# Called as: NAME -BESs -c STAGE MODULES TOTAL SECONDS MARK READER TABLE
import base64
import json
import os
import sys
import time
import zlib

MARK, TOTAL = sys.argv[-3], int(sys.argv[-5])
left = TOTAL
while left > 0:
    part = os.read(0, min(left, 65536))
    if not part:
        break
    left -= len(part)


def say(text):
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    while data:
        data = data[os.write(3, data) :]


def frame(head, payload, end=True):
    say(f"\n{MARK} begin answer\n{head}\n{payload}\n")
    if end:
        say(f"{MARK} end answer\n")


def packed(data):
    return base64.b64encode(zlib.compress(data, 1)).decode()


def answer(data, size=None):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    frame("{} 3.11.2 /usr/bin/python3".format(len(data) if size is None else size), packed(data))


def result(value):
    answer({"protocol": 1, "ok": True, "result": value})


def nested(levels):
    return b'{"protocol": 1, "ok": true, "result": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


def endless():
    say(f"\n{MARK} begin answer\n")
    while True:
        say("A" * 65536)


LIES = {
    "jinja": lambda: result(
        {"name": "{{ 7 * 7 }}", "list": ["{% raw %}", "{{ lookup('pipe', 'id') }}"], "{{ 7 * 7 }}": 1}
    ),
    "html": lambda: result({"name": "<script>alert(1)</script>"}),
    "control": lambda: result({"name": "a\x1b[2J\x07\u202eb\r\nc"}),
    "huge": lambda: frame("9000000 3.11.2 /usr/bin/python3", "A" * 9000000),
    "huge-number": lambda: frame("99999999999999 3.11.2 /usr/bin/python3", "AAAA"),
    "bomb": lambda: answer(b" " * 40000000, size=1000),
    "endless": endless,
    "endless-noise": lambda: [os.write(2, b"noise\n" * 10000) for _each in iter(int, 1)],
    "hangs": lambda: time.sleep(600),
    "not-json": lambda: answer(b"<html><b>It works!</b></html>"),
    "nan": lambda: answer(b'{"protocol": 1, "ok": true, "result": {"a": NaN}}'),
    "list": lambda: answer([1, 2, 3]),
    "text": lambda: answer(b'"{{ 7 * 7 }}"'),
    "null": lambda: answer(b"null"),
    "wrong-result": lambda: result(["a"]),
    "wrong-ok": lambda: answer({"protocol": 1, "ok": "yes", "result": {}}),
    "no-result": lambda: answer({"protocol": 1, "ok": True}),
    "extra": lambda: answer({"protocol": 1, "ok": True, "result": {}, "ansible_facts": {"a": 1}}),
    "protocol": lambda: answer({"protocol": 2, "ok": True, "result": {}}),
    "deep": lambda: answer(nested(100)),
    "abyss": lambda: answer(nested(200000)),
    "big-number": lambda: answer(b'{"protocol": 1, "ok": true, "result": {"a": 1' + b"0" * 4000 + b"}}"),
    "surrogate": lambda: answer(b'{"protocol": 1, "ok": true, "result": {"a": "\\ud800"}}'),
    "latin": lambda: answer('{"protocol": 1, "ok": true, "result": {"a": "é"}}'.encode("latin-1")),
    "cut": lambda: frame("100 3.11.2 /usr/bin/python3", packed(b"{}")),
    "unfinished": lambda: frame("2 3.11.2 /usr/bin/python3", packed(b"{}"), end=False),
    "not-base64": lambda: frame("2 3.11.2 /usr/bin/python3", "*** nothing ***"),
    "no-head": lambda: frame("hello", ""),
    "error": lambda: answer(
        {"protocol": 1, "ok": False, "error": {"kind": "{{ 1 }}\x1b[2J", "message": "<b>{{ 2 }}\x1b[2J\n"}}
    ),
    "wrong-error": lambda: answer({"protocol": 1, "ok": False, "error": {"kind": ["a"], "message": {"b": 1}}}),
    "silent": lambda: None,
    "dies": lambda: os._exit(3),
}
LIES[os.path.basename(sys.argv[0])]()
