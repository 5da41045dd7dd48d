# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the managed host under Python 2.6 or later: hands the request to one reader and frames its answer.

``stage.py`` executes this text with ``BODY`` (loader, request and readers in one run of bytes) in its globals;
``sys.argv`` is ``-c``, modules, total, seconds, mark, reader name, table of ``name:start:size``.
"""
import binascii
import fcntl
import os
import signal
import sys
import time
import zlib

ANSWER = 3
PART_END = b"\n\f\n"
SECONDS_FOR_THE_LAST_BYTES = 10


def section(body, table, wanted):
    for row in table.split():
        name, start, size = row.split(":")
        if name == wanted:
            return body[int(start):int(start) + int(size)]
    raise LookupError("no section %s in %s" % (wanted, table))


def close_on_exec(descriptor):
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)


def collect(descriptor, parts, ended):
    while True:
        part = os.read(descriptor, 65536)
        if not part:
            ended.append(True)
            return
        parts.append(part)


def failure(kind, message):
    import json
    import traceback
    answer = {"protocol": 1, "ok": False,
              "error": {"kind": kind, "message": message, "traceback": traceback.format_exc()}}
    return json.dumps(answer).encode("utf-8")


def execute(source, name, names):
    """Compiles and executes a text part by part: all at once would touch three times the memory and take longer."""
    inherited = 0
    for number, part in enumerate(source.split(PART_END)):
        code = compile(part, "%s, part %d" % (name, number + 1), "exec", inherited)
        # What the first part takes from the future counts for all; Python 3 has nothing to take.
        inherited = inherited or (code.co_flags & 0x1e000 if sys.version_info[0] < 3 else 0)
        exec(code, names)


def run(source, request, name):
    """Executes a reader that writes its answer to descriptor 1; returns the bytes of that answer."""
    read_end, write_end = os.pipe()
    close_on_exec(read_end)
    os.dup2(write_end, 1)
    os.close(write_end)
    parts, ended = [], []
    # The module threading costs milliseconds to import, and a scan has few.
    __import__("_thread" if sys.version_info[0] > 2 else "thread").start_new_thread(collect, (read_end, parts, ended))
    trouble = None
    try:
        execute(source, name + "_reader", {"__name__": "__main__", "REQUEST": request})
    except SystemExit:
        pass
    except BaseException:
        trouble = failure("reader_crashed", "the %s reader stopped: %r" % (name, sys.exc_info()[1]))
    os.dup2(2, 1)
    deadline = time.time() + SECONDS_FOR_THE_LAST_BYTES
    while trouble is None and not ended and time.time() < deadline:
        time.sleep(0.0005)
    answer = parts and parts[0][:0].join(parts)
    return trouble or answer or failure("reader_silent", "the %s reader ended without an answer" % name)


def send(mark, answer):
    packed = binascii.b2a_base64(zlib.compress(answer, 1)).decode("ascii").strip()
    head = "%d %d.%d.%d %s" % (len(answer), sys.version_info[0], sys.version_info[1], sys.version_info[2],
                               sys.executable)
    left = ("\n%s begin answer\n%s\n%s\n%s end answer\n" % (mark, head, packed, mark)).encode("utf-8")
    while left:
        left = left[os.write(ANSWER, left):]


def main(body, seconds, mark, reader, table):
    # The controller gives up after this time; nobody would be left to read the answer.
    signal.alarm(seconds)
    close_on_exec(ANSWER)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        answer = run(section(body, table, reader), section(body, table, "request"), reader)
    except Exception:
        answer = failure("loader_failed", repr(sys.exc_info()[1]))
    send(mark, answer)


if __name__ == "__main__":
    main(globals()["BODY"], int(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6])
    # The answer is out. Taking a package cache apart object by object costs milliseconds and serves nobody.
    os._exit(0)
