"""Hosts of the stand-in for yum 3 (tests/fake_yum): their worlds, and programs run over them under a real Python 2."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from interpreters import find_interpreters, report

FAKE = Path(__file__).resolve().parents[1] / "fake_yum"
FLAVOURS = ("late", "tag", "el6")
# `make unit` takes the nearest to EL 7 and Amazon Linux 2 alone.
every_flavour = pytest.mark.parametrize(
    "flavour", [pytest.param(name, marks=() if name == FLAVOURS[0] else pytest.mark.slow) for name in FLAVOURS]
)
_FOUND = find_interpreters()
# What hosts with yum 3 have.
PYTHONS = {version: path for version, path in _FOUND.items() if version.startswith("2.")}
WHY_NOT = "" if PYTHONS else f"no Python 2 on this machine: {report(_FOUND)}"
_START = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {fake!r})\n"
    "f = open({program!r}, 'rb'); source = f.read(); f.close()\n"
    "exec(compile(source, 'program', 'exec'), {{'__name__': '__main__'}})"
)


def package(name: str, evr: str, arch: str = "noarch", **more: Any) -> dict[str, Any]:
    """``package("acme", "1:1.0-1")``; see tests/fake_yum/yum/_world.py for what more there is."""
    epoch, _colon, rest = evr.rpartition(":")
    version, release = rest.rsplit("-", 1)
    return {"name": name, "arch": arch, "epoch": epoch or "0", "version": version, "release": release, **more}


def repository(name: str, packages: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    address = f"http://user:secret@rpm.example/{name}"
    return {"id": name, "name": f"Lab {name}", "baseurl": address, "notices": None, "packages": list(packages), **more}


def notice(name: str, kind: str, packages: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    rows = [{key: each.get(key) for key in ("name", "arch", "epoch", "version", "release")} for each in packages]
    listed = [{"name": "", "packages": [*rows, {"name": "acme", "arch": "src", "version": "1", "release": "1"}]}]
    return {"update_id": name, "type": kind, "severity": None, "pkglist": listed, "references": [], **more}


class StandIn:
    """A host under ``root``: its world file, yum's folders, and what reads or changes it."""

    def __init__(self, root: Path, flavour: str, python: Path, **world: Any) -> None:
        self.root = root
        self.python = python
        for folder in ("cache", "persist", "plugins", "conf", "run", "tmp", "var/run", "bin"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        conf = {
            "cachedir": str(root / "cache"), "persistdir": str(root / "persist"), "logfile": str(root / "yum.log"),
            "pluginpath": [str(root / "plugins")], "pluginconfpath": [str(root / "conf")], "installroot": f"{root}/",
        }  # fmt: skip
        conf.update(world.pop("conf", {}))
        self.write({"flavour": flavour, "conf": conf, "history": [], "installed": [], "repositories": [], **world})
        (root / "bin" / "yum").write_text(
            f'#!/bin/sh\nPYTHONPATH={FAKE} exec {python} -B {FAKE}/yum_command.py "$@"\n', encoding="utf-8"
        )
        (root / "bin" / "yum").chmod(0o755)

    def write(self, world: dict[str, Any]) -> None:
        (self.root / "world.json").write_text(json.dumps(world), encoding="utf-8")

    @property
    def world(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "world.json").read_text(encoding="utf-8"))
        return found

    def change(self, **more: Any) -> None:
        self.write({**self.world, **more})

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "FAKE_YUM_WORLD": str(self.root / "world.json"),
            "TMPDIR": str(self.root / "tmp"),
        }

    def fetched(self, age: int = 60) -> None:
        """The metadata as `yum makecache` left it so many seconds ago."""
        self.run(b"", "", words=["-c", f"import sys; sys.path.insert(0, {str(FAKE)!r})\nimport yum_command as c\n"
                                       "c.makecache(c._world.load(), [])"])  # fmt: skip
        for path in (self.root / "cache").rglob("*"):
            os.utime(path, (time.time() - age, time.time() - age))

    def run(self, source: bytes, request: str, words: Iterable[str] = ()) -> Any:
        """Runs a program with ``request`` on standard input, or with ``words`` as its command line."""
        program = self.root / "program.py"
        program.write_bytes(source)
        start = list(words) or ["-c", _START.format(fake=str(FAKE), program=str(program))]
        return subprocess.run(
            [str(self.python), "-B", *start], input=request.encode(), capture_output=True,
            env=self.environment(), timeout=60, check=False,
        )  # fmt: skip

    def act(self, source: bytes, *words: str) -> Any:
        """Runs a transaction program with these words, as a step of a job does."""
        code = f"import sys; sys.argv = ['program', *WORDS]\n{_START.format(fake=str(FAKE), program='PROGRAM')}"
        code = code.replace("*WORDS", ", ".join(repr(word) for word in words)).replace(
            "'PROGRAM'", repr(str(self.root / "program.py"))
        )
        (self.root / "program.py").write_bytes(source)
        return subprocess.run(
            [str(self.python), "-B", "-c", code], capture_output=True, env=self.environment(), timeout=60, check=False
        )
