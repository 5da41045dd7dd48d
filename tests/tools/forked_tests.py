"""Runs of pytest one after the other, each in a process that begins with pytest and its like loaded already.

As a program: reads a JSON list of pytest's arguments per line, and answers each by a line with code and output. What
the tests import of the tree that they are in is imported anew by each run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MOST_SECONDS = 300


class ForkedTests:
    """The runs in one tree; ``environment`` is all that they know of their surroundings."""

    def __init__(self, tree: Path, environment: Mapping[str, str]) -> None:
        self._program = subprocess.Popen(
            [sys.executable, __file__], cwd=tree, env=dict(environment), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, arguments: list[str]) -> tuple[int, str]:
        """Exit code and output of one run; a run that dies of a signal has the signal's negative number."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(arguments) + "\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        if not line:
            raise RuntimeError("the program that runs the tests has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer["code"], answer["output"]

    def close(self) -> None:
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait(timeout=60)
        if self._program.stdout is not None:
            self._program.stdout.close()


def _forked(arguments: list[str]) -> dict[str, Any]:
    import pytest

    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            # Code with a guard taken out may never end.
            signal.alarm(_MOST_SECONDS)
            code = int(pytest.main(arguments))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _pid, status = os.waitpid(child, 0)
        output.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "output": output.read().decode("utf-8", "replace")}


def main() -> None:
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")
    import ansible.plugins.action
    import hypothesis.strategies
    import jsonschema

    del ansible, hypothesis, jsonschema
    for line in sys.stdin:
        sys.__stdout__.write(json.dumps(_forked(json.loads(line))) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    main()
