# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First part of every reader: takes one request, answers with one JSON object, and what all parts need.

Runs on the managed host, under the interpreter of its own distribution, as source text that nobody installed: the
controller joins the parts of a reader (READER_PARTS in host/payload.py) to one text, in which a part uses the names of
those before it. Standard library and one native library only, the dialect of Python 2.6 to the newest; this part
alone has the __future__ line, which counts for all. Modules that only some runs need are imported where they are used:
together they would cost as much time as the reading itself.
"""

from __future__ import absolute_import, division, print_function

import fcntl
import json
import os
import sys
import time

PROTOCOL = 1


class ReaderError(Exception):
    """An answer for people: a stable kind and a message that says what to do."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


def read_text(path, limit=65536):
    """The text of a small file, or None where there is none or it may not be read."""
    try:
        with open(path, 'rb') as handle:
            return handle.read(limit).decode('utf-8', 'replace')
    except (IOError, OSError):
        return None


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def utc(seconds):
    """1700000000 -> 2023-11-14T22:13:20Z"""
    if seconds is None:
        return None
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def text_of(value):
    """JSON-ready text whatever the interpreter hands out."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    return value


def text_at(thing, name):
    """An attribute that a native library decodes; None where its bytes are no text."""
    try:
        return text_of(getattr(thing, name, None)) or None
    except UnicodeDecodeError:
        return None


def error_text(error):
    """What an exception says; yum's carry a list of texts now and then, and texts that str() cannot turn to bytes."""
    value = getattr(error, 'value', None)
    words = []
    for each in value if isinstance(value, list) else [error if value is None else value]:
        try:
            words.append(text_of(each if hasattr(each, 'strip') else str(each)))
        except UnicodeError:
            words.append(text_of(repr(each)))
    return '; '.join(words)


def take_stdout():
    """Descriptor 1 belongs to the answer: whatever else prints goes to descriptor 2."""
    keep = os.dup(1)
    fcntl.fcntl(keep, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    os.dup2(2, 1)
    return os.fdopen(keep, 'wb')


def answer_one(operations, request_bytes):
    try:
        if request_bytes is None:
            request_bytes = os.fdopen(0, 'rb', closefd=False).read() if sys.version_info[0] > 2 else sys.stdin.read()
        request = json.loads(request_bytes.decode('utf-8'))
        operation = operations.get(request.get('op'))
        if operation is None:
            raise ReaderError('bad_request', 'unknown operation {0!r}'.format(request.get('op')))
        return {'ok': True, 'result': operation(request)}
    except Exception as error:
        import traceback
        return {'ok': False, 'error': {'kind': getattr(error, 'kind', 'reader_failed'),
                                       'message': type(error).__name__ + ': ' + error_text(error),
                                       'traceback': text_of(traceback.format_exc())[-8000:]}}


def main(operations, request_bytes=None):
    out = take_stdout()
    answer = dict(answer_one(operations, request_bytes), protocol=PROTOCOL)
    out.write(json.dumps(answer).encode('utf-8'))
    out.close()
